"""`smetka schedule` and `smetka telegram send`: reports by themselves, and reports now."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, get_args

import click

from smetka.cli import words
from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.cli.speech import NOTHING, Speech, head
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed
from smetka.core.exact_json import instant
from smetka.language import terms
from smetka.settings import Basis, Settings, load_settings
from smetka.shop.figures import ShopFigures
from smetka.storage import Storage
from smetka.telegram.outbox import Outbox
from smetka.telegram.schedules import KINDS, Schedule, Schedules, checked, report_of
from smetka.telegram.topics import ChatId

_SETTINGS = ("data_dir", "timezone", "telegram_chat_ids")
_YEARS = re.compile(r"all|current|previous|[1-9][0-9]{0,3}")


def _year(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _YEARS.fullmatch(value):
        raise click.BadParameter("must be all, current, previous or a year such as 2025.")
    return value


def _chats(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[ChatId, ...]:
    # By the settings' own rule of what a chat is.
    return () if value == "all" else load_settings({"telegram_chat_ids": value}).telegram_chat_ids


_year_option = click.option(
    "--year",
    default="all",
    callback=_year,
    show_default=True,
    help="all, current, previous or a year; of bonus, all means current.",
)
_basis_option = click.option("--basis", type=click.Choice(get_args(Basis)), help="What averages are per.")
_chats_option = click.option(
    "--chats",
    default="all",
    callback=_chats,
    show_default=True,
    metavar="CHATS",
    help="Comma-separated; all: those that the settings name when it is sent.",
)
_kind_argument = click.argument("kind", metavar="KIND", type=click.Choice(KINDS))


@click.group()
def schedule() -> None:
    """Reports that are sent by themselves, in the shop's time."""


@schedule.command()
@_kind_argument
@click.option(
    "--cron", required=True, help='Minute, hour, day, month, weekday: "0 9 * * MON" is Mondays at nine.'
)
@_chats_option
@_year_option
@_basis_option
@click.option("--name", help="What it is called; the kind unless given.")
@setting_options(*_SETTINGS, "language")
@json_option
def add(
    *,
    kind: Any,
    cron: str,
    chats: tuple[ChatId, ...],
    year: str,
    basis: Basis | None,
    name: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Send a report of KIND (averages, bonus or shop) again and again, and say when the next three come."""
    settings = load_settings(options)
    checked(cron, name, now=datetime.now(UTC), timezone=settings.timezone)  # before MongoDB is waited for
    with _schedules(settings) as (schedules, _):
        added = schedules.add(kind, cron, chats=chats, year=year, basis=basis, name=name)
        times = schedules.next_times(added)
    if as_json:
        print_json({**added.as_json(times[0] if times else None), "next_times": [*map(instant, times)]})
    else:
        say(_added(added, times, settings, Speech(settings.language)))


@schedule.command("list")
@setting_options(*_SETTINGS, "language")
@json_option
def list_(*, as_json: bool, **options: Any) -> None:
    """All schedules, with the next time of each in the shop's time zone."""
    settings = load_settings(options)
    said = Speech(settings.language)
    with _schedules(settings) as (schedules, _storage):
        found = [(each, schedules.next_at(each)) for each in schedules.all()]
    if as_json:
        print_json([each.as_json(next_at) for each, next_at in found])
    elif not found:
        say(said.gettext("There is no schedule yet."), err=True)
    else:
        _ = said.gettext
        names = head(_("Name"), _("Kind"), _("cron"), _("Year"), _("Chats"), _("Next"))
        rows = [_row(each, _shown(next_at, settings, said), said) for each, next_at in found]
        say(table([names, *rows]))


@schedule.command()
@click.argument("name")
@setting_options(*_SETTINGS)
def remove(*, name: str, **options: Any) -> None:
    """End a schedule."""
    with _schedules(load_settings(options)) as (schedules, _):
        schedules.remove(name)
    say(f"Schedule {name} is removed.")


@schedule.command()
@click.argument("name")
@setting_options("ledger", *_SETTINGS, "currency", "average_basis", "bonus_threshold")
@json_option
def run(*, name: str, as_json: bool, **options: Any) -> None:
    """Send a schedule's report now, whatever its time."""
    settings = load_settings(options)
    with _figures(settings) as figures, _schedules(settings) as (schedules, _):
        _say(schedules.run(name, figures, mark=uuid.uuid4().hex[:12]), as_json=as_json)


@click.command()
@_kind_argument
@_chats_option
@_year_option
@_basis_option
@setting_options("ledger", *_SETTINGS, "currency", "average_basis", "bonus_threshold")
@json_option
def send(
    *, kind: Any, chats: tuple[ChatId, ...], year: str, basis: Basis | None, as_json: bool, **options: Any
) -> None:
    """Send a report of KIND (averages, bonus or shop) now."""
    settings = load_settings(options)
    with _figures(settings) as figures, _schedules(settings) as (_, storage):
        outbox = Outbox(storage, now=lambda: datetime.now(UTC))
        report = report_of(figures, kind, year, basis)
        recipients = chats or settings.telegram_chat_ids
        _say(outbox.queue(f"send {uuid.uuid4().hex}", kind, report, recipients), as_json=as_json)


def _say(queued: list[str], *, as_json: bool) -> None:
    if not queued:
        raise CommandFailed("No chat is configured: set SMETKA_TELEGRAM_CHAT_IDS, or name some by --chats.")
    if as_json:
        print_json(queued)
    else:
        chats = f"{len(queued)} chat{'s' * (len(queued) > 1)}"
        say(f"Queued for {chats}; `smetka deliveries list` says what becomes of it.")


def _added(schedule: Schedule, times: list[datetime], settings: Settings, said: Speech) -> str:
    """A schedule that was added, and when it is due."""
    first, kind = _shown(times[0] if times else None, settings, said), said.word(schedule.kind, terms.KINDS)
    text = said.gettext("Schedule {name}: {kind}, next on {time}.", name=schedule.name, kind=kind, time=first)
    later = ", ".join(_local(time, settings, said) for time in times[1:])
    return f"{text}\n" + said.gettext("After that: {times}.", times=later) if later else text


def _row(schedule: Schedule, next_at: str, said: Speech) -> tuple[str, ...]:
    kind, year = said.word(schedule.kind, terms.KINDS), said.word(schedule.year, terms.YEARS)
    chats = ",".join(map(str, schedule.chats)) or said.word("all", words.CHATS)
    return schedule.name, kind, schedule.cron, year, chats, next_at


def _shown(time: datetime | None, settings: Settings, said: Speech) -> str:
    """When it is sent next, by the shop's clocks, with the weekday."""
    if time is None:
        return NOTHING
    return f"{_local(time, settings, said)} ({settings.timezone})"


def _local(time: datetime, settings: Settings, said: Speech) -> str:
    local = time.astimezone(settings.timezone)
    day, weekday = said.day(local.date()), said.gettext(words.WEEKDAYS[local.weekday()])
    return f"{weekday} {day} {local:%H:%M}"


@contextmanager
def _figures(settings: Settings) -> Iterator[ShopFigures]:
    with closing(ShopFigures(settings, now=lambda: datetime.now(UTC))) as figures:
        yield figures


@contextmanager
def _schedules(settings: Settings) -> Iterator[tuple[Schedules, Storage]]:
    with open_storage(settings, "schedule") as storage:
        yield (
            Schedules(
                storage,
                recipients=settings.telegram_chat_ids,
                timezone=settings.timezone,
                now=lambda: datetime.now(UTC),
            ),
            storage,
        )
