"""The bot: who is answered what, over real HTTP from a person's message to the bot's reply."""

from __future__ import annotations

import json
import threading
import time

import pytest

from smetka.core.errors import BonusStoreUnavailable
from smetka.telegram.bot import Bot
from smetka.telegram.client import TelegramClient
from smetka.telegram.deliveries import MOST_REPORTS
from smetka.telegram.invites import Invites
from smetka.telegram.messages.replies import STRANGER
from smetka.telegram.questions import MOST_A_MINUTE
from smetka.telegram.sender import Manner
from tests.telegram.conftest import SKOPJE

MANAGER, GROUP, STRANGE = 1001, -2002, 7007


@pytest.fixture
def invites(storage, clock):
    return Invites(storage, now=clock)


@pytest.fixture
def make_bot(telegram, chats, outbox, invites, figures, clock):
    clients = []

    def make(**more):
        clients.append(TelegramClient(telegram.token, telegram.url, timeout=(5, 10)))
        return Bot(
            clients[-1],
            **{
                "chats": chats,
                "outbox": outbox,
                "invites": invites,
                "figures": figures,
                "recipients": (MANAGER, GROUP),
                "now": clock,
                **more,
            },
        )

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def bot(make_bot):
    return make_bot()


@pytest.fixture
def sender(make_sender, figures):
    sender = make_sender()
    sender._manner = Manner("en", SKOPJE, "retry", figures)
    return sender


@pytest.fixture
def ask(telegram, bot, sender, drain, clock):
    """A function that has a person write something; returns the texts that are answered."""

    def ask(text, chat=MANAGER, person=None, members=None, topic=None):
        before = len(telegram.messages(chat))
        date = int(clock().timestamp())
        telegram.write(chat, text, person, topic=topic, members={"date": date, **(members or {})})
        assert bot.poll(0) == 0
        clock.pass_(1.5)
        drain(sender)
        return [message.text for message in telegram.messages(chat)[before:]]

    return ask


@pytest.fixture
def pair(invites, ask):
    """A function that makes an invite and has a person use it."""

    def pair(role, chat=STRANGE, person=None, **how):
        code, _ = invites.make(role, **how)
        return ask(f"/start {code}", chat, person)

    return pair


