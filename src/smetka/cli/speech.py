"""How commands speak to people: in the words of the setting `language`, with its numbers.

In English, days and times are written as programs write them, and what a record calls something (`held`,
`issued`) is said as it stands there; other languages say and write it as people do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from smetka.exact_json import instant
from smetka.language import FORMATS, formats, translations
from smetka.money import Money
from smetka.settings import Language

NOTHING = "-"
"""Stands in the terminal where there is nothing."""


@dataclass(frozen=True, slots=True)
class Speech:
    """One language. Numbers that a sentence names are given to it as text, those of a plural apart."""

    language: Language

    def gettext(self, text: str, **values: object) -> str:
        """A sentence, or a word."""
        return _filled(translations(self.language).gettext(text), values)

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """A sentence about a number of things, in which the number is `count`, or `shown`."""
        text, count = translations(self.language).ngettext(one, many, number), self.count(number)
        return _filled(text, {"count": count, "shown": count, **values})

    def pgettext(self, context: str, text: str) -> str:
        """A word that has other meanings too."""
        return translations(self.language).pgettext(context, text)

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

    def count(self, number: int) -> str:
        """A whole number."""
        return formats.count(number, FORMATS[self.language])

    def amount(self, value: Money | Decimal | int | None) -> str:
        """An amount without its currency."""
        if value is None:
            return NOTHING
        return formats.amount(value.decimal if isinstance(value, Money) else value, FORMATS[self.language])

    def money(self, value: Money | Decimal | int, currency: str) -> str:
        """An amount with its currency."""
        return f"{self.amount(value)} {self.currency(currency)}"

    def currency(self, code: str) -> str:
        """A currency."""
        return formats.currency(code, FORMATS[self.language])

    def day(self, day: date | str) -> str:
        """A day of the shop's calendar."""
        if self._is_english:
            return str(day)
        return formats.local_day(date.fromisoformat(str(day)), FORMATS[self.language])

    def time(self, time: datetime, timezone: ZoneInfo) -> str:
        """An instant: in English as in JSON, else as the shop's clocks show it."""
        if self._is_english:
            return instant(time)
        return formats.local_time(time, timezone, FORMATS[self.language])

    @property
    def _is_english(self) -> bool:
        return self.language == "en"


ENGLISH = Speech("en")


def head(*names: str) -> tuple[str, ...]:
    """The head of a table, whose columns the catalogue writes as pages do."""
    return tuple(name.lower() for name in names)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its values, in the form of pages or of Python."""
    if not values:
        return text
    return text % values if "%(" in text else text.format(**values)
