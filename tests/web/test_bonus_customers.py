"""Bonus customers over HTTP: pages, decisions, removal."""

from __future__ import annotations

import pytest

from smetka.core.money import Money

pytestmark = pytest.mark.shop(shared=True)


@pytest.fixture
def stored(shop):
    """Customers 1 to 7 of 2026 and 3 of 2025, some posted with another total than the ledger's."""
    for user_id in range(1, 8):
        total = Money(2000_00 if user_id % 2 else 1500_00)
        shop.services.bonus_customers.store(
            user_id, 2026, total, threshold=Money(1000_00), ledger_total=Money(1500_00)
        )
    shop.services.bonus_customers.store(
        3, 2025, Money(1500_00), threshold=Money(1000_00), ledger_total=Money(1500_00)
    )


def pages(shop, exact, **query):
    cursor = {}
    while True:
        reply = exact(shop.get("/api/v1/bonus-customers", query_string={"limit": 3, **query, **cursor}))
        yield [(item["year"], item["user_id"]) for item in reply["items"]]
        if reply["next"] is None:
            return
        cursor = {"cursor": reply["next"]}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [[(2026, 1), (2026, 2), (2026, 3)], [(2026, 4), (2026, 5), (2026, 6)], [(2026, 7), (2025, 3)]]),
        ({"year": "2026", "matches": "true"}, [[(2026, 2), (2026, 4), (2026, 6)]]),
        ({"matches": "false"}, [[(2026, 1), (2026, 3), (2026, 5)], [(2026, 7)]]),
        ({"review": "pending", "year": "2025"}, [[]]),
        ({"source": "collected"}, [[]]),
        (
            {"sort": "-total_spending"},
            [[(2026, 1), (2026, 3), (2026, 5)], [(2026, 7), (2026, 2), (2026, 4)], [(2026, 6), (2025, 3)]],
        ),
        (
            {"sort": "total_spending", "year": "2026", "source": "api"},
            [[(2026, 2), (2026, 4), (2026, 6)], [(2026, 1), (2026, 3), (2026, 5)], [(2026, 7)]],
        ),
        ({"sort": "user_id", "matches": "true", "year": "2026"}, [[(2026, 2), (2026, 4), (2026, 6)]]),
        ({"source": "api", "year": "2025"}, [[(2025, 3)]]),
    ],
)
def test_the_list_comes_in_pages_and_keeps_to_what_was_asked(shop, exact, query, expected):
    assert list(pages(shop, exact, **query)) == expected


def test_a_wrong_parameter_is_named(shop, assert_problem):
    problem = assert_problem(shop.get("/api/v1/bonus-customers?cursor=2026.1.5"), 422, "invalid-value")

    assert [fault["parameter"] for fault in problem["errors"]] == ["cursor"]


@pytest.mark.shop(shared=False)
def test_the_newest_come_first_and_a_page_goes_on_as_the_first_was_sorted(shop, clock, exact):
    for user_id in (4, 2, 9, 1):
        clock.pass_(1)
        shop.services.bonus_customers.store(
            user_id, 2026, Money(1500_00), threshold=Money(1000_00), ledger_total=Money(1500_00)
        )

    assert list(pages(shop, exact, sort="-stored_at")) == [[(2026, 1), (2026, 9), (2026, 2)], [(2026, 4)]]
    first = exact(shop.get("/api/v1/bonus-customers?sort=stored_at&limit=2"))
    second = exact(shop.get(f"/api/v1/bonus-customers?limit=2&sort=user_id&cursor={first['next']}"))
    assert [item["user_id"] for item in first["items"] + second["items"]] == [4, 2, 9, 1]


@pytest.mark.usefixtures("stored")
def test_a_customer_is_approved_rejected_and_removed(shop, exact, assert_problem):
    address = "/api/v1/bonus-customers/2026/1"

    assert exact(shop.request("POST", f"{address}/approve"))["review"] == "approved"
    assert exact(shop.request("POST", f"{address}/reject"))["review"] == "rejected"
    assert exact(shop.get(address))["review"] == "rejected"
    reply = shop.request("DELETE", address)
    assert (reply.status_code, reply.json["message"]) == (
        200,
        "Customer 1 is not stored for the 2026 bonus any more.",
    )
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/approve"), ("POST", "/reject")):
        problem = assert_problem(shop.request(method, address + path), 404, "not-found")
        assert problem["detail"] == "Customer 1 is not stored for the 2026 bonus."


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("method", "path"), [("POST", "/approve"), ("POST", "/reject"), ("DELETE", "")])
def test_another_sites_page_decides_nothing(shop, assert_problem, method, path):
    address = "/api/v1/bonus-customers/2026/1"

    reply = shop.request(method, address + path, headers={"Origin": "https://evil.example"})

    assert_problem(reply, 403, "cross-site")
    assert shop.get(address).json["review"] == "pending"


def test_the_methods_of_a_record_are_named(shop, assert_problem):
    reply = shop.request("PUT", "/api/v1/bonus-customers/2026/1")

    assert_problem(reply, 405, "method-not-allowed")
    assert set(reply.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "DELETE"}
