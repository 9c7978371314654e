"""`smetka campaign export` and `print`: vouchers to hand out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import click

from smetka.bonus import printing, vouchers
from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.exports import PERSONAL_COLUMNS, VOUCHER_COLUMNS, voucher_cell
from smetka.bonus.vouchers import STATUSES, Voucher
from smetka.cli.options import excel_option, output_option, say_written, setting_options
from smetka.cli.people import people
from smetka.cli.progress import progress
from smetka.cli.records import open_storage
from smetka.cli.speech import Speech
from smetka.core.errors import WrongUsage
from smetka.core.progress import Count, Progress
from smetka.files.spreadsheets import STDOUT, Output, appearing, write_csv
from smetka.settings import Settings, load_settings
from smetka.storage import Storage

_name_argument = click.argument("name")
_status_option = click.option(
    "--status", type=click.Choice(STATUSES), multiple=True, help="Only these; may be repeated."
)


@click.command()
@_name_argument
@output_option
@_status_option
@click.option(
    "--columns",
    help=f"Comma-separated, of {', '.join((*VOUCHER_COLUMNS, *PERSONAL_COLUMNS))}; "
    "all but the last two unless given.",
)
@click.option("--names", is_flag=True, help="With names and e-mails, from the ledger as it is now.")
@excel_option
@setting_options("ledger", "data_dir", "language")
def export(
    *,
    name: str,
    output: Output,
    status: tuple[str, ...],
    columns: str | None,
    names: bool,
    excel: bool,
    **options: Any,
) -> None:
    """Write a campaign's vouchers with their codes to a CSV file."""
    settings = load_settings(options)
    chosen = _chosen(columns, names=names)
    with_people = not set(PERSONAL_COLUMNS).isdisjoint(chosen)
    with (
        open_storage(settings, "campaign") as storage,
        people(settings) if with_people else nullcontext() as person_of,
        progress(_label(settings), beside_stdout=output == STDOUT) as tell,
    ):
        found = _vouchers(storage, name, status, tell)
        Audit(storage, now=_now).note("export", TERMINAL, campaign=name)

        now = _now()

        def cell(column: str, voucher: Voucher) -> Any:
            if column in PERSONAL_COLUMNS:
                assert person_of is not None
                return getattr(person_of(voucher.user_id), column)
            return voucher_cell(column, voucher, now)

        rows = ([cell(column, voucher) for column in chosen] for voucher in found)
        written = write_csv(output, chosen, rows, excel=excel, language=settings.language)
    say_written(written, "voucher", output)


@click.command("print")
@_name_argument
@output_option
@_status_option
@click.option("--per-page", type=click.Choice(("1", "8")), default="8", show_default=True)
@setting_options("ledger", "data_dir", "language")
def print_vouchers(
    *, name: str, output: Output, status: tuple[str, ...], per_page: str, **options: Any
) -> None:
    """Write vouchers to print, with names and QR codes, to a PDF; those that can be redeemed unless told."""
    settings = load_settings(options)
    status = status or ("issued",)
    with (
        open_storage(settings, "campaign") as storage,
        people(settings) as person_of,
        progress(_label(settings), beside_stdout=output == STDOUT) as tell,
    ):
        found = Campaigns(storage, now=_now).get(name)
        Audit(storage, now=_now).note("print", TERMINAL, campaign=name)
        printed = (
            printing.PrintedVoucher(
                voucher.code,
                voucher.value,
                person_of(voucher.user_id).name,
                voucher.first_day,
                voucher.last_day,
            )
            for voucher in _vouchers(storage, name, status, tell)
        )
        with appearing(output) as file:
            written = printing.print_vouchers(
                file,
                printed,
                campaign=name,
                currency=found.currency,
                timezone=found.timezone,
                language=settings.language,
                per_page=1 if per_page == "1" else 8,
            )
    say_written(written, "voucher", output)


def _chosen(columns: str | None, *, names: bool) -> tuple[str, ...]:
    known = (*VOUCHER_COLUMNS, *PERSONAL_COLUMNS)
    chosen = tuple(each.strip() for each in columns.split(",")) if columns else VOUCHER_COLUMNS
    for column in chosen:
        if column not in known:
            raise WrongUsage(f"There is no column {column!r}; columns are {', '.join(known)}.")
    return tuple(dict.fromkeys((*chosen, *(PERSONAL_COLUMNS if names else ()))))


def _label(settings: Settings) -> str:
    return Speech(settings.language).gettext("Vouchers")


def _vouchers(storage: Storage, name: str, status: tuple[str, ...], tell: Progress) -> Iterator[Voucher]:
    campaign, now = Campaigns(storage, now=_now).get(name), _now()
    # Of an earlier issue it is not kept how many it wrote.
    of = campaign.issue.vouchers if campaign.issue and campaign.number == 1 else 0
    return (
        voucher
        for voucher in Count(tell, of).over(vouchers.of_campaign(storage, name))
        if not status or voucher.status_at(now) in status
    )


def _now() -> datetime:
    return datetime.now(UTC)
