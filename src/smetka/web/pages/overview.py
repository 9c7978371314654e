"""The overview: this year against the last, age groups, years, and how spending is spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smetka.charts.averages import averages_spec
from smetka.charts.distribution import distribution_spec
from smetka.charts.years import years_spec
from smetka.core.canonical import LATEST_YEAR
from smetka.core.errors import LedgerUnavailable
from smetka.core.money import Money
from smetka.keys import Permission
from smetka.language.words import CATALOGUES
from smetka.ledger import YearSpending
from smetka.settings import Basis
from smetka.spending.ranking import Ranking, SpendingClass
from smetka.web import importing
from smetka.web.pages import declared, forms, render, visit
from smetka.web.pages.pictures import picture
from smetka.web.parts import services

BASES: tuple[Basis, ...] = ("spender", "payment", "customer")
TABS = 6


@dataclass(frozen=True, slots=True)
class Period:
    """A year, or all of them (None), in figures."""

    year: int | None
    ranking: Ranking
    payments: int

    @property
    def top_share(self) -> tuple[Money, Money]:
        """What the top tenth spent, of what all did."""
        return self.ranking.top_tenth[1], self.ranking.total


@declared.get("/", needs=Permission.READ, reads_all=True)
def overview() -> Any:
    """What the shop earned, from whom, and whether the figures can be trusted."""
    fields = forms.asked("year", "basis")
    try:
        return _overview(fields)
    except LedgerUnavailable:
        if not importing.is_missing(services().settings):
            raise
        return render.page("overview_empty.html", 503)


def _overview(fields: forms.Fields) -> Any:
    all_years = fields.typed["year"] == "all"
    year = None if all_years else fields.year()
    basis = fields.one_of("basis", BASES, default=services().settings.average_basis)
    if basis is None or fields.faults:
        return render.page("overview_faults.html", 422, fields=fields)
    years = [each for each in services().years(None) if each.year is not None]
    chosen = None if all_years else year or _latest(years)
    now = _period(chosen, years)
    before = _period(chosen - 1, years) if chosen is not None else None
    if before is not None and not len(before.ranking):
        before = None
    current = services().bonus_rules.current_year
    is_open = chosen is not None and chosen >= current
    # Asked for nothing in particular, age groups are of all years: as the API and Telegram tell them.
    ages = services().average_spending(chosen if year is not None else None, None)
    report = ages.report(
        basis=basis, currency=services().settings.currency, period=services().period(ages.year)
    ).values
    ledger, settings = services().ledger, services().settings
    threshold = settings.bonus_threshold
    classes = now.ranking.classes(threshold)
    return render.page(
        "overview.html",
        years=years,
        takes_files=importing.takes_files(services().settings),
        tabs=[each.year for each in years if _can_be_asked(each)][-TABS:],
        chosen=chosen,
        all_years=all_years,
        now=now,
        # A part is not compared with a whole: every November would show a fall.
        before=None if is_open else before,
        not_compared=before.year if is_open and before is not None else None,
        is_open=is_open,
        current_year=current,
        report=report,
        basis=basis,
        classes=classes,
        threshold=threshold,
        due=now.ranking.above(threshold),
        words=CATALOGUES[visit.language()],
        pictures={
            "ages": picture(averages_spec(report, visit.language()), "ages"),
            "years": _years_picture(years, current),
            "classes": _classes_picture(classes, threshold),
        },
        statements={
            "customers": ledger.statement_of("spending_by_customer", year=chosen),
            "ages": ledger.statement_of("spending_by_group", year=ages.year, groups=settings.age_groups),
            "years": ledger.statement_of("spending_by_year"),
        },
    )


def _latest(years: list[YearSpending]) -> int:
    """The current year, or the latest one before it with payments."""
    current = services().bonus_rules.current_year
    found = (each.year for each in years if each.year is not None and _can_be_asked(each))
    return max((year for year in found if year <= current), default=current)


def _can_be_asked(of_year: YearSpending) -> bool:
    """Whether it is a year as people know them: a ledger may have any number for one."""
    return of_year.year is not None and 1 <= of_year.year <= LATEST_YEAR


def _period(year: int | None, years: list[YearSpending]) -> Period:
    payments = sum(each.payments for each in years if year is None or each.year == year)
    return Period(year, services().rankings(year), payments)


def _years_picture(years: list[YearSpending], current_year: int) -> Any:
    if len(years) < 2:
        return None
    shown = [(each.year, each.total) for each in years[-30:] if each.year is not None]
    spec = years_spec(
        shown,
        title="",
        unit="",
        formats=render.speech().formats,
        unfinished=render.speech().gettext("not over yet"),
        current_year=current_year,
    )
    return picture(spec, "years")


def _classes_picture(classes: list[SpendingClass], threshold: Money) -> Any:
    if not classes:
        return None
    label = render.speech().gettext("threshold {amount}", amount=render.amount(threshold))
    spec = distribution_spec(
        [(each.low, each.high, each.customers) for each in classes],
        threshold,
        title="",
        unit="",
        threshold_label=label,
        formats=render.speech().formats,
    )
    return picture(spec, "classes")
