from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smetka.ledger.imports.amounts import Amounts, Plain
from smetka.ledger.imports.refused import ReadAgain, Refused

THOUSANDS = {".": [",", " ", "\u00a0", "\u2009", "\u202f", "'", "’", ""], ",": [".", " ", "\u00a0", "'", ""]}
WRAPPINGS = ["{}", " {} ", "{} ден", "{} ден.", "{}MKD", "MKD {}", "ден. {}", "{}\u00a0mkd"]


def written(cents, decimal, thousands, minus, places):
    whole, rest = divmod(abs(cents), 100)
    fraction = f"{rest:02}"
    text = f"{whole:,}".replace(",", thousands)
    if places:
        text += decimal + (fraction if places == 2 or fraction[1] != "0" else fraction[0])
    elif rest:
        text += decimal + fraction
    return (minus if cents < 0 else "") + text


def reason(text, *before, decimal=None, currency="MKD"):
    amounts = Amounts(decimal, currency)
    for other in before:
        amounts.cents(other)
    with pytest.raises(Refused) as refused:
        amounts.cents(text)
    return refused.value.reason


@given(st.data())
def test_an_amount_in_any_notation_reads_back_to_the_same_cents(data):
    decimal = data.draw(st.sampled_from(".,"))
    thousands = data.draw(st.sampled_from(THOUSANDS[decimal]))
    wrapping = data.draw(st.sampled_from(WRAPPINGS))
    minus = data.draw(st.sampled_from(["-", "−", "- "]))
    known = data.draw(st.booleans())
    amounts = Amounts(decimal if known else None, "MKD")
    if not known:
        amounts.cents(f"0{decimal}50")
    for cents in data.draw(st.lists(st.integers(-(10**12), 10**12), min_size=1)):
        places = data.draw(st.integers(0, 2))
        text = wrapping.format(written(cents, decimal, thousands, minus, places))
        assert amounts.cents(text) == cents


@given(st.lists(st.text("0123456789.,-+() 'eE%€MKDден=\"", max_size=14), max_size=8))
def test_whatever_is_written_is_read_to_cents_or_refused(texts):
    amounts = Amounts(None, "MKD")
    for text in texts:
        with suppress(Refused):
            assert abs(amounts.cents(text)) <= 10**12


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1234.5", 123450),
        ("1,234.50", 123450),
        ("1.234,50", 123450),
        ("1 234,50", 123450),
        ("1\u202f234\u202f567,5", 123456750),
        ("1.234.567", 123456700),
        ("0.500", 50),
        ("12345.678000", None),
        ("12345.670000", 1234567),
        (".5", 50),
        ("+5", 500),
        ("MKD -5", -500),
        ("0", 0),
        ("10000000000", 10**12),
    ],
)
def test_one_value_alone_is_read(text, cents):
    if cents is None:
        assert reason(text) == "has more than two decimals"
    else:
        assert Amounts(None, "MKD").cents(text) == cents


@pytest.mark.parametrize("number", ["30.00", "1,234.50", "0.5"])
@pytest.mark.parametrize(
    "style",
    [
        "({})", "$({})", "(${})", "({})$", "({} $)", "( $ {} )", "$   ({})", "({} USD)", "USD ({})", "{}-", "{} -",
        "{}- $", "{} $-", "{}−", "-${}", "$-{}", "$ - {}", "- {}", "−{}", "–{}", "‑{}", "-{} $",
    ],
)  # fmt: skip
def test_below_zero_is_written_in_many_ways(style, number):
    expected = Amounts(None, "USD").cents(number)

    assert Amounts(None, "USD").cents(style.format(number)) == -expected
    assert Amounts(None, "USD").cents(f"  {style.format(number)}") == -expected


@pytest.mark.parametrize(
    "text",
    [
        "(30", "30)", "((30))", "(-30)", "-(30)", "(30)-", "-30-", "+30-", "(+30)", "$-30-", "(30.00)(40.00)", "()",
        "1(000)", "30-40", ")30(", "($)30",
    ],
)  # fmt: skip
def test_signs_that_do_not_go_together_are_refused(text):
    assert reason(text, currency="USD") == "is no amount"


