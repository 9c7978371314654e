"""Kinds of values in commands: amounts, days, tiers, places to write to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from smetka.bonus.rules import Tier
from smetka.core.money import Money
from smetka.files.spreadsheets import STDOUT


class _Kind(click.ParamType[Any]):
    """A value that one function reads; its ValueError goes on from the value."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is not None and str(day) == text:  # and not 20270131 or 2027-W04-7
        return day
    raise ValueError("must be a day such as 2027-01-31")


def _tier(text: str) -> Tier:
    above, _, value = text.partition(":")
    try:
        return Tier(Money.parse(above), Money.parse(value))
    except ValueError:
        raise ValueError("must be a total and a value, such as 5000:1500") from None


class _Output(click.Path):
    """A file, or stdout. A file of the name `-` is `./-`."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False, readable=False)  # it is written

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was typed."""
        return value if value == STDOUT else super().convert(value, param, ctx)


OUTPUT = _Output()
AMOUNT = _Kind("amount", Money.parse)
DAY = _Kind("day", _day)
TIER = _Kind("total:value", _tier)
