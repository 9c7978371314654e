"""The brief's three endpoints."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any

from smetka.bonus.customers import store_bonus_customer
from smetka.core import exact_json
from smetka.core.errors import (
    BelowThreshold,
    BonusStoreUnavailable,
    LedgerUnavailable,
    TotalMismatch,
    UnknownCustomer,
)
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.telegram.deliveries import Notification
from smetka.web.operations import Asked, Operations
from smetka.web.schemas import AveragesQuery, BonusCustomerIn, CustomerPath, StoredCustomerOut, YearQuery
from smetka.web.statistics_schemas import AverageSpending, TotalSpent

brief = Operations("The brief")


@brief.get(
    "/total_spent/<user_id>",
    needs=Permission.READ,
    path=CustomerPath,
    query=YearQuery,
    answers={200: TotalSpent},
    refuses=(UnknownCustomer, LedgerUnavailable),
    at_once=True,
)
def total_spent(path: CustomerPath, query: YearQuery, services: Services, asked: Asked) -> Any:
    """What one customer spent, in all or in one calendar year.

    A customer without payments has spent 0.
    """
    total = (asked.glance or services.ledger).total_spent(path.user_id, query.year)
    return total.as_json(
        year=query.year, currency=services.settings.currency, period=services.period(query.year)
    )


@brief.get(
    "/average_spending_by_age",
    needs=Permission.READ,
    query=AveragesQuery,
    answers={200: AverageSpending},
    refuses=(LedgerUnavailable,),
    at_once=True,
    reads_all=True,
)
def average_spending_by_age(query: AveragesQuery, services: Services, asked: Asked) -> Any:
    """What customers of each age group spend on average; tells the managers' chats.

    The same figures are told once within the cool-down. Nothing is told for HEAD, a prefetch or
    a request from another site, nor with `notify=false`. Telegram or MongoDB being away does not
    fail this answer: `notification` says what became of the message.
    """
    settings = services.settings
    averages = services.average_spending(query.year, asked.glance)
    report = averages.report(
        basis=query.basis or settings.average_basis,
        currency=settings.currency,
        period=services.period(query.year),
    )
    suppress = not query.notify or not asked.by_a_person
    notification = services.deliveries.announce(report.values, suppress=suppress, wait=asked.may_wait)
    return _told(report.text, notification)


@lru_cache(maxsize=64)
def _told(report: str, notification: Notification) -> exact_json.Written:
    # Remembered: while nothing changes, writing the notification would cost as much as all the rest.
    return exact_json.with_member(report, "notification", notification.as_json())


@brief.post(
    "/write_to_mongodb",
    needs=Permission.MANAGE,
    body=BonusCustomerIn,
    answers={201: StoredCustomerOut, 200: StoredCustomerOut},
    refuses=(UnknownCustomer, BelowThreshold, TotalMismatch, LedgerUnavailable, BonusStoreUnavailable),
    links={"bonus_customer": {"year": "/year", "user_id": "/user_id"}},
    has_location=True,
)
def write_to_mongodb(body: BonusCustomerIn, services: Services) -> Any:
    """Store a customer whose spending exceeds the bonus threshold.

    Safe to repeat: 201 the first time, 200 after that, and the newest total is kept. With `year` the total
    is that year's; without it, of all years, for the current year's bonus. It is compared with the
    ledger's of the same period. `note` says when the ledger's total of the bonus's year does not exceed
    the threshold: then a voucher needs an approval.
    """
    stored = store_bonus_customer(
        body.user_id,
        body.total_spending,
        body.year,
        rules=services.bonus_rules,
        ledger=services.ledger,
        customers=services.bonus_customers,
    )
    status = HTTPStatus.CREATED if stored.created else HTTPStatus.OK
    return stored.as_json(services.settings.currency), status, {"Location": stored.url}
