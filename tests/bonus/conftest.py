"""Bonus records in a real MongoDB, with a clock that tests set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smetka.bonus.records import BonusCustomers


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 17, 20, 31, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def customers(storage, clock):
    return BonusCustomers(storage, clock)