def test_a_manager_of_the_settings_asks_without_an_invite(ask, figures, telegram):
    (text,) = ask("/averages 2025 payment")

    assert text.startswith("Average spending by age\nYear 2025 · MKD\nAverage per payment")
    assert telegram.messages(MANAGER)[-1].photo
    assert figures.asked[0] == ("averages", 2025, "payment")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("/AVERAGES", ("averages", None, None)),
        ("/averages@smetka_standin_bot 2025", ("averages", 2025, None)),
        ("  /averages   2025  ", ("averages", 2025, None)),
        ("/total 100 2025", ("customer", 100, 2025)),
        ("/due", ("bonus", 2026)),
        ("/shop", ("shop", None)),
    ],
)
def test_commands_ask_what_they_say(ask, figures, said, asked):
    assert len(ask(said)) == 1
    assert figures.asked[0] == asked


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("/total", "/total needs a customer's id in plain digits, for example /total 100."),
        ("/total 999", "There is no customer 999 in the ledger."),
        ("/dance", "I do not know that. Write /help"),
        ("good morning", "I do not know that. Write /help"),
        ("😀" * 2000, "I do not know that."),
        ("/start wrong-code", "This invite does not work"),
        ("/help", "You can ask:\n/averages – what age groups spend"),
        ("/start", "You can ask:"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(ask, said, sentence):
    (text,) = ask(said)

    assert text.startswith(sentence)


def test_the_ledger_away_is_said(ask, figures):
    figures.away = True

    assert ask("/total 100") == ["The shop's ledger cannot be read right now. Try again shortly."]


def test_without_a_ledger_the_bot_says_so(make_bot, telegram, outbox, clock):
    bot = make_bot(figures=None)
    telegram.write(MANAGER, "/due", members={"date": int(clock().timestamp())})
    bot.poll(0)

    assert outbox.newest(1)[0].report["say"] == "no-ledger"


def test_each_chat_is_answered_in_its_language(ask):
    assert ask("/language mk") == ["Отсега на македонски."]
    assert ask("/help")[0].startswith("Може да прашате:\n/averages – колку трошат")
    (text,) = ask("/total 100")
    assert "Купувач 100" in text
    assert "20.779,95 ден." in text
    assert ask("/language EN") == ["From now on in English."]


def test_an_invite_gives_its_role_to_the_first_who_uses_it(pair, ask, invites, figures):
    code, _ = invites.make("reader", language="mk")

    assert ask(f"/start {code}", STRANGE) == [
        "Овој разговор е поврзан, улога: reader. Напишете /help за да видите што може да се праша."
    ]
    assert len(ask("/averages", STRANGE)) == 1
    assert ask(f"/start {code}", 8008) == [STRANGER]
    assert ask("/averages", 8008) == []


def test_only_an_owner_in_private_sees_names(pair, ask, telegram):
    (manager,) = ask("/total 100")
    pair("owner")
    (owner,) = ask("/total 100", STRANGE)

    assert "20,779.95 MKD" in manager
    assert "Ана" not in manager
    assert "example.com" not in manager
    assert "Ана <Петрова>\nana@example.com" in owner
    in_group = ask("/total 100", GROUP, STRANGE)
    assert "20,779.95 MKD" in in_group[0]
    assert "Ана" not in in_group[0]


def test_no_record_holds_a_name(pair, ask, storage):
    pair("owner")
    ask("/total 100", STRANGE)

    with storage.translated():
        records = [list(storage.collection(name).find()) for name in ("deliveries", "chats", "invites")]
    assert "Ана" not in str(records)
    assert "example.com" not in str(records)


def test_a_cashier_reads_no_statistics(pair, ask, figures):
    pair("cashier")

    assert ask("/averages", STRANGE) == ["Your role does not include this."]
    assert ask("/help", STRANGE) == [
        "You can ask:\n/language – Macedonian or English: /language mk\n/help – what can be asked"
    ]
    assert figures.asked == []


@pytest.mark.parametrize(
    "said",
    [
        "/start",
        "/start wrong",
        "/help",
        "/averages",
        "/total 100",
        "hello",
        "/start " + "x" * 100_000,
        "/language mk",
    ],
)
def test_a_stranger_learns_nothing_and_hears_one_sentence_an_hour(ask, figures, clock, said):
    assert ask(said, STRANGE) == [STRANGER]
    assert ask(said, STRANGE) == []
    clock.pass_(3600)
    assert ask(said, STRANGE) == [STRANGER]
    assert figures.asked == []


@pytest.mark.parametrize("why", ["used", "expired", "mistyped"])
def test_a_code_that_does_not_work_tells_a_stranger_nothing_about_why(ask, invites, clock, why):
    code, _ = invites.make("reader", hours=1)
    if why == "used":
        ask(f"/start {code}", 8008)
    if why == "expired":
        clock.pass_(3601)

    if why == "mistyped":
        code = code[:-1] + ("_" if code[-1] != "_" else "-")

    assert ask(f"/start {code}", STRANGE) == [STRANGER]
    assert ask("/averages", STRANGE) == []


def test_of_two_who_use_a_code_at_once_one_wins(invites):
    code, _ = invites.make("owner")
    won = []
    threads = [
        threading.Thread(target=lambda n=n: won.append(invites.use(code, mark=f"update {n}")))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(invite is not None for invite in won) == 1


def test_of_two_who_saw_a_code_unused_the_first_one_wins(invites, storage, clock, monkeypatch):
    code, _ = invites.make("owner")
    slow = Invites(storage, now=clock)
    seen = slow._find(code)
    monkeypatch.setattr(slow, "_find", lambda _code: seen)

    assert invites.use(code, mark="update 1")
    assert slow.use(code, mark="update 2") is None


def test_the_same_update_twice_acts_once(make_bot, telegram, invites, outbox, chats, clock):
    code, _ = invites.make("reader")
    telegram.write(STRANGE, f"/start {code}")
    telegram.write(STRANGE, "/averages", members={"date": int(clock().timestamp())})
    make_bot().poll(0)
    make_bot().poll(0)  # restarted before anything was confirmed

    assert len(outbox.newest(9)) == 2
    assert chats.get(STRANGE).role == "reader"
    assert {d.report.get("say") for d in outbox.newest(9)} == {None, "paired"}


SEEN = "Others can read this invite, so it does not work any more. Ask for another, and open it in a chat with me alone."


def test_an_owners_invite_is_used_up_in_a_group(ask, invites, chats):
    code, _ = invites.make("owner")

    assert ask(f"/start {code}", GROUP, STRANGE) == [SEEN]
    assert ask(f"/start {code}", GROUP, STRANGE) == []
    assert chats.get(GROUP).role is None
    assert ask(f"/start {code}", STRANGE) == [STRANGER]


def test_members_of_a_group_have_no_rights_by_it(ask, pair, figures):
    assert ask("/averages", GROUP, 5005) == []
    assert figures.asked == []
    pair("reader", 5005)
    assert len(ask("/averages", GROUP, 5005)) == 1
    assert ask("/averages", -3003, 5005) == []  # a group that nobody connected
    assert ask("lunch?", GROUP, 5005) == []
    assert ask("/averages@another_bot", GROUP, 5005) == []


def test_a_group_is_connected_by_an_invite_of_a_person(pair, ask):
    pair("reader", -3003, 5005)

    assert len(ask("/due", -3003, 5005)) == 1
    assert ask("/due", -3003, 6006) == []


@pytest.mark.parametrize(
    "more",
    [
        {"sender_chat": {"id": -100, "type": "channel"}},
        {"forward_origin": {"type": "user"}},
        {"via_bot": {"id": 1}},
        {"from": {"id": MANAGER, "is_bot": True}},
        {"from": None},
        {"chat": {"id": MANAGER, "type": "channel"}},
        {"text": None},
        {"text": 5},
    ],
    ids=lambda more: next(iter(more)),
)
def test_those_who_are_nobody_are_not_answered(ask, figures, more):
    assert ask("/averages", members=more) == []
    assert figures.asked == []


# --- topics, and those who write as a group or a channel ---------------------------------------

HIDDEN = "I cannot tell who asks: write as yourself, not anonymously or as a channel."


@pytest.fixture
def forum(telegram, pair):
    """A forum with a topic 77, in which person 5005 is a manager."""
    telegram.world.add_chat("-1003003:77")
    pair("manager", -1003003, 5005)
    return -1003003


@pytest.fixture
def hear(telegram, bot, sender, drain, clock):
    """A function that has the bot hear what happened, and returns what is answered in a chat."""

    def hear(chat):
        before = len(telegram.messages(chat))
        assert bot.poll(0) == 0
        clock.pass_(1.5)
        drain(sender)
        return [message.text for message in telegram.messages(chat)[before:]]

    return hear


def test_a_question_in_a_topic_is_answered_in_that_topic(ask, forum, telegram, bot, sender, drain, clock):
    (text,) = ask("/averages", forum, 5005, topic=77)
    assert text.startswith("Average spending by age")
    (message,) = telegram.messages(f"{forum}:77")

    telegram.press(forum, message.id, message.buttons[0][0][1], 5005)
    bot.poll(0)
    clock.pass_(1.5)
    drain(sender)
    assert len(telegram.messages(f"{forum}:77")) == 2


def test_a_question_in_general_is_answered_there_whatever_thread_it_is_in(ask, forum, telegram):
    ask("/due", forum, 5005)
    ask("/due", forum, 5005, members={"message_thread_id": 4711})  # a reply to a message of General
    ask("/due", forum, 5005, members={"message_thread_id": 1, "is_topic_message": True})

    assert [message.topic for message in telegram.messages(forum)[-3:]] == [None, None, None]


def test_a_topic_that_the_settings_name_makes_its_group_known_and_gives_nobody_rights(
    make_bot, telegram, outbox, clock, figures
):
    telegram.world.add_chat("-1004004:77")
    bot = make_bot(recipients=("-1004004:77", MANAGER))
    date = {"date": int(clock().timestamp())}
    telegram.write(-1004004, "/due", 6006, topic=77, members=date)
    telegram.write(-1004004, "/due", MANAGER, topic=77, members=date)
    bot.poll(0)

    assert [(each.chat, each.kind) for each in outbox.newest(9)] == [("-1004004:77", "bonus")]


def test_a_topic_that_is_reopened_is_written_to_again(forum, telegram, chats, bot):
    chats.pause_topic(f"{forum}:77", "The topic is closed.")
    chats.pause_topic(forum, "The topic is closed.")
    telegram.write(forum, "", 5005, topic=77, members={"text": None, "forum_topic_reopened": {}})
    bot.poll(0)

    assert (chats.get(f"{forum}:77").paused, chats.get(forum).paused) == (None, "The topic is closed.")


def test_a_group_of_the_settings_is_known_by_the_id_that_it_moved_to(ask, telegram, chats, bot):
    new = -1002002
    telegram.world.add_chat(new)
    assert ask("/averages", new, MANAGER) == [], "nobody knows it yet"
    chats.moved(GROUP, new)
    chats.pause(GROUP, "Forbidden: bot was kicked from the supergroup chat")
    telegram.world.become(new, "member", MANAGER)
    bot.poll(0)

    assert chats.get(GROUP).paused is None
    assert len(ask("/averages", new, MANAGER)) == 1


def test_an_anonymous_administrator_is_told_why_nothing_is_answered(forum, telegram, hear, figures, clock):
    asked = list(figures.asked)
    telegram.write_anonymously(forum, "/averages", topic=77)
    assert hear(forum) == [HIDDEN]
    assert telegram.messages(forum)[-1].topic == 77
    telegram.write_anonymously(forum, "/due", topic=77)
    assert hear(forum) == [], "once an hour"
    telegram.write_anonymously(forum, "good morning")
    assert hear(forum) == []
    clock.pass_(3600)
    telegram.write_anonymously(forum, "/due")
    assert hear(forum) == [HIDDEN]
    assert figures.asked == asked


def test_an_anonymous_administrator_of_an_unknown_group_hears_of_an_invite_that_works(
    telegram, hear, invites, chats
):
    telegram.world.add_chat(-1005005)
    code, _ = invites.make("manager")
    for text in ("/start", "/start nonsense", "/averages", f"/start {code[:-1]}"):
        telegram.write_anonymously(-1005005, text)
        assert hear(-1005005) == []
    telegram.write_anonymously(-1005005, f"/start {code}")

    assert hear(-1005005) == [SEEN]
    assert chats.get(-1005005).role is None
    assert not invites.among([code], mark="another")


def test_what_a_linked_channel_forwards_into_its_group_is_not_answered(forum, telegram, hear):
    members = {"sender_chat": {"id": -1009, "type": "channel"}, "is_automatic_forward": True}
    telegram.write(forum, "/averages", 5005, members=members)

    assert hear(forum) == []


def test_whoever_tries_to_connect_a_channel_is_told_how(telegram, hear, chats, invites, figures):
    telegram.world.add_chat(-1006006, type="channel")
    code, _ = invites.make("owner")
    telegram.write(-1006006, "/averages")
    assert hear(-1006006) == []
    telegram.write(-1006006, f"/start {code}")

    seen, text = hear(-1006006)
    assert seen == SEEN
    assert "name -1006006 in SMETKA_TELEGRAM_CHAT_IDS" in text
    assert chats.get(-1006006).role is None
    assert not invites.among([code], mark="another")
    telegram.write(-1006006, "/start")
    assert hear(-1006006) == []
    assert figures.asked == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("edited_message", {"message_id": 1, "text": "/averages", "edit_date": 1}),
        ("edited_channel_post", {"message_id": 1, "text": "/start"}),
        ("inline_query", {"id": "1", "query": "/averages", "offset": ""}),
        ("channel_post", {"message_id": 1}),
        ("channel_post", {"message_id": 1, "chat": {"id": 5, "type": "channel"}, "text": 7}),
        ("message", {"message_id": 1, "chat": 5, "text": "/averages", "sender_chat": None}),
    ],
)
def test_other_updates_are_passed_over(bot, outbox, capsys, kind, value):
    person = {"id": MANAGER, "is_bot": False, "first_name": "Ана"}
    bot.handle({"update_id": 7, kind: {"from": person, "chat": {"id": MANAGER, "type": "private"}, **value}})

    assert outbox.newest(9) == []


