"""`smetka bonus`: customers who are due the year-end bonus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import astuple
from datetime import UTC, datetime
from itertools import chain
from typing import Any, get_args

import click

from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.collection import collect as collect_due
from smetka.bonus.customer_lists import Sort
from smetka.bonus.decisions import decide
from smetka.bonus.exports import CUSTOMER_COLUMNS, customer_row
from smetka.bonus.periods import ALL_YEARS, EXPLAINED, UNKNOWN_EXPLAINED
from smetka.bonus.records import BonusCustomers, Decision
from smetka.bonus.stored import BonusCustomer, Seen
from smetka.cli import words
from smetka.cli.confirming import confirm, yes_option
from smetka.cli.kinds import AMOUNT
from smetka.cli.options import (
    excel_option,
    json_option,
    output_option,
    print_json,
    print_json_list,
    print_table,
    quiet_option,
    say_written,
    setting_options,
)
from smetka.cli.people import people
from smetka.cli.progress import progress
from smetka.cli.records import open_storage
from smetka.cli.speech import NOTHING, Speech
from smetka.cli.terminal import say
from smetka.core.canonical import LARGEST_ID, LATEST_YEAR
from smetka.core.money import Money
from smetka.core.progress import Count
from smetka.files.spreadsheets import STDOUT, Output, write_csv
from smetka.ledger import Ledger
from smetka.settings import Settings, load_settings, named_ledger
from smetka.storage.standings import REVIEWS, SOURCES

_year_option = click.option(
    "--year", type=click.IntRange(1, LATEST_YEAR), help="Of the bonus; this year's unless given."
)
_filters = (
    click.option("--source", type=click.Choice(SOURCES), help="Only those posted, or those collected."),
    click.option("--review", type=click.Choice(REVIEWS), help="Only those of this review."),
    click.option("--mismatch", is_flag=True, help="Only those whose total differs from the ledger's."),
    click.option(
        "--sort",
        type=click.Choice(get_args(Sort)),
        default="user_id",
        show_default=True,
        help="The order; with a minus the largest or newest first.",
    ),
)
_user_argument = click.argument("user_id", type=click.IntRange(1, LARGEST_ID))


def _decision(command: Any) -> Any:
    """What approving, rejecting and removing have in common."""
    seen = click.option(
        "--total-spending",
        type=AMOUNT,
        help="The stored total as it was seen: refused when it is another by now; nobody is asked.",
    )
    settings = setting_options("data_dir", "timezone", "currency", "language")
    return seen(yes_option(settings(command)))


def _filtered(command: Any) -> Any:
    for option in reversed(_filters):
        command = option(command)
    return command


@click.group()
def bonus() -> None:
    """Customers who are due the year-end bonus."""


@bonus.command()
@_year_option
@setting_options("ledger", "data_dir", "timezone", "bonus_threshold", "currency", "language")
@quiet_option
@json_option
def collect(*, year: int | None, quiet: bool, as_json: bool, **options: Any) -> None:
    """Store everybody whose total of the year exceeds the threshold. Safe to repeat and to interrupt."""
    settings = load_settings(options)
    year, said = year or _this_year(settings), Speech(settings.language)
    with (
        closing(Ledger(named_ledger(settings))) as ledger,
        open_storage(settings, "bonus") as storage,
        progress(said.gettext("Customers"), quiet=quiet) as tell,
    ):
        Audit(storage, now=_now).note("collect", TERMINAL, year=year)
        done = collect_due(
            ledger, storage, year=year, threshold=settings.bonus_threshold, now=_now, progress=tell
        )
    if quiet and not done.flagged:
        return
    if as_json:
        print_json({"year": year, "threshold": settings.bonus_threshold.number, **done.as_json()})
        return
    due = said.ngettext(
        "{count} customer spent more than {threshold} in {year}.",
        "{count} customers spent more than {threshold} in {year}.",
        done.due,
        threshold=said.money(settings.bonus_threshold, settings.currency),
        year=year,
    )
    stored = said.gettext(
        "New: {stored}. Brought up to date: {updated}. As before: {unchanged}.",
        stored=said.count(done.stored),
        updated=said.count(done.updated),
        unchanged=said.count(done.unchanged),
    )
    flagged = said.ngettext(
        "{count} record not due any more: `smetka bonus list --review pending`.",
        "{count} records not due any more: `smetka bonus list --review pending`.",
        done.flagged,
    )
    say("\n".join([*(() if quiet else (due, stored)), *([flagged] if done.flagged else ())]))


@bonus.command("list")
@_year_option
@_filtered
@setting_options("data_dir", "timezone", "currency", "language")
@json_option
def list_(*, as_json: bool, **options: Any) -> None:
    """The customers stored for a year's bonus."""
    settings, found = _found(options)
    said = Speech(settings.language)
    periods = set()

    def row(customer: BonusCustomer) -> tuple[str, ...]:
        periods.add(customer.basis_period)
        return _row(customer, settings, said)

    with found as stored, progress(said.gettext("Customers"), beside_stdout=True) as tell:
        customers = Count(tell).over(stored)
        if as_json:
            print_json_list(customer.as_json(settings.currency) for customer in customers)
            return
        rows = map(row, customers)
        first = next(rows, None)
        if first is not None:
            names = tuple(said.word(column, words.BONUS_COLUMNS) for column in CUSTOMER_COLUMNS)
            print_table(chain((names, first), rows), right=frozenset({0, 1, 2, 8}))
    if first is None:
        say(said.gettext("No stored customer matches these filters."), err=True)
        return
    for period, explained in ((ALL_YEARS, EXPLAINED), (None, UNKNOWN_EXPLAINED)):
        if period in periods:
            say(said.gettext(explained), err=True)


