"""When several refusals apply, the order is promised: each step hides all that come after it."""

from __future__ import annotations

import pytest

from tests.fixtures.web import AWAY

LONG = "a" * 9000
BAD_BODY = b'{"user_id": 0'
HUGE = b" " * (64 * 1024 + 1)


@pytest.mark.shop(auth="required")
def test_each_refusal_comes_before_the_next(shop, assert_problem):
    """One request with everything wrong; then the first fault is put right, one after the other."""
    key = shop.key("manager")
    reader = shop.key("reader")
    wrong = {"Host": "evil.example", "Origin": "https://evil.example", "X-Long": "a" * 17_000}
    steps = [
        (f"/nothing?{LONG}", "PUT", {}, HUGE, "text/plain", "wrong-host"),
        (f"/nothing?{LONG}", "PUT", {"Host": "localhost"}, HUGE, "text/plain", "uri-too-long"),
        ("/nothing?x=1", "PUT", {}, HUGE, "text/plain", "headers-too-large"),
        ("/nothing?x=1", "PUT", {"X-Long": None}, HUGE, "text/plain", "not-found"),
        ("/write_to_mongodb?x=1", "PUT", {}, HUGE, "text/plain", "method-not-allowed"),
        ("/write_to_mongodb?x=1", "POST", {}, HUGE, "text/plain", "cross-site"),
        ("/write_to_mongodb?x=1", "POST", {"Origin": None}, HUGE, "text/plain", "key-needed"),
        ("/write_to_mongodb?x=1", "POST", reader, HUGE, "text/plain", "not-allowed"),
        ("/write_to_mongodb?x=1", "POST", key, HUGE, "text/plain", "too-large"),
        ("/write_to_mongodb?x=1", "POST", {}, BAD_BODY, "text/plain", "unsupported-media-type"),
        ("/write_to_mongodb?x=1", "POST", {}, BAD_BODY, "application/json", "invalid-json"),
        ("/write_to_mongodb?x=1", "POST", {}, BAD_BODY + b"}", "application/json", "invalid-value"),
    ]
    headers = dict(wrong)
    for path, method, change, body, media_type, slug in steps:
        headers = {name: value for name, value in (headers | change).items() if value is not None}
        reply = shop.request(method, path, headers=headers, data=body, content_type=media_type)
        assert reply.json["type"] == f"/problems/{slug}", slug
    assert shop.stored_customers() == []


def test_the_customer_comes_before_the_threshold_and_that_before_the_ledgers_total(make_shop):
    shop = make_shop(bonus_verify="require")

    slugs = [
        shop.post({"user_id": user_id, "total_spending": total}).json["type"]
        for user_id, total in ((4711, 5), (1, 5), (1, 5000))
    ]

    assert slugs == ["/problems/unknown-customer", "/problems/below-threshold", "/problems/total-mismatch"]


def test_stores_come_last(make_shop, assert_problem):
    shop = make_shop(bonus_verify="require", mongodb_uri=AWAY)

    assert_problem(shop.post({"user_id": 1, "total_spending": 5000}), 409, "total-mismatch")
    assert_problem(shop.post({"user_id": 1, "total_spending": 5}), 422, "below-threshold")
    assert_problem(shop.post('{"user_id": 1, "total_spending": 1834.5}'), 503, "bonus-store-unavailable")
