"""The bonus: what it would cost, who is due, and who is stored for it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Response

from smetka.bonus.campaigns import Campaign
from smetka.bonus.collection import collect
from smetka.bonus.customer_lists import Position
from smetka.bonus.decisions import decide as decide_about
from smetka.bonus.exports import CUSTOMER_COLUMNS, customer_row
from smetka.bonus.periods import ALL_YEARS, EXPLAINED, UNKNOWN_EXPLAINED
from smetka.bonus.plan import Decided, decided_as_listed, waiting_without_spending
from smetka.bonus.planner import Planner
from smetka.bonus.records import Decision
from smetka.bonus.stored import PERHAPS_UNKNOWN, Seen
from smetka.core.errors import BonusStoreUnavailable, Changed
from smetka.core.money import Money
from smetka.keys import Permission
from smetka.language.translations import mark
from smetka.storage.standings import REVIEWS, SOURCES
from smetka.web import guards
from smetka.web.pages import declared, forms, render, visit
from smetka.web.pages.files import file
from smetka.web.pages.people import person_of
from smetka.web.parts import parts, services
from smetka.web.values import SORTS, customer_cursor_of, read_customer_cursor

SHOWN, LARGEST = 50, 10
USUAL_VALUE = Money(500_00)
"""What a voucher is worth until somebody says otherwise."""

_DECISIONS: dict[Decision, str] = {
    "approved": mark("Customer {user_id} is approved."),
    "rejected": mark("Customer {user_id} is rejected."),
    "removed": mark("Customer {user_id} is not stored any more."),
}
"""What may be decided about a stored customer, and what is told then."""


@declared.get("/bonus", needs=Permission.READ, reads_all=True)
def bonus() -> Any:
    """The planner, the campaigns, and how many are stored for the year."""
    fields = forms.asked("year", "threshold", "value", "budget")
    year = fields.year(default=services().bonus_rules.current_year)
    threshold = fields.amount("threshold", default=services().settings.bonus_threshold)
    value = fields.amount("value", default=USUAL_VALUE, positive=True)
    budget = fields.amount("budget")
    if year is None or threshold is None or value is None or fields.faults:
        return render.page("bonus.html", 422, fields=fields, year=year, outlook=None, campaigns=[])
    decisions, campaigns = _decided(year), _campaigns()
    planner = _planner(year, decisions)
    return render.page(
        "bonus.html",
        fields=fields,
        year=year,
        threshold=threshold,
        value=value,
        budget=budget,
        outlook=planner.outlook(threshold, value, budget),
        around=list(planner.around(threshold, value, budget)),
        near_misses=planner.near_misses(threshold),
        spenders=len(services().rankings(year)),
        is_open=year >= services().bonus_rules.current_year,
        largest=list(islice(planner.due(services().orders(year), threshold, value), LARGEST)),
        person_of=person_of(),
        campaigns=campaigns or [],
        is_away=decisions is None or campaigns is None,
        explained=EXPLAINED,
        without_spending=_without_spending(year),
        work=parts().works.get(f"collect {year}"),
        statement=services().ledger.statement_of("spending_by_customer", year=year),
    )


@declared.get("/bonus/due", needs=Permission.READ, reads_all=True)
def due() -> Any:
    """Everybody who is due a voucher by the ledger and what was decided, the largest total first."""
    fields = forms.asked("year", "threshold", "page")
    year = fields.year(default=services().bonus_rules.current_year)
    threshold = fields.amount("threshold", default=services().settings.bonus_threshold)
    page = fields.whole("page", default=1, most=10**6)
    fields.check()
    assert year is not None
    assert threshold is not None
    assert page is not None
    decisions = _decided(year)
    planner = _planner(year, decisions)
    total = planner.outlook(threshold, USUAL_VALUE, None).due
    dues = planner.due(services().orders(year), threshold, USUAL_VALUE)
    first = (page - 1) * SHOWN
    return render.page(
        "due.html",
        year=year,
        threshold=threshold,
        page=page,
        found=list(islice(dues, first, first + SHOWN)),
        total=total,
        has_more=total > first + SHOWN,
        first=first,
        person_of=person_of(),
        is_away=decisions is None,
    )


@declared.get("/bonus/customers", needs=Permission.READ, reads_all=True)
def stored() -> Any:
    """Those who are stored for a bonus, with filters, to be decided about and exported."""
    fields = forms.asked("year", "review", "source", "matches", "sort", "cursor")
    year = fields.year(default=services().bonus_rules.current_year)
    chosen = _filters(fields)
    sort = fields.one_of("sort", SORTS, default="user_id")
    after = fields.place("cursor", read_customer_cursor)
    if fields.faults or year is None or sort is None:
        return render.page("stored.html", 422, fields=fields, year=year, found=[], next=None, person_of=None)
    found = services().bonus_customers.page(
        SHOWN + 1, year=year, **chosen, sort=after.sort if after else sort, after=after
    )
    shown = found[:SHOWN]
    position = Position.of(shown[-1], after.sort if after else sort) if len(found) > SHOWN else None
    return render.page(
        "stored.html",
        fields=fields,
        year=year,
        found=shown,
        explained={None: UNKNOWN_EXPLAINED, ALL_YEARS: EXPLAINED},
        next=customer_cursor_of(position) if position else None,
        person_of=person_of(),
    )


@declared.get("/bonus/customers.csv", needs=Permission.READ, reads_all=True)
def stored_file() -> Response:
    """The same as a file, for a spreadsheet; with names for those who may see them."""
    fields = forms.asked("year", "review", "source", "matches", "excel")
    year = fields.year(default=services().bonus_rules.current_year)
    chosen = _filters(fields)
    fields.check()
    assert year is not None
    services().audit.note("export", guards.caller(), year=year)
    found = services().bonus_customers.listed(year=year, **chosen)
    return file(
        CUSTOMER_COLUMNS,
        ((each.user_id, customer_row(each)) for each in found),
        f"bonus-{year}.csv",
        excel=bool(fields.typed["excel"]),
    )


@declared.post("/bonus/collect", needs=Permission.MANAGE)
def collected() -> Any:
    """Store everybody who is due; the work goes on while the page tells how far it is."""
    fields = forms.posted()
    year = fields.year(default=services().bonus_rules.current_year)
    threshold = fields.amount("threshold", default=services().settings.bonus_threshold)
    fields.check()
    assert year is not None
    assert threshold is not None
    shop = services()
    shop.audit.note("collect", guards.caller(), year=year)
    parts().works.begin(
        f"collect {year}",
        lambda tell: collect(
            shop.ledger, shop.storage, year=year, threshold=threshold, now=shop.now, progress=tell
        ),
    )
    return visit.go_to(f"/bonus?year={year}&threshold={threshold}#stored")


@declared.post("/bonus/decide", needs=Permission.MANAGE)
def decide() -> Any:
    """Approve or reject a stored customer, or take the record away, by the figures that were seen."""
    fields = forms.posted()
    fields.needed("year", "user_id", "decision", "total_spending")
    year, user_id = fields.year(), fields.whole("user_id")
    decision = fields.one_of("decision", _DECISIONS)
    fields.check()
    assert year is not None
    assert user_id is not None
    assert decision is not None
    seen = Seen(
        fields.figure("total_spending"),
        fields.text("basis_period"),
        fields.figure("ledger_total"),
        fields.figure("ledger_year_total"),
        # Of what an earlier version stored: shown as not known, which it may be by now.
        frozenset(name for name, sent in PERHAPS_UNKNOWN.items() if fields.typed.get(sent) == ""),
    )
    fields.check()
    shop, here = services(), back(fields, "/bonus/customers")
    try:
        decide_about(
            shop.bonus_customers,
            shop.audit,
            decision,
            year=year,
            user_id=user_id,
            by=guards.caller(),
            seen=seen,
        )
    except Changed:
        record = shop.bonus_customers.get(year, user_id)
        return render.page("stored_changed.html", 409, record=record, seen=seen, decision=decision, back=here)
    return visit.go_to(here, render.speech().gettext(_DECISIONS[decision], user_id=user_id))


def back(fields: forms.Fields, path: str) -> str:
    """Where the form stood: a page of the path given, as it was filtered."""
    query = fields.typed.get("query", "")
    return f"{path}?{query}" if query and "\\" not in query else path


def _decided(year: int) -> Decided | None:
    """What was decided; None when that cannot be read now."""
    try:
        return decided_as_listed(services().storage, year)
    except BonusStoreUnavailable:
        return None


def _without_spending(year: int) -> int:
    """Of those who wait for a decision; 0 also when that cannot be read now, which the page says."""
    try:
        return waiting_without_spending(services().storage, year)
    except BonusStoreUnavailable:
        return 0


def _campaigns() -> list[Campaign] | None:
    """The campaigns; None when they cannot be read now."""
    try:
        return services().campaigns.all()
    except BonusStoreUnavailable:
        return None


def _planner(year: int, decisions: Decided | None) -> Planner:
    return Planner(services().rankings(year), services().spent(year), decisions or Decided())


def _filters(fields: forms.Fields) -> dict[str, Any]:
    matches = fields.one_of("matches", ("yes", "no"))
    return {
        "review": fields.one_of("review", REVIEWS),
        "source": fields.one_of("source", SOURCES),
        "matches": None if matches is None else matches == "yes",
    }