@bonus.command()
@_year_option
@_user_argument
@_decision
def approve(**asked: Any) -> None:
    """Say that a customer gets the bonus although the figures differ."""
    _decide("approved", **asked)


@bonus.command()
@_year_option
@_user_argument
@_decision
def reject(**asked: Any) -> None:
    """Say that a customer does not get the bonus, whatever is posted or paid later."""
    _decide("rejected", **asked)


@bonus.command()
@_year_option
@_user_argument
@_decision
def remove(**asked: Any) -> None:
    """Take a customer's record away. Collecting stores who is due again."""
    _decide("removed", **asked)


@bonus.command()
@_year_option
@_filtered
@output_option
@click.option("--names", is_flag=True, help="With names and e-mails, from the ledger as it is now.")
@excel_option
@setting_options("ledger", "data_dir", "timezone", "language")
def export(*, output: Output, names: bool, excel: bool, **options: Any) -> None:
    """Write the customers of a year's bonus to a CSV file."""
    settings, found = _found(options)
    header = [*CUSTOMER_COLUMNS, *(("name", "email") if names else ())]
    label = Speech(settings.language).gettext("Customers")
    with (
        found as customers,
        people(settings) if names else nullcontext() as person_of,
        progress(label, beside_stdout=output == STDOUT) as tell,
    ):
        rows = (
            [*customer_row(customer), *(astuple(person_of(customer.user_id)) if person_of else ())]
            for customer in Count(tell).over(customers)
        )
        written = write_csv(output, header, rows, excel=excel, language=settings.language)
    say_written(written, "customer", output)


def _row(customer: BonusCustomer, settings: Settings, said: Speech) -> tuple[str, ...]:
    """A record as the list shows it: in English as it is exported."""
    if said.language == "en":
        return tuple(NOTHING if cell is None else str(cell) for cell in customer_row(customer))
    return (
        str(customer.user_id),
        said.amount(customer.total),
        said.amount(customer.ledger_total),
        said.word("yes" if customer.matches_ledger else "no", words.ANSWERS),
        said.word(customer.source, words.SOURCES),
        said.word(customer.review, words.REVIEWS),
        said.time(customer.stored_at, settings.timezone),
        said.word(customer.basis_period or NOTHING, words.PERIODS),
        said.amount(customer.year_total),
    )


def _decide(
    decision: Decision,
    *,
    year: int | None,
    user_id: int,
    total_spending: Money | None,
    yes: bool,
    **options: Any,
) -> None:
    settings = load_settings(options)
    year, said = year or _this_year(settings), Speech(settings.language)
    with open_storage(settings, "bonus") as storage:
        customers = BonusCustomers(storage, _now)
        record = customers.get(year, user_id)
        Seen(total=total_spending).check(record)
        confirm(_figures(record, settings, said), said, yes=yes or total_spending is not None)
        audit = Audit(storage, now=_now)
        decide(customers, audit, decision, year=year, user_id=user_id, by=TERMINAL, seen=Seen.of(record))
    if decision == "removed":
        say(f"Customer {user_id} is not stored for the {year} bonus any more.")
    else:
        say(f"Customer {user_id} is {decision} for the {year} bonus.")


def _figures(record: BonusCustomer, settings: Settings, said: Speech) -> str:
    """What a decision is about."""
    return said.gettext(
        "Customer {user_id}, {year}: stored total {total} ({period}), by the ledger {ledger_total}, in the "
        "year {year_total}.",
        user_id=record.user_id,
        year=record.year,
        total=said.money(record.total, settings.currency),
        period=said.word(record.basis_period or NOTHING, words.PERIODS),
        ledger_total=said.money(record.ledger_total, settings.currency),
        year_total=NOTHING if record.year_total is None else said.money(record.year_total, settings.currency),
    )


def _found(options: dict[str, Any]) -> tuple[Settings, Any]:
    """The settings, and the records that fit, read as they are taken."""
    year, source, review, mismatch, sort = (
        options.pop(name) for name in ("year", "source", "review", "mismatch", "sort")
    )
    settings = load_settings(options)

    @contextmanager
    def found() -> Iterator[Iterator[BonusCustomer]]:
        with open_storage(settings, "bonus") as storage:
            yield BonusCustomers(storage, _now).listed(
                year=year or _this_year(settings),
                source=source,
                review=review,
                matches=False if mismatch else None,
                sort=sort,
            )

    return settings, found()


def _now() -> datetime:
    return datetime.now(UTC)


def _this_year(settings: Settings) -> int:
    return _now().astimezone(settings.timezone).year
