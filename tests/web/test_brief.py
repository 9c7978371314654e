"""The brief's three endpoints, when all is well."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smetka.bonus.collection import collect
from smetka.core import exact_json
from smetka.core.money import Money
from smetka.storage import Storage
from tests.fixtures.clock import NOW
from tests.fixtures.web import AWAY, BOT

pytestmark = pytest.mark.shop(shared=True)


def test_a_total_is_exact(shop, exact):
    reply = shop.get("/total_spent/1")

    assert reply.status_code == 200
    assert reply.get_data(as_text=True) == (
        '{"user_id":1,"total_spending":1834.5,"payments":2,"year":null,"currency":"MKD"}\n'
    )


def test_a_total_of_one_year(shop, exact):
    reply = exact(shop.get("/total_spent/1?year=2025"))

    assert reply == {
        "user_id": 1,
        "total_spending": Decimal("1000.1"),
        "payments": 1,
        "year": 2025,
        "currency": "MKD",
    }


def test_a_customer_without_payments_has_spent_nothing(shop):
    reply = shop.get("/total_spent/2")

    assert (reply.status_code, reply.json["total_spending"], reply.json["payments"]) == (200, 0, 0)


def test_the_largest_id_is_an_id(shop):
    assert shop.get("/total_spent/9223372036854775807").json["total_spending"] == 5


def test_averages_have_every_group_in_order_and_the_notification_last(shop):
    reply = shop.get("/average_spending_by_age")

    assert reply.status_code == 200
    assert list(reply.json["average_spending"]) == ["18-24", "25-30", "31-36", "37-47", ">47"]
    assert [row["age_group"] for row in reply.json["age_groups"]] == [
        "18-24",
        "25-30",
        "31-36",
        "37-47",
        ">47",
    ]
    assert list(reply.json)[-1] == "notification"
    assert reply.json["notification"]["status"] == "disabled"
    assert reply.json["average_spending"]["31-36"] is None


def test_the_basis_is_the_settings_unless_asked(make_shop):
    shop = make_shop(average_basis="customer")

    assert shop.get("/average_spending_by_age").json["basis"] == "customer"
    asked = shop.get("/average_spending_by_age?basis=payment&year=2026").json
    assert (asked["basis"], asked["year"]) == ("payment", 2026)


def test_storing_is_201_with_a_location_that_answers(shop, exact):
    reply = shop.post('{"user_id": 1, "total_spending": 2000}')

    assert reply.status_code == 201
    assert exact(reply) == {
        "message": "Customer 1 is stored for the 2026 bonus.",
        "user_id": 1,
        "total_spending": 2000,
        "year": 2026,
        "currency": "MKD",
        "threshold": 1000,
        "ledger_total": Decimal("1834.5"),
        "matches_ledger": False,
        "stored_at": "2026-11-23T17:20:31Z",
        "basis_period": "all",
        "ledger_year_total": Decimal("834.4"),
        "note": {
            "code": "year-below-threshold",
            "detail": "By the ledger, customer 1 spent 834.40 MKD in 2026, which does not exceed the threshold "
            "of 1000.00 MKD. A voucher is issued only when the record is approved.",
        },
    }
    assert reply.headers["Location"] == "/api/v1/bonus-customers/2026/1"
    record = shop.get(reply.headers["Location"])
    assert record.status_code == 200
    assert record.json["total_spending"] == 2000
    assert (record.json["source"], record.json["review"]) == ("api", "pending")


@pytest.mark.parametrize("year", [None, 2025])
def test_what_is_asked_and_posted_is_the_ledgers_before_and_after_a_year_is_collected(shop, year):
    asked = "/total_spent/1" + (f"?year={year}" if year else "")
    body = {"user_id": 1, "total_spending": shop.get(asked).json["total_spending"]}
    body |= {"year": year} if year else {}
    posted = shop.post(exact_json.dumps(body))
    before = shop.get(posted.headers["Location"]).json
    ledger, storage = shop.services.ledger, shop.services.storage

    for collected in (2025, 2026, 2026):
        collect(ledger, storage, year=collected, threshold=Money(1000_00), now=lambda: NOW)

    assert shop.get(posted.headers["Location"]).json == before
    assert (before["matches_ledger"], before["basis_period"]) == (True, str(year) if year else "all")
    assert before["ledger_total"] == body["total_spending"]
    again = shop.post(exact_json.dumps(body))
    assert (again.status_code, again.json["matches_ledger"]) == (200, True)


def test_storing_again_is_200_and_keeps_the_newest_total(shop):
    shop.post({"user_id": 1, "total_spending": 2000})
    reply = shop.post({"user_id": 1, "total_spending": 2500})

    assert reply.status_code == 200
    assert shop.get(reply.headers["Location"]).json["total_spending"] == 2500
    assert shop.stored_customers() == [1]


@pytest.mark.parametrize(
    ("total", "status"),
    [
        pytest.param("1000", 422, id="reaching the threshold is not enough"),
        pytest.param("1000.01", 201, id="one cent above is enough"),
        pytest.param("1000000000000", 201, id="the largest amount"),
        pytest.param("1000000000000.01", 422, id="more than the largest amount"),
    ],
)
def test_the_threshold_decides_who_is_stored(shop, total, status):
    reply = shop.post(f'{{"user_id": 1, "total_spending": {total}}}')

    assert reply.status_code == status
    assert shop.stored_customers() == ([1] if status == 201 else [])


def test_a_year_is_compared_with_the_ledgers_of_that_year(shop):
    reply = shop.post('{"user_id": 1, "total_spending": 1000.1, "year": 2.025e3}')

    assert reply.status_code == 201
    assert (reply.json["year"], reply.json["ledger_total"], reply.json["matches_ledger"]) == (
        2025,
        Decimal("1000.1"),
        True,
    )
    assert reply.headers["Location"] == "/api/v1/bonus-customers/2025/1"


def test_a_total_that_differs_is_refused_when_the_shop_wants_so(make_shop, assert_problem):
    shop = make_shop(bonus_verify="require")

    assert_problem(shop.post({"user_id": 1, "total_spending": 2000}), 409, "total-mismatch")
    assert shop.stored_customers() == []
    assert shop.post('{"user_id": 1, "total_spending": 1834.50}').status_code == 201


def test_a_missing_ledger_is_503_and_well_again_without_a_restart(
    make_shop, make_ledger, tmp_path, assert_problem
):
    shop = make_shop(ledger=str(tmp_path / "later.db"))

    for reply in (
        shop.get("/total_spent/1"),
        shop.get("/average_spending_by_age"),
        shop.post({"user_id": 1, "total_spending": 2000}),
    ):
        body = assert_problem(reply, 503, "ledger-unavailable")
        assert str(tmp_path) not in str(body)
        assert int(reply.headers["Retry-After"]) >= 1
    make_ledger([(1, "A", None, 30)], [(1, 5, 2025)], name="later.db")
    assert shop.get("/total_spent/1").json["total_spending"] == 5


def test_without_mongodb_statistics_answer_and_storing_is_503(make_shop, assert_problem):
    shop = make_shop(mongodb_uri=AWAY, **BOT)

    assert shop.get("/total_spent/1").status_code == 200
    averages = shop.get("/average_spending_by_age")
    assert (averages.status_code, averages.json["notification"]["status"]) == (200, "unavailable")
    reply = shop.post({"user_id": 1, "total_spending": 2000})
    assert "127.0.0.1" not in str(assert_problem(reply, 503, "bonus-store-unavailable"))
    assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.shop(shared=False, **BOT)
def test_asking_for_averages_queues_one_message_a_chat(shop):
    assert shop.get("/average_spending_by_age").json["notification"]["status"] == "queued"
    assert shop.count("deliveries") == 2
    assert shop.get("/average_spending_by_age").json["notification"]["status"] == "already_sent"
    assert shop.count("deliveries") == 2


@pytest.mark.shop(shared=False, **BOT)
@pytest.mark.parametrize(
    ("method", "query", "headers"),
    [
        pytest.param("GET", "?notify=false", {}, id="asked not to"),
        pytest.param("HEAD", "", {}, id="HEAD"),
        pytest.param("GET", "", {"Sec-Purpose": "prefetch"}, id="prefetch"),
        pytest.param("GET", "", {"Sec-Purpose": "prefetch;prerender"}, id="prerender"),
        pytest.param("GET", "", {"Purpose": "prefetch"}, id="prefetch as browsers said it before"),
        pytest.param("GET", "", {"Sec-Fetch-Site": "cross-site"}, id="from another site"),
    ],
)
def test_what_nobody_asked_for_sends_nothing(shop, method, query, headers):
    reply = shop.request(method, "/average_spending_by_age" + query, headers=headers)

    assert reply.status_code == 200
    if method == "GET":
        assert reply.json["notification"]["status"] == "suppressed"
    assert shop.count("deliveries") == 0
    assert shop.get("/average_spending_by_age?notify=true").json["notification"]["status"] == "queued"


def test_head_has_the_headers_of_get_and_no_body(shop):
    get, head = shop.get("/total_spent/1"), shop.request("HEAD", "/total_spent/1")

    assert (head.status_code, head.get_data()) == (200, b"")
    assert head.content_length == get.content_length


def test_records_name_nobody(shop):
    shop.post({"user_id": 1, "total_spending": 2000})
    store: Storage = shop.services.storage

    text = str(store.collection("bonus_customers").find_one())

    assert "Ана" not in text
    assert "ana@" not in text
