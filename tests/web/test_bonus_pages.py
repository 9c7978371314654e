"""The bonus page: what it would cost, who is due, and storing them."""

from __future__ import annotations

import random
import re
import threading
from decimal import Decimal

import pytest

from smetka.bonus import collection
from smetka.core.money import Money
from smetka.web.pages import bonus as bonus_pages
from tests.fixtures.web import AWAY
from tests.waiting import eventually
from tests.web.browsing import Browser, cards, entries, faults, notes, plain, table

CUSTOMERS = [(n, f"Купувач {n}", f"{n}@example.com", 20 + n % 40) for n in range(1, 131)]


def spending():
    """Payments of 2026 with many equal totals, some on the threshold, and one of 2025 and one of nobody."""
    chance = random.Random(1)
    amounts = [899.99, 900, 999.99, 1000, 1000.01, 1500, 1750.5, 3000]
    return [(n, chance.choice(amounts), 2026) for n in range(1, 126)] + [
        (130, 99_999, 2025),
        (999, 5000, 2026),
    ]


PAYMENTS = spending()
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, shared=True)
TOTALS = {n: Decimal(str(amount)) for n, amount, year in PAYMENTS if year == 2026 and n <= 130}


def ranked(over, totals=TOTALS):
    """Those above an amount: (id, total), who spent most first, equals by id."""
    found = [(n, total) for n, total in totals.items() if total > over]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def said(amount, language="en"):
    text = f"{Decimal(amount):,.2f}"
    return text.translate(str.maketrans(",.", ".,")) + " ден." if language == "mk" else text + " MKD"


def figures(reply):
    return [figure for figure, _ in cards(reply).values()]


@pytest.fixture
def decide(shop):
    """A function that stores a customer with a total, and decides."""
    records = shop.services.bonus_customers

    def decide(user_id, total, review=None):
        terms = {"threshold": Money(1000_00), "ledger_total": Money(int(TOTALS.get(user_id, 0) * 100))}
        records.store(user_id, 2026, Money(total * 100), **terms)
        if review:
            records.decide(2026, user_id, review)

    return decide


# --- the planner -----------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "typed"), [("en", "1,500"), ("mk", "1.500")])
def test_the_plan_is_what_the_ledger_and_decisions_come_to(shop, decide, language, typed):
    most = ranked(1500)
    decide(126, 2000, "approved")  # by nothing but what was posted
    decide(127, 2000, "rejected")
    decide(128, 2000)  # nobody has decided
    decide(most[0][0], 9999, "rejected")
    decide(most[1][0], 1001, "approved")  # the ledger's total is larger
    decide(most[2][0], 4000, "approved")
    totals = TOTALS | {126: Decimal(2000), most[2][0]: Decimal(4000)}
    del totals[most[0][0]]
    expected = ranked(1500, totals)
    near = len([total for total in TOTALS.values() if 1350 <= total <= 1500])
    browser = Browser(shop, language=language)
    path, value = f"/bonus?threshold={typed}&value=250.50", Decimal("250.50")

    reply = browser.get(path)
    assert figures(reply) == [str(len(expected)), said(len(expected) * value, language), str(near)]
    assert [row[:1] + row[2:] for row in table(reply, '<th scope="col" class="words">')] == [
        [str(n), said(total, language).split()[0]] for n, total in expected[:10]
    ]
    for budget in (0, 250, 251, 12_345):
        reached = min(len(expected), int(budget // value))
        reply = browser.get(f"{path}&budget={budget}")
        assert figures(reply)[2:4] == [str(reached), str(len(expected) - reached)]
        assert said(reached * value, language) in list(cards(reply).values())[2][1]


def test_other_thresholds_are_reckoned_beside(browser):
    reply = browser.get("/bonus?threshold=1500&value=500")
    found = {int(row[0].split()[0].replace(",", "")): row for row in table(reply, 'id="plan"')}
    due = {
        threshold: len(ranked(threshold))
        for threshold in (375, 750, 1125, 1350, 1500, 1650, 1875, 2250, 3000, 4500, 7500)
    }

    assert {threshold: int(row[1]) for threshold, row in found.items()} == due
    for threshold, row in found.items():
        more = (due[threshold] - due[1500]) * 500
        sign = "+" if more > 0 else "−" if more else ""
        assert row[3] == ("" if threshold == 1500 else f"{sign}{abs(more):,}")


def test_the_ten_who_spent_most_are_named_whoever_was_rejected(decide, browser):
    most = ranked(1000)
    for n, _ in most[:12]:
        decide(n, 9000, "rejected")
    decide(126, 5000, "approved")
    decide(most[12][0], 4000, "approved")

    found = table(browser.get("/bonus"), "Top spenders")

    assert [int(row[0]) for row in found] == [126, *(n for n, _ in most[12:21])]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("year=0", {"year"}),
        ("year=20260&threshold=x", {"year", "threshold"}),
        ("threshold=-5", {"threshold"}),
        ("value=0", {"value"}),
        ("value=1.0000&budget=x", {"value", "budget"}),
        ("threshold=<script>alert(1)</script>", {"threshold"}),
    ],
)
def test_faults_are_said_beside_their_fields(browser, query, wrong):
    reply = browser.get(f"/bonus?{query}")

    assert reply.status_code == 422
    assert faults(reply).keys() == wrong
    assert "<script>alert" not in reply.text
    assert cards(reply) == {}


