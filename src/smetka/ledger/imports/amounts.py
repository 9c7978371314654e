"""Amounts of money as shops write them, read to the cent."""

from __future__ import annotations

import re
from copy import copy
from typing import Literal

from smetka.core.money import check_currency
from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.entities import decoded
from smetka.ledger.imports.refused import ReadAgain, Refused

Mark = Literal[".", ","]

_LARGEST = 10**10
_LONGEST = 40
_SPACES = " \u00a0\u2009\u202f"
_ALWAYS_THOUSANDS = _SPACES + "'’"
_SPACE = rf"[{_SPACES}]*+"
_MINUS = r"\-\u2010\u2011\u2013\u2212\ufe63\uff0d"
_CURRENCY = r"[^\W\d_]*[$€£¥₽₴₺₹]|[^\W\d_]+\.?|"
# A currency before or after the number. A minus sign stands before either or behind them; brackets around
# the number are one as well, as accountants write.
_AMOUNT = re.compile(
    rf"(?P<outer>\(?){_SPACE}(?P<first>[+{_MINUS}]?){_SPACE}(?P<before>{_CURRENCY}){_SPACE}"
    rf"(?P<inner>\(?){_SPACE}(?P<second>[+{_MINUS}]?){_SPACE}"
    rf"(?P<number>[.,]?[0-9](?:[0-9.,{_ALWAYS_THOUSANDS}]*[0-9])?){_SPACE}"
    rf"(?P<third>[-\u2212]?){_SPACE}(?P<inner_end>\)?){_SPACE}(?P<after>{_CURRENCY}){_SPACE}"
    rf"(?P<fourth>[-\u2212]?){_SPACE}(?P<outer_end>\)?)"
)
_NOTHING = re.compile(
    rf"(?P<before>{_CURRENCY}){_SPACE}(?:[{_MINUS}\u2014]|--){_SPACE}(?P<after>{_CURRENCY})"
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:([^0-9])[0-9]{3})(?:\1[0-9]{3})*")
_TWO_READINGS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?[eE][-+]?[0-9]+")
_CREDIT = {"cr", "cr.", "dr", "dr."}
_WORDS = {"nan", "inf", "infinity", "null", "none", "n/a", "#n/a", "-"}

# How people mark amounts beside the ISO code. Several currencies may share a mark: it is then the shop's.
_MARKS = {
    "MKD": "ден ден. денар денари мкд den den.",
    "EUR": "€",
    "USD": "$ US$",
    "GBP": "£",
    "RSD": "дин дин. din din. РСД",
    "BAM": "КМ KM",
    "BGN": "лв лв.",
    "ALL": "lek lekë L",
    "TRY": "₺ TL",
    "CHF": "Fr. SFr.",
    "RUB": "₽ руб руб.",
    "UAH": "₴ грн грн.",
    "PLN": "zł",
    "CZK": "Kč",
    "HUF": "Ft",
    "RON": "lei leu",
    "SEK": "kr kr.",
    "NOK": "kr kr.",
    "DKK": "kr kr.",
    "JPY": "¥",
    "CNY": "¥",
    "INR": "₹ Rs Rs.",
    "CAD": "$ CA$ C$",
    "AUD": "$ AU$ A$",
    "NZD": "$ NZ$",
    "MXN": "$ MX$",
    "SGD": "$ S$",
    "HKD": "$ HK$",
}


class Plain(str):
    """A number that came as one, not as text: digits and a decimal point, and nothing else."""

    __slots__ = ()

    def strip(self, _: str | None = None, /) -> Plain:
        """There is nothing to strip; it stays what it is."""
        return self