def test_a_private_chat_is_its_persons_alone(ask, figures):
    """Another's id in a private chat, as no Telegram would say it."""
    assert ask("/averages", MANAGER, 6006) == [STRANGER]
    assert figures.asked == []


def test_what_was_asked_long_ago_is_not_answered_but_an_invite_is(ask, invites, clock, figures):
    old = int(clock().timestamp()) - 3600
    code, _ = invites.make("reader")

    assert ask("/averages", members={"date": old}) == []
    assert "connected" in ask(f"/start {code}", STRANGE, members={"date": old})[0]
    assert figures.asked == []


def test_a_wrong_clock_does_not_silence_the_bot(ask, clock):
    ask("/help")
    clock.jump(3 * 3600)

    assert ask("/help", members={"date": int(clock().timestamp()) - 3 * 3600})


def test_another_bot_counts_its_own_updates(make_bot, telegram, outbox, clock):
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    make_bot().poll(0)
    other = make_bot()
    other._introduce()
    other._id = 77
    other.poll(0)

    assert len(outbox.newest(9)) == 2


def test_whoever_asks_too_much_is_told_once(telegram, bot, outbox, clock):
    for _ in range(MOST_A_MINUTE + 10):
        telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    bot.poll(0)

    said = [d.report["say"] for d in outbox.newest(100)]
    assert said.count("help") == MOST_A_MINUTE
    assert said.count("too-many") == 1
    clock.pass_(61)
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    bot.poll(0)
    assert len(outbox.newest(100)) == MOST_A_MINUTE + 2


