"""Campaigns over HTTP: rules, preview, issue, figures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.fixtures.web import BOT, YEAR_END

CUSTOMERS = tuple((n, f"Customer {n}", f"c{n}@example.com", 18 + n * 7) for n in range(1, 8))
# 2026: 1 spent 3000, 2 and 3 spent 2000.5 each, 4 spent 1000 (reaches, does not exceed), 5 spent 999.99,
# 6 bought and brought back, 7 spent 6000.
PAYMENTS = (
    (1, 3000, 2026),
    (2, 2000.5, 2026),
    (3, 1000.25, 2026),
    (3, 1000.25, 2026),
    (4, 1000, 2026),
    (5, 999.99, 2026),
    (6, 1500, 2026),
    (6, -700, 2026),
    (7, 6000, 2026),
    (4, 9000, 2025),
    (99, 5000, 2026),
)
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS, shared=True)


@pytest.fixture
def create(shop):
    def make(**rules):
        reply = shop.post({**YEAR_END, **rules}, path="/api/v1/campaigns")
        assert reply.status_code == 201, reply.text
        return reply

    return make


def issue(shop, name="year-end"):
    reply = shop.request("POST", f"/api/v1/campaigns/{name}/issue")
    assert reply.status_code == 200, reply.text
    return reply.json


def holders(shop, name="year-end"):
    reply = shop.get(f"/api/v1/campaigns/{name}/vouchers")
    return [(voucher["user_id"], voucher["value"]) for voucher in reply.json["items"]]


def test_a_campaign_is_made_once_and_answers_at_its_location(shop, create, exact):
    reply = create(tiers=[{"above": 5000, "value": 1500.5}], budget=4000)
    again = shop.post(
        {**YEAR_END, "budget": 4000, "tiers": [{"above": 5000, "value": 1500.5}]}, path="/api/v1/campaigns"
    )
    found = exact(shop.get(reply.headers["Location"]))

    assert (again.status_code, exact(again)) == (200, exact(reply))
    assert found["name"] == "year-end"
    assert found["tiers"] == [{"above": 5000, "value": Decimal("1500.5")}]
    assert (found["valid_from"], found["valid_until"], found["timezone"]) == (
        "2026-11-23",
        "2027-01-31",
        "Europe/Skopje",
    )
    assert found["expires_at"] == "2027-01-31T23:00:00Z"
    assert "secret" not in reply.text
    assert [item["name"] for item in shop.get("/api/v1/campaigns").json["items"]] == ["year-end"]


def test_other_rules_under_the_same_name_are_refused(shop, create, assert_problem):
    create()

    reply = shop.post({**YEAR_END, "voucher_value": 501}, path="/api/v1/campaigns")

    assert_problem(reply, 409, "campaign-exists")
    assert shop.get("/api/v1/campaigns/year-end").json["voucher_value"] == 500


@pytest.mark.parametrize(
    ("rules", "pointers"),
    [
        ({"voucher_value": 0}, ["/voucher_value"]),
        ({"valid_from": "2027-03-01"}, ["/valid_until"]),
        ({"name": "no spaces"}, ["/name"]),
        ({"tiers": [{"above": 2000, "value": 500}]}, ["/tiers"]),
    ],
)
def test_wrong_rules_are_named_and_nothing_is_made(shop, assert_problem, rules, pointers):
    problem = assert_problem(shop.post({**YEAR_END, **rules}, path="/api/v1/campaigns"), 422, "invalid-value")

    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert shop.count("campaigns") == 0


@pytest.mark.parametrize("path", ["", "/preview", "/issue", "/vouchers"])
def test_a_campaign_that_is_not_there(shop, assert_problem, path):
    method = "POST" if path == "/issue" else "GET"

    assert_problem(shop.request(method, f"/api/v1/campaigns/none{path}"), 404, "not-found")


def test_the_preview_tells_all_that_a_careful_person_asks(shop, create, exact):
    create(budget=2000, tiers=[{"above": 5000, "value": 1500}])

    found = exact(shop.get("/api/v1/campaigns/year-end/preview"))

    assert (found["customers_due"], found["cost"]) == (4, 3000)
    assert (found["customers_reached"], found["cost_within_budget"]) == (2, 2000)
    assert [(tier["above"], tier["customers"], tier["cost"]) for tier in found["by_tier"]] == [
        (1000, 3, 1500),
        (5000, 1, 1500),
    ]
    ages = {group["age_group"]: group["customers"] for group in found["by_age_group"]}
    assert ages == {"18-24": 0, "25-30": 1, "31-36": 1, "37-47": 1, ">47": 1, None: 0}
    assert found["left_out"]["customers"] == 2
    assert [each["user_id"] for each in found["left_out"]["first"]] == [2, 3]
    assert found["tie"] is None
    assert [(near["user_id"], near["lacks"]) for near in found["near_misses"]["nearest"]] == [
        (4, Decimal("0.01")),
        (5, Decimal("0.02")),
    ]
    thresholds = {other["threshold"]: other["customers_due"] for other in found["other_thresholds"]}
    assert thresholds[750] == 7
    assert thresholds[2000] == 4
    assert thresholds[3000] == 1
    words = " ".join(found["warnings"])
    assert "Not everyone is reached by the budget of 2,000.00 MKD: 2 are left out" in words
    assert "1 payment of 2026 is of nobody in the ledger" in words
    assert shop.count("vouchers") == shop.count("issues") == 0, "it writes nothing"


def test_a_cut_between_equals_is_declared(shop, create, exact):
    create(budget=1500)

    found = exact(shop.get("/api/v1/campaigns/year-end/preview"))

    assert found["tie"] == {
        "total_spending": Decimal("2000.5"),
        "customers_reached": 1,
        "customers_left_out": 1,
        "reached": [2],
        "left_out": [3],
    }
    assert any("who spent the same amount, 2,000.50 MKD" in warning for warning in found["warnings"])
    assert issue(shop)["vouchers_issued"] == 3
    assert holders(shop) == [(1, 500), (2, 500), (7, 500)]


def test_the_number_of_vouchers_has_a_limit_too(shop, create):
    create(most_vouchers=1)

    assert issue(shop) == {
        "campaign": "year-end",
        "currency": "MKD",
        "vouchers_issued": 1,
        "cost": 500,
        "customers_left_out": 3,
        "issues": 1,
    }
    assert holders(shop) == [(7, 500)]


def test_one_voucher_each_however_often_it_is_issued(shop, create):
    create(tiers=[{"above": 5000, "value": 1500}])

    first, second = issue(shop), issue(shop)

    assert (first["vouchers_issued"], first["cost"]) == (4, 3000)
    assert (second["vouchers_issued"], second["cost"]) == (0, 0)
    assert holders(shop) == [(1, 500), (2, 500), (3, 500), (7, 1500)]


def test_issues_side_by_side_make_one_voucher_each(shop, create):
    create()

    with ThreadPoolExecutor(4) as pool:
        issued = list(pool.map(lambda _: issue(shop), range(8)))

    assert holders(shop) == [(1, 500), (2, 500), (3, 500), (7, 500)]
    assert max(each["vouchers_issued"] for each in issued) == 4
    assert shop.get("/api/v1/campaigns/year-end").json["is_issuing"] is False


def test_submissions_count_when_they_are_approved_and_not_when_they_are_rejected(shop, create, exact):
    create()
    for user_id, total in ((5, 4000), (6, 1200), (1, 3000)):
        assert shop.post({"user_id": user_id, "total_spending": total, "year": 2026}).status_code == 201
    before = exact(shop.get("/api/v1/campaigns/year-end/preview"))
    shop.request("POST", "/api/v1/bonus-customers/2026/5/approve")
    shop.request("POST", "/api/v1/bonus-customers/2026/1/reject")
    after = exact(shop.get("/api/v1/campaigns/year-end/preview"))
    issue(shop)

    assert before["customers_due"] == 4
    counts = ("approved", "rejected", "waiting", "without_spending", "mismatching")
    assert before["submissions"] == dict(zip(counts, (0, 0, 2, 0, 2), strict=True))
    assert any("they get a voucher only when approved" in warning for warning in before["warnings"])
    assert any("2 stored totals differ from the ledger's" in warning for warning in before["warnings"])
    assert after["customers_due"] == 4
    assert after["submissions"] == dict(zip(counts, (1, 1, 1, 0, 2), strict=True))
    assert holders(shop) == [(2, 500), (3, 500), (5, 500), (7, 500)]


def test_totals_of_all_years_wait_for_an_approval_where_the_year_is_not_enough(make_shop, exact):
    shop = make_shop(
        customers=[(n, "n", None, 30) for n in (1, 2, 3)],
        payments=[(1, 4000, 2025), (2, 4000, 2025), (2, 500, 2026), (3, 4000, 2025), (3, 1500, 2026)],
    )
    assert shop.post(YEAR_END, path="/api/v1/campaigns").status_code == 201
    for user_id, total in ((1, 4000), (2, 4500), (3, 5500)):
        reply = shop.post({"user_id": user_id, "total_spending": total})
        assert (reply.status_code, reply.json["matches_ledger"]) == (201, True)
    preview = exact(shop.get("/api/v1/campaigns/year-end/preview"))

    assert preview["submissions"] == {
        "approved": 0,
        "rejected": 0,
        "waiting": 2,
        "without_spending": 1,
        "mismatching": 0,
    }
    assert preview["customers_due"] == 1
    assert "1 of these spent nothing in 2026." in preview["warnings"]
    shop.request("POST", "/api/v1/bonus-customers/2026/1/approve")
    assert exact(shop.get("/api/v1/campaigns/year-end/preview"))["customers_due"] == 2


def test_figures_say_what_became_of_every_voucher(shop, create):
    create(tiers=[{"above": 5000, "value": 1500}])
    issue(shop)
    codes = {
        voucher["user_id"]: voucher["code"]
        for voucher in shop.get("/api/v1/campaigns/year-end/vouchers").json["items"]
    }
    shop.request("POST", f"/api/v1/vouchers/{codes[7]}/redeem")
    shop.request("POST", f"/api/v1/vouchers/{codes[1]}/reserve")
    shop.post({"reason": "twice"}, path=f"/api/v1/vouchers/{codes[2]}/void")

    found = shop.get("/api/v1/campaigns/year-end").json

    assert found["vouchers"] == {"vouchers": 4, "value": 3000}
    assert found["by_status"] == {
        "issued": {"vouchers": 1, "value": 500},
        "reserved": {"vouchers": 1, "value": 500},
        "redeemed": {"vouchers": 1, "value": 1500},
        "void": {"vouchers": 1, "value": 500},
        "expired": {"vouchers": 0, "value": 0},
    }
    assert found["redeemed_by_day"] == [{"day": "2026-11-23", "vouchers": 1, "value": 1500}]
    oldest = next(group for group in found["by_age_group"] if group["age_group"] == ">47")
    assert oldest["redeemed"] == {"vouchers": 1, "value": 1500}


def test_a_void_voucher_frees_its_money_and_is_not_issued_anew(shop, create):
    create(budget=1000)
    issue(shop)
    [first, second] = shop.get("/api/v1/campaigns/year-end/vouchers").json["items"]
    assert (first["user_id"], second["user_id"]) == (1, 7)
    shop.post({"reason": "an employee"}, path=f"/api/v1/vouchers/{second['code']}/void")

    assert issue(shop)["vouchers_issued"] == 1
    assert [user_id for user_id, _ in holders(shop)] == [1, 2, 7]


def test_the_list_of_vouchers_comes_in_pages(shop, create):
    create()
    issue(shop)
    first = shop.get("/api/v1/campaigns/year-end/vouchers?limit=3").json
    second = shop.get(f"/api/v1/campaigns/year-end/vouchers?limit=3&cursor={first['next']}").json

    assert [voucher["user_id"] for voucher in first["items"]] == [1, 2, 3]
    assert [voucher["user_id"] for voucher in second["items"]] == [7]
    assert second["next"] is None


@pytest.mark.shop(shared=False)
def test_without_the_ledger_figures_lack_only_the_ages(shop, create, assert_problem, tmp_path):
    create()
    issue(shop)
    shop.services.ledger.path.rename(tmp_path / "elsewhere.db")

    found = shop.get("/api/v1/campaigns/year-end").json

    assert (found["vouchers"]["vouchers"], found["by_age_group"]) == (4, None)
    assert_problem(shop.get("/api/v1/campaigns/year-end/preview"), 503, "ledger-unavailable")
    assert_problem(shop.request("POST", "/api/v1/campaigns/year-end/issue"), 503, "ledger-unavailable")


def test_a_begun_list_that_is_damaged_is_told_and_nothing_is_issued(shop, create, assert_problem):
    create()
    issue(shop)
    storage = shop.services.storage
    storage.collection("campaigns").update_one({"_id": "year-end"}, {"$set": {"issued": False}})
    storage.collection("issues").delete_many({})
    storage.collection("vouchers").delete_one({"user_id": 7})
    before = holders(shop)

    for method, path in (("GET", "preview"), ("POST", "issue")):
        reply = shop.request(method, f"/api/v1/campaigns/year-end/{path}")
        assert_problem(reply, 503, "bonus-store-unusable")
        assert "a part of an issue's list of customers is gone" in reply.json["detail"]

    assert holders(shop) == before
    assert shop.get("/api/v1/campaigns").status_code == 200


@pytest.mark.shop(**BOT)
def test_the_managers_are_told_once(shop):
    shop.post({**YEAR_END, "budget": 1500}, path="/api/v1/campaigns")

    for _ in range(3):
        issue(shop)

    told = [delivery for delivery in shop.services.outbox.newest(10) if delivery.kind == "campaign"]
    assert sorted(delivery.chat for delivery in told) == [111, 222]
    assert told[0].report["vouchers"] == 3
    assert told[0].report["left_out"] == 1
