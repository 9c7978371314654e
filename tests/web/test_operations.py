"""An operation reads what it declares of path, query, body and headers, and names every fault."""

from __future__ import annotations

import json

import pytest
from flask import Request

from smetka.core import exact_json
from smetka.core.errors import InvalidValue
from smetka.core.money import Money
from smetka.web.app import GROUPS
from tests.fixtures.web import YEAR_END

OPERATIONS = {operation.name: operation for group in GROUPS for operation in group.all}
CUSTOMER = {"user_id": "1"}
RECORD = {"year": "2026", "user_id": "1"}
GOOD = '{"user_id": 1, "total_spending": 2000}'


def read(operation, query="", *, path=None, body=None, headers=None):
    """What an operation reads; a body is a value, or JSON as a text."""
    request = Request.from_values(f"/?{query}", headers=headers)
    value = exact_json.loads(body.encode()) if isinstance(body, str) else body
    return OPERATIONS[operation].read(request, path or {}, value)


def faults(operation, query="", **given):
    with pytest.raises(InvalidValue) as raised:
        read(operation, query, **given)
    return raised.value.faults


def parameters(operation, query="", **given):
    return [fault.parameter for fault in faults(operation, query, **given)]


def pointers(operation, body, **given):
    return [fault.pointer for fault in faults(operation, body=body, **given)]


# --- path ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "path", "wrong"),
    [
        ("total_spent", {"user_id": "007"}, ["user_id"]),
        ("bonus_customer", {**RECORD, "user_id": "1 "}, ["user_id"]),
        ("bonus_customer", {**RECORD, "year": "02026"}, ["year"]),
        ("bonus_customer", {"year": "0", "user_id": "0"}, ["year", "user_id"]),
    ],
)
def test_a_number_in_a_path_is_canonical(operation, path, wrong):
    assert parameters(operation, path=path) == wrong


# --- query -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "query", "name"),
    [
        ("total_spent", "yaer=2025", "yaer"),
        ("total_spent", "year=02025", "year"),
        ("total_spent", "year=", "year"),
        ("total_spent", "year=2025&year=2025", "year"),
        ("total_spent", "notify=false", "notify"),
        ("total_spent", "=1", ""),
        ("total_spent", "x", "x"),
        ("average_spending_by_age", "year=2025.0", "year"),
        ("average_spending_by_age", "basis=median", "basis"),
        ("average_spending_by_age", "basis=", "basis"),
        ("average_spending_by_age", "basis=spender&basis=spender", "basis"),
        ("average_spending_by_age", "notify=0", "notify"),
        ("average_spending_by_age", "notify=False", "notify"),
        ("average_spending_by_age", "%FF=1", "%FF"),
        ("healthz", "x=1", "x"),
        ("readyz", "x=1", "x"),
        ("openapi_json", "x=1", "x"),
        ("prometheus_metrics", "x=1", "x"),
        ("bonus_customer_list", "year=0", "year"),
        ("bonus_customer_list", "source=mail", "source"),
        ("bonus_customer_list", "review=maybe", "review"),
        ("bonus_customer_list", "matches=yes", "matches"),
        ("bonus_customer_list", "limit=0", "limit"),
        ("bonus_customer_list", "cursor=2026", "cursor"),
        ("bonus_customer_list", "cursor=2026.1.5", "cursor"),
        ("bonus_customer_list", "cursor=2026.1.5.name", "cursor"),
        ("bonus_customer_list", "cursor=2026.1.-5.stored_at", "cursor"),
        ("bonus_customer_list", "sort=name", "sort"),
        ("bonus_customer_list", "sort=-user_id", "sort"),
        ("bonus_customer_list", "sort=", "sort"),
        ("bonus_customer_list", "cursor=2026.0", "cursor"),
        ("bonus_customer_list", "cursor=2026.9223372036854775808", "cursor"),
        ("bonus_customer_list", "page=2", "page"),
    ],
)
def test_query_parameters_are_known_single_and_right(operation, query, name):
    path = CUSTOMER if operation == "total_spent" else {}

    assert parameters(operation, query, path=path) == [name]


@pytest.mark.parametrize(
    ("query", "parameter", "rule"),
    [
        ("limit=0", "limit", "must be a whole number from 1 to 500"),
        ("limit=501", "limit", "must be a whole number from 1 to 500"),
        ("limit=ten", "limit", "must be a whole number from 1 to 500"),
        ("cursor=nonsense", "cursor", "must be what a page of this list gave as next"),
        ("cursor=99999999999999.x", "cursor", "must be what a page of this list gave as next"),
        ("state=lost", "state", "must be 'queued'"),
        ("chat=me", "chat", "must be a chat's id"),
        ("chat=-1001234567890:0", "chat", "must be a chat's id"),
        ("chat=-1001234567890:2147483648", "chat", "must be a chat's id"),
        ("chat=4503599627370496", "chat", "must be a chat's id"),
        ("page=2", "page", "is not a query parameter here"),
    ],
)
def test_a_fault_says_the_parameters_rule(query, parameter, rule):
    (fault,) = faults("delivery_list", query)

    assert fault.parameter == parameter
    assert fault.detail.startswith(rule)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("name=", "name"),
        ("name=../../etc/passwd", "name"),
        ("name=..%5Cshop.db", "name"),
        ("name=..", "name"),
        ("name=" + "a" * 101, "name"),
        ("name=a%0Ab.csv", "name"),
        ("name=a.csv&dry_run=yes", "dry_run"),
        ("name=a.csv&decimal=%3B", "decimal"),
        ("name=a.csv&dates=ymd", "dates"),
        ("name=a.csv&map=who", "map"),
        ("name=a.csv&map=nobody%3Duser_id", "map"),
        ("name=a.csv&state=held", "state"),
        ("name=a.csv&into=/tmp/x.db", "into"),
        ("name=a.csv&encoding=" + "x" * 101, "encoding"),
        ("name=a.csv&header_row=0", "header_row"),
        ("name=a.csv&header_row=1.0", "header_row"),
        ("name=a.csv&header_row=10000000", "header_row"),
    ],
)
def test_how_a_file_is_read_is_told_by_parameters_that_obey_their_rules(query, parameter):
    (fault,) = faults("import_file", query)

    assert fault.parameter == parameter
    assert "--" not in fault.detail