@pytest.mark.parametrize("typed", ["1000.5", "1000,5", "1,000.50", "1.000,50", "1 000,50"])
def test_amounts_are_read_in_both_notations_and_stay_as_they_were_typed(browser, typed):
    reply = browser.get(f"/bonus?threshold={typed}")

    assert "threshold=1000.50" in reply.text
    assert f'value="{typed}"' in reply.text


def test_a_year_without_payments_and_an_empty_ledger_have_plans(make_shop, browser):
    assert figures(browser.get("/bonus?year=1999")) == ["0", "0.00 MKD", "0"]
    reply = Browser(make_shop(customers=[], payments=[])).get("/bonus")
    assert (reply.status_code, "Nobody qualifies for a voucher" in reply.text) == (200, True)


def test_a_threshold_of_nothing_and_the_largest_amounts_are_plans(browser):
    reply = browser.get("/bonus?threshold=0&value=1000000000000&budget=1000000000000")

    assert figures(reply)[:4] == ["125", said(125 * 10**12), "1", "124"]
    assert len(table(reply, 'id="plan"')) == 1, "no share of nothing is another threshold"


def test_without_mongodb_the_ledgers_figures_are_there_with_a_note(make_shop):
    browser = Browser(make_shop(mongodb_uri=AWAY))
    reply, due = browser.get("/bonus?threshold=1500"), browser.get("/bonus/due?threshold=1500")

    assert (reply.status_code, due.status_code) == (200, 200)
    assert figures(reply)[0] == str(len(ranked(1500)))
    assert len(table(due)) == min(50, len(ranked(1500)))
    for page in (reply, due):
        assert any(note.startswith("MongoDB is away") for note in notes(page))
    for path in ("/bonus/customers", "/bonus/customers.csv"):
        assert browser.get(path).status_code == 503
    assert browser.post("/bonus/collect", {}, "/bonus").status_code == 503


# --- who is due ------------------------------------------------------------------------------


