"""Cron expressions: what is read, and what never comes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import WrongUsage
from smetka.telegram.cron import NeverComes, checked_cron


def checked(cron):
    return checked_cron(cron, datetime(2026, 11, 23, 17, 20, 31, tzinfo=UTC), ZoneInfo("Europe/Skopje"))


@pytest.mark.parametrize(
    ("typed", "cron"),
    [
        ("0 9 * * *", "0 9 * * *"),
        ("  30  8 * *\tfri ", "30 8 * * FRI"),
        ("0 9 29 2 *", "0 9 29 2 *"),
        ("0 9 * 3 MON#5", "0 9 * 3 MON#5"),
    ],
)
def test_what_comes_is_kept_in_its_plainest_form(typed, cron):
    assert checked(typed) == cron


@pytest.mark.parametrize("cron", ["0 9 31 2 *", "0 9 30 2 *", "0 9 31 4,6,9,11 *", "0 9 * 2 MON#5"])
def test_a_day_that_no_month_has_never_comes(cron):
    with pytest.raises(NeverComes):
        checked(cron)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "nine o'clock",
        "0 9 * *",
        "0 9 * * * *",
        "0 99 * * *",
        "60 9 * * *",
        "0 9 32 * *",
        "0 9 * 13 *",
        "0 9 * * 8",
    ],
)
def test_what_is_no_time_cannot_be_read(cron):
    with pytest.raises(WrongUsage, match="is no schedule") as raised:
        checked(cron)
    assert not isinstance(raised.value, NeverComes)
