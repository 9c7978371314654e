"""Customers on their pages: found, walked through, and how each one stands."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from smetka.bonus.issuing import Issuing
from smetka.bonus.rules import Rules
from smetka.bonus.vouchers import of_campaign
from smetka.core.money import Money
from tests.fixtures.web import AWAY
from tests.web.browsing import Browser, cards, faults, notes, plain, table

NASTY = "<script>alert(1)</script><b>{{7*7}}{% for x in y %}\"' &amp; %(count)s {0}"
NAMES = {7: NASTY, 12: "Ана Петровска", 34: "АНАСТАСИЈА", 56: "100% Off", 78: ""}
AGES = [None, 17, 18, 24, 25, 36, 47, 48, 90, 150]
GROUPS = {"18-24": (18, 24), "25-30": (25, 30), "31-36": (31, 36), "37-47": (37, 47), ">47": (48, 150)}
CUSTOMERS = [
    (n, NAMES.get(n, f"Купувач {n}"), f"{'<i>' if n == 7 else ''}c{n}@example.com", AGES[n % len(AGES)])
    for n in range(1, 121)
]


def spending():
    """Payments over four years: equal totals, refunds, amounts that do not count, years that are none."""
    chance = random.Random(1)
    found = []
    for n in range(1, 110):
        for _ in range(chance.randrange(0, 5)):
            amount = chance.choice([100, 250.5, 999.99, 1000, 1000.01, -50.25, 0, 19.99])
            found.append((n, amount, chance.choice([2023, 2024, 2025, 2026])))
    odd = [(7, "abc", 2026), (7, None, 2025), (7, 1e11, 2024), (7, 300, None), (999, 5000, 2026)]
    return found + odd + [(12, 1000, 2026), (12, 0.01, 2026)]


PAYMENTS = spending()
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, shared=True)


def counts(amount):
    return isinstance(amount, int | float) and abs(amount) <= 10**10


def totals(year="all"):
    """What each customer spent, in cents, by plain arithmetic."""
    found = defaultdict(Decimal)
    for n, amount, of in PAYMENTS:
        if counts(amount) and year in {"all", of} and n <= 120:
            found[n] += Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return dict(found)


def group_of(n):
    age = CUSTOMERS[n - 1][3]
    return next(
        (name for name, (low, high) in GROUPS.items() if age is not None and low <= age <= high), None
    )


def said(amount):
    return f"{amount:,.2f} MKD"


def found_by(browser, text):
    reply = browser.client.get("/customers", query_string={"find": text}, headers={"Accept": "text/html"})
    assert reply.status_code in {200, 303}
    return [int(row[0]) for row in table(reply)] if reply.status_code == 200 else reply.headers["Location"]


# --- found -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("АНА", [12, 34]),
        ("петров", [12]),
        ("C11@EXAMPLE", [11]),
        ("%", [7, 56]),
        ("<script>", [7]),
        ("12", [12, 112, 120]),
        ("99", "/customers/99"),
        ("007", [7]),
        ("999", []),
        ("-1", []),
    ],
)
def test_owners_find_by_id_name_and_email(browser, text, ids):
    assert found_by(browser, text) == ids


@pytest.mark.parametrize("role", ["reader", "manager"])
def test_others_find_by_id_only(make_shop, role):
    browser = Browser(make_shop(auth="required"), role)

    assert found_by(browser, "12") == "/customers/12"
    for text in ("ана", "c11@", "1%", "-1", "1 2"):
        reply = browser.client.get("/customers", query_string={"find": text}, headers={"Accept": "text/html"})
        assert reply.status_code == 422
        assert faults(reply) == {
            "find": "must be a customer's id: names and e-mails are shown to owners only"
        }
        assert table(reply) == []


def test_what_nobody_has_is_said_back_inert(browser):
    for text in ("<script>x", "{{7*7}}", "%(find)s", "%s"):
        page = browser.client.get(
            "/customers", query_string={"find": f"{text}#"}, headers={"Accept": "text/html"}
        )
        assert f"Nobody is found by “{text}#”" in notes(page)[0]
        assert "<script>x" not in page.text
    assert browser.get(f"/customers?find={'x' * 101}").status_code == 422
    assert browser.get("/customers?after=x").status_code == 422


def test_all_customers_are_walked_through(browser):
    found, path, pages = [], "/customers", 0
    while path:
        reply, pages = browser.get(path), pages + 1
        found += table(reply)
        more = re.search(r'href="([^"]+)">Next page', reply.text)
        path = more and more[1].replace("&amp;", "&")

    spent = totals()
    assert pages == 3
    assert [[row[0], " ".join(row[1:-2]).strip(), *row[-2:]] for row in found] == [
        [str(n), f"{name} {email}".strip(), "–" if age is None else str(age), said(spent.get(n, 0))]
        for n, name, email, age in CUSTOMERS
    ]


# --- one -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["999", "007", "٣", "%00", "{{7*7}}"])
def test_who_is_no_customer_has_a_page_that_says_so(browser, path):
    reply = browser.get(f"/customers/{path}")

    assert (reply.status_code, reply.mimetype) == (404, "text/html")
    assert "49" not in plain(reply.text).partition("Asked for")[0]


def test_every_customers_figures_and_ranks_are_those_of_plain_arithmetic(browser):
    spent = totals()
    for n in range(1, 121):
        reply = browser.get(f"/customers/{n}")
        shown = cards(reply)
        payments = len([1 for who, amount, _ in PAYMENTS if who == n and counts(amount)])
        assert shown["Spent in all years"][0] == said(spent.get(n, Decimal(0)))
        assert shown["Spent in all years"][1] == f"{payments} payment{'' if payments == 1 else 's'}"
        if n not in spent:
            assert "Rank among all" not in shown
            continue
        peers = {other: total for other, total in spent.items() if group_of(other) == group_of(n)}
        name = "Rank in the age group" if group_of(n) else "Rank among those in no age group"
        for label, others in (("Rank among all", spent), (name, peers)):
            rank = 1 + len([1 for total in others.values() if total > spent[n]])
            assert shown[label] == (
                str(rank),
                f"of {len(others)} paying customer{'' if len(others) == 1 else 's'}",
            )


def test_what_is_missing_to_a_voucher_is_said_to_the_cent(browser):
    of_year = totals(2026)
    for n in (12, *random.Random(1).sample(range(1, 121), k=15)):
        total = of_year.get(n, Decimal(0))
        words = plain(browser.get(f"/customers/{n}").text).partition("2026: ")[2].partition("2025: ")[0]
        if total > 1000:
            assert f"due a voucher Spent {said(total)}, which is {said(total - 1000)} above" in words
        else:
            assert f"not due Spent {said(total)}; {said(1000 - total + Decimal('0.01'))} more" in words


def test_years_and_payments_are_listed_and_what_does_not_count_is_marked(browser):
    reply = browser.get("/customers/7")
    by_year = defaultdict(list)
    for n, amount, year in PAYMENTS:
        if n == 7 and counts(amount):
            by_year[str(year or "unknown")].append(Decimal(str(amount)))

    years = ["unknown", *sorted(by_year.keys() - {"unknown"}, reverse=True)]
    assert table(reply, 'id="years"') == [
        [
            year + " (not over yet)" * (year == "2026"),
            said(sum(by_year[year])),
            str(len(by_year[year])),
        ]
        for year in years
    ]
    shown = table(reply, 'id="payments"')
    assert len(shown) == len([1 for n, *_ in PAYMENTS if n == 7])
    assert ["2026", "abc does not count"] in shown
    assert ["2025", "NULL does not count"] in shown
    assert ["2024", "100000000000.0 does not count"] in shown
    assert ["unknown", "300.00 MKD"] in shown


def test_many_payments_come_in_pages(make_shop):
    shop = make_shop(customers=[(1, "n", "e", 30)], payments=[(1, n, 2026) for n in range(1, 251)])
    pages = [Browser(shop).get(f"/customers/1?page={page}") for page in (1, 2, 3, 4)]

    amounts = [row[1] for page in pages for row in table(page, 'id="payments"')]
    assert amounts == [said(n) for n in range(250, 0, -1)]
    assert [("Next page" in page.text, "Previous page" in page.text) for page in pages[:3]] == [
        (True, False),
        (True, True),
        (False, True),
    ]
    assert pages[3].status_code == 200
    assert Browser(shop).get("/customers/1?page=0").status_code == 422


# --- who may see whom, and what MongoDB has ---------------------------------------------------


@pytest.fixture
def with_vouchers(make_shop):
    shop = make_shop(auth="required")
    services = shop.services
    rules = Rules("year-end", 2026, Money(100_00), Money(500_00), date(2026, 11, 1), date(2027, 1, 31))
    services.campaigns.create(rules, timezone="Europe/Skopje", currency="MKD")
    Issuing(services.ledger, services.storage, now=services.now).issue("year-end", "test")
    services.bonus_customers.store(
        7, 2026, Money(2000_00), threshold=Money(1000_00), ledger_total=Money(5_00)
    )
    services.bonus_customers.store(
        12, 2026, Money(2000_00), threshold=Money(1000_00), ledger_total=Money(5_00)
    )
    shop.codes = {voucher.user_id: voucher.code for voucher in of_campaign(services.storage, "year-end")}
    return shop


PAGES = (
    "/", "/customers", "/customers?after=6", "/customers/7", "/customers/12", "/bonus?threshold=0",
    "/bonus/due?threshold=0", "/bonus/customers", "/bonus/campaigns/year-end",
    "/bonus/campaigns/year-end/preview", "/settings/ledger",
)  # fmt: skip


@pytest.mark.parametrize("role", ["reader", "manager"])
def test_nobody_but_owners_sees_who_somebody_is(with_vouchers, role):
    browser = Browser(with_vouchers, role)
    for path in PAGES:
        reply = browser.get(path)
        assert reply.status_code == 200
        for word in ("Купувач", "Ана", "АНАСТАСИЈА", "alert(1)", "@example.com"):
            assert word not in reply.text, path
    seen = browser.get("/customers/12").text
    assert (with_vouchers.codes[12] in seen) == (role == "manager")


def test_names_of_markup_and_templates_are_inert_wherever_they_stand(with_vouchers):
    owner, seen = Browser(with_vouchers, "owner"), 0
    for path in PAGES:
        text = owner.get(path).text
        assert "<script>alert" not in text, path
        assert "<b>" not in text, path
        assert "<i>" not in text, path
        seen += NASTY in plain(text.replace("&lt;", "‹").replace("&gt;", "›")).replace("‹", "<").replace(
            "›", ">"
        )
    assert seen >= 5
    assert NASTY in plain(owner.get("/customers/7").text.partition("<h1>")[2].partition("</h1>")[0])


def test_what_mongodb_has_of_a_customer_is_shown(with_vouchers):
    page = Browser(with_vouchers, "owner").get("/customers/12")

    assert with_vouchers.codes[12] in page.text
    assert "On the bonus list of 2026 with 2,000.00 MKD" in plain(page.text)
    assert "The shop's data said 5.00 MKD" in plain(page.text)


def test_without_mongodb_the_ledgers_part_is_there_with_a_note(make_shop):
    browser = Browser(make_shop(mongodb_uri=AWAY))
    page = browser.get("/customers/12")

    assert page.status_code == 200
    assert cards(page)["Spent in all years"][0] == said(totals()[12])
    assert any("MongoDB is away" in note for note in notes(page))
    assert browser.get("/customers").status_code == 200


def test_whose_very_id_it_is_comes_first(make_shop):
    crowd = [(n, f"Customer {n}", f"c120{n}@example.com", 30) for n in range(1, 130)]
    browser = Browser(make_shop(customers=crowd, payments=[], auth="required"), "owner")

    text = browser.get("/customers?find=120").text

    assert text.index('href="/customers/120"') < text.index('href="/customers/1"')
    assert text.count('href="/customers/120"') == 1