# --- body ------------------------------------------------------------------------------------

VALUES = {
    "array": ("[]", [""]),
    "null": ("null", [""]),
    "string": ('"text"', [""]),
    "number": ("1", [""]),
    "JSON inside of a JSON string": (json.dumps(GOOD), [""]),
    "array of one": (f"[{GOOD}]", [""]),
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


@pytest.mark.parametrize(("body", "wrong"), VALUES.values(), ids=VALUES.keys())
def test_values_in_a_body_obey_their_rules_and_every_fault_is_told(body, wrong):
    assert pointers("write_to_mongodb", body) == wrong


def test_a_body_that_is_no_object_is_told_so():
    (fault,) = faults("write_to_mongodb", body="[]")

    assert fault.detail == "must be a JSON object"


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1e999", "-1e99999999999999999999", "1e-99999999999999999999"]
)
@pytest.mark.parametrize("field", ["user_id", "total_spending"])
def test_a_number_of_any_exponent_breaks_a_rule(field, number):
    values = {"user_id": "1", "total_spending": "2000", field: number}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in values.items()) + "}"

    assert pointers("write_to_mongodb", body) == [f"/{field}"]


@pytest.mark.parametrize(
    "number", ["1", "1.0", "1e0", "10E-1", "0.1e1", "1.000000000000000000000000000000000000"]
)
def test_an_integral_number_of_any_spelling_is_an_id(number):
    assert (
        read("write_to_mongodb", body=f'{{"user_id": {number}, "total_spending": 2000}}')["body"].user_id == 1
    )


@pytest.mark.parametrize(
    ("number", "cents"),
    [
        ("1e3", 1000_00),
        ("1000.010", 1000_01),
        ("1000000000000", 10**14),
        ("1000000000000.01", None),
        ("1000.001", None),
    ],
)
def test_an_amount_has_any_spelling_two_decimals_and_an_end(number, cents):
    body = f'{{"user_id": 1, "total_spending": {number}}}'

    if cents is None:
        assert pointers("write_to_mongodb", body) == ["/total_spending"]
    else:
        assert read("write_to_mongodb", body=body)["body"].total_spending == Money(cents)


@pytest.mark.parametrize(
    ("rules", "wrong"),
    [
        ({"voucher_value": 0}, ["/voucher_value"]),
        ({"voucher_value": -1}, ["/voucher_value"]),
        ({"threshold": -0.01}, ["/threshold"]),
        ({"threshold": 1.001}, ["/threshold"]),
        ({"budget": "many"}, ["/budget"]),
        ({"valid_until": "31.01.2027"}, ["/valid_until"]),
        ({"valid_until": "2027-02-30"}, ["/valid_until"]),
        ({"name": ""}, ["/name"]),
        ({"year": 0}, ["/year"]),
        ({"tiers": [{"above": 2000}]}, ["/tiers/0/value"]),
        ({"most_vouchers": 0}, ["/most_vouchers"]),
        ({"owner": "me"}, ["/owner"]),
    ],
)
def test_the_rules_of_a_campaign_have_values_that_can_be(rules, wrong):
    assert pointers("create_campaign", json.dumps({**YEAR_END, **rules})) == wrong


@pytest.mark.parametrize(
    ("operation", "body", "pointer"),
    [
        ("redeem_voucher", {"user_id": 0}, "/user_id"),
        ("redeem_voucher", {"user_id": None}, "/user_id"),
        ("redeem_voucher", {"reference": ""}, "/reference"),
        ("redeem_voucher", {"reference": "a\nb"}, "/reference"),
        ("redeem_voucher", {"reference": "x" * 201}, "/reference"),
        ("redeem_voucher", {"order": "7"}, "/order"),
        ("reserve_voucher", {"minutes": 0}, "/minutes"),
        ("reserve_voucher", {"minutes": 1441}, "/minutes"),
        ("void_voucher", {}, "/reason"),
        ("void_voucher", {"reason": 7}, "/reason"),
        ("reverse_voucher", {"reason": ""}, "/reason"),
    ],
)
def test_what_is_done_with_a_voucher_is_told_by_right_values(operation, body, pointer):
    assert pointers(operation, body, path={"code": "any"}) == [pointer]


# --- headers, and all together ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ключ", "a\tb"])
def test_an_idempotency_key_is_printable_and_short(key):
    headers = {"Idempotency-Key": key}

    assert parameters("redeem_voucher", path={"code": "any"}, body={}, headers=headers) == ["Idempotency-Key"]


def test_faults_of_all_places_are_told_together():
    found = faults(
        "redeem_voucher", "x=1", path={"code": ""}, body={"order": 7}, headers={"Idempotency-Key": " "}
    )

    assert [(fault.parameter, fault.pointer) for fault in found] == [
        ("code", None),
        ("x", None),
        (None, "/order"),
        ("Idempotency-Key", None),
    ]
