"""What stands in exported files: one row a customer, or a voucher."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smetka.bonus.stored import BonusCustomer
from smetka.bonus.vouchers import Voucher
from smetka.core.exact_json import instant

CUSTOMER_COLUMNS = (
    "user_id",
    "total_spending",
    "ledger_total",
    "matches_ledger",
    "source",
    "review",
    "stored_at",
    "basis_period",
    "ledger_year_total",
)
VOUCHER_COLUMNS = (
    "user_id",
    "total_spending",
    "code",
    "value",
    "currency",
    "status",
    "valid_from",
    "valid_until",
    "issued_at",
    "redeemed_at",
)
PERSONAL_COLUMNS = ("name", "email")


def customer_row(customer: BonusCustomer) -> list[Any]:
    """A record as `CUSTOMER_COLUMNS` name it."""
    return [
        customer.user_id,
        customer.total,
        customer.ledger_total,
        "yes" if customer.matches_ledger else "no",
        customer.source,
        customer.review,
        instant(customer.stored_at),
        customer.basis_period,
        customer.year_total,
    ]


def voucher_cell(column: str, voucher: Voucher, now: datetime) -> Any:
    """One of `VOUCHER_COLUMNS`, at an instant."""
    match column:
        case "total_spending":
            return voucher.total
        case "status":
            return voucher.status_at(now)
        case "valid_from":
            return str(voucher.first_day)
        case "valid_until":
            return str(voucher.last_day)
        case "issued_at":
            return instant(voucher.issued_at)
        case "redeemed_at":
            return None if voucher.redeemed_at is None else instant(voucher.redeemed_at)
        case _:
            return getattr(voucher, column)
