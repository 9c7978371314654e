"""Whatever is sent: the problem body, never a 5xx, nothing written."""

from __future__ import annotations

import json

import pytest

from smetka.web.bodies import MAX_BODY_BYTES

pytestmark = pytest.mark.shop(shared=True)

GOOD = b'{"user_id": 1, "total_spending": 2000}'

BAD_IDS = {
    "negative": "-1",
    "zero": "0",
    "plus sign": "+1",
    "encoded plus sign": "%2B1",
    "leading zero": "007",
    "fraction": "1.0",
    "exponent": "1e0",
    "2^63": "9223372036854775808",
    "twenty digits": "10000000000000000000",
    "400 digits": "1" * 400,
    "full-width digit": "%EF%BC%91",
    "Arabic digit": "%D9%A1",
    "superscript": "%C2%B2",
    "blank": "%20",
    "blank after": "1%20",
    "newline after": "1%0A",
    "NUL": "1%00",
    "not UTF-8": "%FF",
    "name": "ana",
    "hexadecimal": "0x1",
    "underscore": "1_0",
    "true": "true",
    "injection": "1%20OR%201=1",
    "quote": "1'",
}


@pytest.mark.parametrize("text", BAD_IDS.values(), ids=BAD_IDS.keys())
@pytest.mark.parametrize("path", ["/total_spent/", "/api/v1/bonus-customers/2026/"])
def test_an_id_in_a_path_is_canonical(shop, assert_problem, path, text):
    body = assert_problem(shop.get(path + text), 422, "invalid-value")

    assert [fault["parameter"] for fault in body["errors"]] == ["user_id"]


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
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_what_is_not_there_is_404(shop, assert_problem, path, method):
    reply = shop.request(method, path)

    assert reply.status_code in ({404, 405} if path.startswith(("/static/", "/problems/")) else {404})
    if method == "GET":
        assert_problem(reply, 404, "not-found")
    assert "Location" not in reply.headers


BAD_YEARS = ["", "0", "-1", "02025", "2025.0", "10000", "20٢5", "year", "9" * 300, "2025,2026"]


@pytest.mark.parametrize("year", BAD_YEARS)
@pytest.mark.parametrize("path", ["/total_spent/1", "/average_spending_by_age"])
def test_a_year_is_a_canonical_number(shop, assert_problem, path, year):
    body = assert_problem(shop.get(path, query_string={"year": year}), 422, "invalid-value")

    assert [fault["parameter"] for fault in body["errors"]] == ["year"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/total_spent/1?yaer=2025", "yaer"),
        ("/total_spent/1?year=2025&year=2025", "year"),
        ("/total_spent/1?notify=false", "notify"),
        ("/total_spent/1?=1", ""),
        ("/total_spent/1?x", "x"),
        ("/average_spending_by_age?basis=median", "basis"),
        ("/average_spending_by_age?basis=", "basis"),
        ("/average_spending_by_age?basis=spender&basis=spender", "basis"),
        ("/average_spending_by_age?notify=0", "notify"),
        ("/average_spending_by_age?notify=False", "notify"),
        ("/average_spending_by_age?%FF=1", "%FF"),
        ("/api/v1/bonus-customers/2026/1?x=1", "x"),
        ("/api/v1/bonus-customers/02026/1", "year"),
        ("/healthz?x=1", "x"),
        ("/readyz?x=1", "x"),
        ("/openapi.json?x=1", "x"),
        ("/metrics?x=1", "x"),
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
    "blank": b" \n",
    "truncated": b'{"user_id": 1, "total_spending": 20',
    "two values": GOOD + GOOD,
    "trailing comma": b'{"user_id": 1, "total_spending": 2000,}',
    "comment": b'{"user_id": 1, /* */ "total_spending": 2000}',
    "single quotes": b"{'user_id': 1}",
    "not UTF-8": b'{"user_id": 1, "total_spending": 2000, "\xff": 1}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "half a surrogate pair": b'{"user_id": 1, "total_spending": 2000, "\\ud800": 1}',
    "NaN": b'{"user_id": 1, "total_spending": NaN}',
    "Infinity": b'{"user_id": 1, "total_spending": Infinity}',
    "minus Infinity": b'{"user_id": 1, "total_spending": -Infinity}',
    "duplicate key": b'{"user_id": 1, "total_spending": 2000, "total_spending": 5}',
    "duplicate key, escaped": b'{"user_id": 1, "total_spending": 2000, "user\\u005fid": 2}',
    "nested 30,000 deep": b"[" * 30_000 + b"]" * 30_000,
    "objects nested 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "leading zero": b'{"user_id": 01, "total_spending": 2000}',
    "form": b"user_id=1&total_spending=2000",
}


@pytest.mark.parametrize("body", SYNTAX.values(), ids=SYNTAX.keys())
def test_a_body_is_one_strict_json_value(shop, assert_problem, body):
    assert_problem(shop.post(body), 400, "invalid-json")

    assert shop.stored_customers() == []


