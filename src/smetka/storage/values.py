"""Records, amounts and instants as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from bson import Decimal128

from smetka.core.money import Money

Record = dict[str, Any]


@lru_cache(maxsize=1024)
def decimal128(amount: Money) -> Decimal128:
    """An amount to keep."""
    return Decimal128(amount.decimal)


def money(value: Decimal128) -> Money:
    """An amount that was kept."""
    return Money.from_decimal(value.to_decimal())


def milliseconds(time: datetime) -> datetime:
    """An instant as exact as it is kept."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
