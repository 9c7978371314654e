"""JSON is read strictly and written exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smetka.core import exact_json
from smetka.core.money import Money


def test_amounts_are_written_as_numbers_to_the_last_digit():
    assert exact_json.dumps({"a": Decimal("20779.95"), "b": 10**30}) == '{"a":20779.95,"b":1' + "0" * 30 + "}"


def test_fractions_are_read_as_decimals():
    assert exact_json.loads(b'{"total": 0.1}') == {"total": Decimal("0.1")}


def test_integers_stay_integers():
    value = exact_json.loads(b"[9223372036854775808]")

    assert value == [2**63]
    assert isinstance(value[0], int)


def test_text_is_escaped_so_that_any_of_it_can_be_sent():
    assert exact_json.dumps("\ud800ж") == '"\\ud800\\u0436"'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"  \n", id="blank"),
        pytest.param(b'{"user_id": 1', id="truncated"),
        pytest.param(b'{"a": 1} x', id="two values"),
        pytest.param(b'{"a": 1,}', id="trailing comma"),
        pytest.param(b'{"a": 1, /* */ "b": 1}', id="comment"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"user_id=1&total_spending=2000", id="form"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="minus Infinity"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": 1, "a": 1}', id="the same key twice"),
        pytest.param(b'{"user_id": 1, "user\\u005fid": 2}', id="the same key twice, once escaped"),
        pytest.param(b'{"b": {"a": 1, "a": 2}}', id="the same key twice, deeper"),
        pytest.param(b'\xff\xfe{"a": 1}', id="not UTF-8"),
        pytest.param(b'{"\xff": 1}', id="not UTF-8 within"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte order mark"),
        pytest.param(b'{"\\ud800": 1}', id="half a surrogate in a key"),
        pytest.param(b'["\\udfff"]', id="half a surrogate in a value"),
        pytest.param(b"[" * 30_000 + b"]" * 30_000, id="nested 30,000 deep"),
        pytest.param(b'{"a":' * 30_000 + b"1" + b"}" * 30_000, id="objects nested 30,000 deep"),
        pytest.param(b"[" * 30_000, id="opened 30,000 times"),
        pytest.param(b"01", id="leading zero"),
        pytest.param(b'{"a": 01}', id="leading zero within"),
        pytest.param(b'"\x01"', id="control character"),
    ],
)
def test_what_is_not_one_strict_value_is_refused(body):
    with pytest.raises(ValueError, match=r"\.$"):
        exact_json.loads(body)


@pytest.mark.parametrize(
    "body", [b"1e999", b"9" * 5000, b"-0.0", b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', b'"\\ud83d\\ude00"']
)
def test_unusual_but_valid_json_is_read(body):
    exact_json.loads(body)


def test_brackets_and_quotes_inside_strings_do_not_nest():
    assert exact_json.loads(b'"\\"[' + b"[" * 40 + b'"') == '"[' + "[" * 40


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("1e99999999999999999999", "finite"),
        ("-1e99999999999999999999", "finite"),
        ("1e-99999999999999999999", "two decimals"),
    ],
)
def test_a_number_beyond_decimals_bounds_is_json_and_breaks_the_rules_of_values(number, rule):
    with pytest.raises(ValueError, match=rule):
        Money.from_decimal(exact_json.loads(number.encode()))


def test_zero_is_zero_with_any_exponent():
    assert exact_json.loads(b"0e99999999999999999999") == 0
    assert Money.from_decimal(exact_json.loads(b"0e30")) == Money(0)
