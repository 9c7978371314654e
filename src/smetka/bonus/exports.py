"""What stands in exported files: one row a customer, or a voucher."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from smetka.bonus.records import BonusCustomers, Position, Sort
from smetka.bonus.stored import BonusCustomer, bonus_customer
from smetka.bonus.vouchers import Voucher
from smetka.exact_json import instant
from smetka.storage import Storage
from smetka.storage.walk import records

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

_PAGE = 10_000
"""Of a list that is not by user id: it may cost a look at the whole year each time."""


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


def every_customer(
    storage: Storage,
    customers: BonusCustomers,
    *,
    year: int,
    source: str | None = None,
    review: str | None = None,
    matches: bool | None = None,
    sort: Sort = "user_id",
) -> Iterator[BonusCustomer]:
    """All records of a year that fit, read as they are taken.

    Raises:
        BonusStoreUnavailable: MongoDB went away.
    """
    only = {"source": source, "review": review, "matches_ledger": matches}
    if sort == "user_id":
        query = {name: value for name, value in only.items() if value is not None}
        yield from map(bonus_customer, records(storage, "bonus_customers", {**query, "year": year}))
        return
    after = None
    while page := customers.page(
        _PAGE,
        year=year,
        source=source,
        review=review,
        matches=matches,
        sort=sort,
        after=after,
    ):
        yield from page
        after = Position.of(page[-1], sort)
