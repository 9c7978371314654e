"""Whatever is sent: the problem body, never a 5xx, nothing written."""

from __future__ import annotations

import pytest

from smetka.web.bodies import MAX_BODY_BYTES

pytestmark = pytest.mark.shop(shared=True)

GOOD = b'{"user_id": 1, "total_spending": 2000}'


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/total_spent/007", "user_id"),
        ("/total_spent/%FF", "user_id"),
        ("/total_spent/1%20", "user_id"),
        ("/api/v1/bonus-customers/2026/1%0A", "user_id"),
        ("/api/v1/bonus-customers/02026/1", "year"),
    ],
)
def test_a_number_in_a_path_is_canonical(shop, assert_problem, path, name):
    body = assert_problem(shop.get(path), 422, "invalid-value")

    assert [fault["parameter"] for fault in body["errors"]] == [name]


@pytest.mark.parametrize(
    "path",
    [
        "/total_spent/",
        "/total_spent",
        "/total_spent/1/",
        "/total_spent//1",
        "/total_spent/1%2F2",
        "/Total_spent/1",
        "/api/v1/bonus-customers/2026/",
        "/average_spending_by_age/",
        "/nothing",
        "/%00",
        "/%FF",
        "/static/",
        "/static/%00",
        "/static/..%2fapp.py",
        "/static/nothing.css",
        "/problems/nothing",
        "/docs/",
    ],
)
def test_what_is_not_there_is_404(shop, assert_problem, path):
    assert_problem(shop.get(path), 404, "not-found")
    for method in ("GET", "HEAD", "POST", "DELETE"):
        reply = shop.request(method, path)
        assert reply.status_code in ({404, 405} if path.startswith(("/static/", "/problems/")) else {404})
        assert "Location" not in reply.headers


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/total_spent/1?year=02025", "year"),
        ("/total_spent/1?yaer=2025", "yaer"),
        ("/total_spent/1?year=2025&year=2025", "year"),
        ("/average_spending_by_age?%FF=1", "%FF"),
        ("/api/v1/bonus-customers/2026/1?x=1", "x"),
        ("/healthz?x=1", "x"),
    ],
)
def test_query_parameters_are_known_single_and_right(shop, assert_problem, path, name):
    body = assert_problem(shop.get(path), 422, "invalid-value")

    assert [fault["parameter"] for fault in body["errors"]] == [name]


def test_the_paths_the_brief_swaps_point_to_each_other(shop, assert_problem):
    body = assert_problem(shop.get("/average_spending_by_age?user_id=1"), 422, "invalid-value")

    assert "/total_spent/<user_id>" in body["errors"][0]["detail"]


SYNTAX = {
    "empty": b"",
    "truncated": b'{"user_id": 1, "total_spending": 20',
    "not UTF-8": b'{"user_id": 1, "total_spending": 2000, "\xff": 1}',
    "duplicate key": b'{"user_id": 1, "total_spending": 2000, "total_spending": 5}',
    "nested 30,000 deep": b"[" * 30_000 + b"]" * 30_000,
}


@pytest.mark.parametrize("body", SYNTAX.values(), ids=SYNTAX.keys())
def test_a_body_is_one_strict_json_value(shop, assert_problem, body):
    assert_problem(shop.post(body), 400, "invalid-json")

    assert shop.stored_customers() == []


VALUES = {
    "no object": ("[]", [""]),
    "unknown field to escape": ('{"user_id": 1, "total_spending": 2000, "a/b~c": 1}', ["/a~1b~0c"]),
    "a number of any exponent": ('{"user_id": 1, "total_spending": 1e999999}', ["/total_spending"]),
    "several at once": (
        '{"user_id": "1", "total_spending": -1, "year": 0, "x": 1}',
        ["/user_id", "/total_spending", "/year", "/x"],
    ),
}


@pytest.mark.parametrize(("body", "pointers"), VALUES.values(), ids=VALUES.keys())
def test_values_in_a_body_obey_their_rules_and_every_fault_is_told(shop, assert_problem, body, pointers):
    problem = assert_problem(shop.post(body), 422, "invalid-value")

    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert shop.stored_customers() == []


def test_a_body_of_faults_has_no_huge_answer(shop, assert_problem):
    reply = shop.post("{" + ",".join(f'"x{n}":1' for n in range(5000)) + "}")

    body = assert_problem(reply, 422, "invalid-value")
    assert len(body["errors"]) <= 101
    assert len(reply.get_data()) < 20_000


def test_faults_of_query_and_body_are_told_together(shop, assert_problem):
    reply = shop.post('{"user_id": 0, "total_spending": 1}', path="/write_to_mongodb?x=1")

    body = assert_problem(reply, 422, "invalid-value")
    assert body["errors"][0]["parameter"] == "x"
    assert body["errors"][1]["pointer"] == "/user_id"


