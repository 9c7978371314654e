"""Numbers that are asked for as text have one spelling each."""

from __future__ import annotations

import pytest

from smetka.core.canonical import LARGEST_ID, LATEST_YEAR, canonical


@pytest.mark.parametrize(
    ("text", "largest"),
    [("1", LARGEST_ID), (str(LARGEST_ID), LARGEST_ID), ("9999", LATEST_YEAR), ("10", LATEST_YEAR)],
)
def test_plain_digits_up_to_the_largest_are_a_number(text, largest):
    assert canonical(text, largest) == int(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("-1", id="negative"),
        pytest.param("0", id="zero"),
        pytest.param("+1", id="plus sign"),
        pytest.param("007", id="leading zero"),
        pytest.param("1.0", id="fraction"),
        pytest.param("1e0", id="exponent"),
        pytest.param("9223372036854775808", id="2^63"),
        pytest.param("10000000000000000000", id="twenty digits"),
        pytest.param("1" * 400, id="400 digits"),
        pytest.param("9" * 5000, id="more digits than int() reads"),
        pytest.param("\uff11", id="full-width digit"),
        pytest.param("\u0661", id="Arabic digit"),
        pytest.param("\xb9", id="superscript"),
        pytest.param(" ", id="blank"),
        pytest.param("1 ", id="blank after"),
        pytest.param("1\n", id="newline after"),
        pytest.param("1\x00", id="NUL"),
        pytest.param("\ufffd", id="not UTF-8"),
        pytest.param("ana", id="name"),
        pytest.param("0x1", id="hexadecimal"),
        pytest.param("1_0", id="underscore"),
        pytest.param("true", id="true"),
        pytest.param("1 OR 1=1", id="injection"),
        pytest.param("1'", id="quote"),
        pytest.param(1, id="no text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_any_other_spelling_is_no_id(text):
    with pytest.raises(
        ValueError, match="must be a whole number from 1 to 9223372036854775807, in plain digits"
    ):
        canonical(text, LARGEST_ID)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "02025", "2025.0", "10000", "20\u06625", "year", "9" * 300, "2025,2026"]
)
def test_any_other_spelling_is_no_year(text):
    with pytest.raises(ValueError, match="must be a whole number from 1 to 9999"):
        canonical(text, LATEST_YEAR)
