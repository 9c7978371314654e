"""When a year is over: by the shop's calendar, and not a moment sooner."""

from __future__ import annotations

from datetime import date

import pytest

from smetka.core.periods import is_whole, open_year


@pytest.mark.parametrize(
    ("year", "today", "last"),
    [
        pytest.param(2026, date(2026, 1, 1), "2026-01-01", id="on its first day"),
        pytest.param(2026, date(2026, 11, 30), "2026-11-30", id="up to today"),
        pytest.param(2026, date(2026, 12, 31), "2026-12-31", id="on its last day"),
        pytest.param(2027, date(2026, 11, 30), "2027-12-31", id="not begun"),
        pytest.param(9999, date(2026, 11, 30), "9999-12-31", id="the last there is"),
    ],
)
def test_a_year_that_is_not_over_says_from_when_to_when(year, today, last):
    found = open_year(year, today)

    assert found
    assert found.as_json() == {"from": f"{year}-01-01", "to": last, "finished": False}
    assert not is_whole({"year": year, "period": found.as_json()})


@pytest.mark.parametrize("year", [None, 1, 2025, 2026])
def test_what_is_over_and_all_years_say_nothing(year):
    assert open_year(year, date(2027, 1, 1)) is None
    assert is_whole({"year": year})
