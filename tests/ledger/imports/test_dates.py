from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smetka.ledger.imports.dates import Dates
from smetka.ledger.imports.refused import ReadAgain, Refused

SKOPJE = ZoneInfo("Europe/Skopje")
TODAY = date(2026, 11, 26)
ZONES = [
    SKOPJE,
    UTC,
    ZoneInfo("America/St_Johns"),
    ZoneInfo("Asia/Kathmandu"),
    ZoneInfo("Pacific/Kiritimati"),
]
DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%-d.%-m.%Y", "%d. %m. %Y", "%b %d, %Y", "%d %B %Y", "%d-%b-%Y"]
TIMES = ["", " %H:%M", "T%H:%M:%S", " %H:%M:%S", "T%H:%M:%S.%f", " %I:%M %p", ", %I:%M:%S %p", " at %-I:%M%p"]
OFFSETS = ["%z", " %z", "Z", " UTC"]


def dates(order=None, zone=SKOPJE, birth=False):
    return Dates(zone, order, TODAY, birth=birth)


def reason(text, *before, order=None, birth=False):
    column = dates(order, birth=birth)
    for other in before:
        column.day(other)
    with pytest.raises(Refused) as refused:
        column.day(text)
    return refused.value.reason


@given(
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2026, 11, 27)), min_size=1),
    st.sampled_from(DAYS),
    st.sampled_from(TIMES),
)
def test_a_local_time_in_any_notation_is_its_day(moments, day, time):
    column = dates()
    for moment in moments:
        assert column.day(moment.strftime(day + time)) == moment.date()


@given(st.lists(st.dates(date(1990, 1, 1), TODAY), min_size=1), st.sampled_from("/-"), st.sampled_from(TIMES))
def test_the_order_is_found_over_the_column(days, between, time):
    for order in ("dmy", "mdy"):
        written = between.join(f"%{letter}" for letter in order[:2]) + f"{between}%Y{time}"
        column = dates()
        column_text = [
            datetime(day.year, day.month, day.day, 3, 4).strftime(written)
            for day in [*days, date(2020, 1, 31)]
        ]
        try:
            read = [column.day(text) for text in column_text]
        except ReadAgain:
            read = [column.day(text) for text in column_text]
        assert read == [*days, date(2020, 1, 31)]
        assert column.undecided is None


@given(
    st.lists(st.datetimes(datetime(1990, 1, 3), datetime(2026, 11, 25)), min_size=1),
    st.integers(-12 * 4, 14 * 4),
    st.sampled_from(ZONES),
    st.sampled_from(OFFSETS),
    st.sampled_from(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000", "%d.%m.%Y %H:%M"]),
)
def test_a_time_with_an_offset_is_the_day_in_the_shops_zone(moments, quarters, zone, offset, notation):
    column = dates(zone=zone)
    shift = timezone(timedelta(minutes=15 * quarters)) if "%z" in offset else UTC
    # Twice, since the second time is answered from memory.
    for moment in [*moments, *(moment.replace(second=59 - moment.second) for moment in moments)] * 2:
        there = moment.replace(tzinfo=shift)
        exact = there.replace(microsecond=0, second=0 if "%S" not in notation else there.second)
        assert column.day(there.strftime(notation + offset)) == exact.astimezone(zone).date()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-01 12:34:56 +0200", "2024-05-01"),
        ("2023-12-31T23:30:00Z", "2024-01-01"),
        ("2023-12-31 23:30:00", "2023-12-31"),
        ("2024-01-01T00:30:00+05:30", "2023-12-31"),
        ("31.12.2024 г.", "2024-12-31"),
        ("12/31/2024 11:59 PM", "2024-12-31"),
        ("12/31/2024 12:00 AM", "2024-12-31"),
        ("Sept. 1, 2024", "2024-09-01"),
        ("2024-02-29", "2024-02-29"),
        ("2026-11-27", "2026-11-27"),
    ],
)
def test_one_date_alone_is_read(text, day):
    assert dates().day(text).isoformat() == day


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("soon", "is no date; a date such as 2024-12-31"),
        ("31.12.24", "year of two digits"),
        ("1714550000", "is a Unix timestamp"),
        ("1714550000000", "is a Unix timestamp"),
        ("45292", "is a number"),
        ("2024", "is a number"),
        ("=TODAY()", "is a formula"),
        ("2023-02-29", "is no day"),
        ("31.04.2024", "is no day"),
        ("13/13/2024", "is no day"),
        ("2024-05-01T24:00", "is no day or time"),
        ("2024-05-01 13:00 PM", "is no day or time"),
        ("2024-05-01T10:00+19:00", "is no day or time"),
        ("2024-05-01 12:34:56 CET", "is no date"),
        ("Foo 3, 2024", "is no day"),
        ("1970-01-01", "is before 1990; a date of 1970 often stands for none"),
        ("1989-12-31", "is before 1990"),
        ("2026-11-28", "is later than today"),
        ("2100-01-01", "is later than today"),
        ("0001-01-01T00:00:00Z", "is before 1990"),
        ("9999-12-31T23:59:59-1200", "is later than today"),
        ("२०२४-०१-०१", "is no date"),
        ("x" * 100_000, "is no date"),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(text, why):
    assert why in reason(text)
    if text[:10] == "2024-05-01":
        assert why in reason(text, "2024-05-01", "2024-05-01 12:34:56 +0200")


def test_a_birth_may_be_long_ago_but_not_tomorrow():
    assert dates(birth=True).day("1900-01-01") == date(1900, 1, 1)
    assert dates(birth=True).day("2026-11-26") == TODAY
    assert reason("1899-12-31", birth=True) == "is before 1900"
    assert reason("2026-11-27", birth=True) == "is later than today"


def test_dates_that_can_be_read_in_two_ways_are_said_by_example():
    column = dates()
    assert column.day("03/03/2024") == date(2024, 3, 3)
    assert column.undecided is None
    assert column.day("01/02/2024 10:00") == date(2024, 2, 1)
    assert column.undecided == "01/02/2024"
    assert column.day("31/01/2024") == date(2024, 1, 31)
    assert column.undecided is None


def test_a_month_that_turns_out_to_be_first_has_the_column_read_again_once():
    column = dates()
    assert column.day("01/02/2024") == date(2024, 2, 1)
    with pytest.raises(ReadAgain) as again:
        column.day("01/31/2024")
    assert "01/02/2024" in again.value.reason
    assert column.day("01/02/2024") == date(2024, 1, 2)
    assert column.day("01/31/2024") == date(2024, 1, 31)


def test_a_reading_in_the_future_is_none():
    assert dates().day("01/12/2026") == date(2026, 1, 12)
    assert dates("dmy").day("12/01/2026") == date(2026, 1, 12)
    assert reason("01/12/2026", order="dmy") == "is later than today"


def test_one_column_has_one_order():
    assert reason("12/31/2024", "31/12/2024") == "has its month first, unlike the others"
    assert reason("31/12/2024", order="mdy") == "has its day first, unlike the others"


def test_a_refused_date_decides_nothing():
    column = dates()
    for text in ("12/31/2099", "12/31/1970", "12/31/24"):
        with pytest.raises(Refused):
            column.day(text)

    assert column.day("31/12/2024") == date(2024, 12, 31)
