"""All that reports say, in English and Macedonian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from smetka.core.periods import is_whole
from smetka.language.formats import FORMATS, Formats, percent
from smetka.language.translations import LANGUAGES, translations
from smetka.settings import Language

MUCH = Decimal("0.1")
"""A customer who makes more of a group than this is spoken of: the group's average is one customer's."""


@dataclass(frozen=True, kw_only=True)
class Catalogue(Formats):
    """All that is said in one language. Averages are keyed by what they are per."""

    title: str
    all_years: str
    year: str
    unfinished: str
    basis: dict[str, str]
    per: dict[str, str]
    columns: dict[str, tuple[str, str, str]]
    median: str
    median_columns: tuple[str, str]
    largest_share: str
    change: str
    compared: str
    not_compared: str
    payers: str
    outside: str
    ignored: str
    orphans: str
    nothing: str
    bonus: str
    bonus_rule: str
    bonus_due: str
    bonus_nobody: str
    bonus_unfinished: str
    near_misses: str
    largest: str
    bonus_columns: tuple[str, str]
    campaign: str
    campaign_issued: str
    campaign_valid: str
    campaign_budget: str
    campaign_left_out: str
    shop: str
    shop_rows: dict[str, str]
    late: str
    by_schedule: str
    report: str
    trial: str
    buttons: dict[str, str]

    def much_by_one(self, report: Mapping[str, Any]) -> list[str]:
        """A sentence about groups of which one customer makes much; none when there is none."""
        groups = [
            f"{group['age_group']} ({percent(group['largest_share'], 1, self)})"
            for group in report["age_groups"]
            if (group.get("largest_share") or 0) > MUCH
        ]
        return [self.largest_share.format(groups=", ".join(groups))] if groups else []

    def period(self, report: Mapping[str, Any]) -> str:
        """The period that a report is of, as a heading says it, and that a year is not over."""
        if report["year"] is None:
            return self.all_years
        year = self.year.format(year=report["year"])
        return year if is_whole(report) else f"{year} ({self.unfinished})"


def _catalogue(language: Language) -> Catalogue:
    said = translations(language)
    _, _p = said.gettext, said.pgettext
    return Catalogue(
        **vars(FORMATS[language]),
        title=_("Average spending by age"),
        all_years=_("All years"),
        year=_("Year {year}"),
        unfinished=_("not over yet"),
        basis={
            "spender": _(
                "Average per paying customer: what a group spent, divided by its customers with a payment."
            ),
            "payment": _("Average per payment: what a group spent, divided by the number of its payments."),
            "customer": _(
                "Average per customer: what a group spent, divided by all its customers, "
                "those without a payment included."
            ),
        },
        per={"spender": _("per paying customer"), "payment": _("per payment"), "customer": _("per customer")},
        columns={
            "spender": (_("Age"), _("Average"), _("Paying")),
            "payment": (_("Age"), _("Average"), _("Payments")),
            "customer": (_("Age"), _("Average"), _("All")),
        },
        median=_("Median per paying customer: half of a group spent more, half less."),
        median_columns=(_("Age"), _("Median")),
        largest_share=_("One customer accounts for more than a tenth of what a group spent: {groups}."),
        change="±%",
        compared=_("±%: change against {year}."),
        not_compared=_("{year} is not over yet; it is compared with {before} when it is."),
        payers=_(
            "Paying customers {spenders} of {customers}, payments {payments}, together {total} {currency}."
        ),
        outside=_("In none of these groups: customers {customers}, payments {payments}."),
        ignored=_("Payments left out, their amount is not usable: {count}."),
        orphans=_("Payments of unknown customers, left out: {count}."),
        nothing=_("There are no payments in this period."),
        bonus=_("Year-end bonus {year}"),
        bonus_rule=_("By the ledger: customers who spent more than {threshold} {currency} in {year}."),
        bonus_due=_("Qualify for a voucher: <b>{count}</b>, who spent {total} {currency} together."),
        bonus_nobody=_("Nobody is due a voucher yet."),
        bonus_unfinished=_("{year} is not over yet: who is due can still change."),
        near_misses=_("Just missed it, from {from_} up to the threshold: {count}."),
        largest=_("Top spenders:"),
        bonus_columns=(_("Customer"), _("Spent")),
        campaign=_("Vouchers issued: {name}"),
        campaign_issued=_("New vouchers: <b>{count}</b>, worth {cost} {currency} together."),
        campaign_valid=_("Valid from {first} to {last}."),
        campaign_budget=_("Budget of the campaign: {budget} {currency}."),
        campaign_left_out=_("Due, and left out by the limits of the campaign: {count}."),
        shop=_("The shop"),
        shop_rows={
            "total_spending": _("Total"),
            "spenders": _("Paying customers"),
            "customers": _("All customers"),
            "payments": _("Payments"),
            "median": _("Median per paying customer"),
            "top": _("Top tenth of customers: share of spending"),
        },
        late=_("Late: it was due at {time}."),
        by_schedule=_("Schedule {name}"),
        report=_("Report {report_id} · {time}"),
        trial=_("Smetka can write to this chat. Reports will arrive here."),
        buttons={
            "all": _("All years"),
            "spender": _p("button", "Paying customer"),
            "payment": _p("button", "Payment"),
            "customer": _p("button", "Customer"),
        },
    )


CATALOGUES = {language: _catalogue(language) for language in LANGUAGES}
"""By language."""
