"""`smetka ledger import`: a shop's own files into a ledger."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from smetka.cli.import_rejects import check_place, is_rejects_file, write_rejects
from smetka.cli.options import counted, json_option, print_json, setting_options
from smetka.cli.progress import progress
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed
from smetka.core.money import grouped
from smetka.core.shown_text import shown
from smetka.ledger.imports.failures import overtaken
from smetka.ledger.imports.header import MOST_LINES
from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.mapping import parse_mapping, read_mapping
from smetka.ledger.imports.outcome import FileOutcome, Orders, Outcome
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.source import Reading
from smetka.ledger.imports.states import parse_states
from smetka.settings import load_settings
from smetka.settings.ledger_location import ledger_path

_REJECTS_SHOWN = 20


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--into", required=True, metavar="LEDGER", help="A SQLite file; made if there is none.")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="FIELD=COLUMN,…",
    help="Which column is what; a column may stand in double quotes. May be repeated.",
)
@click.option("--map-file", type=click.Path(path_type=Path), help="The same in a TOML or JSON file.")
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="WORD=paid|unpaid|cancelled|refunded",
    help="What a state of orders means; goes before what is known of it. May be repeated.",
)
@click.option("--kind", type=click.Choice(("csv", "tsv", "xlsx", "jsonl")), help="What the files are.")
@click.option("--encoding", help="Such as utf-8, windows-1250 or windows-1251.")
@click.option("--delimiter", help="Column separator: , ; | or tab.")
@click.option("--sheet", help="The sheet of a workbook.")
@click.option(
    "--header-row",
    type=click.IntRange(1, MOST_LINES),
    metavar="N",
    help="The line of the header, as a text editor or a spreadsheet numbers it; found unless given.",
)
@click.option("--decimal", type=click.Choice((".", ",")), help="Decimal separator.")
@click.option("--dates", type=click.Choice(("dmy", "mdy")), help="What comes first in 01/02/2024.")
@click.option("--skip-rejected", is_flag=True, help="Take the other rows where some break a rule.")
@click.option("--despite-overlap", is_flag=True, help="Add payments of days or years that have some already.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where rejected rows are listed; beside the ledger unless given.",
)
@setting_options("currency", "timezone")
@json_option
def import_(
    *,
    files: tuple[Path, ...],
    into: str,
    mappings: tuple[str, ...],
    map_file: Path | None,
    states: tuple[str, ...],
    kind: Literal["csv", "tsv", "xlsx", "jsonl"] | None,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
    header_row: int | None,
    decimal: Literal[".", ","] | None,
    dates: Literal["dmy", "mdy"] | None,
    skip_rejected: bool,
    despite_overlap: bool,
    dry_run: bool,
    rejects: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Add the payments and customers of FILEs to a ledger: CSV, TSV, XLSX or JSON Lines.

    Order exports of Shopify and WooCommerce are known by their columns, as are columns with the names of
    fields: user_id, email, name, age, birth_date, money_spent, date, year, order_id, currency, status,
    refunded, outstanding, cancelled_at. Others are named by --map, and item alone by that: it says that the
    lines of an order repeat its total. All rows are taken, or none.
    """
    settings = load_settings(options)
    mapped = (read_mapping(map_file) if map_file else {}) | parse_mapping(mappings)
    location = ledger_path(into)
    rejects_file = rejects or location.with_name(f"{location.name}.rejects.csv")
    _check_files(files)
    check_place(rejects_file, location, files)
    with progress("Reading") as tell:
        run = partial(
            import_files,
            files,
            location,
            Rules(
                currency=settings.currency,
                zone=settings.timezone,
                today=datetime.now(settings.timezone).date(),
                decimal=decimal,
                date_order=dates,
                states=parse_states(states),
            ),
            mapped=mapped,
            reading=Reading(encoding, delimiter, sheet, kind, header_row),
            skip_rejected=skip_rejected,
            despite_overlap=despite_overlap,
            dry_run=dry_run,
            progress=tell,
        )
        try:
            outcome = run()
        except CommandFailed as error:
            if not overtaken(error, files, location):
                raise
            outcome = run()
    if outcome.rejects and not dry_run:
        outcome.rejects_file = rejects_file
        write_rejects(outcome, rejects_file)
    elif outcome.written and is_rejects_file(rejects_file):
        rejects_file.unlink(missing_ok=True)  # of an earlier import
    if as_json:
        print_json(outcome.as_json())
    else:
        say(_text(outcome, location, settings.currency, dry_run=dry_run))
    if outcome.rejected and not skip_rejected:
        raise CommandFailed(
            f"{counted(outcome.rejected, 'row')} rejected; nothing {'would be' if dry_run else 'was'} "
            "written. Correct the file, or say --skip-rejected to take the other rows."
        )


