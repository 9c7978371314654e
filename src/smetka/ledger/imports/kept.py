"""What the shop keeps of an order's total."""

from __future__ import annotations

import re

from smetka.ledger.imports.refused import LeftOut, Refused
from smetka.ledger.imports.states import ALL_BACK, PARTLY, SOME_BACK

# Read after any number: "1 not paid in full".
NOT_IN_FULL = "not paid in full"
ALL_IS_BACK = "refunded in full"


def paid_cents(state: str, total: int, outstanding: int) -> int:
    """What was paid of a total, in cents: all but what is outstanding.

    More than the total was paid where `outstanding` is negative. Shopify keeps it so when the difference
    is paid back, which it then counts among the refunds.

    Raises:
        Refused: the amounts contradict the state or each other.
    """
    if state == PARTLY and outstanding <= 0:
        raise Refused("says nothing, though the order was paid in part; how much is not known")
    if outstanding and not 0 <= total >= outstanding:
        raise Refused("does not fit the order's total, which it is a part of")
    return total - outstanding


def kept_cents(state: str, paid: int, refunded: int) -> int:
    """What is left of what was paid, in cents, after `refunded`, which is not negative.

    Raises:
        LeftOut: nothing is.
        Refused: the amounts contradict the state or each other.
    """
    if state == SOME_BACK and not refunded:
        raise Refused("says nothing, though the order was refunded in part; how much is not known")
    if refunded and refunded > paid:
        raise Refused("is more than was paid")
    if state == ALL_BACK and 0 < refunded < paid:
        raise Refused("is less than was paid, though the order was refunded in full")
    if state == ALL_BACK or (refunded and refunded == paid):
        raise LeftOut(ALL_IS_BACK)
    return paid - refunded


_LISTED = re.compile(r"amount:([0-9]{1,10})(?:\.([0-9]{1,9}))?\|reason:(.*)\|date:[-0-9: ]*", re.DOTALL)
_NEXT = re.compile(r";(?=amount:[0-9.]*\|reason:)")


def is_refund_list(text: str) -> bool:
    """Whether it is WebToffee's list of an order's refunds: ``amount:12.00|reason:late|date:…;amount:…``."""
    return text.startswith("amount:")


def listed_cents(text: str) -> int:
    """What a list of refunds comes to, in cents. Its amounts have a decimal point, whatever the others have.

    Raises:
        Refused: it is not written as WebToffee does, and so some of it could be overlooked.
    """
    total = 0
    for refund in _NEXT.split(text):
        found = _LISTED.fullmatch(refund)
        if not found or "amount:" in found[3]:
            raise Refused("lists refunds in a way that is not known: amount:…|reason:…|date:… is expected")
        decimals = found[2] or ""
        if decimals[2:].strip("0"):
            raise Refused("has more than two decimals")
        total += int(found[1] + decimals[:2].ljust(2, "0"))
    return total