def test_buttons_go_on_to_other_years_and_bases(ask, telegram, bot, sender, drain, clock, figures):
    ask("/averages 2025")
    shown = telegram.messages(MANAGER)[-1]
    assert [data for row in shown.buttons for _, data in row] == [
        "averages 2026 spender",
        "averages 2025 spender",
        "averages all spender",
        "averages 2025 spender",
        "averages 2025 payment",
        "averages 2025 customer",
    ]

    telegram.press(MANAGER, shown.id, "averages all customer")
    bot.poll(0)
    clock.pass_(2)
    drain(sender)

    assert ("averages", None, "customer") in figures.asked
    assert "All years" in telegram.messages(MANAGER)[-1].text
    assert telegram.world.callbacks == {"8000000": True}


@pytest.mark.parametrize(
    ("data", "person"),
    [
        ("averages all nonsense", None),
        ("", None),
        ("averages all spender", 6006),
    ],
)
def test_a_button_of_ones_own_making_or_of_a_stranger_does_nothing(ask, telegram, bot, outbox, data, person):
    ask("/help")
    before = len(outbox.newest(99))

    telegram.press(MANAGER, telegram.messages(MANAGER)[-1].id, data, person)
    bot.poll(0)

    assert len(outbox.newest(99)) == before
    assert telegram.world.callbacks == {"8000000": True}


