"""Customers due the year-end bonus, under /api/v1/bonus-customers."""

from __future__ import annotations

from typing import Any

from smetka.bonus.customer_lists import Position
from smetka.bonus.decisions import decide
from smetka.bonus.records import Decision
from smetka.bonus.stored import BonusCustomer, Seen
from smetka.core.errors import BonusStoreUnavailable, Changed, NotFound
from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.web.guards import caller
from smetka.web.operations import Operations
from smetka.web.schemas import (
    BonusCustomerList,
    BonusCustomerOut,
    BonusCustomerPath,
    BonusCustomersQuery,
    Removed,
)
from smetka.web.seen_schemas import SeenIn, SeenQuery
from smetka.web.values import customer_cursor_of

bonus_customers = Operations("Bonus customers")

_ONE = "/api/v1/bonus-customers/<year>/<user_id>"


@bonus_customers.get(
    "/api/v1/bonus-customers",
    needs=Permission.READ,
    query=BonusCustomersQuery,
    reads_all=True,
    answers={200: BonusCustomerList},
    refuses=(BonusStoreUnavailable,),
)
def bonus_customer_list(query: BonusCustomersQuery, services: Services) -> Any:
    """Customers stored for a bonus, by year and id unless sorted otherwise.

    `next` is the cursor of the following page, null on the last one.
    """
    sort = query.cursor.sort if query.cursor else query.sort
    found = services.bonus_customers.page(
        query.limit + 1,
        year=query.year,
        source=query.source,
        review=query.review,
        matches=query.matches,
        sort=sort,
        after=query.cursor,
    )
    shown = found[: query.limit]
    return {
        "items": [customer.as_json(services.settings.currency) for customer in shown],
        "next": customer_cursor_of(Position.of(shown[-1], sort)) if len(found) > len(shown) else None,
    }


@bonus_customers.get(
    _ONE,
    needs=Permission.READ,
    path=BonusCustomerPath,
    answers={200: BonusCustomerOut},
    refuses=(NotFound, BonusStoreUnavailable),
)
def bonus_customer(path: BonusCustomerPath, services: Services) -> Any:
    """A customer's record for one year's bonus."""
    record = services.bonus_customers.get(path.year, path.user_id)
    return record.as_json(services.settings.currency)


@bonus_customers.post(
    f"{_ONE}/approve",
    needs=Permission.MANAGE,
    path=BonusCustomerPath,
    body=SeenIn,
    answers={200: BonusCustomerOut},
    refuses=(NotFound, Changed, BonusStoreUnavailable),
)
def approve_bonus_customer(path: BonusCustomerPath, body: SeenIn, services: Services) -> Any:
    """Say that a customer gets the bonus although the figures differ.

    It stands until another total is posted. With the figures that were seen in the body, it is done only
    while the record still has them; else the answer is 409 with the new ones.
    """
    record = _decide(path, "approved", body.seen, services)
    return record.as_json(services.settings.currency)


@bonus_customers.post(
    f"{_ONE}/reject",
    needs=Permission.MANAGE,
    path=BonusCustomerPath,
    body=SeenIn,
    answers={200: BonusCustomerOut},
    refuses=(NotFound, Changed, BonusStoreUnavailable),
)
def reject_bonus_customer(path: BonusCustomerPath, body: SeenIn, services: Services) -> Any:
    """Say that a customer does not get the bonus, whatever is posted or paid later.

    With the figures that were seen in the body, only while the record still has them.
    """
    record = _decide(path, "rejected", body.seen, services)
    return record.as_json(services.settings.currency)


@bonus_customers.delete(
    _ONE,
    needs=Permission.MANAGE,
    path=BonusCustomerPath,
    query=SeenQuery,
    answers={200: Removed},
    refuses=(NotFound, Changed, BonusStoreUnavailable),
)
def remove_bonus_customer(path: BonusCustomerPath, query: SeenQuery, services: Services) -> Any:
    """Take a customer's record away. Collecting stores who is due again.

    With the figures that were seen in the query, only while the record still has them.
    """
    _decide(path, "removed", query.seen, services)
    return {"message": f"Customer {path.user_id} is not stored for the {path.year} bonus any more."}


def _decide(path: BonusCustomerPath, decision: Decision, seen: Seen, services: Services) -> BonusCustomer:
    return decide(
        services.bonus_customers,
        services.audit,
        decision,
        year=path.year,
        user_id=path.user_id,
        by=caller(),
        seen=seen,
    )