class Amounts:
    """One column of amounts. The first that can be read in one way only decides the marks of all.

    Until then a mark before three digits, as in 1.234, is taken for one of thousands. Numbers that are
    `Plain` are read as they are, and show nothing about the texts beside them.

    Args:
        decimal: the decimal mark if it is known; found out if None.
        currency: the shop's, an ISO 4217 code. Amounts marked as of another one are refused.
    """

    def __init__(self, decimal: Mark | None, currency: str) -> None:
        self._decimal: Mark | None = decimal
        self._currency = currency
        self._own_marks = {"", currency.casefold(), *_MARKS.get(currency, "").casefold().split()}
        self._taken_for_thousands: str | None = None

    def cents(self, text: str) -> int:
        """The amount in cents.

        Raises:
            Refused: it is no amount, or not of this column's marks or currency.
            ReadAgain: amounts before it were read otherwise than it shows.
        """
        # The plain case, and nearly all of them: digits, and the decimal mark once it is known.
        whole, mark, decimals = text.partition(self._decimal or ".")
        digits = whole + decimals
        if digits.isdigit() and digits.isascii() and len(whole) <= 10:
            if not mark:
                return int(digits) * 100
            if self._decimal is not None or isinstance(text, Plain):
                if len(decimals) == 2:
                    return int(digits)
                if len(decimals) == 1:
                    return int(digits) * 10
        return self._any(text)

    def cents_if_any(self, text: str) -> int:
        """The same of an amount that may be missing: a dash stands for none, as in Excel's ``$ -``.

        Raises:
            Refused, ReadAgain: as `cents`.
        """
        # Nothing begins with a digit, as nearly all amounts do.
        if not text[:1].isdigit() and len(text) <= _LONGEST and (match := _NOTHING.fullmatch(text)):
            self._check_currency(match["before"])
            self._check_currency(match["after"])
            return 0
        return self.cents(text)

    def glance(self, text: str) -> int | None:
        """The amount as it can be read so far, if it can. Decides nothing about the column."""
        amounts = copy(self)
        try:
            cents = amounts.cents(text)
        except Refused:
            return None
        return cents if amounts.undecided == self.undecided else None

    @property
    def undecided(self) -> str | None:
        """An amount that could be read in two ways, when none in the column said which: '1.234'."""
        return self._taken_for_thousands if self._decimal is None else None

    def _any(self, text: str) -> int:
        is_plain = isinstance(text, Plain)
        decimal = "." if is_plain else self._decimal
        text = bare(decoded(text))
        if not text:
            raise Refused("is empty")
        match = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST else None
        is_negative = match and _is_negative(match)
        if match is None or is_negative is None:
            raise Refused(_reason(text))
        self._check_currency(match["before"])
        self._check_currency(match["after"])
        number = match["number"]
        mark, shown = _marks(number)
        if shown is None and mark is not None and decimal != mark:
            self._check_thousands(mark)
            mark = None
        whole, _, decimals = number.partition(mark) if mark else (number, "", "")
        if not (whole.isdigit() or not whole or _GROUPED.fullmatch(whole)) or not (decimals + "0").isdigit():
            raise Refused("has marks that do not part it into groups of three digits")
        if shown and decimal not in (None, shown):
            raise Refused(f"is not written with {decimal} as decimal mark, as the others are")
        if decimals[2:].strip("0"):
            raise Refused("has more than two decimals")
        digits = "".join(character for character in whole if character.isdigit()) or "0"
        cents = int(digits + decimals[:2].ljust(2, "0"))
        if cents > _LARGEST * 100:
            raise Refused(f"is beyond {_LARGEST:,} {self._currency}")
        if not is_plain:
            self._learn(number, shown)
        return -cents if is_negative else cents

    def _check_currency(self, mark: str) -> None:
        """Refuse the mark of another currency; what marks none is no amount at all."""
        if mark.casefold() in self._own_marks:
            return
        if mark.casefold() in _CREDIT:
            raise Refused(
                "is marked CR or DR, whose sign depends on who writes it; write a minus sign instead"
            )
        others = [code for code, marks in _MARKS.items() if mark.casefold() in marks.casefold().split()]
        if not others:
            try:
                others = [check_currency(mark.upper())]
            except ValueError:
                raise Refused("is no amount") from None
        other = others[0] if len(others) == 1 else mark
        raise Refused(f"is in {other}, the shop's currency is {self._currency}")

    def _check_thousands(self, mark: Mark) -> None:
        """Two marks before three digits cannot both be of thousands."""
        if self._taken_for_thousands is not None and mark not in self._taken_for_thousands:
            raise Refused("has another mark before three digits than an amount before it")

    def _learn(self, number: str, shown: Mark | None) -> None:
        """Keep what an amount that was taken shows about the column."""
        if self._decimal is not None:
            return
        self._decimal = shown
        taken = self._taken_for_thousands
        if shown is None:
            if taken is None and ("." in number or "," in number):
                self._taken_for_thousands = number
        elif taken and shown in taken:
            raise ReadAgain(
                f"shows that {taken} before it has decimals, not thousands. "
                "Name the decimal mark with --decimal"
            )


def _is_negative(match: re.Match[str]) -> bool | None:
    """Whether an amount is below zero; None where its signs and brackets do not go together."""
    signs = "".join(match.group("first", "second", "third", "fourth"))
    brackets = "".join(match.group("outer", "inner", "inner_end", "outer_end"))
    if brackets not in ("", "()") or len(signs) + len(brackets) // 2 > 1:
        return None
    # 30- may be a price without cents, as 30,- is.
    if (match["third"] or match["fourth"]) and match["number"].isdigit():
        return None
    return bool(brackets) or signs not in ("", "+")


def _marks(number: str) -> tuple[Mark | None, Mark | None]:
    """The mark that may be the decimal one in a number, and the one it shows to be the column's.

    Both are None in 1500. 1,234.50 has and shows a point, 1.234.567 has none and shows a comma,
    1.234 may have a point and shows nothing.
    """
    points, commas = number.count("."), number.count(",")
    if not points and not commas:
        return None, None
    if points and commas:
        last: Mark = "." if number.rindex(".") > number.rindex(",") else ","
        return last, last
    mark: Mark = "." if points else ","
    if points + commas > 1:
        return None, "," if points else "."
    if _TWO_READINGS.fullmatch(number):
        return mark, None
    return mark, mark


def _reason(text: str) -> str:
    if text.startswith("="):
        return "is a formula; save the values that it gives instead"
    if text.endswith("%"):
        return "is a percentage"
    if _EXPONENT.fullmatch(text):
        return "is written with an exponent; a plain number is expected"
    if text.lower().lstrip("+-") in _WORDS:
        return "is no number"
    return "is no amount"