def test_who_blocks_the_bot_is_paused_and_comes_back(telegram, bot, chats):
    telegram.block(MANAGER)
    bot.poll(0)
    assert chats.get(MANAGER).paused == "The bot was blocked."
    telegram.unblock(MANAGER)
    bot.poll(0)
    assert chats.get(MANAGER).paused is None
    chats.pause(MANAGER, "Forbidden")
    telegram.write(MANAGER, "hello")
    bot.poll(0)
    assert chats.get(MANAGER).paused is None
    telegram.block(GROUP)
    bot.poll(0)
    assert chats.get(GROUP).paused == "The bot was taken out of the group."


def test_a_strangers_comings_and_goings_leave_no_record(telegram, bot, chats):
    telegram.world.add_chat(STRANGE)
    telegram.block(STRANGE)
    bot.poll(0)

    assert chats.all() == []


def test_commands_are_shown_in_both_languages(bot, telegram):
    bot.poll(0)

    assert (
        telegram.commands()
        == telegram.commands("mk")
        == ["averages", "total", "due", "shop", "language", "help"]
    )
    assert telegram.world.commands["mk"][0]["description"] == "колку трошат возрасните групи"


def test_a_server_that_keeps_no_list_of_commands_does_not_silence_the_bot(bot, telegram, outbox, clock):
    body = json.dumps({"ok": False, "error_code": 400, "description": "Bad Request: not here"})
    telegram.fail_next("say", times=2, method="setMyCommands", status=400, body=body)
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})

    assert bot.poll(0) == 0
    assert len(outbox.newest(9)) == 1


