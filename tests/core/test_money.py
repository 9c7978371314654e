"""Amounts are exact to the cent, from text to JSON."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smetka.core.money import LARGEST_AMOUNT, Money, check_currency, grouped


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0", 0), ("1000", 100000), ("0.1", 10), ("-12.50", -1250), ("1000000000000", 10**14), ("007", 700)],
)
def test_a_plain_number_is_read_to_the_cent(text, cents):
    assert Money.parse(text) == Money(cents)


@pytest.mark.parametrize(
    "text", ["", "1.005", "1e3", "1,000", " 1", "+1", "1.", ".5", "NaN", "١٢", "--1", "1\n"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="plain number"):
        Money.parse(text)


@pytest.mark.parametrize(
    ("number", "cents"),
    [
        ("1E3", 100000),
        ("10.10", 1010),
        ("10.11", 1011),
        ("10.1000", 1010),
        ("1.010", 101),
        ("0.010", 1),
        ("1", 100),
        ("-1", -100),
        ("0", 0),
        ("-0.00", 0),
        ("0E-9", 0),
        ("0E+999999999", 0),
        ("-5", -500),
        ("1e12", 10**14),
        ("9.5e25", 95 * 10**26),
    ],
)
def test_a_decimal_of_any_spelling_is_taken_as_it_is(number, cents):
    assert Money.from_decimal(Decimal(number)) == Money(cents)


@pytest.mark.parametrize("number", ["1.001", "0.005", "1e-3", "10e-9", "NaN", "Infinity"])
def test_half_cents_and_endless_amounts_are_refused(number):
    with pytest.raises(ValueError, match="must"):
        Money.from_decimal(Decimal(number))


@pytest.mark.parametrize("number", ["1e26", "-1e26", "1e400", "1e999999999"])
def test_what_no_amount_can_be_is_refused_before_it_costs_anything(number):
    with pytest.raises(ValueError, match="must be a finite amount"):
        Money.from_decimal(Decimal(number))


def test_the_largest_amount_is_a_million_millions():
    assert LARGEST_AMOUNT == 1_000_000_000_000


def test_amounts_are_added_compared_and_never_changed():
    assert Money(7) + Money(3) == Money(10)
    assert Money(7) + Money(-10) == Money(-3)
    assert sorted([Money(3), Money(-7), Money(100)]) == [Money(-7), Money(3), Money(100)]
    with pytest.raises(FrozenInstanceError):
        Money(1).cents = 2


@pytest.mark.parametrize(
    ("cents", "text"), [(-1, "-0.01"), (1, "0.01"), (-100, "-1.00"), (-12345, "-123.45"), (5, "0.05")]
)
def test_as_text_it_has_two_decimals_and_its_sign(cents, text):
    assert str(Money(cents)) == text


@pytest.mark.parametrize(
    ("cents", "number"),
    [
        (0, "0"),
        (100, "1"),
        (101, "1.01"),
        (110, "1.1"),
        (111, "1.11"),
        (-1250, "-12.5"),
        (-5, "-0.05"),
        (2077995, "20779.95"),
    ],
)
def test_json_numbers_have_no_needless_zeros(cents, number):
    assert str(Money(cents).number) == number
    assert isinstance(Money(cents).number, int) == ("." not in number)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**7))
def test_an_average_is_rounded_half_up_once(cents, count):
    expected = (Decimal(cents) / 100 / count).quantize(Decimal("0.01"), ROUND_HALF_UP)
    exact = Decimal(cents) / count
    if abs(exact % 1) != Decimal("0.5"):  # Decimal's own 28 digits may fall on the wrong side of a half
        assert Money(cents).average(count).decimal == expected


@pytest.mark.parametrize(
    ("cents", "count", "average"), [(1, 2, 1), (-1, 2, -1), (5, 2, 3), (10, 3, 3), (-10, 3, -3), (3, 2, 2)]
)
def test_half_a_cent_goes_away_from_zero(cents, count, average):
    assert Money(cents).average(count) == Money(average)


@given(st.integers())
def test_text_and_decimal_agree(cents):
    assert Decimal(str(Money(cents))) == Money(cents).decimal if abs(cents) < 10**26 else True
    assert Money.parse(str(Money(cents))) == Money(cents) if abs(cents) < 10**26 else True


def test_nothing_has_no_sign():
    assert (str(Money(0)), str(Money(0).number), str(Money(-0).decimal)) == ("0.00", "0", "0.00")


@pytest.mark.parametrize(
    "number", ["1.23001", "0.000001", "-0.011", "999999999999.999", "1.0000000000000000000000000001"]
)
def test_a_digit_beyond_the_cent_is_refused_wherever_it_stands(number):
    with pytest.raises(ValueError, match="at most two decimals"):
        Money.from_decimal(Decimal(number))


def test_people_read_grouped_thousands():
    assert grouped(Money(2996585328)) == "29,965,853.28"


@pytest.mark.parametrize("code", ["MKD", "EUR", "JPY"])
def test_currencies_with_two_decimals_or_none_are_supported(code):
    assert check_currency(code) == code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KWD", "more than two decimals"),
        ("BHD", "more than two decimals"),
        ("mkd", "ISO 4217"),
        ("XXX", "ISO 4217"),
        ("", "ISO 4217"),
    ],
)
def test_other_currencies_are_refused_with_the_reason(code, words):
    with pytest.raises(ValueError, match=words):
        check_currency(code)
