"""Customers: found by id, name or e-mail, and one page each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import redirect

from smetka.bonus import vouchers
from smetka.bonus.stored import BonusCustomer
from smetka.bonus.vouchers import Voucher
from smetka.core.age_groups import group_of
from smetka.core.canonical import LARGEST_ID, canonical
from smetka.core.errors import BonusStoreUnavailable, NotFound
from smetka.core.money import NOTHING, Money
from smetka.keys import Permission
from smetka.ledger import Customer
from smetka.web import guards
from smetka.web.pages import declared, forms, people, render
from smetka.web.parts import services

SHOWN = 50
PAYMENTS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """How one customer stands in a year's bonus by the ledger."""

    year: int
    total: Money
    threshold: Money

    @property
    def is_due(self) -> bool:
        """Whether the total exceeds the threshold; reaching it is not enough."""
        return self.total > self.threshold

    @property
    def beyond(self) -> Money:
        """By how much."""
        return Money(self.total.cents - self.threshold.cents)

    @property
    def lacks(self) -> Money:
        """What is missing: one cent more than the threshold is what exceeds it."""
        return Money(self.threshold.cents - self.total.cents + 1)


@declared.get("/customers", needs=Permission.READ, reads_all=True)
def customers() -> Any:
    """The list, by id, from any place on; or those who are looked for."""
    fields = forms.asked("find", "after")
    find, after = fields.text("find", most=100), fields.whole("after")
    may_see_names = guards.may(Permission.OWN)
    if find and not may_see_names and not find.isdecimal():
        fields.complain("find", forms.ONLY_IDS)
    if fields.faults:
        return render.page("customers.html", 422, fields=fields, found=[], spent=None, next=None)
    found = services().ledger.customers(SHOWN + 1, after=after, text=find or "", in_names=may_see_names)
    if find and [str(each.user_id) for each in found] == [find]:
        return redirect(f"/customers/{find}", 303)
    if find and find.isdecimal() and after is None:
        found = _first(find, found)
    shown = found[:SHOWN]
    return render.page(
        "customers.html",
        fields=fields,
        found=shown,
        spent=services().spent(None),
        next=shown[-1].user_id if len(found) > len(shown) else None,
    )


@declared.get("/customers/<user_id>", needs=Permission.READ, reads_all=True)
def customer(user_id: str) -> Any:
    """What one customer spent, how that compares, and what it earned."""
    fields = forms.asked("page")
    page = fields.whole("page", default=1, most=10**6)
    fields.check()
    assert page is not None
    number = _known_id(user_id)
    ledger = services().ledger
    spending = ledger.customer(number)
    group = group_of(spending.age, services().settings.age_groups)
    ranking = services().group_rankings(None).get(group.name if group else None)
    current = services().bonus_rules.current_year
    of_year = {each.year: each.total for each in spending.by_year}
    years = sorted({current, current - 1} | {y for y in of_year if y is not None and y <= current})[-3:]
    threshold = services().settings.bonus_threshold
    payments = ledger.payments(number, PAYMENTS_SHOWN + 1, offset=(page - 1) * PAYMENTS_SHOWN)
    records, owned, is_away = _from_mongodb(number)
    return render.page(
        "customer.html",
        customer=spending,
        person=ledger.person(number) if guards.may(Permission.OWN) else None,
        group=group,
        group_size=len(ranking) if ranking else 0,
        group_place=ranking.place(spending.total) if ranking and spending.payments else None,
        place=services().rankings(None).place(spending.total) if spending.payments else None,
        size=len(services().rankings(None)),
        standings=[Standing(y, of_year.get(y, NOTHING), threshold) for y in reversed(years)],
        payments=payments[:PAYMENTS_SHOWN],
        page=page,
        has_more=len(payments) > PAYMENTS_SHOWN,
        records=records,
        vouchers=owned,
        is_away=is_away,
        now=services().now(),
        current_year=current,
        statement=ledger.statement_of("total_spent", user_id=number),
    )


def _first(text: str, found: list[Customer]) -> list[Customer]:
    """Whose very id it is before those who have it in their e-mail."""
    for each in services().ledger.customers(1, text=text):
        exact = replace(each, **asdict(people.who(each.user_id)))
        return [exact, *(other for other in found if other.user_id != exact.user_id)]
    return found


def _known_id(text: str) -> int:
    try:
        return canonical(text, LARGEST_ID)
    except ValueError:
        raise NotFound("Customers have whole numbers as ids.") from None


def _from_mongodb(user_id: int) -> tuple[list[BonusCustomer], list[Voucher], bool]:
    """What Smetka itself keeps of a customer, and whether that cannot be read now."""
    try:
        return (
            services().bonus_customers.of_customer(user_id),
            vouchers.of_customer(services().storage, user_id),
            False,
        )
    except BonusStoreUnavailable:
        return [], [], True
