"""Cells that are neither amounts nor dates: ids, years, ages, names and e-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from smetka.ledger.imports.defused import bare, bare_name
from smetka.ledger.imports.entities import decoded
from smetka.ledger.imports.refused import Refused
from smetka.ledger.values import LONGEST_TEXT

FIRST_YEAR = 1990
LARGEST_ID = 2**63 - 1
OLDEST = 122
"""In whole years: the greatest age ever verified, that of Jeanne Calment (1875-1997). Files that tell of a
greater one have something in place of an unknown age, though a ledger may hold it."""
DASHES = frozenset("-\u2010\u2011\u2013\u2014\u2212") | {"--"}
"""What people write into a cell that has nothing to say."""
NULLS = frozenset({"NULL", "\\N"})
"""What tools write that export a table of a database (phpMyAdmin, MySQL), where a row has no value."""
NOT_KNOWN = frozenset(
    "n/a na nan none null unknown ? / непознато непознат непозната nepoznato nepoznat unbekannt".split()
)
"""What stands for an age that nobody knows."""

_KEPT = 1000
_MOST_SEEN = 200_000
# A workbook may write a whole number as 7.0.
_WHOLE = re.compile(r"([0-9]{1,19})(?:\.0{1,9})?", re.ASCII)
_PADDED = re.compile(r"0*([1-9][0-9]*|0)(?:\.0)?")
_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\".]+")
_LONGEST_EMAIL = 254
_LONGEST_ORDER = 200
"""Characters of an order's number. Were each as long as a cell may be, a page would have 30 MB."""
_NUMBER = re.compile(r"'?[#№]? ?[0-9][0-9 ./-]*")


def user_id(text: str) -> int:
    """A customer's id."""
    found = _WHOLE.fullmatch(bare(text))
    if found and 0 < (number := int(found[1])) <= LARGEST_ID:
        return number
    raise Refused(
        f"is no whole number from 1 to {LARGEST_ID}; where ids are something else, "
        "map no user_id and let email say who the customer is"
    )


def year(text: str, last: int) -> int:
    """A calendar year up to `last`."""
    found = _WHOLE.fullmatch(bare(text))
    if not found or not FIRST_YEAR <= int(found[1]) <= last:
        raise Refused(f"is no year from {FIRST_YEAR} to {last}")
    return int(found[1])


def age(text: str) -> int | None:
    """An age in whole years. None for what stands for none: a word, or 999 and others beyond `OLDEST`."""
    if text.casefold() in NOT_KNOWN:
        return None
    found = _WHOLE.fullmatch(text)
    if not found or int(found[1]) > 999:
        raise Refused(f"is no age; whole years from 0 to {OLDEST} are expected")
    return years if (years := int(found[1])) <= OLDEST else None


def customer_name(parts: Sequence[str]) -> str | None:
    """A name of one or several cells; None where these say nothing."""
    return " ".join(decoded(" ".join(bare_name(part) for part in parts if part not in NULLS)).split()) or None


def check_name(name: str, *, of_orders: bool) -> None:
    """See that a name is no order's number, and no longer than names are.

    Digits alone may be a guest's telephone number in a file of orders, which fills only what is empty.

    Raises:
        Refused: it is one, or is longer.
    """
    if len(name) > LONGEST_TEXT:
        raise Refused(f"is longer than {LONGEST_TEXT} characters")
    if _NUMBER.fullmatch(name) and (not name[0].isdigit() or not of_orders):
        raise Refused("is a number, not a name; map another column as name, or none (name=)")


def email(text: str) -> str:
    """An e-mail address that a customer is known by: in small letters."""
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise Refused("is no e-mail address")
    return text.lower()


def check_currency(text: str, own: str) -> None:
    """See that a currency that is told is the shop's own.

    Raises:
        Refused: it is another.
    """
    if text and text.upper() != own:
        raise Refused(
            f"is in {text.upper()[:10]}, the shop's currency is {own}; two currencies cannot be added"
        )


def order_number(text: str) -> str:
    """An order's number, the same however exports write it: #1001, 01001 and 1001.0 are 1001."""
    number = text.strip().removeprefix("#").strip()
    if number.isascii() and (whole := _PADDED.fullmatch(number)):
        number = whole[1]
    if not number:
        raise Refused("is empty; every payment needs its order")
    if len(number) > _LONGEST_ORDER:
        raise Refused(f"is longer than {_LONGEST_ORDER} characters")
    return number


def age_on(today: date, born: date) -> int:
    """The age in whole years of somebody born that day."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def user_ids(texts: Sequence[str]) -> list[int]:
    """`user_id` of many at a time."""
    digits = "".join(texts)
    if digits.isdigit() and digits.isascii() and "" not in texts:
        numbers = list(map(int, texts))
        if min(numbers) > 0 and max(numbers) <= LARGEST_ID:
            return numbers
    return list(map(user_id, texts))


_SHAPE = str.maketrans("123456789", "000000000")
_LONGEST_PLAIN = 13


def plain_cents(texts: Sequence[str]) -> list[int] | None:
    """Amounts in cents, when each is written as ``1234.50``; None when one is not."""
    lines = "\n".join(texts) + "\n"
    digits = lines.replace(".", "")
    if (
        lines.count(".") == len(texts) == lines.translate(_SHAPE).count("0.00\n")
        and lines.isascii()
        and digits.replace("\n", "").isdigit()
        and len(max(texts, key=len)) <= _LONGEST_PLAIN
    ):
        return list(map(int, digits.split()))
    return None


class Memo(dict[str, int]):
    """Values by how they are written, for columns with few: asking a dictionary costs the least."""

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> int:
        value = self._read(text)
        if len(self) < _KEPT:
            self[text] = value
        return value


class Seen:
    """Numbers that were met. Where they are very many, some are new again: the memory has an end."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def new(self, numbers: Iterable[int]) -> set[int]:
        """Those not met before, which are now."""
        found = set(numbers) - self._seen
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen |= found
        return found
