"""How commands speak to people: in the words of the setting `language`, with its numbers.

In English, days and times are written as programs write them, and what a record calls something (`held`,
`issued`) is said as it stands there; other languages say and write it as people do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from smetka.core.exact_json import instant
from smetka.core.money import Money
from smetka.language import formats, speech

NOTHING = "-"
"""Stands in the terminal where there is nothing."""


@dataclass(frozen=True, slots=True)
class Speech(speech.Speech):
    """One language in the terminal."""

    def word(self, name: str, words: Mapping[str, str]) -> str:
        """What people call that which records and programs call `name`; in English that very name."""
        return name if self._is_english or name not in words else self.gettext(words[name]).lower()

    def voucher_state(self, state: str) -> str:
        """The state of a voucher."""
        if self._is_english:
            return state
        words = {
            "issued": self.pgettext("voucher", "valid"),
            "reserved": self.pgettext("voucher", "reserved"),
            "redeemed": self.pgettext("voucher", "redeemed"),
            "void": self.pgettext("voucher", "void"),
            "expired": self.pgettext("voucher", "expired"),
        }
        return words[state]

    def customers(self, number: int) -> str:
        """``1 customer``, ``1,200 customers``."""
        return self.ngettext("%(shown)s customer", "%(shown)s customers", number)

    def payments(self, number: int) -> str:
        """``1 payment``, ``1,200 payments``."""
        return self.ngettext("%(shown)s payment", "%(shown)s payments", number)

    def amount(self, value: Money | Decimal | int | None) -> str:
        """An amount without its currency."""
        return NOTHING if value is None else super(Speech, self).amount(value)

    def day(self, day: date | str) -> str:
        """A day of the shop's calendar."""
        if self._is_english:
            return str(day)
        return formats.local_day(date.fromisoformat(str(day)), self.formats)

    def time(self, time: datetime, timezone: ZoneInfo) -> str:
        """An instant: in English as in JSON, else as the shop's clocks show it."""
        if self._is_english:
            return instant(time)
        return formats.local_time(time, timezone, self.formats)

    def moment(self, time: datetime, timezone: ZoneInfo) -> str:
        """An instant as the shop's clocks show it, with their zone."""
        local = time.astimezone(timezone)
        return f"{self.day(local.date())} {local:%H:%M} ({timezone})"

    @property
    def _is_english(self) -> bool:
        return self.language == "en"


ENGLISH = Speech("en")


def head(*names: str) -> tuple[str, ...]:
    """The head of a table, whose columns the catalogue writes as pages do."""
    return tuple(name.lower() for name in names)
