"""The bonus: what it would cost, who is due, and who is stored for it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Response

from smetka.bonus.collection import collect
from smetka.bonus.exports import CUSTOMER_COLUMNS, PERSONAL_COLUMNS, customer_row, every_customer
from smetka.bonus.plan import Decided, decided
from smetka.bonus.planner import Planner
from smetka.bonus.records import Position
from smetka.errors import BonusStoreUnavailable, InvalidValue
from smetka.keys import Permission
from smetka.ledger import Person
from smetka.money import Money
from smetka.spreadsheets import csv_lines
from smetka.web import guards
from smetka.web.pages import declared, forms, render, visit
from smetka.web.parts import parts, services
from smetka.web.values import SORTS, customer_cursor_of, read_customer_cursor

SHOWN, LARGEST = 50, 10
USUAL_VALUE = Money(500_00)
"""What a voucher is worth until somebody says otherwise."""

REVIEWS, SOURCES = ("none", "pending", "approved", "rejected"), ("api", "collected")


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
    decisions, campaigns, is_away = _decisions(year)
    planner = Planner(services().rankings(year), services().spent(year), decisions)
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
        largest=list(islice(planner.due(services().orders(year), threshold, value), LARGEST)),
        person_of=person_of(),
        campaigns=campaigns,
        is_away=is_away,
        work=parts().works.get(f"collect {year}"),
        statement=services().ledger.statement_of("spending_by_customer", by_year=True),
    )


@declared.get("/bonus/due", needs=Permission.READ, reads_all=True)
def due() -> Any:
    """Everybody who is due a voucher by the ledger and what was decided, the largest total first."""
    fields = forms.asked("year", "threshold", "page")
    year = fields.year(default=services().bonus_rules.current_year)
    threshold = fields.amount("threshold", default=services().settings.bonus_threshold)
    page = fields.whole("page", default=1, most=10**6)
    if year is None or threshold is None or page is None:
        raise _invalid(fields)
    decisions, _, is_away = _decisions(year)
    planner = Planner(services().rankings(year), services().spent(year), decisions)
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
        is_away=is_away,
    )


@declared.get("/bonus/customers", needs=Permission.READ)
def stored() -> Any:
    """Those who are stored for a bonus, with filters, to be decided about and exported."""
    fields = forms.asked("year", "review", "source", "matches", "sort", "cursor")
    year = fields.year(default=services().bonus_rules.current_year)
    chosen = _filters(fields)
    sort = fields.one_of("sort", SORTS, default="user_id")
    after = _cursor(fields)
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
        next=customer_cursor_of(position) if position else None,
        person_of=person_of(),
    )


@declared.get("/bonus/customers.csv", needs=Permission.READ)
def stored_file() -> Response:
    """The same as a file, for a spreadsheet; with names for those who may see them."""
    fields = forms.asked("year", "review", "source", "matches", "excel")
    year = fields.year(default=services().bonus_rules.current_year)
    chosen = _filters(fields)
    if fields.faults or year is None:
        raise _invalid(fields)
    with_names = guards.may(Permission.OWN)
    services().audit.note("export", guards.caller(), year=year)
    name_of = person_of()
    rows = (
        [*customer_row(each), *(_personal(name_of(each.user_id)) if name_of else ())]
        for each in every_customer(services().bonus_customers, year=year, **chosen)
    )
    return file(
        [*CUSTOMER_COLUMNS, *(PERSONAL_COLUMNS if with_names else ())],
        rows,
        f"bonus-{year}.csv",
        excel=bool(fields.typed["excel"]),
    )


@declared.post("/bonus/collect", needs=Permission.MANAGE)
def collected() -> Any:
    """Store everybody who is due; the work goes on while the page tells how far it is."""
    fields = forms.posted()
    year = fields.year(default=services().bonus_rules.current_year)
    threshold = fields.amount("threshold", default=services().settings.bonus_threshold)
    if year is None or threshold is None:
        raise _invalid(fields)
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
    """Approve or reject a stored customer, or take the record away."""
    fields = forms.posted()
    fields.needed("year", "user_id", "decision")
    year, user_id = fields.year(), fields.whole("user_id")
    decision = fields.one_of("decision", ("approved", "rejected", "removed"))
    if fields.faults or year is None or user_id is None:
        raise _invalid(fields)
    shop, gettext = services(), render.said().gettext
    if decision == "removed":
        shop.audit.note("remove", guards.caller(), year=year, user_id=user_id)
        shop.bonus_customers.remove(year, user_id)
        told = gettext("Customer {user_id} is not stored any more.")
    elif decision == "approved":
        shop.audit.note("approve", guards.caller(), year=year, user_id=user_id)
        shop.bonus_customers.decide(year, user_id, "approved")
        told = gettext("Customer {user_id} is approved.")
    else:
        shop.audit.note("reject", guards.caller(), year=year, user_id=user_id)
        shop.bonus_customers.decide(year, user_id, "rejected")
        told = gettext("Customer {user_id} is rejected.")
    return visit.go_to(back(fields, "/bonus/customers"), told.format(user_id=user_id))


def back(fields: forms.Fields, path: str) -> str:
    """Where the form stood: a page of the path given, as it was filtered."""
    query = fields.typed.get("query", "")
    return f"{path}?{query}" if query and "\\" not in query else path


def file(header: Any, rows: Any, name: str, *, excel: bool) -> Response:
    """Rows as a file to keep.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: they cannot be read to their end.
    """
    return Response(
        # Whole, before the answer begins: what goes wrong on the way must not look like the end.
        b"".join(csv_lines(header, rows, excel=excel, language=visit.language())),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _invalid(fields: forms.Fields) -> InvalidValue:
    return InvalidValue(forms.as_faults(fields))


def _decisions(year: int) -> tuple[Decided, list[Any], bool]:
    """What was decided, the campaigns, and whether neither can be read now."""
    try:
        return decided(services().storage, year), services().campaigns.all(), False
    except BonusStoreUnavailable:
        return Decided(), [], True


def person_of() -> Any:
    """Finds names by ids for those who may see them; None for the others."""
    if not guards.may(Permission.OWN):
        return None
    ledger = services().ledger  # files are written when the request is over already
    return lambda user_id: ledger.person(user_id) or Person("", "")


def _personal(person: Person) -> tuple[str, str]:
    return person.name, person.email


def _filters(fields: forms.Fields) -> dict[str, Any]:
    matches = fields.one_of("matches", ("yes", "no"))
    return {
        "review": fields.one_of("review", REVIEWS),
        "source": fields.one_of("source", SOURCES),
        "matches": None if matches is None else matches == "yes",
    }


def _cursor(fields: forms.Fields) -> Position | None:
    text = fields.typed["cursor"]
    if not text:
        return None
    try:
        return read_customer_cursor(text)
    except ValueError:
        fields.complain("cursor", forms.NOT_A_CURSOR)
        return None
