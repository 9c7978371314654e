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


def dates(order=None, zone=SKOPJE, born_since=None):
    return Dates(zone, order, TODAY, born_since=born_since)


def reason(text, *before, order=None, born_since=None):
    column = dates(order, born_since=born_since)
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
        ("31.12.28", "is later than today"),
        ("31.02.24", "is no day"),
        ("13/13/24", "is no day"),
        ("25-09-28", "has a two-digit year first; write years with four digits"),
        ("1714550000", "is a Unix timestamp"),
        ("1714550000000", "is a Unix timestamp"),
        ("45292", "is a number, which means 2024-01-01 in Excel"),
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


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("09/28/25", "2025-09-28"),
        ("28/09/25", "2025-09-28"),
        ("12/30/99 10:05", "1999-12-30"),
        ("31.12.24", "2024-12-31"),
        ("31-12-24", "2024-12-31"),
        ("27. 1. 26", "2026-01-27"),
        ("27.01.26 г.", "2026-01-27"),
        ("10-Dez-25", "2025-12-10"),
        ("1 Mar 05 2:00 PM", "2005-03-01"),
    ],
)
def test_a_year_of_two_digits_is_read_where_it_can_only_be_one(text, day):
    column = dates()

    assert column.day(text).isoformat() == day
    assert column.undecided is None


def test_a_year_of_two_digits_that_may_be_the_day_is_asked_about():
    column = dates()
    assert column.day("14.03.25") == date(2025, 3, 14)
    assert (column.undecided, column.undecided_year) == ("14.03.25", True)

    assert column.day("31.03.25") == date(2025, 3, 31)
    assert (column.undecided, column.undecided_year) == (None, False)


def test_the_example_of_two_readings_is_one_whose_years_differ():
    column = dates()
    column.day("01/02/2024")
    assert (column.undecided, column.undecided_year) == ("01/02/2024", False)
    column.day("05/06/24")

    assert (column.undecided, column.undecided_year) == ("05/06/24", True)


@given(
    st.lists(st.dates(date(1990, 1, 1), TODAY), min_size=1),
    st.sampled_from(["%d/%m/%y", "%m/%d/%y", "%d.%m.%y"]),
)
def test_years_of_two_digits_are_right_where_one_date_shows_the_order(days, notation):
    column = dates()
    column_text = [day.strftime(notation) for day in [*days, date(2020, 1, 31)]]
    try:
        read = [column.day(text) for text in column_text]
    except ReadAgain:
        read = [column.day(text) for text in column_text]

    assert read == [*days, date(2020, 1, 31)]
    assert column.undecided is None


@pytest.mark.parametrize(("order", "day"), [("dmy", date(2025, 9, 12)), ("mdy", date(2025, 12, 9))])
def test_a_year_of_two_digits_is_last_where_the_order_is_told(order, day):
    column = dates(order)

    assert column.day("12/09/25") == day
    assert column.day("28.09.25") == date(2025, 9, 28)


def test_points_and_a_month_that_is_told_to_be_first_are_a_question():
    assert dates("dmy").day("12.09.25") == date(2025, 9, 12)
    assert reason("12.09.25", order="mdy").startswith("has a two-digit year that may be first or last")


def test_years_of_two_digits_have_the_order_of_their_column():
    assert reason("09/28/25", "28/09/25") == "has its month first, unlike the others"
    assert reason("28/09/25", order="mdy") == "has its day first, unlike the others"
    assert reason("30/12/26", order="dmy") == "is later than today"


def test_a_day_to_come_shows_that_the_month_is_first():
    column = dates()
    assert column.day("05/12/26") == date(2026, 5, 12)
    with pytest.raises(ReadAgain, match="the day is first in 05/12/26"):
        column.day("28/09/25")
    assert reason("05/12/26", "28/09/25") == "has its month first, unlike the others"


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("10 јануари 2026", 1), ("10 јан 2026", 1), ("10. јан. 2026 г.", 1), ("10 јануара 2026. године", 1),
        ("10. siječnja 2026.", 1), ("10. sijecnja 2026", 1), ("10-JAN-2026", 1), ("10. Jänner 2026", 1),
        ("10-velj-2026", 2), ("10 фев 2026 година", 2), ("10. März 2026", 3), ("10-Mrz-2026", 3), ("10-Mär-2026", 3),
        ("10 март 2026", 3), ("Mart 10, 2026", 3), ("10. ožujka 2026.", 3), ("10 мај 2026", 5), ("10-Mai-2026", 5),
        ("10. maja 2026. godine", 5), ("10 јуни 2026", 6), ("10-jul-2026", 7), ("10.Aug.2026", 8), ("10/авг/2026", 8),
        ("10 септември 2026 12:30", 9), ("10. rujna 2026", 9), ("10. Okt. 2026", 10), ("10 октобар 2026", 10),
        ("Nov. 10 2026", 11), ("10. studenoga 2026.", 11),
    ],
)  # fmt: skip
def test_months_are_known_by_their_names(text, month):
    assert dates().day(text) == date(2026, month, 10)


@pytest.mark.parametrize("name", ["listopada", "lis", "lip", "Srp"])
def test_a_month_that_is_another_one_elsewhere_is_refused(name):
    assert "another month in another language" in reason(f"10 {name} 2025")
    assert "another month in another language" in reason(f"10-{name}-25")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("46027", "is a number, which means 2026-01-05 in Excel; format"),
        ("46028.5", "is a number, which means 2026-01-06 in Excel; format"),
        ("46028,75", "means 2026-01-06 in Excel"),
        ("32873", "is a number; a date such as"),
        ("46354", "is a number; a date such as"),
        ("460270", "is a number; a date such as"),
        ("-46027", "is a number; a date such as"),
    ],
)
def test_a_number_by_which_excel_means_a_day_is_named(text, why):
    assert why in reason(text)


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
    for text in ("12/31/2099", "12/31/1970", "12/31/27"):
        with pytest.raises(Refused):
            column.day(text)

    assert column.day("31/12/2024") == date(2024, 12, 31)
