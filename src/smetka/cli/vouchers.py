"""`smetka voucher` and `smetka audit`: single vouchers, and who did what."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from smetka.bonus import vouchers
from smetka.bonus.audit import TERMINAL, Audit
from smetka.bonus.codes import read_code
from smetka.bonus.redemptions import MOST_MINUTES, RESERVED_MINUTES, Order, Redemptions
from smetka.bonus.vouchers import Action
from smetka.canonical import LARGEST_ID
from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.money import Money, grouped
from smetka.settings import load_settings

_SHOWN = 50

_code_argument = click.argument("code")
_reference_option = click.option("--reference", help="The shop's own name for the order.")
_user_option = click.option(
    "--user-id", type=click.IntRange(1, LARGEST_ID), help="Refused when it is another customer's."
)
_key_option = click.option("--key", help="The same at each repetition: what was done is answered as then.")


@click.group()
def voucher() -> None:
    """One voucher: what it is worth and in which state, redeeming and undoing.

    Case, spaces and dashes of a code do not matter.
    """


@voucher.command()
@_code_argument
@setting_options("data_dir")
@json_option
def show(*, code: str, as_json: bool, **options: Any) -> None:
    """A voucher with its history."""
    with open_storage(load_settings(options), "voucher") as storage:
        found = vouchers.find(storage, read_code(code))
    shown = found.as_json(_now(), with_names=True)
    if as_json:
        print_json(shown)
        return
    click.echo(f"{found.code}: {shown['status']}, {grouped(found.value)} {found.currency}")
    click.echo(f"Customer {found.user_id}, campaign {found.campaign}")
    click.echo(f"Valid from {found.first_day} to {found.last_day} ({found.timezone})")
    events = [
        (event["at"], event["action"], event.get("by", ""), event["reference"] or event["reason"] or "")
        for event in shown["history"]
    ]
    click.echo(table(events))


@voucher.command()
@_code_argument
@_reference_option
@_user_option
@_key_option
@setting_options("data_dir")
@json_option
def redeem(*, code: str, as_json: bool, data_dir: str | None, **asked: Any) -> None:
    """Redeem a voucher; the first one wins."""
    _carry_out("redeem", code, asked, data_dir, as_json=as_json)


@voucher.command()
@_code_argument
@_reference_option
@_user_option
@click.option(
    "--minutes",
    type=click.IntRange(1, MOST_MINUTES),
    default=RESERVED_MINUTES,
    show_default=True,
    help="How long nobody else may redeem it.",
)
@_key_option
@setting_options("data_dir")
@json_option
def reserve(*, code: str, as_json: bool, data_dir: str | None, **asked: Any) -> None:
    """Hold a voucher for a checkout."""
    _carry_out("reserve", code, asked, data_dir, as_json=as_json)


@voucher.command()
@_code_argument
@click.option("--reason", required=True, help="Why; stays in the voucher's history.")
@setting_options("data_dir")
@json_option
def void(*, code: str, as_json: bool, data_dir: str | None, **asked: Any) -> None:
    """Make a voucher void, for good."""
    _carry_out("void", code, asked, data_dir, as_json=as_json)


@voucher.command()
@_code_argument
@click.option("--reason", help="Why; stays in the voucher's history.")
@setting_options("data_dir")
@json_option
def reverse(*, code: str, as_json: bool, data_dir: str | None, **asked: Any) -> None:
    """Take a redemption back, or a reservation: the same code can be redeemed once again."""
    _carry_out("reverse", code, asked, data_dir, as_json=as_json)


@click.command()
@click.option("--code", help="Only about this voucher.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=_SHOWN, show_default=True)
@setting_options("data_dir")
@json_option
def audit(*, code: str | None, limit: int, as_json: bool, **options: Any) -> None:
    """Who did what about campaigns, vouchers and bonus customers, the newest first."""
    with open_storage(load_settings(options), "audit") as storage:
        entries = [
            entry.as_json()
            for entry in Audit(storage, now=_now).page(limit, code=read_code(code) if code else None)
        ]
    if as_json:
        print_json(entries)
    elif not entries:
        click.echo("Nobody has done anything yet.", err=True)
    else:
        click.echo(table([("at", "by", "action", "about", "happened"), *map(_row, entries)]))


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    about = (
        entry["campaign"],
        entry["code"],
        entry["year"],
        entry["user_id"],
        entry["reference"],
        entry["reason"],
    )
    happened = {True: "yes", False: "no", None: ""}[entry["happened"]]
    return entry["at"], entry["by"], entry["action"], " ".join(str(each) for each in about if each), happened


def _carry_out(
    action: Action, code: str, asked: dict[str, Any], data_dir: str | None, *, as_json: bool
) -> None:
    known = read_code(code)
    with open_storage(load_settings({"data_dir": data_dir}), "voucher") as storage:
        redemptions = Redemptions(storage, Audit(storage, now=_now), now=_now)
        answer = redemptions.carry_out(known, Order(action, TERMINAL, **asked))
    if as_json:
        print_json(answer)
    else:
        value = Money.from_decimal(Decimal(answer["value"]))
        click.echo(
            f"{answer['code']} is {answer['status']}: {grouped(value)} {answer['currency']}, "
            f"customer {answer['user_id']}."
        )


def _now() -> datetime:
    return datetime.now(UTC)
