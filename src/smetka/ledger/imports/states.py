"""What an order's state says about its money: as told, by a platform's own words, or by those all share.

Known are the words whose meaning is beyond doubt. That an order was shipped or delivered says nothing about
money where it is paid on delivery, so that only PrestaShop's, which its own table marks as paid, are known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from smetka.core.errors import WrongUsage
from smetka.ledger.imports.refused import Refused

COUNTS = "counts"
PARTLY = "partly"
ALL_BACK = "all back"
SOME_BACK = "some back"
STATES = frozenset({COUNTS, PARTLY, ALL_BACK, SOME_BACK})

MEANINGS = ("paid", "unpaid", "cancelled", "refunded")
"""What a shop can say of a word of its own."""

Told = Mapping[str, str]
"""One of `MEANINGS` by a word, as `plain` makes it."""

_CANCELLED = "cancelled"
_UNPAID = "unpaid"
_TOLD = {"paid": COUNTS, "unpaid": _UNPAID, "cancelled": _CANCELLED, "refunded": ALL_BACK}

_KNOWN: dict[str, str] = {
    word: state
    for state, words in {
        COUNTS: (
            "paid, completed, complete, processing, succeeded, payment accepted, remote payment accepted, "
            "on backorder paid, завршена, завршено, завршен, комплетирана, комплетирано, платена, платено, "
            "платен, во обработка, се обработува"
        ),
        PARTLY: "partially paid, делумно платена, делумно платено",
        SOME_BACK: (
            "partially refunded, partial refund, делумно вратена, делумно вратено, делумно рефундирана, "
            "делумно рефундирано"
        ),
        ALL_BACK: "refunded, вратена, вратено, рефундирана, рефундирано",
        _CANCELLED: "cancelled, canceled, откажана, откажано, откажан, поништена, поништено",
        _UNPAID: (
            "authorized, void, voided, expired, pending, pending payment, on hold, failed, trash, draft, "
            "checkout draft, unpaid, awaiting payment, declined, denied, incomplete, uncaptured, "
            "requires payment method, requires confirmation, requires action, requires capture, "
            "payment error, payment review, awaiting check payment, awaiting bank wire payment, "
            "awaiting bankwire payment, awaiting cash on delivery validation, on backorder not paid, "
            "неплатена, неплатено, на чекање, чека плаќање, се чека плаќање, чека на плаќање, неуспешна, "
            "неуспешно, нацрт"
        ),
    }.items()
    for word in words.split(", ")
}


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Words that mean something in the lists of one platform alone, which has these columns."""

    signs: frozenset[str]
    words: Mapping[str, str]


_DIALECTS = (
    # Magento closes an order when all of it is refunded.
    _Dialect(frozenset({"Bill-to Name", "Grand Total (Base)"}), {"closed": ALL_BACK}),
    # BigCommerce waits for the parcel once the payment is confirmed.
    _Dialect(
        frozenset({"Customer Email", "Order Status", "Order Total (inc tax)"}),
        {"awaiting fulfillment": COUNTS},
    ),
    # As its table of states marks them.
    _Dialect(
        frozenset({"ID", "Reference", "Payment", "Status"}),
        dict.fromkeys(("processing in progress", "preparation in progress", "shipped", "delivered"), COUNTS),
    ),
)

_LONGEST_SHOWN = 60
_PAIR = re.compile(r'\s*("(?:[^"]|"")*"|[^",]+?)\s*=\s*(\w+)\s*(?:,|$)')


@lru_cache(maxsize=1000)
def plain(word: str) -> str:
    """A state however it is written: ``wc-on-hold``, ``On hold`` and ``ON_HOLD`` are one."""
    text = unicodedata.normalize("NFKC", word).casefold().strip().removeprefix("wc-")
    return re.sub(r"[\W_]+", " ", text).strip() or text


def is_paid(word: str) -> bool:
    """Whether a state is known to say, whatever the platform, that an order is paid."""
    return _KNOWN.get(plain(word)) == COUNTS


def is_off(word: str) -> bool:
    """Whether a state is known to say that an order is cancelled, or refunded in full."""
    return _KNOWN.get(plain(word)) in {_CANCELLED, ALL_BACK}


def parse_states(texts: Iterable[str]) -> dict[str, str]:
    """Read ``WORD=paid``, several parted by commas; a word may stand in double quotes, and hold commas then.

    Raises:
        WrongUsage: it is not written so, is none of `MEANINGS`, or says two things of one word.
    """
    told: dict[str, str] = {}
    for text in texts:
        position = 0
        while position < len(text) or not text:
            found = _PAIR.match(text, position)
            word = plain(found[1].strip('"')) if found else ""
            if not found or not word or found[2].lower() not in MEANINGS:
                raise WrongUsage(
                    "--state is WORD=paid, unpaid, cancelled or refunded; "
                    f"{text[position:]!r} is not written so."
                )
            meaning = found[2].lower()
            if told.setdefault(word, meaning) != meaning:
                raise WrongUsage(f"--state says two things of {found[1]!r}.")
            position = found.end()
    return told


class States:
    """What the states of one file mean.

    Args:
        told: what the shop said; it goes before what is known.

    Attributes:
        unmet: words that were told and stand in no row so far.
    """

    def __init__(self, told: Told, header: Sequence[str]) -> None:
        columns = frozenset(header)
        self.unmet = set(told)
        self._words = dict(_KNOWN)
        for dialect in _DIALECTS:
            if dialect.signs <= columns:
                self._words |= dialect.words
        self._words |= {word: _TOLD[meaning] for word, meaning in told.items()}

    def meaning(self, status: str) -> str:
        """One of `STATES`, or why the order is left out.

        Raises:
            Refused: it is no word that is known.
        """
        word = plain(status)
        self.unmet.discard(word)
        state = self._words.get(word)
        if state is None:
            raise Refused(
                "is none of the states that are known, such as paid or completed; say what it means by "
                "--state WORD=paid, unpaid, cancelled or refunded, or, to count every order, map no status",
                code="unknown_state",
                values=(" ".join(status.split())[:_LONGEST_SHOWN],),
            )
        return f"not paid ({word})" if state == _UNPAID else state
