"""Columns that are mapped to nothing and may say that an amount is not what it seems.

A refund in a column that nobody mapped would count as paid. Where such a column says something, the order is
refused; where it says nothing, as most do, it stops nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smetka.ledger.imports import header_words
from smetka.ledger.imports.cells import NULLS
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.spreadsheet_faults import is_fault
from smetka.ledger.imports.states import is_off, is_paid

Places = Mapping[str, tuple[int, ...]]
"""Places of columns by the field that they speak of."""

_NAMED = {
    "refunded": header_words.REFUND,
    "cancelled_at": header_words.CANCELLED,
    "outstanding": header_words.OUTSTANDING,
    "currency": header_words.CURRENCY,
    "status": header_words.STATE,
    "paid": header_words.PAID,
    "type": header_words.TYPE,
}
_FIELD = {"paid": "status"}
"""What columns of yes and no that say whether an order is paid would be mapped as."""
_OTHER_STATE = "other state"
"""A column of states beside the one that is mapped, as an order's beside its payment's."""
_NOTHING = re.compile(r"[^1-9]*")
_ZERO = re.compile(r"[0.,:/t z-]*")
_NO = {"no", "false", "none", "n", "n/a", "–", "—", "не", "нема", *(word.lower() for word in NULLS)}
_REASONS = {
    "type": "says that money went back, but the amount is above zero; "
    "write such amounts below zero, or leave the row out",
    _OTHER_STATE: "says cancelled or refunded, and the column of the order's state does not; "
    "use this column for the state, or leave the row out",
}
"""Of columns that are no fields."""
_YES = {"yes", "true", "y", "да"}


def watched_places(header: Sequence[str], found: Places, told: Places) -> dict[str, tuple[int, ...]]:
    """The columns to watch, beside those that were found or told."""
    used = {place for places in found.values() for place in places}
    words = [header_words.plain(name) for name in header]
    watched = {
        field: tuple(place for place, name in enumerate(words) if place not in used and pattern.search(name))
        for field, pattern in _NAMED.items()
        if (own := _FIELD.get(field, field)) not in found and own not in told
    }
    if "status" in found:
        others = (place for place in range(len(words)) if place not in used)
        watched[_OTHER_STATE] = tuple(place for place in others if header_words.STATE.search(words[place]))
    return {field: places for field, places in watched.items() if places}


def check_watched(
    watched: Places, header: Sequence[str], cells: Sequence[str], currency: str, total: int
) -> None:
    """See that no watched column says something of an order that counts, whose total is in cents.

    Raises:
        Refused: one does.
    """
    for field, places in watched.items():
        for place in places:
            text = cells[place]
            # An error may hide a refund as well.
            if is_fault(text) or says_something(field, text, currency):
                if field == "type" and total <= 0:
                    continue
                own = _FIELD.get(field, field)
                raise Refused(
                    _REASONS.get(field)
                    or "is mapped to nothing, and this order has something there; "
                    f"map it as {own}, or say that it does not matter ({own}=)",
                    column=header[place],
                )


def says_something(field: str, cell: str, currency: str) -> bool:
    """Whether a cell of such a column says more than no, none or zero, as a day of zeros does."""
    text = cell.strip().lower()
    says_no = text in _NO or _ZERO.fullmatch(text) is not None
    if field == "paid":
        return bool(text) and says_no
    if says_no:
        return False
    if field == "status":
        return text not in _YES and not is_paid(text)
    if field == _OTHER_STATE:
        return is_off(text)
    if field == "type":
        words = header_words.plain(text)
        return any(pattern.search(words) for pattern in (header_words.REFUND, header_words.CANCELLED))
    if field in {"refunded", "outstanding"}:
        return text in _YES or _NOTHING.fullmatch(text) is None
    return field != "currency" or text != currency.lower()
