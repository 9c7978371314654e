"""What a careful person would want to know before issuing, in sentences of either language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smetka.bonus.lists import Due
from smetka.bonus.plan import Plan
from smetka.core.money import NOTHING, Money
from smetka.language.speech import Speech
from smetka.ledger import Ledger

ALMOST_ALL_TENTHS = 9
"""A threshold that so many tenths of the spenders exceed selects hardly anybody."""


@dataclass(slots=True)
class Undecided:
    """Records that nobody has decided about.

    Attributes:
        waiting: how many exceed the threshold by the stored total, and not by the ledger's of the year.
        without_spending: how many of them spent nothing in the year.
        mismatching: how many differ from what the ledger said then of the same period, decided ones included.
    """

    waiting: int = 0
    without_spending: int = 0
    mismatching: int = 0


@dataclass(slots=True)
class Sum:
    """Vouchers, counted and added up."""

    customers: int = 0
    cost: Money = NOTHING

    def add(self, due: Due) -> None:
        """One more."""
        self.customers += 1
        self.cost += due.value

    def as_json(self) -> dict[str, Any]:
        """The two figures."""
        return {"customers": self.customers, "cost": self.cost.number}


@dataclass(frozen=True, slots=True)
class Words(Speech):
    """A language, and the campaign's currency."""

    code: str

    def price(self, value: Money) -> str:
        """An amount in that currency."""
        return self.money(value, self.code)


def warnings_of_the_plan(
    found: Plan,
    due: Sum,
    left_out: tuple[Sum, list[Due]],
    words: Words,
    *,
    tie: dict[str, Any] | None,
    now: datetime,
) -> list[str]:
    """Of what the rules come to: nobody, nearly everybody, who is left out and why.

    Args:
        left_out: their sum and the first few; `tie` is who is parted by the id alone.
    """
    rules, gettext, ngettext = found.campaign.rules, words.gettext, words.ngettext
    threshold = words.price(rules.threshold)
    warnings = []
    if now >= found.campaign.expires_at:
        day = rules.last_day.strftime(words.formats.day)
        warnings.append(gettext("The vouchers are not valid any more: their last day was {day}.", day=day))
    if found.there.begun:
        warnings.append(
            ngettext(
                "An issue was begun and is not finished: {count} voucher of its list, for {cost}, is not "
                "written yet. It is written first, also if its customer is no longer due one.",
                "An issue was begun and is not finished: {count} vouchers of its list, for {cost}, are not "
                "written yet. They are written first, also for customers who are no longer due one.",
                found.there.begun,
                cost=words.price(found.there.begun_cost),
            )
        )
    spenders = len(found.spent)
    if not due.customers:
        warnings.append(
            gettext("Nobody is due a voucher: nobody spent more than {threshold}.", threshold=threshold)
        )
    elif due.customers > 1 and due.customers * 10 >= spenders * ALMOST_ALL_TENTHS:
        warnings.append(
            gettext(
                "The threshold hardly selects: {due} of the {spenders} customers with a payment in {year} "
                "exceed {threshold}.",
                due=words.count(due.customers),
                spenders=words.count(spenders),
                year=rules.year,
                threshold=threshold,
            )
        )
    out, first_out = left_out
    if out.customers:
        warnings.append(_left_out_words(found, out, first_out, words))
    if tie is not None:
        warnings.append(
            gettext(
                "The limit falls among customers who spent the same amount, {total}: {reached} of them with "
                "the smaller ids get a voucher, {left_out} do not.",
                total=words.price(first_out[0].total),
                reached=words.count(tie["customers_reached"]),
                left_out=words.count(tie["customers_left_out"]),
            )
        )
    return warnings


def warnings_of_records(found: Plan, undecided: Undecided, words: Words) -> list[str]:
    """Of stored customers whom nobody decided about."""
    warnings, year, ngettext = [], found.campaign.rules.year, words.ngettext
    if undecided.mismatching:
        warnings.append(
            ngettext(
                "{count} stored total differs from the ledger's.",
                "{count} stored totals differ from the ledger's.",
                undecided.mismatching,
                year=year,
            )
        )
    if undecided.waiting:
        warnings.append(
            ngettext(
                "{count} stored customer exceeds the threshold by the stored total, not by the ledger's of "
                "{year}: that one gets a voucher only when approved.",
                "{count} stored customers exceed the threshold by the stored total, not by the ledger's of "
                "{year}: they get a voucher only when approved.",
                undecided.waiting,
                year=year,
            )
        )
    if undecided.without_spending:
        warnings.append(
            ngettext(
                "{count} of these spent nothing in {year}.",
                "{count} of these spent nothing in {year}.",
                undecided.without_spending,
                year=year,
            )
        )
    return warnings


def warnings_of_the_ledger(found: Plan, ledger: Ledger, words: Words) -> list[str]:
    """Of data that was left out."""
    rules, warnings, gettext, ngettext = found.campaign.rules, [], words.gettext, words.ngettext
    quality = ledger.spending_by_age(rules.year)
    if quality.orphan_payments:
        warnings.append(
            ngettext(
                "{count} payment of {year} is of nobody in the ledger.",
                "{count} payments of {year} are of nobody in the ledger.",
                quality.orphan_payments,
                year=rules.year,
            )
        )
    if quality.ignored_payments:
        warnings.append(
            ngettext(
                "{count} payment of {year} has no usable amount.",
                "{count} payments of {year} have no usable amount.",
                quality.ignored_payments,
                year=rules.year,
            )
        )
    if any(total > rules.threshold for _, total in found.spent.nameless):
        warnings.append(
            gettext("Customers whose ids are not whole numbers exceed the threshold; they get no voucher.")
        )
    return warnings


def _left_out_words(found: Plan, left_out: Sum, first_out: list[Due], words: Words) -> str:
    rules, gettext, ngettext = found.campaign.rules, words.gettext, words.ngettext
    limits = []
    if rules.budget is not None:
        limits.append(gettext("the budget of {budget}", budget=words.price(rules.budget)))
    if rules.most_vouchers is not None:
        limits.append(gettext("the limit of {count} vouchers", count=words.count(rules.most_vouchers)))
    first = first_out[0]
    return ngettext(
        "Not everyone is reached by {limits}: {count} is left out, who would cost {cost}: customer {first} "
        "with {total}.",
        "Not everyone is reached by {limits}: {count} are left out, who would cost {cost}, the first of them "
        "customer {first} with {total}.",
        left_out.customers,
        limits=gettext(" and ").join(limits),
        cost=words.price(left_out.cost),
        first=first.user_id,
        total=words.price(first.total),
    )
