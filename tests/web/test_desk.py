"""The cash desk: what is said of a voucher, redeeming it once, and taking back a slip."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from smetka.bonus.codes import ALPHABET, derive
from smetka.bonus.issuing import Issuing
from smetka.bonus.redemptions import Order, Redemptions
from smetka.bonus.rules import Rules
from smetka.bonus.vouchers import find, of_campaign
from smetka.core.money import Money
from tests.fixtures.web import AWAY
from tests.web.browsing import HTML, Browser, entries, form, plain

CUSTOMERS = [(n, "Ана", "ana@example.com", 30) for n in (1, 2)]
PAYMENTS = [(1, 3000, 2026), (2, 2000, 2026)]
UNKNOWN = derive(b"another secret", 1)
WORDS = {
    "valid": ("Valid", "Важи"),
    "mistyped": ("Mistyped", "Погрешно впишан"),
    "unknown": ("No such voucher", "Нема таков ваучер"),
    "void": ("Void", "Поништен"),
    "redeemed": ("Redeemed already", "Веќе искористен"),
    "expired": ("Expired", "Истечен"),
    "not yet": ("Not valid yet", "Сѐ уште не важи"),
    "reserved": ("Reserved for another order", "Резервиран за друга нарачка"),
}
STATUSES = {"valid": 200, "mistyped": 404, "unknown": 404, "expired": 410}
DAYS = {
    "expired": (date(2026, 10, 1), date(2026, 11, 22)),
    "not yet": (date(2026, 11, 24), date(2027, 1, 31)),
}
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, auth="required")


def issue(shop, first=date(2026, 11, 1), last=date(2027, 1, 31)):
    """The shop with two vouchers of these days."""
    services = shop.services
    rules = Rules("year-end", 2026, Money(1000_00), Money(500_50), first, last)
    services.campaigns.create(rules, timezone="Europe/Skopje", currency="MKD")
    Issuing(services.ledger, services.storage, now=services.now).issue("year-end", "test")
    shop.codes = [voucher.code for voucher in of_campaign(services.storage, "year-end")]
    return shop


@pytest.fixture
def shop(shop):
    return issue(shop)


@pytest.fixture
def cashier(shop):
    return Browser(shop, "cashier")


def look_up(browser, code):
    return browser.post("/desk", {"code": code}, "/desk")


def redeem(browser, code):
    """Look it up, press the button."""
    return browser.send("/desk/redeem", look_up(browser, code))


def verdict(reply):
    return plain(re.search(r'class="verdict.*?<h2>(.*?)</h2>', reply.text, re.DOTALL)[1])


def is_good(reply):
    return 'class="verdict good"' in reply.text


def history(shop, place=0):
    voucher = find(shop.services.storage, shop.codes[place])
    return [(event.action, event.by) for event in voucher.history]


def prepared(make_shop, state):
    """A shop, and a code in that state."""
    shop = issue(make_shop(), *DAYS.get(state, ()))
    code = {"mistyped": UNKNOWN[:-1] + "?", "unknown": UNKNOWN}.get(state, shop.codes[0])
    action = {"void": "void", "redeemed": "redeem", "reserved": "reserve"}.get(state)
    if action:
        shop.services.redemptions.carry_out(code, Order(action, "another", reason="a test"))
    return shop, code


# --- verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize("state", WORDS)
def test_the_desk_says_plainly_what_a_code_is_worth(make_shop, state, language):
    shop, code = prepared(make_shop, state)
    browser, is_mk = Browser(shop, "cashier", language=language), language == "mk"
    before = history(shop)
    reply = look_up(browser, code)

    assert reply.status_code == (404 if state in {"mistyped", "unknown"} else 200)
    assert (verdict(reply), is_good(reply)) == (WORDS[state][is_mk], state == "valid")
    assert ('action="/desk/redeem"' in reply.text) == (state == "valid")
    assert 'action="/desk/undo"' not in reply.text
    if state not in {"mistyped", "unknown"}:
        assert ("500,50 ден." if is_mk else "500.50 MKD") in reply.text
    assert history(shop) == before, "looking changes nothing"

    reply = browser.post("/desk/redeem", {"code": code, "once": "1"}, "/desk")

    assert reply.status_code == STATUSES.get(state, 409)
    if state == "valid":
        assert (verdict(reply), is_good(reply)) == ("Искористено" if is_mk else "Redeemed", True)
        assert history(shop) == [("redeem", "key the cashier")]
    else:
        assert (verdict(reply), is_good(reply)) == (WORDS[state][is_mk], False)
        assert history(shop) == before


def test_a_reservation_that_is_over_holds_nobody_up(make_shop, clock):
    shop, code = prepared(make_shop, "reserved")
    clock.pass_(15 * 60)

    assert verdict(redeem(Browser(shop, "cashier"), code)) == "Redeemed"


@pytest.mark.parametrize("language", ["en", "mk"])
def test_the_desk_says_until_when_a_voucher_is_held(make_shop, clock, language):
    shop = issue(make_shop(), last=date(2026, 11, 23))
    clock.time = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
    shop.services.redemptions.carry_out(shop.codes[0], Order("reserve", "another", minutes=60))
    browser = Browser(shop, "cashier", language=language)
    until = "24.11.2026 00:50 (Europe/Skopje)"
    over = "Неговиот последен ден помина." if language == "mk" else "Its last day is over."

    reply = look_up(browser, shop.codes[0])
    refused = browser.post("/desk/redeem", {"code": shop.codes[0], "once": "1"}, "/desk")
    assert until in plain(reply.text)
    assert until in plain(refused.text)
    assert over not in plain(reply.text)
    clock.pass_(30 * 60)
    reply = look_up(browser, shop.codes[0])
    assert until in plain(reply.text)
    assert over in plain(reply.text)
    refused = browser.post("/desk/redeem", {"code": shop.codes[0], "once": "2"}, "/desk")
    assert verdict(refused) == WORDS["expired"][language == "mk"]


@pytest.mark.parametrize("language", ["en", "mk"])
def test_a_slip_that_is_taken_back_after_midnight_is_no_valid_voucher(make_shop, clock, language):
    shop = issue(make_shop(), last=date(2026, 11, 23))
    clock.time = datetime(2026, 11, 23, 22, 59, 50, tzinfo=UTC)
    browser = Browser(shop, "cashier", language=language)
    done = redeem(browser, shop.codes[0])
    clock.pass_(10)
    reply = browser.send("/desk/undo", done)

    assert verdict(reply) == ("Вратен, но истечен" if language == "mk" else "Undone, but expired")
    assert not is_good(reply)
    assert 'action="/desk/redeem"' not in reply.text


@pytest.mark.parametrize(("hour", "word"), [("22:59:59", "Valid"), ("23:00:00", "Expired")])
def test_the_last_day_ends_at_the_shops_midnight(shop, clock, cashier, hour, word):
    clock.time = datetime.fromisoformat(f"2027-01-31T{hour}+00:00")

    assert verdict(look_up(cashier, shop.codes[0])) == word


@pytest.mark.parametrize("code", ["<script>alert(1)</script>", "{{7*7}}", "ж" * 2000, "\x00", "-" * 12, "%"])
def test_what_is_no_code_is_mistyped_and_inert(cashier, code):
    reply = look_up(cashier, code)

    assert reply.status_code == 404
    assert "<script>alert" not in reply.text
    assert not re.search(r"\b49\b", plain(reply.text))
    assert len(reply.text) < 20_000


# --- once ------------------------------------------------------------------------------------


def test_the_same_form_sent_twice_redeems_once_and_says_the_same(shop, cashier):
    page, other = look_up(cashier, shop.codes[0]), look_up(cashier, shop.codes[0])
    replies = [cashier.send("/desk/redeem", page) for _ in range(3)]

    assert [(r.status_code, verdict(r), is_good(r)) for r in replies] == [(200, "Redeemed", True)] * 3
    assert history(shop) == [("redeem", "key the cashier")]
    assert entries(shop).count(("key the cashier", "redeem", "year-end", 1)) == 1
    assert form(page, "/desk/redeem")["once"] != form(other, "/desk/redeem")["once"]
    assert verdict(cashier.send("/desk/redeem", other)) == "Redeemed already"


def test_at_ten_desks_at_once_one_redeems(shop):
    desks = [Browser(shop, "cashier", name=f"desk {n}") for n in range(10)]
    pages = [look_up(desk, shop.codes[0]) for desk in desks]
    with ThreadPoolExecutor(10) as pool:
        replies = list(
            pool.map(lambda each: each[0].send("/desk/redeem", each[1]), zip(desks, pages, strict=True))
        )

    assert sorted(reply.status_code for reply in replies) == [200] + [409] * 9
    assert [action for action, _ in history(shop)] == ["redeem"]


# --- undo ------------------------------------------------------------------------------------


def test_a_slip_is_taken_back_within_the_minute(shop, cashier, clock):
    done = redeem(cashier, shop.codes[0])
    clock.pass_(60)
    reply = cashier.send("/desk/undo", done)

    assert (reply.status_code, verdict(reply), is_good(reply)) == (200, "Undone: valid again", True)
    assert history(shop) == [("redeem", "key the cashier"), ("reverse", "key the cashier")]
    assert {(what, by) for by, what, *_ in entries(shop)} == {("issue", "test"), *history(shop)}
    second = cashier.send("/desk/redeem", reply)
    assert verdict(second) == "Redeemed"
    assert verdict(cashier.send("/desk/undo", done)) == "Not as you saw it"
    assert verdict(cashier.send("/desk/undo", second)) == "Undone: valid again"
    assert verdict(cashier.send("/desk/undo", second)) == "Not possible"
    assert len(history(shop)) == 4


def test_after_the_minute_it_is_too_late(shop, cashier, clock):
    done = redeem(cashier, shop.codes[0])
    clock.pass_(61)
    reply = cashier.send("/desk/undo", done)

    assert (reply.status_code, verdict(reply)) == (409, "Not possible")
    assert "A manager can take back others" in reply.text
    assert history(shop) == [("redeem", "key the cashier")]
    assert 'action="/desk/undo"' not in look_up(cashier, shop.codes[0]).text


@pytest.mark.parametrize("role", ["cashier", "owner"])
def test_nobody_takes_back_what_another_redeemed(shop, cashier, role):
    redeem(cashier, shop.codes[0])
    other = Browser(shop, role, name="another")
    seen = look_up(other, shop.codes[0])
    reply = other.post("/desk/undo", {"code": shop.codes[0], "revision": "1"}, "/desk")

    assert 'action="/desk/undo"' not in seen.text
    assert (reply.status_code, verdict(reply)) == (409, "Not possible")
    assert history(shop) == [("redeem", "key the cashier")]


def test_nor_what_another_redeemed_in_between(shop, cashier):
    done = redeem(cashier, shop.codes[0])
    cashier.send("/desk/undo", done)
    redeem(Browser(shop, "cashier", name="another"), shop.codes[0])
    reply = cashier.send("/desk/undo", done)

    assert reply.status_code == 409
    assert [by for _, by in history(shop)] == ["key the cashier", "key the cashier", "key another"]


def test_an_undo_loses_the_race_against_what_came_in_between(shop, cashier, monkeypatch):
    """Somebody reverses and redeems anew between the look and the change: the look is taken again."""
    done, code, happened = redeem(cashier, shop.codes[0]), shop.codes[0], []
    real, at_once = Redemptions._replace, shop.services.redemptions

    def replace(self, voucher, order, event):
        if not happened:
            happened.append(1)
            at_once.carry_out(code, Order("reverse", "the manager"))
            at_once.carry_out(code, Order("redeem", "key another"))
        return real(self, voucher, order, event)

    monkeypatch.setattr(Redemptions, "_replace", replace)

    assert cashier.send("/desk/undo", done).status_code == 409
    assert [by for _, by in history(shop)] == ["key the cashier", "the manager", "key another"]


def test_only_a_redemption_can_be_undone(shop, cashier):
    for code in (shop.codes[0], UNKNOWN, "x"):
        reply = cashier.post("/desk/undo", {"code": code, "revision": "1"}, "/desk")
        assert reply.status_code == (409 if code == shop.codes[0] else 404)
    assert history(shop) == []


# --- who, and how often ----------------------------------------------------------------------


def test_guessing_codes_is_limited_and_said_as_a_page(shop, cashier):
    guesses = [derive(b"guess", n) for n in range(25)]
    proof = form(cashier.get("/desk"), "/desk")
    replies = [
        cashier.client.post(path, data=proof | {"code": code, "revision": "1"}, headers=HTML)
        for path, code in zip(["/desk", "/desk/redeem", "/desk/undo"] * 9, guesses, strict=False)
    ]

    assert [reply.status_code for reply in replies] == [404] * 20 + [429] * 5
    assert replies[-1].mimetype == "text/html"
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
    assert "Too many" in plain(replies[-1].text)
    assert look_up(cashier, shop.codes[0]).status_code == 429, "right ones tell nothing either"
    assert history(shop) == []


def test_mistyping_is_not_guessing(shop, cashier):
    code = shop.codes[0]
    for symbol in set(ALPHABET) - {code[0]}:
        assert look_up(cashier, symbol + code[1:]).status_code == 404
    assert verdict(look_up(cashier, f"\t{code.lower().replace('-', ' – ')} ")) == "Valid"


def test_a_cashier_sees_the_desk_and_nothing_else(shop, cashier):
    paths = {rule.rule for rule in shop.app.url_map.iter_rules() if rule.endpoint.startswith("pages.")}
    seen = {path: cashier.get(path.replace("<name>", "year-end").replace("<user_id>", "1")) for path in paths}
    open_to_all = {"/docs", "/openapi.json", "/problems", "/problems/<slug>", "/sign-in"}

    assert {path for path, reply in seen.items() if reply.status_code == 200} <= {"/desk"} | open_to_all
    assert seen["/desk"].status_code == 200
    links = seen["/desk"].text.partition("<nav")[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', links) == ["/desk"]
    for reply in (look_up(cashier, shop.codes[0]), redeem(cashier, shop.codes[1])):
        assert not re.search("Ана|ana@example.com", reply.text)


def test_codes_are_in_no_log_and_in_no_address(shop, cashier, capsys):
    replies = [look_up(cashier, shop.codes[0]), look_up(cashier, UNKNOWN), look_up(cashier, "ABCD-EFGH-JKMN")]
    replies += [redeem(cashier, shop.codes[0]), redeem(cashier, shop.codes[1])]
    replies.append(cashier.send("/desk/undo", replies[-1]))
    log = capsys.readouterr()

    assert "route=/desk/redeem" in log.out
    for code in (*shop.codes, UNKNOWN, "ABCD-EFGH-JKMN"):
        assert code not in log.out + log.err
        assert code.replace("-", "") not in log.out + log.err
        for reply in replies:
            assert "Location" not in reply.headers
            assert not re.search(rf'(?:href|action|src)="[^"]*{code}', reply.text)
    assert cashier.get(f"/desk?code={shop.codes[0]}").status_code == 422


def test_the_desk_waits_for_mongodb_in_words(make_shop):
    browser = Browser(make_shop(mongodb_uri=AWAY, auth="auto"))

    assert browser.get("/desk").status_code == 200
    reply = browser.post("/desk", {"code": UNKNOWN}, "/desk")
    assert (reply.status_code, reply.mimetype) == (503, "text/html")