@pytest.mark.parametrize("text", ["30-", "30,-", "30.-", "30 - ден"])
def test_a_price_written_without_cents_is_not_taken_for_one_below_zero(text):
    assert reason(text) == "is no amount"


def test_brackets_do_not_hide_another_currency_nor_two_readings():
    assert reason("(€30.00)") == "is in EUR, the shop's currency is MKD"
    amounts = Amounts(None, "MKD")
    assert amounts.cents("(1.234)") == -123400
    assert amounts.undecided == "1.234"


@pytest.mark.parametrize("text", ["'-30.50", "'\t-30.50", "\t-30.50", '="-30.50"', '\'="-30.50"', "'(30.50)"])
def test_an_amount_is_read_through_what_keeps_it_from_being_a_formula(text):
    assert Amounts(None, "MKD").cents(text) == -3050


@pytest.mark.parametrize(
    "text", ["''30.50", "30.50'", '="30.50', "=30.50", "'=30.50", '="=30.50"', '="30"&"50"']
)
def test_formulas_and_marks_that_are_no_protection_stay_refused(text):
    assert reason(text) in ("is no amount", "is a formula; save the values that it gives instead")


@pytest.mark.parametrize("text", ["30.00 CR", "30.00CR", "30.00 Dr.", "CR 30.00", "(30.00) cr"])
def test_credit_and_debit_are_not_guessed(text):
    assert reason(text).startswith("is marked CR or DR, whose sign depends on who writes it")


@pytest.mark.parametrize(
    "text", ["&#36;30.50", "-&#36;30.50", "&#x24;&nbsp;30.50", "30.50&nbsp;USD", "&dollar;30.50"]
)
def test_an_amount_kept_as_html_is_read(text):
    assert Amounts(None, "USD").cents(text) == (-3050 if text.startswith("-") else 3050)
    assert reason("30.50 &euro;") == "is in EUR, the shop's currency is MKD"
    assert Amounts(None, "MKD").cents("30.50 &#1076;&#1077;&#1085;") == 3050


def test_an_apostrophe_is_a_mark_of_thousands_inside_of_a_number():
    assert Amounts(None, "MKD").cents("1'234.50") == 123450
    assert Amounts(None, "MKD").cents("'1'234.50") == 123450


@pytest.mark.parametrize("text", ["-", "–", "—", "−", "--", "$ -", "$-   ", "- USD"])
def test_a_dash_is_nothing_only_where_an_amount_may_be_missing(text):
    assert Amounts(None, "USD").cents_if_any(text.strip()) == 0
    assert reason(text, currency="USD") in ("is no amount", "is no number")


