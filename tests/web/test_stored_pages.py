"""Who is stored for a bonus: the list, deciding, and the file for a spreadsheet."""

from __future__ import annotations

import csv
import io
import random
import re
from decimal import Decimal

import pytest

from smetka.core.money import Money
from tests.web.browsing import Browser, entries, notes, plain, table

FORMULAS = ["=1+1", "+389 70 123", "-5", "@SUM(A1)", "\tx", "\r=x"]
NASTY = "<script>alert(1)</script>{{7*7}}\"';,"
NAMES = dict(enumerate([*FORMULAS, NASTY, "Ана Петрова", 'Two\nlines and a "quote"'], 1))
CUSTOMERS = [
    (n, NAMES.get(n, f"Купувач {n}"), f"{FORMULAS[n % 6]}{n}@example.com", 30) for n in range(1, 131)
]
PAYMENTS = [(n, 500.25 * (n % 7), 2026) for n in range(1, 131)] + [(5, 7000, 2025)]
TOTALS = {n: Decimal("500.25") * (n % 7) for n in range(1, 131)}
COLUMNS = [
    "user_id",
    "total_spending",
    "ledger_total",
    "matches_ledger",
    "source",
    "review",
    "stored_at",
    "basis_period",
    "ledger_year_total",
]
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS)


def store(shop, user_id, total, review=None, year=2026):
    terms = {"threshold": Money(1000_00), "ledger_total": Money(int(TOTALS[user_id] * 100))}
    shop.services.bonus_customers.store(user_id, year, Money(int(total * 100)), **terms)
    if review:
        shop.services.bonus_customers.decide(year, user_id, review)


@pytest.fixture(scope="module")
def written():
    """The records of `stored` as they were made by the first test that wanted them."""
    return []


@pytest.fixture
def stored(shop, clock, written):
    """120 who are stored: of every kind of decision, source and agreement, in any order."""
    records = shop.services.storage.collection("bonus_customers")
    if written:
        records.insert_many(written)
        return shop.services.bonus_customers.page(500, year=2026)
    for n in random.Random(1).sample(range(1, 121), k=120):
        clock.pass_(n % 3)
        store(shop, n, TOTALS[n] if n % 2 else 5000 + n % 5, ["approved", "rejected", None][n % 3])
    records.update_many({"user_id": {"$gt": 100}}, {"$set": {"source": "collected"}})
    store(shop, 130, 7000, year=2025)
    written.extend(records.find())
    return shop.services.bonus_customers.page(500, year=2026)


def walk(browser, query):
    """The ids of a list and of all its further pages."""
    found, path = [], f"/bonus/customers?{query}"
    while path:
        reply = browser.get(path)
        assert reply.status_code == 200
        found += [int(row[0]) for row in table(reply)]
        more = re.search(r'href="([^"]+)">Next page', reply.text)
        path = more and more[1].replace("&amp;", "&")
    return found


def file_of(reply):
    """The rows of a CSV file."""
    text = reply.data.decode("utf-8-sig")
    delimiter = ";" if text.startswith("user_id;") else ","
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


# --- the list --------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["user_id", "total_spending", "-total_spending", "stored_at", "-stored_at"])
def test_every_order_is_walked_to_its_end(browser, stored, sort):
    sign = -1 if sort.startswith("-") else 1
    values = {
        "user_id": lambda record: 0,
        "total_spending": lambda record: record.total.cents,
        "stored_at": lambda record: record.stored_at.timestamp(),
    }
    value = values[sort.lstrip("-")]
    expected = sorted(stored, key=lambda record: (sign * value(record), record.user_id))

    assert walk(browser, f"sort={sort}") == [each.user_id for each in expected]


def test_filters_choose_the_same_for_the_list_and_its_file(browser, stored):
    for review in ("", "none", "pending", "approved", "rejected"):
        for source, matches in (("", ""), ("api", "no"), ("collected", "yes"), ("collected", "")):
            query = f"review={review}&source={source}&matches={matches}"
            expected = [
                each.user_id
                for each in stored
                if review in {"", each.review}
                and source in {"", each.source}
                and matches in {"", "yes" if each.matches_ledger else "no"}
            ]
            assert walk(browser, query) == expected
            rows = file_of(browser.get(f"/bonus/customers.csv?{query}"))
            assert [int(row[0]) for row in rows[1:]] == expected
    assert walk(browser, "year=2025") == [130]
    assert "No stored customer matches these filters" in browser.get("/bonus/customers?year=1999").text