def test_the_list_of_the_due_goes_on_to_its_end(decide, browser):
    decide(126, 2000, "approved")
    by_ledger = ranked(1000)[0][0]
    decide(by_ledger, 1500, "approved")
    expected = ranked(950, TOTALS | {126: Decimal(2000)})
    assert len(expected) > 55
    found, path, pages = [], "/bonus/due?threshold=950", 0
    while path:
        reply, pages = browser.get(path), pages + 1
        found += table(reply)
        assert f"{len(expected)} customers spent more than 950.00" in plain(reply.text)
        more = re.search(r'href="([^"]+)">Next page', reply.text)
        path = more and more[1].replace("&amp;", "&")

    assert pages == -(-len(expected) // 50)
    assert [(int(row[0]), int(row[1].split()[0]), row[2], row[3]) for row in found] == [
        (place, n, f"Купувач {n}", said(total)) for place, (n, total) in enumerate(expected, 1)
    ]
    assert [row[1] for row in found if "approved" in row[1]] == ["126 approved"], "by what was posted"


def test_a_list_of_the_due_ends(browser):
    assert table(browser.get("/bonus/due?threshold=950&page=1000000")) == []
    assert table(browser.get("/bonus/due?year=1999")) == []
    for query in ("page=0", "page=x", "page=1000001", "year=x", "threshold=x"):
        assert browser.get(f"/bonus/due?{query}").status_code == 422


# --- collecting ------------------------------------------------------------------------------


def test_collecting_goes_on_while_the_page_tells_how_far_it_is(make_shop, monkeypatch):
    shop = make_shop(auth="required")
    shop.services.bonus_customers.store(
        130, 2026, Money(5000_00), threshold=Money(1000_00), ledger_total=Money(1)
    )
    may_go_on = threading.Event()
    real, began = collection._Run._insert, []

    def insert(self, missing):
        began.append(1)
        if len(began) == 2:
            assert may_go_on.wait(30)
        return real(self, missing)

    monkeypatch.setattr(collection, "BATCH", 20)
    monkeypatch.setattr(collection._Run, "_insert", insert)
    browser = Browser(shop, "manager")
    page = browser.get("/bonus?threshold=1000")
    reply = browser.send("/bonus/collect", page)
    assert (reply.status_code, reply.headers["Location"]) == (
        303,
        "/bonus?year=2026&threshold=1000.00#stored",
    )
    eventually(lambda: len(began) == 2)

    busy = browser.get("/bonus?threshold=1000")
    assert re.search(r"<progress[^>]* max=\"(\d+)\" value=\"(\d+)\"", busy.text).groups() == (
        "125",
        str(sorted(n for n, _ in ranked(1000))[19] - 1),
    )
    assert 'action="/bonus/collect"' not in busy.text
    assert 'hx-trigger="every 1s"' in busy.text
    browser.post("/bonus/collect", {"year": "2026"}, "/bonus")  # a second time at once is the same work
    may_go_on.set()
    done = eventually(lambda: (p := browser.get("/bonus")) and "<progress" not in p.text and p)

    due = [n for n, _ in ranked(1000)]
    assert f"Newly stored: {len(due)}; updated: 0; to be decided: 1" in notes(done)
    assert 'action="/bonus/collect"' in done.text
    assert shop.stored_customers() == sorted([130, *due])
    assert entries(shop).count(("key the manager", "collect", 2026)) == 2
    assert [row[0] for row in table(browser.get("/bonus/customers?review=pending"))] == ["130"]


@pytest.mark.shop(shared=False)
def test_collecting_that_stops_says_why_and_can_be_repeated(shop, browser, monkeypatch):
    real = bonus_pages.collect

    def collect(*arguments, **options):
        away = shop.services.ledger.path.rename(shop.services.ledger.path.with_name("away.db"))
        try:
            return real(*arguments, **options)
        finally:
            away.rename(shop.services.ledger.path)

    monkeypatch.setattr(bonus_pages, "collect", collect)
    browser.send("/bonus/collect", browser.get("/bonus"))
    found = eventually(lambda: [n for n in notes(browser.get("/bonus")) if "It stopped early" in n])
    assert "ledger" in found[0]
    assert shop.stored_customers() == []

    monkeypatch.setattr(bonus_pages, "collect", real)
    browser.send("/bonus/collect", browser.get("/bonus"))
    eventually(lambda: any("Newly stored" in note for note in notes(browser.get("/bonus"))))
    assert shop.stored_customers() == sorted(n for n, _ in ranked(1000))


@pytest.mark.parametrize("fields", [{"year": "x"}, {"year": "0"}, {"threshold": "-1"}])
def test_collecting_by_wrong_terms_collects_nobody(shop, browser, fields):
    assert browser.post("/bonus/collect", fields, "/bonus").status_code == 422
    assert entries(shop) == []


# --- who sees what ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reader", "manager", "owner"])
def test_names_are_for_owners_and_buttons_for_managers(make_shop, role):
    shop = make_shop(auth="required")
    browser = Browser(shop, role)
    pages = [browser.get(path).text for path in ("/bonus", "/bonus/due")]

    assert [("Купувач" in text) for text in pages] == [role == "owner"] * 2
    assert ('action="/bonus/collect"' in pages[0]) == (role != "reader")
    assert ("/bonus/new-campaign" in pages[0]) == (role != "reader")
    assert browser.get("/bonus/new-campaign").status_code == (403 if role == "reader" else 200)
    for path in ("/bonus/collect", "/bonus/decide", "/bonus/campaigns", "/bonus/campaigns/x/issue"):
        status = browser.post(path, {"year": "2026"}, "/settings").status_code
        assert (status == 403) == (role == "reader")
    assert shop.count("campaigns") == 0