def _check_files(files: tuple[Path, ...]) -> None:
    for path in files:
        if path.is_dir():
            raise CommandFailed(f"{path} is a folder; name the files in it. Nothing was written.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # said when it is opened


def _text(outcome: Outcome, location: Path, currency: str, *, dry_run: bool) -> str:
    lines = [line for file in outcome.files for line in _file_lines(file, currency, dry_run=dry_run)]
    if dry_run:
        lines += [
            f"  {row.file}, line {row.line}{row.column and f', {row.column}'}: {row.reason}"
            for row in outcome.rejects[:_REJECTS_SHOWN]
        ]
        if (more := outcome.rejected - _REJECTS_SHOWN) > 0:
            lines.append(f"  and {more:,} more")
    elif outcome.rejects_file:
        lines.append(f"Rejected rows are listed in {outcome.rejects_file}.")
    if all(file.already for file in outcome.files):
        return _in_lines([*lines, f"Nothing was added to {location}."])
    if outcome.written or (dry_run and not outcome.rejected):
        lines.append(_summary(outcome, location, currency, dry_run=dry_run))
    if outcome.states_unmet:
        lines.append(f"No row has a state that --state names: {', '.join(map(repr, outcome.states_unmet))}.")
    lines += _warnings(outcome, currency)
    return _in_lines(lines)


def _in_lines(lines: list[str]) -> str:
    """What files name (sheets, columns, states) begins no line of its own."""
    return "\n".join(map(shown, lines))


def _summary(outcome: Outcome, location: Path, currency: str, *, dry_run: bool) -> str:
    unnamed = f" ({outcome.customers_unnamed:,} without name, e-mail and age)" * bool(
        outcome.customers_unnamed
    )
    verb = "Would be added to" if dry_run else "Added to"
    return (
        f"{verb} {location}: {counted(outcome.payments, 'payment')} of {grouped(outcome.total)} {currency}, "
        f"{counted(outcome.customers_added, 'customer')}{unnamed}; "
        f"{counted(outcome.customers_updated, 'customer')} updated."
    )


def _file_lines(file: FileOutcome, currency: str, *, dry_run: bool) -> list[str]:
    if file.already:
        is_twin = file.already.startswith("another")
        why = f"is the same as {file.already}" if is_twin else f"was imported on {file.already}"
        rest = (
            " Rows of it were rejected then: put them into a file of their own. From the same file they are "
            "taken only with the column of order numbers that it was imported with, --map order_id=…."
        )
        return [f"{file.name}: {why}; nothing of it was added.{rest * file.in_part}"]
    how = ", ".join(filter(None, (file.kind.upper(), file.encoding, file.recognised)))
    lines = [f"{file.name}: {how}"]
    if file.in_part:
        lines.append("  imported before, but for rows that were rejected")
    lines += [f"  {found}" for found in file.found]
    lines.append("  " + ", ".join(f"{field} from {column!r}" for field, column in file.mapping.items()))
    if file.columns_missing:
        missing = ", ".join(map(repr, file.columns_missing))
        lines.append(f"  without {missing}: what these would say of an order is not known")
    if file.dates_unused:
        # Of no use afterwards: the same bytes add nothing.
        can_help = dry_run and not {"age", "birth_date"} & file.mapping.keys()
        hint = "; an age is taken from one by --map birth_date=…" if can_help else ""
        lines.append(f"  dates passed over: {', '.join(map(repr, file.dates_unused))}{hint}")
    lines.append(
        f"  {counted(file.rows, 'row')}: {counted(file.payments, 'payment')}, "
        f"{counted(file.customers_added, 'new customer')}, {file.customers_updated:,} updated, "
        f"{file.rejected:,} rejected"
    )
    lines += [
        f"  left out: {count:,} {reason}{_in_money(file.left_out_orders.get(reason), currency)}"
        for reason, count in sorted(file.left_out.items())
    ]
    if file.ages_unknown:
        lines.append(
            f"  {counted(file.ages_unknown, 'row')} of unknown age: "
            "the age or date of birth stands for none, has no year or is implausible"
        )
    if file.unknown_state_orders:
        words = ", ".join(
            f"{word!r} ({orders.orders:,}{_in_money(orders, currency)})"
            for word, orders in sorted(file.unknown_state_orders.items(), key=lambda found: -found[1].orders)
        )
        lines.append(f"  unknown states: {words}; say what each means by --state WORD=paid|unpaid|…")
    return lines


def _in_money(orders: Orders | None, currency: str) -> str:
    if orders is None:
        return ""
    known = f": {grouped(orders.amount)} {currency}" if orders.orders > orders.unknown else ""
    return known + (f" ({orders.unknown:,} of unknown amount)" if orders.unknown else "")


_CHANGED = {
    "cancelled": "cancelled",
    "refunded": "refunded in full",
    "partly_paid": "not paid in full",
    "test": "a test order",
    "amount": "with another amount",
    "year": "in another year",
    "customer": "of another customer",
    "unpaid": "no longer paid",
}


def _warnings(outcome: Outcome, currency: str) -> list[str]:
    """What figures are not as the files say, in money."""
    lines = []
    if (nobody := outcome.left_out.get("no_customer")) is not None:
        lines.append(
            f"Without a customer: {counted(nobody.orders, 'order')} of {grouped(nobody.amount)} {currency}. "
            f"{'It has' if nobody.orders == 1 else 'They have'} no e-mail address, and so no customer: "
            "no total and no average has this money."
        )
    if (changed := outcome.changed_in_all).orders:
        lines.append(f"Changed since they were counted: {counted(changed.orders, 'order')}.")
        lines += [
            f"  {orders.orders:,} {_CHANGED[reason]}{_difference(orders, currency)}"
            for reason, orders in outcome.changed.items()
        ]
        much = "too much" if changed.cents < 0 else "too little"
        off = f": {grouped(changed.size)} {currency} {much} in all" if changed.cents else ""
        lines.append(
            f"The ledger still counts {'it as it was' if changed.orders == 1 else 'them as they were'}{off}. "
            "Somebody who qualifies for a bonus by the shop's data may not."
        )
    return lines


def _difference(orders: Orders, currency: str) -> str:
    """What the ledger would gain or lose."""
    sign = "+" if orders.cents > 0 else ""
    known = f": {sign}{grouped(orders.amount)} {currency}" if orders.cents else ""
    return known + (f" ({orders.unknown:,} by an unknown amount)" if orders.unknown else "")
