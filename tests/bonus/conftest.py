"""Bonus records in a real MongoDB, with a clock that tests set."""

from __future__ import annotations

import pytest

from smetka.bonus.records import BonusCustomers


@pytest.fixture
def clock(clock):
    """With a fraction that MongoDB does not keep."""
    clock.time = clock.time.replace(microsecond=123456)
    return clock


@pytest.fixture
def customers(storage, clock):
    return BonusCustomers(storage, clock)
