"""Why rows of orders are no payments, and what has become of orders that the ledger has.

Each reason is read after a number ("1 as a test order"); programs get it as a code.
"""

from __future__ import annotations

from smetka.ledger.imports.kept import ALL_IS_BACK, NOT_IN_FULL

FURTHER_LINES = "as a further line of an order"
ONLY_FAULTS = "with nothing but spreadsheet errors"
TEST_ORDER = "as a test order"
CANCELLED = "cancelled"
WITHOUT_CUSTOMER = "without a customer"
REFUND_ROW = "as a refund in a row of its own"
REFUND_TOLD = "as a refund that the order's own line has taken off"
KNOWN_ORDER = "there already, by the order number"
CHANGED_ORDER = "there already, with another amount, state, year or customer; left as in the ledger"

OTHER_AMOUNT = "amount"
OTHER_YEAR = "year"
OTHER_CUSTOMER = "customer"

NO_ORDERS = frozenset({FURTHER_LINES, ONLY_FAULTS, REFUND_TOLD, CHANGED_ORDER})
"""Rows that are no order left out, but a part of one, or one that is told as changed."""

_CODES = {
    WITHOUT_CUSTOMER: "no_customer",
    CANCELLED: "cancelled",
    ALL_IS_BACK: "refunded",
    NOT_IN_FULL: "partly_paid",
    TEST_ORDER: "test",
    KNOWN_ORDER: "known",
} | {same: same for same in (OTHER_AMOUNT, OTHER_YEAR, OTHER_CUSTOMER)}
_UNPAID = "unpaid"

CODES = (*_CODES.values(), _UNPAID)


def code(reason: str) -> str:
    """A reason for programs: one of `CODES`. All states in which nothing is paid are one."""
    return _CODES.get(reason, _UNPAID)
