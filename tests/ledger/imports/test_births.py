from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from smetka.ledger.imports.births import Births
from smetka.ledger.imports.refused import Refused

TODAY = date(2026, 11, 26)


def births(order=None, today=TODAY):
    return Births(ZoneInfo("Europe/Skopje"), order, today)


def reason(text, order=None):
    with pytest.raises(Refused) as refused:
        births(order).age(text)
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("1978-03-14", 48),
        ("14.03.1978", 48),
        ("14.03.78", 48),
        ("16-07-68", 58),
        ("14-Mar-78", 48),
        ("16. јули 1968", 58),
        ("12.05.32", 94),
        ("12.05.03", 23),
        ("2026-11-26", 0),
        ("1904-11-26", 122),
        ("1903-11-27", 122),
        ("1970-01-01", 56),
    ],
)
def test_a_date_of_birth_is_an_age(text, age):
    assert births().age(text) == age


@pytest.mark.parametrize(
    "text",
    [
        "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "00.00.0000", "00/00/0000", "0", "00000000",
        "1900-01-01", "01.01.1900", "01/01/1900", "1900-01-01 00:00:00", "1904-01-01", "1899-12-30", "1753-01-01",
        "0001-01-01", "0001-01-01T00:00:00Z", "1604-09-21", "1903-11-26", "12/31/1902", "01.01.00", "1/1/00", "01-01-04", "'1900-01-01", '="0000-00-00"',
    ],
)  # fmt: skip
def test_what_stands_for_none_and_nobody_s_birth_are_no_age(text):
    assert births().age(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "14.03.", "14. 3.", "14/03", "03-14", "--03-14", "14. März", "14 март", "14-Mar", "March 14",
        "0000-09-21", "21.09.0000", "21 Sep 0000", "1978-00-00", "00.03.1978", "00/03/1978",
    ],
)  # fmt: skip
def test_a_birthday_without_its_year_is_no_age(text):
    assert births().age(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-27", "is later than today"),
        ("9999-12-31", "is later than today"),
        ("27.11.2026", "is later than today"),
        ("1978-02-30", "is no day"),
        ("14.13.", "is no date"),
        ("32/1", "is no date"),
        ("14 Foo", "is no date"),
        ("14.03", "is a number; a date such as"),
        ("1978", "is a number; a date such as"),
        ("28563", "is a number, which may be a date in Excel; format"),
        ("sometime", "is no date"),
        ("", "is empty"),
        ("12.05.10", "has a two-digit year that may be of either century; write years with four digits"),
        ("14.03.26", "has a two-digit year that may be of either century"),
        ("78-03-14", "has a two-digit year first"),
    ],
)
def test_what_is_no_date_of_birth_is_refused(text, why):
    assert why in reason(text)


def test_no_reason_tells_a_date_of_birth():
    for text in ("28563", "12.05.10", "78-03-14", "2026-11-27"):
        told = reason(text)
        assert text not in told
        assert "19" not in told


def test_years_of_two_centuries_stay_refused_where_the_order_is_told():
    assert "either century" in reason("12.05.10", "dmy")
    assert births("mdy").age("03/14/78") == 48


def test_the_oldest_age_is_reckoned_on_any_day():
    assert births(today=date(2024, 2, 29)).age("1901-03-01") == 122
    assert births(today=date(2024, 2, 29)).age("1901-02-28") is None


def test_nobody_s_birth_leaves_no_question_about_the_order():
    column = births()
    assert column.age("05/06/1900") is None
    assert column.dates.undecided is None