def test_an_amount_that_may_be_missing_is_read_as_any_other():
    assert Amounts(None, "USD").cents_if_any("-5") == -500
    for text, why in (
        ("€ -", "is in EUR, the shop's currency is USD"),
        ("x -", "is no amount"),
        ("- -", "is no"),
    ):
        with pytest.raises(Refused, match=why):
            Amounts(None, "USD").cents_if_any(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("=SUM(A1:A9)", "is a formula"),
        ("12%", "is a percentage"),
        ("1E+05", "is written with an exponent; a plain number is expected"),
        ("nan", "is no number"),
        ("-inf", "is no number"),
        ("NULL", "is no number"),
        ("abc", "is no amount"),
        ("5.", "is no amount"),
        ("--5", "is no amount"),
        ("٣", "is no amount"),
        ("5 xyzzy", "is no amount"),
        ("9" * 5000, "is no amount"),
        ("1.005", None),
        ("12.345,678", "has more than two decimals"),
        ("1,23,456.00", "groups of three"),
        ("1 23", "groups of three"),
        ("1,2,3", "groups of three"),
        ("10000000000.01", "is beyond 10,000,000,000 MKD"),
        ("-99999999999", "is beyond 10,000,000,000 MKD"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(text, why):
    if why is None:
        assert reason(text, decimal=".") == "has more than two decimals"
    else:
        assert why in reason(text)


@pytest.mark.parametrize(
    ("text", "currency", "why"),
    [
        ("5 EUR", "MKD", "is in EUR, the shop's currency is MKD"),
        ("€5", "MKD", "is in EUR, the shop's currency is MKD"),
        ("5 ден.", "EUR", "is in MKD, the shop's currency is EUR"),
        ("US$5", "EUR", "is in USD, the shop's currency is EUR"),
        ("5 kr", "EUR", "is in kr, the shop's currency is EUR"),
    ],
)
def test_another_currency_is_refused_by_name(text, currency, why):
    assert reason(text, currency=currency) == why


@pytest.mark.parametrize(
    ("text", "currency"),
    [("€5", "EUR"), ("$5", "USD"), ("$5", "CAD"), ("5 kr", "SEK"), ("5 kr", "DKK"), ("5 zł", "PLN")],
)
def test_the_shops_own_mark_is_read(text, currency):
    assert Amounts(None, currency).cents(text) == 500


def test_the_first_clear_amount_decides_the_marks_of_the_column():
    assert "decimal mark" in reason("12.50", "1.234,50")
    assert "decimal mark" in reason("1,234.50", "1.234,50")
    assert reason("1,234", "1.234,50") == "has more than two decimals"

    amounts = Amounts(None, "MKD")

    assert [amounts.cents(text) for text in ("12,5", "1.234", "12.345", "7")] == [1250, 123400, 1234500, 700]
    assert amounts.undecided is None


def test_a_refused_amount_decides_nothing():
    amounts = Amounts(None, "MKD")
    for text in ("1,23,456", "1.2345", "€1.50", "99.999.999.999"):
        with pytest.raises(Refused):
            amounts.cents(text)

    assert amounts.cents("1,50") == 150


def test_a_column_that_can_be_read_in_two_ways_says_so_by_example():
    amounts = Amounts(None, "MKD")
    assert [amounts.cents(text) for text in ("5", "1.234", "2.500")] == [500, 123400, 250000]
    assert amounts.undecided == "1.234"
    assert "another mark" in reason("1,234", "1.234")

    assert amounts.cents("2,50") == 250
    assert amounts.undecided is None


def test_a_known_decimal_mark_leaves_nothing_undecided():
    amounts = Amounts(".", "MKD")

    assert amounts.cents("12.500") == 1250
    assert amounts.cents("12,500") == 1250000
    assert amounts.undecided is None


def test_what_was_read_otherwise_before_is_read_again_once():
    amounts = Amounts(None, "MKD")
    assert amounts.cents("12.500") == 1250000
    with pytest.raises(ReadAgain) as again:
        amounts.cents("3.25")
    assert "12.500" in again.value.reason

    assert [amounts.cents(text) for text in ("12.500", "3.25")] == [1250, 325]
    assert amounts.undecided is None


@pytest.mark.parametrize("decimal", [None, ",", "."])
def test_a_number_that_came_as_one_is_exact_whatever_the_texts_beside_it_are(decimal):
    amounts = Amounts(decimal, "MKD")
    numbers = ["12.5", "-3.25", "1234", "0.07", "12.50"]

    assert [amounts.cents(Plain(number).strip()) for number in numbers] == [1250, -325, 123400, 7, 1250]
    with pytest.raises(Refused, match="more than two decimals"):
        amounts.cents(Plain("1.234"))


def test_numbers_say_nothing_about_the_marks_of_texts():
    amounts = Amounts(None, "MKD")
    read = [amounts.cents(text) for text in (Plain("12.5"), "1.234", Plain("0.75"), "12,50", Plain("3.5"))]

    assert read == [1250, 123400, 75, 1250, 350]
    assert "with , as decimal mark" in reason("12.75", Plain("1.5"), "3,00")