VALUES = {
    "array": ("[]", [""]),
    "null": ("null", [""]),
    "string": ('"text"', [""]),
    "number": ("1", [""]),
    "JSON inside of a JSON string": (json.dumps(GOOD.decode()), [""]),
    "array of one": (f"[{GOOD.decode()}]", [""]),
    "empty object": ("{}", ["/user_id", "/total_spending"]),
    "no total": ('{"user_id": 1}', ["/total_spending"]),
    "id as text": ('{"user_id": "1", "total_spending": 2000}', ["/user_id"]),
    "id true": ('{"user_id": true, "total_spending": 2000}', ["/user_id"]),
    "id null": ('{"user_id": null, "total_spending": 2000}', ["/user_id"]),
    "id zero": ('{"user_id": 0, "total_spending": 2000}', ["/user_id"]),
    "id negative": ('{"user_id": -1, "total_spending": 2000}', ["/user_id"]),
    "id with a fraction": ('{"user_id": 1.5, "total_spending": 2000}', ["/user_id"]),
    "id almost integral": (
        '{"user_id": 1.0000000000000000000000000000000001, "total_spending": 2000}',
        ["/user_id"],
    ),
    "id 2^63": ('{"user_id": 9223372036854775808, "total_spending": 2000}', ["/user_id"]),
    "id 1e999": ('{"user_id": 1e999, "total_spending": 2000}', ["/user_id"]),
    "id of a million digits": ('{"user_id": 1e999999, "total_spending": 2000}', ["/user_id"]),
    "id of 5,000 digits": (f'{{"user_id": {"1" * 5000}, "total_spending": 2000}}', ["/user_id"]),
    "id as an operator": ('{"user_id": {"$gt": 0}, "total_spending": 2000}', ["/user_id"]),
    "id as an array": ('{"user_id": [1], "total_spending": 2000}', ["/user_id"]),
    "total as text": ('{"user_id": 1, "total_spending": "2000"}', ["/total_spending"]),
    "total true": ('{"user_id": 1, "total_spending": true}', ["/total_spending"]),
    "total null": ('{"user_id": 1, "total_spending": null}', ["/total_spending"]),
    "total negative": ('{"user_id": 1, "total_spending": -2000}', ["/total_spending"]),
    "total 1e999": ('{"user_id": 1, "total_spending": 1e999}', ["/total_spending"]),
    "total 1e-999": ('{"user_id": 1, "total_spending": 1e-999}', ["/total_spending"]),
    "total with three decimals": ('{"user_id": 1, "total_spending": 2000.005}', ["/total_spending"]),
    "total as an operator": ('{"user_id": 1, "total_spending": {"$inc": 1}}', ["/total_spending"]),
    "year as text": ('{"user_id": 1, "total_spending": 2000, "year": "2026"}', ["/year"]),
    "year false": ('{"user_id": 1, "total_spending": 2000, "year": false}', ["/year"]),
    "year null": ('{"user_id": 1, "total_spending": 2000, "year": null}', ["/year"]),
    "year zero": ('{"user_id": 1, "total_spending": 2000, "year": 0}', ["/year"]),
    "year 10000": ('{"user_id": 1, "total_spending": 2000, "year": 10000}', ["/year"]),
    "unknown field": ('{"user_id": 1, "total_spending": 2000, "note": "x"}', ["/note"]),
    "unknown field to escape": ('{"user_id": 1, "total_spending": 2000, "a/b~c": 1}', ["/a~1b~0c"]),
    "unknown operator": ('{"user_id": 1, "total_spending": 2000, "$where": "1"}', ["/$where"]),
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
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json-patch+json",
        "application/vnd.api+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; profile=x",
        "application/json, text/plain",
        "*/*",
    ],
)
def test_only_json_is_a_media_type_for_bodies(shop, assert_problem, media_type):
    assert_problem(shop.post(GOOD, content_type=media_type), 415, "unsupported-media-type")

    assert shop.stored_customers() == []


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        'application/json;charset="utf-8"',
        "application/json; charset=UTF-8",
    ],
)
def test_json_may_say_that_it_is_utf_8(shop, media_type):
    assert shop.post(GOOD, content_type=media_type).status_code == 201


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
        pytest.param({"CONTENT_LENGTH": "38, 39"}, id="two different lengths"),
        pytest.param({"CONTENT_LENGTH": "-1"}, id="negative length"),
        pytest.param({"CONTENT_LENGTH": "+38"}, id="signed length"),
        pytest.param({"CONTENT_LENGTH": "0x26"}, id="hexadecimal length"),
        pytest.param({"CONTENT_LENGTH": "٣٨"}, id="length in other digits"),
        pytest.param({"CONTENT_LENGTH": "38", "HTTP_TRANSFER_ENCODING": "chunked"}, id="length and chunks"),
        pytest.param({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "gzip, chunked"}, id="compressed"),
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


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1e999", "-1e99999999999999999999", "1e-99999999999999999999"]
)
@pytest.mark.parametrize("field", ["user_id", "total_spending"])
def test_a_number_of_any_exponent_is_json_and_breaks_a_rule(shop, assert_problem, field, number):
    values = {"user_id": "1", "total_spending": "2000", field: number}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in values.items()) + "}"

    assert_problem(shop.post(body), 422, "invalid-value")
    assert shop.stored_customers() == []


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
    assert_problem(shop.get("/total_spent/1", headers={"X-Long": "a" * 16384}), 431, "headers-too-large")
    many = {f"X-{number}": "a" * 100 for number in range(160)}
    assert_problem(shop.get("/total_spent/1", headers=many), 431, "headers-too-large")
    assert shop.get("/total_spent/1", headers={"X-Long": "a" * 16000}).status_code == 200


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
