"""The overview's figures beside plain arithmetic."""

from __future__ import annotations

import html
import random
import re
import sqlite3
import statistics
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from tests.fixtures.web import AWAY
from tests.web.browsing import Browser, cards, plain, table

AGES = [None, 17, 18, 24, 25, 36, 47, 48, 90]
GROUPS = {"18-24": (18, 24), "25-30": (25, 30), "31-36": (31, 36), "37-47": (37, 47), ">47": (48, 150)}
CUSTOMERS = [(n, f"Купувач {n}", "e", AGES[n % len(AGES)]) for n in range(1, 91)]
CENT, TENTH = Decimal("0.01"), Decimal("0.1")


def spending():
    """Growth, a fall, a year of refunds alone, a year without any, amounts without sense, orphans."""
    chance = random.Random(1)
    found = []
    for year, most in ((2021, 40), (2022, 80), (2024, 60), (2025, 85), (2026, 71)):
        for n in chance.sample(range(1, 91), k=most):
            amounts = chance.choices(
                [100, 250.55, 999.99, 1000, 1500.05, 5000, -50.25, 0], k=chance.randrange(1, 4)
            )
            found += [(n, amount, year) for amount in amounts]
    found += [(n, -10.5 * n, 2020) for n in range(1, 6)]
    odd = [
        (1, "abc", 2026),
        (2, None, 2026),
        (3, 1e11, 2024),
        (999, 7000, 2026),
        (998, 5, 2024),
        (4, 80, None),
    ]
    return found + odd


PAYMENTS = spending()
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, shared=True)


def counts(amount):
    return isinstance(amount, int | float) and abs(amount) <= 10**10


