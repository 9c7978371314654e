"""What is remembered under an Idempotency-Key is answered while it is the last word about the voucher."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.security.vouchering import act, issue

KEY = {"Idempotency-Key": "attempt 1"}
BODIES = {
    "redeem": {"reference": "order 7"},
    "reserve": {"reference": "order 7", "minutes": 5},
    "void": {"reason": "printed twice"},
    "reverse": {"reason": "cancelled"},
}
pytestmark = pytest.mark.shop(customers=((1, "A", "a@example.com", 30),), payments=((1, 3000, 2026),))


@pytest.fixture
def shop(shop):
    return issue(shop)


@pytest.mark.parametrize(
    ("before", "action", "after", "state"),
    [
        ([], "redeem", ["reverse"], "issued"),
        ([], "redeem", ["reverse", "redeem"], "redeemed"),
        ([], "reserve", ["reverse"], "issued"),
        ([], "reserve", ["redeem"], "redeemed"),
        ([], "reserve", ["reserve"], "reserved"),
        (["redeem"], "reverse", ["redeem"], "redeemed"),
        (["reserve"], "reverse", ["void"], "void"),
    ],
)
def test_an_answer_that_is_not_the_last_word_is_409_with_the_state(
    shop, assert_problem, before, action, after, state
):
    for each in before:
        assert act(shop, each, BODIES[each]).status_code == 200
    first = act(shop, action, BODIES[action], **KEY)
    assert act(shop, action, BODIES[action], **KEY).json == first.json
    for each in after:
        assert act(shop, each, BODIES[each]).status_code == 200
    history = shop.voucher()["history"]

    problem = assert_problem(act(shop, action, BODIES[action], **KEY), 409, "changed")

    assert problem["state"] == state == shop.voucher()["status"]
    assert problem["revision"] == len(history) - 1
    assert shop.voucher()["history"] == history, "and nothing is carried out once more"


def test_a_voucher_made_void_is_answered_for_ever(shop, clock):
    first = act(shop, "void", BODIES["void"], **KEY)
    clock.time += timedelta(days=900)

    assert act(shop, "void", BODIES["void"], **KEY).json == first.json


def test_a_reservation_that_has_lapsed_is_not_answered_as_one(shop, clock, assert_problem):
    act(shop, "reserve", BODIES["reserve"], **KEY)
    clock.time += timedelta(minutes=5)

    problem = assert_problem(act(shop, "reserve", BODIES["reserve"], **KEY), 409, "changed")
    assert (problem["state"], problem["reserved_until"]) == ("issued", None)


def test_a_release_is_not_answered_as_valid_after_the_last_day(shop, clock, assert_problem):
    act(shop, "redeem", BODIES["redeem"])
    act(shop, "reverse", BODIES["reverse"], **KEY)
    clock.time = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)

    problem = assert_problem(act(shop, "reverse", BODIES["reverse"], **KEY), 409, "changed")
    assert problem["state"] == "expired"


def test_the_same_form_of_the_desk_sent_again_after_an_undo_redeems_nothing(shop):
    from tests.web.browsing import Browser

    browser = Browser(shop)
    page = browser.post("/desk", {"code": shop.code}, "/desk")
    browser.send("/desk/undo", browser.send("/desk/redeem", page))

    again = browser.send("/desk/redeem", page)

    assert (again.status_code, "Not as you saw it" in again.text) == (409, True)
    assert shop.voucher()["status"] == "issued"


def test_a_posted_record_is_answered_as_it_is_and_not_as_it_was(shop):
    """Nothing is remembered of a POST: each answer is of its own writing, also after a removal."""
    body = {"user_id": 1, "total_spending": 2000, "year": 2026}
    first = shop.post(body)
    shop.post(body | {"total_spending": 5000})
    shop.request("DELETE", "/api/v1/bonus-customers/2026/1")

    again = shop.post(body)

    assert (first.status_code, again.status_code) == (201, 201)
    assert shop.get("/api/v1/bonus-customers/2026/1").json["total_spending"] == 2000


def test_an_issue_that_is_repeated_tells_what_it_did_itself(shop):
    act(shop, "void", BODIES["void"])

    again = shop.request("POST", "/api/v1/campaigns/year-end/issue")
    assert (again.json["vouchers_issued"], again.json["cost"]) == (0, 0)
