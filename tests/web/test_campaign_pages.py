"""Campaigns on their pages: made by a form, and looked at before issuing."""

from __future__ import annotations

from datetime import date

import pytest

from smetka.bonus.rules import Rules, Tier
from smetka.core.money import Money
from smetka.web.pages.campaigns import rules_of
from smetka.web.pages.forms import Fields
from tests.fixtures.web import AWAY
from tests.web.browsing import (
    Browser,
    cards,
    entries,
    faults,
    form,
    notes,
    plain,
)
from tests.web.campaigning import CUSTOMERS, NASTY, NEW, PAGE, PAYMENTS, SIMPLE, holders, make

ASKED = {
    "name": "year-end",
    "year": "2026",
    "threshold": "1.000",
    "value": "500,50",
    "valid_from": "1.12.2026",
    "valid_until": "2027-01-31",
    "budget": "20.000",
    "most_vouchers": "1000",
    "above_1": "1,100.50",
    "value_1": "700",
    "above_2": "",
    "value_2": "",
    "above_3": "1105",
    "value_3": "900",
}
RULES = Rules(
    "year-end",
    2026,
    Money(1000_00),
    Money(500_50),
    date(2026, 12, 1),
    date(2027, 1, 31),
    (Tier(Money(1100_50), Money(700_00)), Tier(Money(1105_00), Money(900_00))),
    Money(20_000_00),
    1000,
)
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, shared=True)


# --- made by a form --------------------------------------------------------------------------


def test_a_campaign_is_made_of_what_was_typed(make_shop):
    shop = make_shop(auth="required")
    browser = Browser(shop, "manager")
    reply = browser.post("/bonus/campaigns", ASKED, NEW)

    assert (reply.status_code, reply.headers["Location"]) == (303, PAGE)
    [made] = shop.services.campaigns.all()
    assert (made.rules, made.timezone, made.currency, made.number) == (RULES, "Europe/Skopje", "MKD", 0)
    page = browser.get(PAGE)
    assert "Nothing is issued yet" in notes(page)[0]
    assert "700.00 MKD above 1,100.50 MKD" in plain(page.text)
    assert "01.12.2026 – 31.01.2027" in plain(page.text)
    assert holders(shop) == []
    assert entries(shop) == [("key the manager", "create-campaign", "year-end")]


def test_the_plan_fills_the_form_in(browser):
    reply = browser.get(f"{NEW}?year=2025&threshold=1234.50&value=250.00&budget=9000.00")
    filled = form(reply, "/bonus/campaigns")

    assert {name: filled[name] for name in ("name", "year", "threshold", "value", "budget")} == {
        "name": "year-end-2025", "year": "2025", "threshold": "1234.50", "value": "250.00", "budget": "9000.00",
    }  # fmt: skip
    assert browser.send("/bonus/campaigns", reply).headers["Location"] == "/bonus/campaigns/year-end-2025"


def test_the_same_form_twice_is_one_campaign(shop, browser):
    page = browser.get(NEW)
    replies = [browser.send("/bonus/campaigns", page) for _ in range(2)]

    assert [reply.headers["Location"] for reply in replies] == ["/bonus/campaigns/year-end-2026"] * 2
    assert len(shop.services.campaigns.all()) == 1