def test_a_customer_of_nobody_is_404_wherever_it_stands(shop, assert_problem):
    assert_problem(shop.get("/total_spent/4711"), 404, "unknown-customer")
    assert_problem(shop.post({"user_id": 4711, "total_spending": 2000}), 404, "unknown-customer")
    assert shop.stored_customers() == []


def test_a_record_that_is_not_there_is_404(shop, assert_problem):
    assert_problem(shop.get("/api/v1/bonus-customers/2026/1"), 404, "not-found")


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/json; charset=latin-1",
    ],
)
def test_only_json_is_a_media_type_for_bodies(shop, assert_problem, media_type):
    assert_problem(shop.post(GOOD, content_type=media_type), 415, "unsupported-media-type")

    assert shop.stored_customers() == []


def test_json_may_say_that_it_is_utf_8(shop):
    assert shop.post(GOOD, content_type='Application/JSON;charset="utf-8"').status_code == 201


def padded(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


def test_the_largest_body_is_read_and_no_larger_one(shop, assert_problem):
    assert shop.post(padded(MAX_BODY_BYTES)).status_code == 201
    assert_problem(shop.post(padded(MAX_BODY_BYTES + 1)), 413, "too-large")
    assert shop.chunked(padded(MAX_BODY_BYTES)).status_code == 200
    assert_problem(shop.chunked(padded(MAX_BODY_BYTES + 1)), 413, "too-large")
    assert_problem(shop.chunked(padded(10 * MAX_BODY_BYTES)), 413, "too-large")


def test_a_huge_declared_length_is_refused_unread(shop, assert_problem):
    reply = shop.post(GOOD, environ_overrides={"CONTENT_LENGTH": "99999999999"})

    assert_problem(reply, 413, "too-large")
    assert shop.stored_customers() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"CONTENT_LENGTH": "38,38"}, id="two lengths"),
        pytest.param({"HTTP_HOST": ""}, id="no Host"),
        pytest.param({"smetka.body_broken": True}, id="broken chunks"),
    ],
)
def test_contradicting_framing_is_refused(shop, assert_problem, method, environ):
    path = "/write_to_mongodb" if method == "POST" else "/total_spent/1"
    reply = shop.request(method, path, data=GOOD, content_type="application/json", environ_overrides=environ)

    assert_problem(reply, 400, "bad-request")
    assert shop.stored_customers() == []


def test_a_length_of_any_number_of_digits_is_too_large(shop, assert_problem):
    for digits in (18, 40, 5000):
        reply = shop.post(GOOD, environ_overrides={"CONTENT_LENGTH": "9" * digits})

        assert_problem(reply, 413, "too-large")


def test_a_body_cut_short_is_refused(shop, assert_problem):
    reply = shop.post(GOOD, environ_overrides={"CONTENT_LENGTH": "100"})

    assert_problem(reply, 400, "bad-request")


def test_a_body_that_came_too_slowly_is_408(shop, assert_problem):
    assert_problem(shop.post(GOOD, environ_overrides={"smetka.body_too_slow": True}), 408, "request-timeout")
    assert shop.stored_customers() == []


def test_without_a_free_thread_it_is_503(shop, assert_problem):
    reply = shop.get("/total_spent/1", environ_overrides={"smetka.overloaded": True})

    assert_problem(reply, 503, "overloaded")
    assert reply.headers["Retry-After"] == "1"


def test_a_line_over_8_kib_is_414(shop, assert_problem):
    assert_problem(shop.get("/" + "a" * 8192), 414, "uri-too-long")
    assert_problem(shop.get("/total_spent/1?x=" + "a" * 8192), 414, "uri-too-long")
    assert_problem(shop.get("/total_spent/1?x=" + "a" * 8000), 422, "invalid-value")


def test_headers_over_16_kib_are_431(shop, assert_problem):
    assert_problem(shop.get("/total_spent/1", headers={"Accept-Long": "a" * 16384}), 431, "headers-too-large")
    many = {f"X-{number}": "a" * 100 for number in range(160)}
    assert_problem(shop.get("/total_spent/1", headers=many), 431, "headers-too-large")
    assert shop.get("/total_spent/1", headers={"Accept-Long": "a" * 16000}).status_code == 200


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]


@pytest.mark.parametrize("method", METHODS)
def test_other_methods_are_405_and_name_those_that_are_right(shop, assert_problem, method):
    for path, allowed in (
        ("/total_spent/1", {"GET", "HEAD"}),
        ("/average_spending_by_age", {"GET", "HEAD"}),
        ("/write_to_mongodb", {"POST"}),
        ("/", {"GET", "HEAD"}),
        ("/static/smetka.css", {"GET", "HEAD"}),
    ):
        if method in allowed:
            continue
        reply = shop.request(method, path, data=GOOD)
        assert reply.status_code == 405
        assert set(reply.headers["Allow"].split(", ")) == allowed
        if method != "HEAD":
            assert_problem(reply, 405, "method-not-allowed")
    assert shop.stored_customers() == []
