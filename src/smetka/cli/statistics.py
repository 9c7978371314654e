"""`smetka total` and `smetka averages`: the two statistics in the terminal."""

from __future__ import annotations

from contextlib import closing
from typing import get_args

import click

from smetka.cli.options import counted, json_option, print_json, setting_options, table
from smetka.ledger import Ledger
from smetka.money import Money, grouped
from smetka.settings import Basis, Settings, load_settings, named_ledger
from smetka.spending.averages import average_by_age_group

_year_option = click.option(
    "--year", type=click.IntRange(1, 9999), help="Only payments of this year; all years unless given."
)


@click.command()
@click.argument("user_id", type=click.IntRange(1, 2**63 - 1))
@_year_option
@setting_options("ledger", "currency")
@json_option
def total(user_id: int, year: int | None, ledger: str, currency: str, as_json: bool) -> None:
    """What one customer spent."""
    settings = load_settings({"ledger": ledger, "currency": currency})
    with closing(_open(settings)) as opened:
        spent = opened.total_spent(user_id, year)
    if as_json:
        print_json(
            {
                "user_id": user_id,
                "total_spending": spent.total.number,
                "payments": spent.payments,
                "year": year,
                "currency": settings.currency,
            }
        )
        return
    period = f"in {year}" if year else "in all years"
    amount, payments = grouped(spent.total), counted(spent.payments, "payment")
    click.echo(f"Customer {user_id} spent {amount} {settings.currency} {period} ({payments}).")


@click.command()
@_year_option
@click.option("--basis", type=click.Choice(get_args(Basis)), help="What the headline average is per.")
@setting_options("ledger", "currency", "age_groups")
@json_option
def averages(*, year: int | None, basis: Basis | None, as_json: bool, **options: str | None) -> None:
    """Which age groups spend what. Nothing is sent to Telegram."""
    settings = load_settings(options)
    with closing(_open(settings)) as opened:
        answer = average_by_age_group(opened, settings.age_groups, year).as_json(
            basis=basis or settings.average_basis, currency=settings.currency
        )
    if as_json:
        print_json(answer)
        return
    names = {"spender": "paying customer", "payment": "payment", "customer": "customer"}
    period = f"in {year}" if year else "in all years"
    click.echo(f"Average spending {period} per {names[answer['basis']]}, {settings.currency}:\n")
    rows = [("age", "average", "customers", "paying", "payments", "total")]
    rows += [
        (
            group["age_group"],
            _amount(group[f"average_per_{answer['basis']}"]),
            f"{group['customers']:,}",
            f"{group['spenders']:,}",
            f"{group['payments']:,}",
            _amount(group["total_spending"]),
        )
        for group in answer["age_groups"]
    ]
    click.echo(table(rows, right=frozenset(range(1, 6))))
    outside, quality = answer["outside"], answer["data_quality"]
    if outside["customers"]:
        total = _amount(outside["total_spending"])
        click.echo(f"\nIn no group: {counted(outside['customers'], 'customer')}, {total} in total.")
    if any(quality.values()):
        click.echo(
            f"Left out: {counted(quality['ignored_payments'], 'payment')} without a usable amount, "
            f"{quality['orphan_payments']:,} of unknown customers.\n`smetka ledger check` says more."
        )


def _open(settings: Settings) -> Ledger:
    return Ledger(named_ledger(settings))


def _amount(number: object) -> str:
    return "-" if number is None else grouped(Money.parse(str(number)))