def test_a_name_is_given_once(shop, browser):
    make(browser)
    reply = make(browser, value="501")

    assert reply.status_code == 422
    assert faults(reply) == {"name": "is the name of another campaign already"}
    assert form(reply, "/bonus/campaigns")["value"] == "501"
    assert shop.services.campaigns.get("year-end").rules.voucher_value == Money(500_00)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        (dict.fromkeys(SIMPLE, ""), set(SIMPLE)),
        (
            dict.fromkeys([*SIMPLE, "budget", "most_vouchers"], "x x"),
            {*SIMPLE, "budget", "most_vouchers"} - {"name"},
        ),
        ({"name": "x" * 65}, {"name"}),
        ({"year": "0"}, {"year"}),
        ({"threshold": "-1"}, {"threshold"}),
        ({"value": "0"}, {"value"}),
        ({"budget": "-1"}, {"budget"}),
        ({"most_vouchers": "0"}, {"most_vouchers"}),
        ({"above_1": "2000"}, {"value_1"}),
        ({"value_2": "700"}, {"above_2"}),
        ({"above_3": "x", "value_3": "0"}, {"above_3", "value_3"}),
    ],
)
def test_what_cannot_be_read_is_said_of_its_field(changes, wrong):
    fields = Fields(SIMPLE | changes, "en")

    assert rules_of(fields) is None
    assert fields.faults.keys() == wrong
    assert all(fields.faults.values())


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        (dict.fromkeys(SIMPLE, ""), set(SIMPLE)),
        ({"name": "година"}, {"name"}),
        ({"name": NASTY}, {"name"}),
        ({"valid_until": "22.11.2026"}, {"valid_until"}),
        ({"valid_until": "31.12.9999"}, {"valid_until"}),
        ({"valid_from": "31.12.1999"}, {"valid_from"}),
        ({"above_3": "x", "value_3": "0"}, {"above_3", "value_3"}),
    ],
)
def test_every_fault_is_said_beside_its_field_and_nothing_is_made(shop, browser, changes, wrong):
    reply = make(browser, **changes)

    assert reply.status_code == 422
    assert faults(reply).keys() == wrong
    assert all(faults(reply).values())
    assert "<script>alert" not in reply.text
    assert shop.count("campaigns") == 0


@pytest.mark.parametrize("language", ["en", "mk"])
def test_steps_that_contradict_each_other_are_said_above_them(shop, language):
    tiers = {"above_1": "2000", "value_1": "700", "above_2": "3000", "value_2": "600"}
    reply = make(Browser(shop, language=language), **tiers)

    assert reply.status_code == 422
    assert ("повисоките" if language == "mk" else "higher steps must begin above") in reply.text
    assert "<details open>" in reply.text
    assert form(reply, "/bonus/campaigns")["value_1"] == tiers["value_1"]
    assert shop.count("campaigns") == 0


# --- looked at -------------------------------------------------------------------------------


def test_the_preview_warns_in_the_readers_language(shop):
    browser = Browser(shop, language="mk")
    make(browser, budget="1000", threshold="1009", valid_until="23.11.2026")
    browser.get(PAGE)
    reply = browser.get(f"{PAGE}/preview")

    assert [figure for figure, _ in cards(reply).values()] == ["101", "2", "0", "99"]
    said = " ".join(notes(reply))
    assert len(notes(reply)) == 4
    assert "1.000,00 ден." in said
    assert "customer" not in said
    assert "плаќање" in said
    english = " ".join(notes(Browser(shop).get(f"{PAGE}/preview")))
    assert "1 payment of 2026 is of nobody in the ledger." in english
    assert "101 of the 110 customers with a payment in 2026 exceed 1,009.00 MKD" in english
    assert shop.count("vouchers") == 0


def test_an_unknown_campaign_is_a_page_that_says_so(browser):
    for path in (
        "/bonus/campaigns/none",
        "/bonus/campaigns/none/preview",
        "/bonus/campaigns/none/vouchers.csv",
    ):
        reply = browser.get(path)
        assert (reply.status_code, reply.mimetype) == (404, "text/html")
    assert browser.post("/bonus/campaigns/none/issue", {}, "/bonus").status_code == 404


def test_without_mongodb_a_campaign_is_a_problem_in_words(make_shop):
    browser = Browser(make_shop(mongodb_uri=AWAY))

    assert browser.get(NEW).status_code == 200
    for reply in (browser.get(PAGE), browser.get(f"{PAGE}/preview"), make(browser)):
        assert (reply.status_code, reply.mimetype) == (503, "text/html")
