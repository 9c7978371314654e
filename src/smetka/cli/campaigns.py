"""`smetka campaign`: vouchers for a year's spending, planned, issued and handed out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import click

from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.figures import campaign_figures
from smetka.bonus.preview import preview as preview_of
from smetka.bonus.rules import Rules, Tier
from smetka.canonical import LATEST_YEAR
from smetka.cli.campaign_files import export, print_vouchers
from smetka.cli.campaign_texts import figures_text, preview_text
from smetka.cli.kinds import AMOUNT, DAY, TIER
from smetka.cli.options import counted, json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.ledger import Ledger
from smetka.money import Money, grouped
from smetka.settings import load_settings, named_ledger
from smetka.storage import Storage
from smetka.telegram.outbox import Outbox
from smetka.year_end import issue_and_tell

_name_argument = click.argument("name")


@click.group()
def campaign() -> None:
    """Campaigns: who gets which voucher for a year's spending, and until when."""


@campaign.command()
@_name_argument
@click.option("--year", type=click.IntRange(1, LATEST_YEAR), required=True, help="Whose spending counts.")
@click.option("--threshold", type=AMOUNT, help="A total must exceed it; the setting's unless given.")
@click.option("--voucher-value", type=AMOUNT, required=True, help="What a voucher is worth.")
@click.option("--valid-from", type=DAY, help="The first day; today unless given.")
@click.option("--valid-until", type=DAY, required=True, help="The last day, until its end.")
@click.option("--budget", type=AMOUNT, help="What all vouchers may be worth together.")
@click.option("--most-vouchers", type=click.IntRange(1), help="How many there may be.")
@click.option(
    "--tier",
    "tiers",
    type=TIER,
    multiple=True,
    help="A voucher of this value for totals exceeding this; the highest wins. May be repeated.",
)
@setting_options("data_dir", "timezone", "currency", "bonus_threshold")
@json_option
def create(
    *,
    name: str,
    year: int,
    threshold: Money | None,
    voucher_value: Money,
    valid_from: date | None,
    valid_until: date,
    budget: Money | None,
    most_vouchers: int | None,
    tiers: tuple[Tier, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Set a campaign's rules, which never change. Issues nothing; safe to repeat."""
    settings = load_settings(options)
    rules = Rules(
        name=name,
        year=year,
        threshold=settings.bonus_threshold if threshold is None else threshold,
        voucher_value=voucher_value,
        first_day=valid_from or min(_now().astimezone(settings.timezone).date(), valid_until),
        last_day=valid_until,
        tiers=tiers,
        budget=budget,
        most_vouchers=most_vouchers,
    )
    rules.check()
    with open_storage(settings, "campaign") as storage:
        Audit(storage, now=_now).note("create-campaign", TERMINAL, campaign=name)
        created, is_new = Campaigns(storage, now=_now).create(
            rules,
            timezone=str(settings.timezone),
            currency=settings.currency,
            any_first_day=valid_from is None,
        )
    if _now() >= created.expires_at:
        click.echo(f"Its vouchers are not valid any more: the last day was {valid_until}.", err=True)
    if as_json:
        print_json(created.as_json())
    else:
        click.echo(f"Campaign {name} is {'made' if is_new else 'there already, with the same rules'}.")
        click.echo(f"See what it would do: smetka campaign preview {name}")


@campaign.command("list")
@setting_options("data_dir")
@json_option
def list_(*, as_json: bool, **options: Any) -> None:
    """All campaigns, the newest first."""
    with open_storage(load_settings(options), "campaign") as storage:
        found = Campaigns(storage, now=_now).all()
    if as_json:
        print_json([each.as_json() for each in found])
    elif not found:
        click.echo("There is no campaign yet.", err=True)
    else:
        rows = [
            (
                each.name,
                str(each.rules.year),
                f"{grouped(each.rules.threshold)} {each.currency}",
                f"{grouped(each.rules.voucher_value)} {each.currency}",
                f"{each.rules.first_day} to {each.rules.last_day}",
                str(each.number),
            )
            for each in found
        ]
        head = ("name", "year", "threshold", "voucher", "valid", "issues")
        click.echo(table([head, *rows], right=frozenset({2, 3, 5})))


@campaign.command()
@_name_argument
@setting_options("ledger", "data_dir", "age_groups")
@json_option
def preview(*, name: str, as_json: bool, **options: Any) -> None:
    """Who would get a voucher now, what it costs and what to look at first. Writes nothing."""
    settings = load_settings(options)
    with _ledger_and_storage(settings) as (ledger, storage):
        found = preview_of(
            Campaigns(storage, now=_now).get(name),
            ledger,
            storage,
            groups=settings.age_groups,
            now=_now(),
        )
    if as_json:
        print_json(found)
    else:
        click.echo(preview_text(found))


@campaign.command()
@_name_argument
@setting_options("ledger", "data_dir")
@json_option
def issue(*, name: str, as_json: bool, **options: Any) -> None:
    """Issue a voucher to everybody who is due one. Safe to repeat and to interrupt; tells Telegram."""
    settings = load_settings(options)
    with (
        _ledger_and_storage(settings) as (ledger, storage),
        click.progressbar(length=1, label="Vouchers", file=sys.stderr) as bar,
    ):

        def progress(written: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(written - bar.pos)

        issued = issue_and_tell(
            name,
            TERMINAL,
            ledger=ledger,
            storage=storage,
            outbox=Outbox(storage, now=_now),
            chats=settings.recipients,
            now=_now,
            progress=progress,
        )
        bar.update((bar.length or 0) - bar.pos)
    if as_json:
        print_json(issued.as_json())
        return
    currency = issued.campaign.currency
    click.echo(
        f"{counted(issued.vouchers, 'new voucher')}, worth {grouped(issued.cost)} {currency} together."
    )
    if issued.left_out:
        click.echo(f"{counted(issued.left_out, 'customer')} due and left out by the campaign's limits.")


@campaign.command()
@_name_argument
@setting_options("ledger", "data_dir", "age_groups")
@json_option
def show(*, name: str, as_json: bool, **options: Any) -> None:
    """A campaign, and what became of its vouchers: by state, day and age group."""
    settings = load_settings(options)
    with _ledger_and_storage(settings) as (ledger, storage):
        found = campaign_figures(
            Campaigns(storage, now=_now).get(name),
            ledger,
            storage,
            groups=settings.age_groups,
            now=_now(),
        )
    if as_json:
        print_json(found)
    else:
        click.echo(figures_text(found))


@contextmanager
def _ledger_and_storage(settings: Any) -> Iterator[tuple[Ledger, Storage]]:
    with closing(Ledger(named_ledger(settings))) as ledger, open_storage(settings, "campaign") as storage:
        yield ledger, storage


campaign.add_command(export)
campaign.add_command(print_vouchers)


def _now() -> datetime:
    return datetime.now(UTC)