def test_an_update_that_nobody_understands_is_passed_over_and_told_without_its_contents(
    bot, telegram, outbox, monkeypatch, capsys
):
    monkeypatch.setattr(bot, "_command", lambda _text: 1 / 0)
    telegram.write(MANAGER, "CANARY in the message")
    assert bot.poll(0) == 0
    monkeypatch.undo()
    telegram.write(MANAGER, "/help", members={"date": int(outbox._now().timestamp())})
    bot.poll(0)

    assert outbox.newest(1)[0].report["say"] == "help"
    printed = capsys.readouterr()
    assert "ZeroDivisionError" in printed.out + printed.err
    assert "CANARY" not in printed.out + printed.err


def test_what_could_not_be_queued_comes_again(bot, telegram, outbox, clock, monkeypatch):
    queue = outbox.queue
    monkeypatch.setattr(
        outbox, "queue", lambda *_, **__: (_ for _ in ()).throw(BonusStoreUnavailable("away"))
    )
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    assert bot.poll(0) == 1.0
    monkeypatch.setattr(outbox, "queue", queue)

    assert bot.poll(0) == 0
    assert len(outbox.newest(9)) == 1


@pytest.mark.parametrize("why", ["another poller", "webhook"])
def test_another_program_at_the_same_bot_is_named(make_bot, telegram, why):
    bot = make_bot()
    if why == "webhook":
        telegram.world.webhook = "https://example.com/hook"
        wait = bot.poll(0)
    else:
        other = make_bot()
        other.poll(0)
        thread = threading.Thread(target=bot.poll, args=(30,))
        thread.start()
        while telegram.world.poll < 2:
            time.sleep(0.01)
        other.poll(0)
        thread.join()
        wait = 1.0

    assert wait >= 1
    assert not bot.health.ok
    assert "another program asks for its updates, or a webhook is set" in bot.health.detail
    telegram.world.webhook = ""
    bot.poll(0)
    assert bot.health.ok


@pytest.mark.parametrize("fault", ["500", "502-html", "reset", "html", "truncated", "flood", "say"])
def test_an_outage_is_waited_out_and_nothing_is_lost(bot, telegram, outbox, clock, fault):
    bot.poll(0)
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    body = json.dumps({"ok": True, "result": {"not": "a list"}})
    telegram.fail_next(fault, times=3, method="getUpdates", **({"body": body} if fault == "say" else {}))
    waits = [bot.poll(0) for _ in range(4)]

    assert waits[:3] == [1.0, 2.0, 5.0]
    assert waits[3] == 0
    assert len(outbox.newest(9)) == 1
    assert bot.health.ok


def test_the_token_is_nowhere(make_bot, telegram, capsys):
    bot = make_bot()
    bot._client = TelegramClient("1:CANARY-token", telegram.url, timeout=(5, 5))
    bot.poll(0)
    bot._client.close()
    printed = capsys.readouterr()

    assert not bot.health.ok
    assert "CANARY" not in bot.health.detail + printed.out + printed.err


def test_what_managers_ask_for_takes_no_announcement_away(ask, announcer, make_report):
    for _ in range(MOST_REPORTS + 1):
        ask("/averages 2025")

    assert announcer((MANAGER,)).announce(make_report()).status == "queued"