@pytest.mark.parametrize("query", ["year=x", "review=x", "source=x", "matches=true", "sort=name", "cursor=x"])
def test_what_no_list_has_is_said(browser, query):
    reply = browser.get(f"/bonus/customers?{query}")

    assert reply.status_code == 422
    assert "must be" in plain(reply.text)
    assert browser.get(f"/bonus/customers.csv?{query}").status_code == 422


# --- deciding --------------------------------------------------------------------------------


@pytest.mark.shop(auth="required")
def test_deciding_by_the_buttons_leads_back_to_the_list_as_it_was(shop):
    for n in (1, 2, 3):
        store(shop, n, 9000 + n)
    browser = Browser(shop, "manager")
    query = "review=pending&sort=-total_spending"
    page = browser.get(f"/bonus/customers?{query}")
    assert page.text.count("Approve: ") == page.text.count("Reject: ") == 3

    approved = browser.send("/bonus/decide", page)  # the first button: approves who spent most
    assert (approved.status_code, approved.headers["Location"]) == (303, f"/bonus/customers?{query}")
    page = browser.get(approved.headers["Location"])
    assert notes(page) == ["Customer 3 is approved."]
    assert [row[0] for row in table(page)] == ["2", "1"]
    browser.send("/bonus/decide", page, decision="rejected")
    assert notes(browser.get("/bonus/customers")) == ["Customer 2 is rejected."]
    figures = {"total_spending": "9001.00", "ledger_total": "500.25", "ledger_year_total": "500.25"}
    browser.send("/bonus/decide", page, user_id="1", decision="removed", **figures)

    kept = shop.services.bonus_customers.page(9)
    assert [(each.user_id, each.review) for each in kept] == [(2, "rejected"), (3, "approved")]
    assert sorted(entries(shop)) == [
        ("key the manager", "approve", 2026, 3),
        ("key the manager", "reject", 2026, 2),
        ("key the manager", "remove", 2026, 1),
    ]


def test_what_was_decided_can_be_decided_anew(shop, browser):
    store(shop, 1, 9000, "approved")

    page = browser.get("/bonus/customers")
    assert ("Approve: 1" in page.text, "Reject: 1" in page.text) == (False, True)
    page = browser.get(browser.send("/bonus/decide", page).headers["Location"])
    assert ("Approve: 1" in page.text, "Reject: 1" in page.text) == (True, False)
    browser.send("/bonus/decide", page)
    assert shop.services.bonus_customers.get(2026, 1).review == "approved"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"decision": "approved"}, 422),
        ({"user_id": "1", "year": "2026"}, 422),
        ({"user_id": "1", "year": "2026", "decision": "paid"}, 422),
        ({"user_id": "007", "year": "2026", "decision": "approved"}, 422),
        ({"user_id": "2", "year": "2026", "decision": "approved", "total_spending": "9000"}, 404),
        ({"user_id": "1", "year": "2025", "decision": "removed", "total_spending": "9000"}, 404),
    ],
)
def test_decisions_about_nobody_are_refused(shop, browser, fields, status):
    store(shop, 1, 9000)

    assert browser.post("/bonus/decide", fields, "/bonus/customers").status_code == status
    assert shop.services.bonus_customers.get(2026, 1).review == "pending"


