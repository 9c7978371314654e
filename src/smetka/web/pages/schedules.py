"""Schedules on the page of messages: what is sent by itself, and when."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from smetka.core.errors import CommandFailed, NotFound, WrongUsage
from smetka.keys import Permission
from smetka.language.terms import YEARS
from smetka.language.translations import mark
from smetka.settings import Basis
from smetka.telegram.cron import NeverComes, checked_cron
from smetka.telegram.schedules import Kind, Schedule
from smetka.web.pages import declared, forms, render, visit
from smetka.web.parts import services
from smetka.web.refusals import BadRequest

BASES: tuple[Basis, ...] = get_args(Basis)
_KINDS: tuple[Kind, ...] = get_args(Kind)

TIMES = {
    "0 9 * * *": mark("every day at 9:00"),
    "0 9 * * MON-FRI": mark("from Monday to Friday at 9:00"),
    "0 9 * * MON": mark("every Monday at 9:00"),
    "0 9 1 * *": mark("on the first of each month at 9:00"),
    "0 9 1 1 *": mark("on 1 January of each year at 9:00"),
}
"""Times to choose from, as cron expressions in their plainest form."""

OWN_TIME = "own"

_ONCE = re.compile(r"[0-9a-f]{32}")
_LONGEST_CRON = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule as the page lists it; `time` is None when it is not one of `TIMES`."""

    schedule: Schedule
    time: str | None
    next_at: datetime | None


def listed() -> list[Row]:
    """All schedules.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    return [
        Row(each, TIMES.get(each.cron), services().schedules.next_at(each))
        for each in services().schedules.all()
    ]


def add(fields: forms.Fields) -> Schedule | None:
    """Add what the form says; None when there is something wrong with it.

    One that is there in all the same is left as it is: the form may be sent twice.

    Raises:
        BonusStoreUnavailable: whether it was added is unknown.
    """
    kind = fields.one_of("kind", _KINDS)
    year = fields.one_of("year", years(), default="all") or "all"
    basis = fields.one_of("basis", BASES) if kind == "averages" else None
    fields.needed("kind")
    cron = _cron(fields)
    if fields.faults or kind is None or cron is None:
        return None
    while True:
        for each in services().schedules.all():
            if (each.kind, each.cron, each.chats, each.year, each.basis) == (kind, cron, (), year, basis):
                return each
        try:
            return services().schedules.add(kind, cron, year=year, basis=basis)
        except CommandFailed:  # another took the name in this moment, perhaps for the same schedule
            continue


def times() -> dict[str, str]:
    """The times to choose from, and their names."""
    return {cron: render.said().gettext(name) for cron, name in TIMES.items()}


def years() -> dict[str, str]:
    """The years to choose from, and their names."""
    current = services().figures.current_year
    named = {word: render.said().gettext(name) for word, name in YEARS.items()}
    return named | {str(year): str(year) for year in range(current, current - 5, -1)}


def once(fields: forms.Fields) -> str:
    """The number of a form that does its work once, however often it is sent.

    Raises:
        BadRequest: it has none.
    """
    number = fields.typed.get("once", "")
    if not _ONCE.fullmatch(number):
        raise BadRequest("The form cannot be read.")
    return number


@declared.post("/messages/schedules", needs=Permission.MANAGE)
def change_schedule() -> Any:
    """Send a schedule's report now, or end the schedule."""
    fields = forms.posted()
    said, name = render.said(), fields.typed.get("name", "")
    match fields.typed.get("do"):
        case "run":
            queued = services().schedules.run(name, services().figures, mark=once(fields))
            notice = (
                said.gettext("The report of the schedule {name} is on its way.").format(name=name)
                if queued
                else said.gettext("Nothing was sent: no chat gets reports yet.")
            )
        case "remove":
            with suppress(NotFound):  # the button was pressed twice
                services().schedules.remove(name)
            notice = said.gettext("The schedule {name} is removed.").format(name=name)
        case _:
            raise BadRequest("The form cannot be read.")
    return visit.go_to("/messages", notice)


def _cron(fields: forms.Fields) -> str | None:
    """What is typed counts more than what is chosen."""
    chosen = fields.one_of("time", (*TIMES, OWN_TIME), default=OWN_TIME)
    typed = fields.text("cron", most=_LONGEST_CRON, needed=chosen == OWN_TIME)
    cron = typed or chosen
    if fields.faults or cron is None:
        return None
    settings = services().settings
    try:
        return checked_cron(cron, services().now(), settings.timezone)
    except NeverComes:
        fields.complain("cron", mark("never comes: there is no such day within the next eight years"))
        return None
    except WrongUsage:
        fields.complain("cron", mark("must match a future time, such as 30 8 * * MON for Mondays at 8:30"))
        return None
