"""The page of messages: how it is, sending, schedules, chats and invites, for those who may."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from smetka.telegram.delivery import FAILED, HELD
from smetka.telegram.invites import Invites
from smetka.telegram.state import Health, beat
from smetka.telegram.tally import MARGIN
from tests.fixtures.clock import NOW
from tests.fixtures.web import BOT
from tests.web.browsing import Browser

pytestmark = pytest.mark.shop(shared=True, **BOT)

MARKUP = "<script>alert('x')</script> & <b>co</b>"


class Visitor:
    """Somebody at the page of messages, with a key or none, to whom everything is answered as expected."""

    def __init__(self, shop, role=None):
        self.browser = Browser(shop, role)

    def get(self, path="/messages", status=200):
        reply = self.browser.get(path)
        assert reply.status_code == status, reply.text
        return reply.text

    def post(self, path="/messages", *, status=303, **typed):
        """Send a form as the page has it; the text of the page it leads to, or of the answer."""
        reply = self.browser.post(path, typed, "/messages")
        assert reply.status_code == status, reply.text
        return self.get(reply.headers["Location"]) if status == 303 else reply.text

    @property
    def once(self):
        return re.search(r'name="once" value="([0-9a-f]{32})"', self.get())[1]


@pytest.fixture
def visitor(shop):
    return Visitor(shop)


def told(page):
    """What the page before left to be told, as people read it."""
    return words(re.search(r'<p class="told" role="status">(.*?)</p>', page, re.DOTALL)[1])


def words(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page))).strip()


def section(page, name):
    """A section of the page, by the id of its heading."""
    return re.search(rf'<section [^>]*aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)[1]


def fault(page, field):
    """What stands beside a field about its fault."""
    (shown,) = re.findall(
        rf'<div class="field wrong">(?:(?!</div>).)*(?:id)="{field}".*?<strong>(.*?)</strong>',
        page,
        re.DOTALL,
    )
    return words(shown)


def queue(shop, kind="shop", chats=(111,), name="a report", report=None, **more):
    report = report or shop.services.figures.shop(2026)
    return shop.services.outbox.queue(name, kind, report, chats, **more)


def settle(shop, delivery_id, state, **fields):
    outbox = shop.services.outbox
    assert outbox.settle(outbox.claim(outbox.get(delivery_id), "me"), state, **fields)


def queued(shop):
    return sorted((d.chat, d.kind, d.report["year"] or 0) for d in shop.services.outbox.newest(100))


# --- how it is ----------------------------------------------------------------------------------


def test_without_a_bot_it_says_what_to_ask_for_and_shows_the_rest(make_shop):
    page = Visitor(make_shop(telegram_bot_token=None)).get()

    state = words(section(page, "state"))
    assert "SMETKA_TELEGRAM_BOT_TOKEN" in state
    assert "SMETKA_TELEGRAM_CHAT_IDS" in state
    assert "Telegram works" not in state
    assert "There is no schedule yet." in page
    assert "No message was sent yet." in page
    assert 'value="send"' not in page
    assert 'value="preview"' in page


def test_it_says_how_worker_and_telegram_are_and_how_many_messages_there_are(shop, visitor):
    silent = words(section(visitor.get(), "state"))
    assert "No worker has run yet." in silent
    queue(shop, chats=[111, 222])
    beat(
        shop.services.storage,
        name="worker",
        telegram=Health(ok=False, detail="Telegram cannot be reached: no connection."),
        now=NOW,
        deliveries={"delivered": 1234, "queued": 99},
    )

    state = words(section(visitor.get(), "state"))

    assert "Sending works Telegram" in state
    assert "Telegram does not work Telegram cannot be reached: no connection." in state
    assert "waits to be sent: 2" in state
    assert "delivered: 1,234" in state
    assert "failed: 0" in state


def test_what_was_delivered_since_the_worker_counted_is_counted_too(shop, visitor):
    outbox = shop.services.outbox
    before, at, after, waits = queue(shop, chats=[111, 222, 333, 444])
    for delivery_id, time in ((before, -1), (at, 0), (after, 1)):
        shop.services.storage.collection("deliveries").update_one(
            {"_id": delivery_id},
            {"$set": {"state": "delivered", "updated_at": NOW + timedelta(seconds=time)}},
        )
    shop.services.now.time = NOW + MARGIN
    delivered, counted_at = outbox.delivered()
    shop.services.now.time = NOW
    assert (delivered, counted_at, outbox.counts()["queued"]) == (1, NOW, 1)
    telegram = Health(ok=True, detail="Telegram is reachable.")
    beat(
        shop.services.storage,
        name="worker",
        telegram=telegram,
        now=NOW,
        deliveries={"delivered": delivered},
        counted_at=counted_at,
    )

    assert "delivered: 3" in words(section(visitor.get(), "state"))
    settle(shop, waits, "delivered", delivered_at=NOW)
    assert "delivered: 4" in words(section(visitor.get(), "state"))


@pytest.mark.shop(shared=False)
def test_with_mongodb_away_the_page_is_there_all_the_same(shop, visitor):
    visitor.get()
    shop.services.storage.close()

    page = visitor.get()

    assert page.count("MongoDB, where messages are kept, cannot be reached") == 4
    assert '<th scope="row">111</th>' in section(page, "chats")
    assert "Take the role away" not in page
    preview = visitor.post(do="preview", once="0" * 32, send_year="2026", status=200)
    assert "Average spending by age" in section(preview, "send")
    assert "cannot be reached" in visitor.post(do="send", once="0" * 32, status=503)


# --- who may what -------------------------------------------------------------------------------

POSTS = [
    ("/messages", {"do": "send", "once": "0" * 32}),
    ("/messages", {"do": "preview", "once": "0" * 32}),
    ("/messages", {"do": "invite", "role": "reader"}),
    ("/messages", {"do": "schedule", "kind": "shop", "time": "0 9 * * *"}),
    ("/messages/chats", {"do": "mk", "chat": "111"}),
    ("/messages/deliveries", {"do": "cancel", "id": "none"}),
    ("/messages/schedules", {"do": "remove", "name": "none"}),
]


@pytest.mark.shop(shared=False)
@pytest.mark.parametrize(("path", "typed"), POSTS)
def test_a_reader_changes_nothing(shop, path, typed):
    reply = Browser(shop, "reader").post(path, typed, "/messages")

    assert reply.status_code == 403
    assert "/problems/not-allowed" in reply.text or "role" in reply.text
    assert shop.count("deliveries") == shop.count("schedules") == shop.count("invites") == 0


@pytest.mark.shop(shared=False)
def test_a_reader_sees_the_lists_and_no_buttons(shop):
    (delivery_id,) = queue(shop)
    shop.services.schedules.add("shop", "0 9 * * *")
    shop.services.chats.pair(333, 333, "reader")
    reader = Visitor(shop, "reader")

    for page in (reader.get(), reader.get(f"/messages/{delivery_id}")):
        assert "<form" not in page.replace('<form method="post" action="/sign-out"', "")
        assert "<button" not in re.sub(r'<form method="post" action="/sign-out">.*?</form>', "", page)
    assert "The shop" in section(reader.get(), "deliveries")
    assert "every day at 9:00" in section(reader.get(), "schedules")
    assert "333" in section(reader.get(), "chats")


@pytest.mark.shop(shared=False)
def test_a_cashier_does_not_see_it(shop):
    Visitor(shop, "cashier").get(status=403)


@pytest.mark.parametrize(("path", "typed"), POSTS)
def test_a_form_without_its_proof_does_nothing(shop, visitor, path, typed):
    visitor.get()
    for proof in ({}, {"form": "0" * 64}):
        reply = visitor.browser.client.post(path, data=typed | proof)
        assert (reply.status_code, reply.json["type"]) == (403, "/problems/form-expired")
    assert shop.count("deliveries") == shop.count("schedules") == shop.count("invites") == 0


@pytest.mark.parametrize(
    ("path", "typed"),
    [(path, {**typed, "do": "something"}) for path, typed in POSTS[3:]]
    + [("/messages", {"do": "send", "once": "mine"}), ("/messages/chats", {"do": "mk", "chat": "; drop"})],
)
def test_a_form_that_no_page_has_does_nothing(shop, visitor, path, typed):
    visitor.post(path, **typed, status=400)

    assert shop.count("deliveries") == shop.count("schedules") == shop.count("chats") == 0


# --- chats --------------------------------------------------------------------------------------


def test_chats_of_the_settings_and_others_are_listed(shop, visitor):
    chats = shop.services.chats
    chats.pair(-1001234567890, 5, "reader", "mk")
    chats.pause(111, "Forbidden: bot was blocked by the user")
    chats.moved(222, -100222)

    shown = words(section(visitor.get(), "chats"))

    assert "111 private manager yes English paused Forbidden: bot was blocked by the user" in shown
    assert "222 private manager yes English moved to -100222" in shown
    assert "-1001234567890 group reader no Macedonian" in shown


def test_a_chats_language_is_switched(shop, visitor):
    page = visitor.post("/messages/chats", do="mk", chat="111")

    assert told(page) == "The chat 111 is written to in Macedonian from now on."
    assert shop.services.chats.get(111).language == "mk"
    assert "Switch to English" in section(page, "chats")
    visitor.post("/messages/chats", do="en", chat="111")
    assert shop.services.chats.get(111).language == "en"


def test_a_paused_chat_is_written_to_again(shop, visitor):
    shop.services.chats.pause(111, "The bot was blocked.")
    assert 'aria-label="Write again: 111"' in visitor.get()

    assert "Write again" not in visitor.post("/messages/chats", do="resume", chat="111")
    assert shop.services.chats.get(111).paused is None


@pytest.mark.shop(shared=False)
@pytest.mark.parametrize("language", ["en", "mk"])
def test_topics_and_chats_that_are_tried_again_are_listed_and_resumed(shop, language):
    visitor = Visitor(shop, "manager")
    visitor.get(f"/messages?lang={language}")
    chats, topic = shop.services.chats, "-1001234567890:77"
    chats.pause_topic(topic, "The topic is closed.")
    chats.pause_topic(-1001234567890, "The topic is closed.")
    again = datetime(2026, 11, 23, 18, 20, 31, tzinfo=UTC)
    chats.rest(111, "Bad Request: have no rights to send a message", since=again, again_at=again)

    shown = words(section(visitor.get(), "chats"))
    if language == "en":
        assert f"{topic} group – no English paused The topic is closed." in shown
        assert "111 private manager yes English paused Bad Request: have no rights to send a message" in shown
        assert "Next attempt: 23.11.2026 19:20." in shown
    else:
        assert "Темата е затворена." in shown
        assert "Ботот нема право да пишува во разговорот. Следен обид: 23.11.2026 19:20." in shown
    assert ":1 " not in shown
    visitor.post("/messages/chats", do="resume", chat=topic)
    assert chats.get(topic).paused is None
    chats.pause(topic, "The bot was taken out of the group.")
    chats.pause_topic(topic, "The topic is closed.")
    visitor.post("/messages/chats", do="resume", chat=topic)
    assert chats.get(topic).paused == "The bot was taken out of the group."
    visitor.post("/messages/chats", do="resume", chat=topic)
    assert chats.get(topic).paused is None


def test_a_role_is_taken_away(shop, visitor):
    shop.services.chats.pair(333, 333, "reader")

    page = visitor.post("/messages/chats", do="unpair", chat="333")

    assert told(page) == "The chat 333 has no role from an invite any more."
    assert shop.services.chats.get(333).role is None
    assert "Take the role away" not in page


@pytest.mark.shop(shared=False)
def test_an_owners_role_is_taken_away_by_owners_only(shop):
    shop.services.chats.pair(333, 333, "owner")
    manager, owner = Visitor(shop, "manager"), Visitor(shop, "owner")

    assert "Take the role away" not in manager.get()
    manager.post("/messages/chats", do="unpair", chat="333", status=403)
    assert shop.services.chats.get(333).role == "owner"
    owner.post("/messages/chats", do="unpair", chat="333")
    assert shop.services.chats.get(333).role is None


def test_only_listed_chats_are_changed(shop, visitor):
    visitor.post("/messages/chats", do="mk", chat="444", status=404)

    assert shop.count("chats") == 0


# --- invites ------------------------------------------------------------------------------------


def test_an_invites_code_is_told_once_and_works(shop, visitor):
    page = visitor.post(do="invite", role="reader", language="mk", hours="2")

    (code,) = re.findall(r"<code>/start ([\w-]+)</code>", page)
    assert "the role reader. It works until 23.11.2026 20:20." in told(page)
    assert code not in visitor.get()
    invite = shop.services.invites.use(code, mark="a test")
    assert (invite.role, invite.language) == ("reader", "mk")
    later = Invites(shop.services.storage, now=lambda: NOW + timedelta(hours=2))
    assert not later.among([code], mark="another")


@pytest.mark.parametrize("hours", ["745", "two"])
def test_wrong_hours_are_told_beside_the_field(shop, visitor, hours):
    page = visitor.post(do="invite", role="manager", hours=hours, status=422)

    assert fault(page, "hours") == "must be a whole number from 1 to 744"
    assert f'value="{hours}"' in page
    assert '<option value="manager" selected>' in page
    assert shop.count("invites") == 0


@pytest.mark.shop(shared=False)
def test_a_manager_makes_no_owner(shop):
    manager = Visitor(shop, "manager")

    assert '<option value="owner"' not in manager.get()
    page = manager.post(do="invite", role="owner", status=422)
    assert fault(page, "role") == "must be one of reader, cashier, manager"
    assert shop.count("invites") == 0
    assert "<code>/start" in manager.post(do="invite", role="manager")


@pytest.mark.shop(shared=False)
def test_an_owner_makes_an_owner(shop):
    owner = Visitor(shop, "owner")

    assert '<option value="owner"' in owner.get()
    (code,) = re.findall(r"<code>/start ([\w-]+)</code>", owner.post(do="invite", role="owner"))
    assert shop.services.invites.among([code], mark="x")[code].role == "owner"


# --- deliveries ---------------------------------------------------------------------------------


def test_deliveries_are_listed_newest_first_page_by_page(shop, visitor):
    expected = queue(shop, chats=range(1, 61))
    path, seen = "/messages", []
    for size in (25, 25, 10):
        shown = section(visitor.get(path), "deliveries")
        found = [html.unescape(each) for each in re.findall(r'href="/messages/([^"?#]+)"', shown)]
        assert len(found) == size
        seen += [each.replace("%20", " ") for each in found]
        following = re.search(r'href="([^"]+)#deliveries">Older ones', shown)
        assert bool(following) == (size == 25)
        path = html.unescape(following[1]) if following else path
    assert sorted(seen) == sorted(expected)
    assert "The newest" in section(visitor.get(path), "deliveries")


def test_a_filter_keeps_to_a_state(shop, visitor):
    first, _ = queue(shop, chats=[111, 222])
    settle(shop, first, FAILED, reason="Bad Request: chat not found")

    shown = words(section(visitor.get("/messages?state=failed"), "deliveries"))

    assert "failed Bad Request: chat not found 111 23.11.2026 18:20 –" in shown
    assert "222" not in shown
    assert "There are no messages in this state." in visitor.get("/messages?state=held")


@pytest.mark.parametrize("query", ["state=lost", "cursor=nonsense", "page=2", "state=held&state=failed"])
def test_a_wrong_question_is_refused(visitor, query):
    visitor.get(f"/messages?{query}", status=422)


def test_what_failed_is_sent_again_and_what_waits_is_cancelled(shop, visitor):
    failed, waits = queue(shop, chats=[111, 222])
    settle(shop, failed, FAILED, reason="gone")
    page = section(visitor.get(), "deliveries")
    assert page.count("Send again") == page.count('<button class="bad"') * 2 == 2

    page = visitor.post("/messages/deliveries", do="retry", id=failed, back="/messages?state=failed")
    assert told(page) == "The message will be sent again."
    assert "There are no messages in this state." in page
    page = visitor.post("/messages/deliveries", do="cancel", id=waits, back=f"/messages/{waits}")
    assert told(page) == "The message is cancelled."
    assert "Cancelled by hand." in page
    assert {d.id: d.state for d in shop.services.outbox.newest(9)} == {failed: "queued", waits: "cancelled"}


def test_what_changed_in_between_is_told(shop, visitor):
    (delivery_id,) = queue(shop)
    settle(shop, delivery_id, "delivered", delivered_at=NOW)

    for order in ("retry", "cancel"):
        page = visitor.post("/messages/deliveries", do=order, id=delivery_id)
        assert told(page) == "Nothing was changed: the message is in another state by now."
    assert shop.services.outbox.get(delivery_id).state == "delivered"
    visitor.post("/messages/deliveries", do="retry", id="none", status=404)


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/messages\\@evil", "/messagesx"])
def test_a_button_leads_nowhere_else(shop, browser, back):
    (delivery_id,) = queue(shop)

    reply = browser.post(
        "/messages/deliveries", {"do": "cancel", "id": delivery_id, "back": back}, "/messages"
    )

    assert reply.headers["Location"] == "/messages"


# --- one message --------------------------------------------------------------------------------


def test_a_message_is_shown_as_the_chat_gets_it(shop, visitor):
    report = shop.services.figures.averages(2026)
    (delivery_id,) = queue(shop, "averages", report=report, chats=[111], schedule={"name": "weekly"})
    settle(shop, delivery_id, HELD, reason="The chat is paused: The bot was blocked.")
    shop.services.chats.speak(111, "mk")

    page = visitor.get(f"/messages/{delivery_id}")

    text = section(page, "text")
    assert '<image href="data:image/png;base64,iVBOR' in text
    assert '<div lang="mk">' in text
    assert "Просечна потрошувачка по возраст" in text
    assert re.search(
        r'<pre class="lines" tabindex="0">Возраст .*>47 +9\.999,99', html.unescape(text), re.DOTALL
    )
    assert "2026 година не е завршена; со 2025 се споредува кога ќе заврши." in words(text)
    assert "Not delivered so far." in text
    assert "The chat is paused: The bot was blocked." in words(page)
    about = words(section(page, "about"))
    assert "Schedule weekly" in about
    assert "Language Macedonian" in about
    assert "Send again" in page


def test_parts_that_arrived_are_told(shop, visitor):
    (delivery_id,) = queue(shop)
    sent = [{"part": "text", "message_id": 77}]
    settle(shop, delivery_id, "delivered", delivered_at=NOW, sent=sent)

    page = visitor.get(f"/messages/{delivery_id}")

    assert "Delivered, as message 77 of the chat." in page
    assert "Median per paying customer" in section(page, "text")
    assert "Send again" not in page


def test_buttons_and_files_of_a_message_are_told(make_shop):
    shop = make_shop(age_groups=",".join(f"{age}-{age}" for age in range(18, 35)))
    report = {**shop.services.figures.averages(None), "buttons": True, "years": [2026, None]}
    (delivery_id,) = queue(shop, "asked", report=report)

    text = words(section(Visitor(shop).get(f"/messages/{delivery_id}"), "text"))

    assert "Buttons under it: 2026 · • All years · • Paying customer · Payment · Customer" in text
    assert re.search(r"Part ([2-9]) of \1 Not delivered so far\. The file averages-all\.csv, ", text)


def test_a_message_that_cannot_be_written_is_told(shop, visitor):
    for kind, report in (("tomorrows", {"year": 2026}), ("shop", {"year": 2026, "currency": "MKD"})):
        (delivery_id,) = queue(shop, kind, report=report, name=kind)
        assert "This message cannot be shown" in visitor.get(f"/messages/{delivery_id}")


@pytest.mark.shop(shared=False)
def test_names_are_for_owners(shop):
    report = {**shop.services.figures.customer(1, None), "personal": True}
    (delivery_id,) = queue(shop, "customer", report=report)
    path = f"/messages/{delivery_id}"

    owners, managers = Visitor(shop, "owner").get(path), Visitor(shop, "manager").get(path)

    assert "Ана Петрова" in owners
    assert "Ана Петрова" not in managers
    assert "ana@example.com" not in managers
    assert "1,834.50" in managers


def test_a_message_that_is_not_there(visitor):
    visitor.get("/messages/nobody", status=404)


# --- sending now --------------------------------------------------------------------------------


def test_a_preview_shows_the_text_and_queues_nothing(shop, visitor):
    shop.services.chats.speak(222, "mk")

    page = visitor.post(do="preview", once=visitor.once, send_year="2026", send_basis="payment", status=200)

    text = section(page, "send")
    assert "Average per payment: what a group spent" in text
    assert "Просек по плаќање: потрошеното" in text
    assert re.search(r">47 +9,999\.99", html.unescape(text))
    assert 'value="2026"' in text
    assert '<option value="payment" selected>' in text
    assert shop.count("deliveries") == 0


def test_the_report_sent_is_the_one_previewed(shop, visitor):
    once = visitor.once
    page = section(visitor.post(do="preview", once=once, send_year="2026", status=200), "send")
    assert f'name="once" value="{once}"' in page

    visitor.post(do="send", once=once, send_year="2026")

    (report_id,) = {d.report_id for d in shop.services.outbox.newest(9)}
    assert f"Report {report_id}" in words(page)


def test_sending_goes_to_all_configured_chats_once(shop, visitor):
    once = visitor.once
    for _ in range(2):
        page = visitor.post(do="send", once=once, send_year="2026", send_basis="spender")
        assert told(page) == "The averages are on their way to 2 chats."
    assert queued(shop) == [(111, "averages", 2026), (222, "averages", 2026)]

    visitor.post(do="send", once=once, send_year="", send_basis="spender")  # back, and another year
    assert len(queued(shop)) == 4
    visitor.post(do="send", once=visitor.once, send_year="2026", send_basis="spender")  # a new form
    assert len(queued(shop)) == 6


@pytest.mark.parametrize("order", ["preview", "send"])
def test_a_wrong_year_is_told_beside_the_field(shop, visitor, order):
    page = visitor.post(do=order, once=visitor.once, send_year="last", send_basis="payment", status=422)

    assert fault(page, "send_year") == "must be a whole number from 1 to 9999"
    assert '<option value="payment" selected>' in section(page, "send")
    assert shop.count("deliveries") == 0


def test_without_chats_nothing_is_sent_and_that_is_told(make_shop):
    visitor = Visitor(make_shop(telegram_bot_token=None))

    assert told(visitor.post(do="send", once="0" * 32)) == "Nothing was sent: no chat gets reports yet."


@pytest.mark.shop(shared=False)
def test_with_the_ledger_away_the_page_is_there_and_sending_is_refused(shop, visitor):
    queue(shop)
    path = shop.services.ledger.path
    path.rename(path.with_name("away.db"))

    assert "The shop" in visitor.get()
    assert "ledger cannot be read" in visitor.post(do="send", once="0" * 32, status=503)


# --- schedules ----------------------------------------------------------------------------------


def test_a_schedule_is_added_from_the_choices(shop, visitor):
    page = visitor.post(do="schedule", kind="averages", time="0 9 * * MON", year="previous", basis="payment")

    assert told(page) == (
        "The schedule averages is set; it is due next at 30.11.2026 09:00, 07.12.2026 09:00, "
        "14.12.2026 09:00 (Europe/Skopje)."
    )
    shown = words(section(page, "schedules"))
    assert (
        "averages Average spending by age per payment every Monday at 9:00 30.11.2026 09:00 "
        "the previous year all Send now Remove" in shown
    )
    (schedule,) = shop.services.schedules.all()
    assert (schedule.year, schedule.basis, schedule.chats) == ("previous", "payment", ())


def test_a_time_of_its_own_counts_more_than_the_choice(shop, visitor):
    page = visitor.post(do="schedule", kind="bonus", time="0 9 * * *", cron="30 8 * * fri", basis="payment")

    assert "<code>30 8 * * FRI</code>" in section(page, "schedules")
    (schedule,) = shop.services.schedules.all()
    assert (schedule.kind, schedule.cron, schedule.year, schedule.basis) == (
        "bonus",
        "30 8 * * FRI",
        "all",
        None,
    )
    assert "the current year" in section(page, "schedules")


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ({"cron": "nine o'clock"}, "must match a future time"),
        ({"cron": "0 9 31 2 *"}, "never comes"),
        ({"cron": MARKUP}, "must match a future time"),
        ({"cron": "*" * 101}, "must have at most 100 characters"),
        ({"time": "own"}, "is needed"),
    ],
)
def test_a_wrong_time_is_told_beside_the_field(shop, visitor, typed, rule):
    page = visitor.post(do="schedule", kind="shop", year="2025", status=422, **{"time": "0 9 * * *", **typed})

    assert fault(page, "cron").startswith(rule)
    assert '<option value="shop" selected>' in page
    assert '<option value="2025" selected>' in page
    assert MARKUP not in page
    assert shop.count("schedules") == 0


def test_a_form_sent_twice_adds_one_schedule(shop, visitor):
    for _ in range(2):
        visitor.post(do="schedule", kind="shop", time="0 9 1 * *")
    assert [each.name for each in shop.services.schedules.all()] == ["shop"]

    visitor.post(do="schedule", kind="shop", time="0 9 * * *")
    assert [each.name for each in shop.services.schedules.all()] == ["shop", "shop-2"]


def test_a_schedule_runs_now_once_a_press(shop, visitor):
    shop.services.schedules.add("shop", "0 9 * * *", year="2025")
    once = visitor.once
    for _ in range(2):
        page = visitor.post("/messages/schedules", do="run", name="shop", once=once)
        assert told(page) == "The report of the schedule shop is on its way."
    assert queued(shop) == [(111, "shop", 2025), (222, "shop", 2025)]
    assert "schedule shop" in words(section(page, "deliveries"))
    visitor.post("/messages/schedules", do="run", name="nobody", once=once, status=404)


def test_a_schedule_is_removed(shop, visitor):
    shop.services.schedules.add("shop", "0 9 * * *")
    for _ in range(2):
        page = visitor.post("/messages/schedules", do="remove", name="shop")
        assert told(page) == "The schedule shop is removed."
    assert "There is no schedule yet." in page


# --- all of it ----------------------------------------------------------------------------------


def test_what_comes_from_outside_is_escaped(shop, visitor):
    name = MARKUP.replace("/", "")
    (delivery_id,) = queue(shop, MARKUP, name="a <b>", report={"year": 2026}, schedule={"name": name})
    settle(shop, delivery_id, FAILED, reason=MARKUP)
    shop.services.chats.pause(111, MARKUP)
    shop.services.schedules.add("shop", "0 9 * * *", name=name)
    beat(shop.services.storage, name="worker", telegram=Health(ok=False, detail=MARKUP), now=NOW)
    link = re.search(r'href="(/messages/a[^"]+)"', visitor.get())[1]

    for page in (visitor.get(), visitor.get(link), visitor.post(do="invite", hours=MARKUP, status=422)):
        assert "<script" not in page
        assert "<b>co" not in page
        assert "<b>-111" not in page
        assert "&lt;script&gt;" in page
    told_of = visitor.post("/messages/schedules", do="remove", name=name)
    assert "<script" not in told_of
    assert shop.services.schedules.all() == []


def test_in_macedonian_too(shop, visitor):
    visitor.get("/messages?lang=mk")
    page = visitor.get()

    assert '<html lang="mk">' in page
    assert "Просечна потрошувачка по возраст" in page


def test_headings_labels_and_names_are_in_order(shop, visitor):
    queue(shop, chats=[111, 222])
    shop.services.schedules.add("shop", "0 9 * * *")
    shop.services.chats.pair(333, 333, "reader")
    shop.services.chats.pause(333, "gone")
    page = visitor.post(do="preview", once="0" * 32, status=200)

    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for field in re.findall(r"<(?:input|select)(?![^>]*type=\"hidden\")[^>]*>", page):
        name = re.search(r'id="([^"]+)"', field)[1]
        assert f'<label for="{name}"' in page
    buttons = re.findall(r'<button[^>]*?(?: aria-label="([^"]*)")?>([^<]*)</button>', page)
    names = [label or text for label, text in buttons]
    assert len(names) == len(set(names)), names
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)
