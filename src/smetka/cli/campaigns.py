"""`smetka campaign`: vouchers for a year's spending, planned, issued and handed out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import click

from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.figures import CampaignFigures
from smetka.bonus.issuing import Confirmed
from smetka.bonus.preview import comes_to
from smetka.bonus.preview import preview as preview_of
from smetka.bonus.rules import Rules, Tier
from smetka.cli.campaign_files import export, print_vouchers
from smetka.cli.campaign_texts import figures_text, preview_text
from smetka.cli.confirming import confirm, is_at_a_terminal, yes_option
from smetka.cli.kinds import AMOUNT, DAY, TIER
from smetka.cli.options import json_option, print_json, quiet_option, setting_options, table
from smetka.cli.progress import progress
from smetka.cli.records import open_storage
from smetka.cli.speech import Speech, head
from smetka.cli.terminal import say
from smetka.core.canonical import LATEST_YEAR
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.settings import Language, Settings, load_settings, named_ledger
from smetka.shop.year_end import issue_and_tell
from smetka.storage import Storage
from smetka.telegram.outbox import Outbox

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
@setting_options("data_dir", "timezone", "currency", "bonus_threshold", "language")
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
    said = Speech(settings.language)
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
        late = said.gettext(
            "Its vouchers are not valid any more: the last day was {day}.", day=said.day(valid_until)
        )
        say(late, err=True)
    if as_json:
        print_json(created.as_json())
    else:
        made = said.gettext("Campaign {name} is made.", name=name)
        there = said.gettext("Campaign {name} is there already, with the same rules.", name=name)
        say(made if is_new else there)
        say(said.gettext("See what it would do: smetka campaign preview {name}", name=name))


@campaign.command("list")
@setting_options("data_dir", "language")
@json_option
def list_(*, as_json: bool, **options: Any) -> None:
    """All campaigns, the newest first."""
    settings = load_settings(options)
    said = Speech(settings.language)
    _ = said.gettext
    with open_storage(settings, "campaign") as storage:
        found = Campaigns(storage, now=_now).all()
    if as_json:
        print_json([each.as_json() for each in found])
    elif not found:
        say(_("There is no campaign yet."), err=True)
    else:
        rows = [
            (
                each.name,
                str(each.rules.year),
                said.money(each.rules.threshold, each.currency),
                said.money(each.rules.voucher_value, each.currency),
                _(
                    "{first} to {last}",
                    first=said.day(each.rules.first_day),
                    last=said.day(each.rules.last_day),
                ),
                str(each.number),
            )
            for each in found
        ]
        names = head(_("Name"), _("Year"), _("Threshold"), _("Voucher"), _("Valid"), _("issues"))
        say(table([names, *rows], right=frozenset({2, 3, 5})))


@campaign.command()
@_name_argument
@setting_options("ledger", "data_dir", "age_groups", "language")
@json_option
def preview(*, name: str, as_json: bool, **options: Any) -> None:
    """Who would get a voucher now, what it costs and what to look at first. Writes nothing."""
    settings = load_settings(options)
    with _ledger_and_storage(settings) as (ledger, storage):
        found = _preview(name, ledger, storage, settings, "en" if as_json else settings.language)
    if as_json:
        print_json(found)
    else:
        say(preview_text(found, Speech(settings.language)))


@campaign.command()
@_name_argument
@click.option(
    "--customers-reached",
    type=click.IntRange(0),
    help="As the preview told it: refused when it is another by now; nobody is asked.",
)
@click.option("--cost-within-budget", type=AMOUNT, help="The same of the cost.")
@yes_option
@setting_options("ledger", "data_dir", "age_groups", "language")
@quiet_option
@json_option
def issue(
    *,
    name: str,
    customers_reached: int | None,
    cost_within_budget: Money | None,
    yes: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Issue a voucher to everybody who is due one. Safe to repeat and to interrupt; tells Telegram."""
    settings = load_settings(options)
    said = Speech(settings.language)
    confirmed = Confirmed(customers_reached, cost_within_budget)
    with _ledger_and_storage(settings) as (ledger, storage):
        if confirmed == Confirmed() and not yes and is_at_a_terminal():
            confirmed = _confirmed(name, ledger, storage, settings)
        with progress(said.gettext("Vouchers"), quiet=quiet) as tell:
            issued = issue_and_tell(
                name,
                TERMINAL,
                ledger=ledger,
                storage=storage,
                outbox=Outbox(storage, now=_now),
                chats=settings.recipients,
                now=_now,
                confirmed=confirmed,
                progress=tell,
            )
    if quiet and not issued.left_out:
        return
    if as_json:
        print_json(issued.as_json())
        return
    done = said.ngettext(
        "{count} new voucher, worth {cost} together.",
        "{count} new vouchers, worth {cost} together.",
        issued.vouchers,
        cost=said.money(issued.cost, issued.campaign.currency),
    )
    if not quiet:
        say(done)
    if issued.left_out:
        customers = said.customers(issued.left_out)
        left_out = said.gettext("{customers} due and left out by the campaign's limits.", customers=customers)
        say(left_out)


@campaign.command()
@_name_argument
@setting_options("ledger", "data_dir", "age_groups", "language")
@json_option
def show(*, name: str, as_json: bool, **options: Any) -> None:
    """A campaign, and what became of its vouchers: by state, day and age group."""
    settings = load_settings(options)
    with _ledger_and_storage(settings) as (ledger, storage):
        figures = CampaignFigures(ledger.spending_by_customer, storage, groups=settings.age_groups, now=_now)
        found = figures.of(Campaigns(storage, now=_now).get(name))
    if as_json:
        print_json(found)
    else:
        say(figures_text(found, Speech(settings.language)))


def _preview(
    name: str, ledger: Ledger, storage: Storage, settings: Settings, language: Language
) -> dict[str, Any]:
    with progress(Speech(settings.language).gettext("Looked at")) as tell:
        return preview_of(
            Campaigns(storage, now=_now).get(name),
            ledger,
            storage,
            groups=settings.age_groups,
            now=_now(),
            language=language,
            progress=tell,
        )


def _confirmed(name: str, ledger: Ledger, storage: Storage, settings: Settings) -> Confirmed:
    """The figures that somebody at the terminal has seen and said yes to."""
    said = Speech(settings.language)
    found = _preview(name, ledger, storage, settings, settings.language)
    confirm(preview_text(found, said), said, yes=False)
    return Confirmed(*comes_to(found))


@contextmanager
def _ledger_and_storage(settings: Any) -> Iterator[tuple[Ledger, Storage]]:
    with closing(Ledger(named_ledger(settings))) as ledger, open_storage(settings, "campaign") as storage:
        yield ledger, storage


campaign.add_command(export)
campaign.add_command(print_vouchers)


def _now() -> datetime:
    return datetime.now(UTC)
