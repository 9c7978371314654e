"""Sentences, numbers and money in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from smetka.core.money import Money
from smetka.core.shown_text import shown
from smetka.language import formats
from smetka.language.formats import FORMATS, Formats
from smetka.language.translations import translations
from smetka.settings import Language


@dataclass(frozen=True, slots=True)
class Speech:
    """One language. Numbers that a sentence names are given to it as text, those of a plural apart."""

    language: Language

    @property
    def formats(self) -> Formats:
        """How it writes numbers."""
        return FORMATS[self.language]

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

    def count(self, number: int | None) -> str:
        """A whole number; a dash when there is none."""
        return formats.count(number, self.formats)

    def amount(self, value: Money | Decimal | int | None) -> str:
        """An amount without its currency; a dash when there is none."""
        return formats.amount(value.decimal if isinstance(value, Money) else value, self.formats)

    def money(self, value: Money | Decimal | int, currency: str) -> str:
        """An amount with its currency."""
        return f"{self.amount(value)} {self.currency(currency)}"

    def currency(self, code: str) -> str:
        """A currency as people write it."""
        return formats.currency(code, self.formats)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its values, each on its line, in the form of pages or of Python."""
    if not values:
        return text
    values = {name: shown(each) if isinstance(each, str) else each for name, each in values.items()}
    return text % values if "%(" in text else text.format(**values)