class Oracle:
    """All of a period in plain Python; None is all years."""

    def __init__(self, year):
        self.paid = [
            (n, Decimal(str(amount)).quantize(CENT, ROUND_HALF_UP))
            for n, amount, of in PAYMENTS
            if counts(amount) and n <= 90 and year in {None, of}
        ]
        totals = defaultdict(Decimal)
        for n, amount in self.paid:
            totals[n] += amount
        self.totals = dict(totals)
        self.ordered = sorted(totals.values(), reverse=True)
        self.total = sum(self.ordered, Decimal(0))
        self.ignored = len([1 for _, amount, of in PAYMENTS if not counts(amount) and year in {None, of}])
        self.orphans = len(
            [1 for n, amount, of in PAYMENTS if n > 90 and counts(amount) and year in {None, of}]
        )

    @property
    def figures(self):
        """Total, spenders, median, mean."""
        if not self.ordered:
            return Decimal(0), 0, None, None
        median = statistics.median([Fraction(total) for total in self.ordered])
        return (
            self.total,
            len(self.ordered),
            rounded(median),
            rounded(Fraction(self.total) / len(self.ordered)),
        )

    @property
    def top(self):
        """How many the top tenth are, and their share."""
        many = -(-len(self.ordered) // 10)
        return many, percent(sum(self.ordered[:many]), self.total)

    def average(self, group, basis):
        low, high = GROUPS[group]
        ages = {n: age for n, _, _, age in CUSTOMERS if age is not None and low <= age <= high}
        paid = [amount for n, amount in self.paid if n in ages]
        count = {
            "spender": len({n for n, _ in self.paid if n in ages}),
            "payment": len(paid),
            "customer": len(ages),
        }[basis]
        total = sum(paid, Decimal(0))
        spent = [self.totals[n] for n in ages if n in self.totals]
        median = rounded(statistics.median(map(Fraction, spent))) if spent else None
        average = rounded(Fraction(total) / count) if count else None
        return [group, said(average), said(median), str(count), said(total)]

    def much_by_one(self):
        """What the page says of groups of which one customer makes more than a tenth."""
        found = []
        for name, (low, high) in GROUPS.items():
            ages = [n for n, _, _, age in CUSTOMERS if age is not None and low <= age <= high]
            spent = [self.totals[n] for n in ages if n in self.totals]
            if not spent or sum(spent) <= 0:
                continue
            # The API's `largest_share`, in hundredths of a percent, is what the page, Telegram and the terminal tell.
            share = (max(spent) / sum(spent)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            if share > Decimal("0.1"):
                found.append(f"{name} ({percent(share, 1)})")
        return f"than a tenth of what a group spent: {', '.join(found)}." if found else None


def rounded(value):
    cents = int(abs(value) * 100 + Fraction(1, 2))
    return Decimal(-cents if value < 0 else cents).scaleb(-2)


def said(amount):
    return "–" if amount is None else f"{amount:,.2f}"


def percent(part, whole, *, sign=False):
    if whole <= 0:
        return "–"
    value = (Decimal(part) * 100 / Decimal(whole)).quantize(TENTH, ROUND_HALF_UP)
    return f"{value:+,.1f}%" if sign and value else f"{value:,.1f}%"


THIS_YEAR = 2026
"""By the clock of the shop: not over yet, and so a part that is not compared with a whole."""

NAMES = ("Total spent", "Paying customers", "Median per paying customer", "Average per paying customer")


@pytest.mark.parametrize("year", [None, 2020, 2021, 2022, 2023, 2024, 2025, 2026, 2027])
def test_the_figures_of_a_period_and_the_year_before_it(browser, year):
    reply = browser.get(f"/?year={year or 'all'}")
    now, before = Oracle(year), Oracle(year - 1) if year else None
    shown = cards(reply)

    for name, figure, then in zip(NAMES, now.figures, (before or now).figures, strict=True):
        is_count = name == "Paying customers"
        unit = "" if is_count else " MKD"
        assert shown[name][0] == (str(figure) if is_count else said(figure) + unit * (figure is not None))
        if before is None or not before.ordered or not then or year >= THIS_YEAR:
            assert "against" not in shown[name][1]
        else:
            change = percent((figure or 0) - then, abs(then), sign=True)
            old = str(then) if is_count else said(then) + unit
            assert shown[name][1] == f"{change} against {old} in {year - 1}"
    is_told = before is not None and before.ordered and year >= THIS_YEAR
    told = f"{year} is not over yet; it is compared with {(year or 1) - 1} when it is."
    assert (told in plain(reply.text)) == bool(is_told)
    many, share = now.top
    assert shown["Top tenth of customers: share of spending"][0] == share
    assert shown["Top tenth of customers: share of spending"][1].startswith(
        f"{many} customer{'' if many == 1 else 's'}"
    )


@pytest.mark.parametrize("year", [None, 2025, 2026, 2027])
@pytest.mark.parametrize("language", ["en", "mk"])
def test_a_year_that_is_not_over_is_called_that_at_each_of_its_figures(shop, year, language):
    words = {"en": "(not over yet)", "mk": "(не е завршена)"}[language]
    text = Browser(shop, language=language).get(f"/?year={year or 'all'}").text

    headings = [plain(each) for each in re.findall(r"<h[12].*?</h[12]>", text, re.DOTALL)]
    named = [words in each for each in headings if str(year) in each]
    assert named == [year in {2026, 2027}] * (3 if year else 0)


@pytest.mark.parametrize("basis", ["spender", "payment", "customer"])
@pytest.mark.parametrize("year", [None, 2024, 2026])
def test_age_groups_of_a_year_on_each_basis(browser, year, basis):
    reply = browser.get(f"/?year={year or 'all'}&basis={basis}")
    found = table(reply, 'id="ages"')

    remark = Oracle(year).much_by_one()
    assert (remark or "than a tenth") in plain(reply.text) or remark is None
    assert found == [Oracle(year).average(group, basis) for group in GROUPS]


def test_asked_for_nothing_it_is_this_years_and_age_groups_of_all_years(browser):
    """As the API and Telegram tell age groups."""
    reply = browser.get("/")

    assert "The shop in 2026" in plain(reply.text)
    assert cards(reply)["Total spent"][0] == said(Oracle(2026).total) + " MKD"
    assert table(reply, 'id="ages"') == [Oracle(None).average(group, "spender") for group in GROUPS]


def test_the_settings_basis_is_the_usual_one(make_shop):
    browser = Browser(make_shop(average_basis="customer"))

    assert table(browser.get("/"), 'id="ages"') == [
        Oracle(None).average(group, "customer") for group in GROUPS
    ]


def test_years_are_listed_the_latest_first(browser):
    found = table(browser.get("/"), 'id="years"')

    assert found == [
        [
            str(year) + " (not over yet)" * (year >= THIS_YEAR),
            said(one.total),
            str(len(one.ordered)),
            str(len(one.paid)),
        ]
        for year in (2026, 2025, 2024, 2022, 2021, 2020)
        for one in [Oracle(year)]
    ]


@pytest.mark.parametrize("year", [None, 2020, 2026])
def test_every_spender_is_in_one_class(browser, year):
    reply, totals = browser.get(f"/?year={year or 'all'}"), Oracle(year).ordered
    found = table(reply, 'id="spread"')
    for words, customers in found:
        numbers = [Decimal(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,.]*", words)]
        low, high = Decimal("-Infinity"), Decimal("Infinity")
        match words.split():
            case ["less", "than", _]:
                high = numbers[0]
            case [_, "and", "more"]:
                low = numbers[0]
            case _:
                low, high = numbers
        assert int(customers) == len([total for total in totals if low <= total < high])
    assert sum(int(customers) for _, customers in found) == len(totals)
    over = len([total for total in totals if total > 1000])
    assert f"{over} customer{'' if over == 1 else 's'} spent more than the bonus threshold" in plain(
        reply.text
    )


@pytest.mark.parametrize("year", [None, 2021, 2024, 2026])
def test_what_is_odd_is_said(browser, year):
    text, one = plain(browser.get(f"/?year={year or 'all'}").text), Oracle(year)
    outside = len([1 for *_, age in CUSTOMERS if age is None or age < 18])

    assert f"{outside} customers too young for these groups, or of unknown age" in text
    for count, words in ((one.ignored, "without a usable amount"), (one.orphans, "not in the ledger")):
        found = re.search(rf"(\d+) payments? (?:of (?:a )?customers? who (?:is|are) )?{words}", text)
        assert int(found[1] if found else 0) == count


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("year=x", "year must be a whole number from 1 to 9999"),
        ("year=0", "year must be a whole number from 1 to 9999"),
        ("year=ALL", "year must be a whole number"),
        ("basis=x", "basis must be one of spender, payment, customer"),
        ("year=<b>&basis=<b>", "basis must be one of"),
    ],
)
def test_a_period_that_is_none_is_said(browser, query, words):
    reply = browser.get(f"/?{query}")

    assert (reply.status_code, "<b>" in reply.text) == (422, False)
    assert words in plain(reply.text)


@pytest.mark.parametrize(
    ("customers", "payments"),
    [
        ((), ()),
        (((1, "n", "e", 30),), ()),
        (((1, "n", "e", 30),), ((2, 5, 2026),)),
        (((1, "n", "e", 30),), ((1, "abc", 2026),)),
        (((1, "n", "e", 30),), ((1, 5, None),)),
        (((1, "n", "e", 30),), ((1, -5, 2026), (1, -7.5, 2025))),
        (((1, "n", "e", 30),), ((1, 0, 2026), (1, 0, 2025))),
        (((1, "n", "e", 30),), ((1, 1e10, 2026), (1, 0.01, 2025), (1, 5, 2030))),
        (((1, "n", "e", None),), ((1, 5, -3), (1, 5, 20260), (1, 5, 0))),
    ],
)
@pytest.mark.parametrize("language", ["en", "mk"])
def test_every_ledger_has_an_overview(make_shop, customers, payments, language):
    browser = Browser(make_shop(customers=customers, payments=payments), language=language)
    for path in ("/", "/?year=all", "/?year=2026", "/?year=1999", "/?basis=customer", "/bonus", "/customers"):
        assert browser.get(path).status_code == 200
    home = browser.get("/")
    for link in re.findall(r'<li><a href="([^"]+)"', home.text):
        assert browser.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_overview_needs_no_mongodb(make_shop):
    reply = Browser(make_shop(mongodb_uri=AWAY)).get("/")

    assert (reply.status_code, cards(reply)["Total spent"][0]) == (200, said(Oracle(2026).total) + " MKD")


@pytest.mark.shop(shared=False)
def test_new_payments_are_in_the_next_figures(shop, browser):
    before = browser.get("/").text
    with sqlite3.connect(shop.services.ledger.path) as ledger:
        ledger.execute("INSERT INTO user_spending VALUES (1, 12345.67, 2026)")
    ledger.close()
    after = browser.get("/")

    assert after.text != before
    assert cards(after)["Total spent"][0] == said(Oracle(2026).total + Decimal("12345.67")) + " MKD"


@pytest.mark.parametrize("year", [None, 2024, 2026])
def test_the_statements_shown_give_the_figures_of_the_page(shop, browser, year):
    one = Oracle(year)
    text = browser.get(f"/?year={year or 'all'}").text
    statements = [
        html.unescape(each) for each in re.findall(r"<pre[^>]*><code>(.*?)</code>", text, re.DOTALL)
    ]
    with sqlite3.connect(shop.services.ledger.path) as ledger:
        customers, ages, years, spread = (ledger.execute(each).fetchall() for each in statements)
    ledger.close()

    assert customers == spread
    assert sorted(row[-1] for row in customers) == sorted(int(total * 100) for total in one.totals.values())
    paid = {row[1]: Decimal(row[-1]).scaleb(-2) for row in ages if row[0] == "paid"}
    assert {group: said(paid.get(group, Decimal(0))) for group in GROUPS} == {
        group: one.average(group, "spender")[-1] for group in GROUPS
    }
    assert {row[0]: row[-1] for row in years if row[0]} == {
        each: int(Oracle(each).total * 100) for each in (2020, 2021, 2022, 2024, 2025, 2026)
    }
    assert text.count("It can be run as it stands") == 4