@pytest.mark.parametrize(
    "query", ["//evil.example", "\\evil", "a=1\r\nSet-Cookie: x=1", "https://evil.example"]
)
def test_the_way_back_never_leads_away(shop, browser, query):
    store(shop, 1, 9000)
    fields = {
        "user_id": "1",
        "year": "2026",
        "decision": "rejected",
        "total_spending": "9000",
        "query": query,
    }
    reply = browser.post("/bonus/decide", fields, "/bonus/customers")

    assert reply.headers["Location"].startswith("/bonus/customers")
    assert "\n" not in reply.headers["Location"]
    assert all("x=1" not in cookie for cookie in reply.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("language", ["en", "mk"])
def test_the_list_says_of_which_period_a_total_is_and_who_spent_nothing_in_the_year(shop, language):
    threshold, everything = Money(1000_00), Money(7500_25)
    customers = shop.services.bonus_customers
    customers.store(1, 2026, everything, threshold=threshold, ledger_total=everything, year_total=Money(0))
    customers.store(2, 2026, everything, threshold=threshold, ledger_total=everything, year_total=Money(5_00))
    customers.store(3, 2026, everything, threshold=threshold, ledger_total=everything)
    customers.store(4, 2026, everything, threshold=threshold, ledger_total=everything)
    shop.services.storage.collection("bonus_customers").update_one(
        {"user_id": 4}, {"$unset": {"basis_period": "", "ledger_year_total": ""}}
    )
    words = {
        "en": (
            "for all years",
            "spent nothing in 2026",
            "in 2026: 5.00 MKD",
            "period not known",
            "settles it",
        ),
        "mk": (
            "за сите години",
            "без потрошувачка во 2026",
            "во 2026: 5,00 ден.",
            "непознат период",
            "повторно",
        ),
    }[language]
    browser = Browser(shop, language=language)

    page = browser.get("/bonus/customers?year=2026")

    found = [[word in " ".join(row) for word in words[:4]] for row in table(page)]
    assert found == [
        [True, True, False, False],
        [True, False, True, False],
        [False, False, False, False],
        [False, False, False, True],
    ]
    assert words[4] in page.text
    assert words[0] in browser.get("/customers/1").text
    assert words[1] in browser.get("/customers/1").text
    waiting = {
        "en": "1 customer waiting for a decision spent nothing in 2026",
        "mk": "1 купувач што чека одлука не потрошил ништо во 2026",
    }[language]
    assert waiting in notes(browser.get("/bonus?year=2026"))
    customers.decide(2026, 1, "rejected")
    assert waiting not in notes(browser.get("/bonus?year=2026"))


# --- the file --------------------------------------------------------------------------------


def test_the_plain_file_has_exact_figures(shop, browser, stored):
    reply = browser.get("/bonus/customers.csv?year=2026")
    rows = file_of(reply)

    assert reply.mimetype == "text/csv"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="bonus-2026.csv"'
    assert reply.data.startswith(b"user_id,")
    assert rows[0] == [*COLUMNS, "name", "email"]
    for row, record in zip(rows[1:], stored, strict=True):
        assert row[:9] == [
            str(record.user_id),
            str(record.total),
            str(record.ledger_total),
            "yes" if record.matches_ledger else "no",
            record.source,
            record.review,
            record.stored_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "2026",
            str(record.ledger_total),
        ]
    assert entries(shop)[-1] == ("anybody", "export", 2026)


@pytest.mark.parametrize("excel", ["", "&excel=1"])
def test_no_name_and_no_email_is_a_formula(browser, stored, excel):
    rows = file_of(browser.get(f"/bonus/customers.csv?year=2026{excel}"))
    people = {int(row[0]): row[9:] for row in rows[1:]}

    for n, _, email, _ in CUSTOMERS[:120]:
        assert people[n] == [guarded(NAMES.get(n, f"Купувач {n}")), guarded(email)]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert people[7][0] == NASTY, "markup is nothing in a file"


def guarded(text):
    text = text.replace("\r=", "\r'=")  # where a row begins anew, too
    return f"'{text}" if text[0] in "=+-@\t\r" else text


@pytest.mark.parametrize(
    ("language", "total", "separator"), [("en", "5002.00", b","), ("mk", "5002,00", b";")]
)
def test_excel_opens_its_form_by_itself(shop, stored, language, total, separator):
    reply = Browser(shop, language=language).get("/bonus/customers.csv?excel=1")
    rows = file_of(reply)

    assert reply.data.startswith(b"\xef\xbb\xbfuser_id%btotal_spending%b" % (separator, separator))
    assert [row[1] for row in rows if row[0] == "2"] == [total]
    assert reply.data.count(b"\xef\xbb\xbf") == 1


@pytest.mark.shop(auth="required")
@pytest.mark.parametrize("role", ["reader", "manager"])
def test_names_are_only_in_the_owners_file(shop, role):
    store(shop, 8, 9000)
    browser = Browser(shop, role)
    reply, page = browser.get("/bonus/customers.csv"), browser.get("/bonus/customers")

    assert file_of(reply) == [
        COLUMNS,
        ["8", "9000.00", "500.25", "no", "api", "pending", "2026-11-23T17:20:31Z", "2026", "500.25"],
    ]
    assert "Ана" not in page.text
    assert ('action="/bonus/decide"' in page.text) == (role == "manager")
    assert "Ана Петрова" in Browser(shop, "owner").get("/bonus/customers").text


def test_nobody_is_a_file_of_one_line(browser):
    assert file_of(browser.get("/bonus/customers.csv?year=1999")) == [[*COLUMNS, "name", "email"]]
