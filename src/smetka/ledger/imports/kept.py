"""What the shop keeps of an order's total."""

from __future__ import annotations

from smetka.ledger.imports.platforms import ALL_BACK, PARTLY, SOME_BACK
from smetka.ledger.imports.refused import LeftOut, Refused

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
