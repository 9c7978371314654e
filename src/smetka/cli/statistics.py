"""`smetka total` and `smetka averages`: the two statistics in the terminal."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from textwrap import wrap
from typing import Any, get_args

import click

from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.speech import Speech, head
from smetka.cli.terminal import say
from smetka.core.periods import OpenYear, open_year
from smetka.language.words import CATALOGUES
from smetka.ledger import Ledger
from smetka.settings import Basis, Settings, load_settings, named_ledger
from smetka.spending.averages import average_by_age_group

_WIDTH = 80
"""Columns of a terminal."""

_year_option = click.option(
    "--year", type=click.IntRange(1, 9999), help="Only payments of this year; all years unless given."
)


@click.command()
@click.argument("user_id", type=click.IntRange(1, 2**63 - 1))
@_year_option
@setting_options("ledger", "currency", "timezone", "language")
@json_option
def total(*, user_id: int, year: int | None, as_json: bool, **options: str | None) -> None:
    """What one customer spent."""
    settings = load_settings(options)
    with closing(_open(settings)) as opened:
        spent = opened.total_spent(user_id, year)
    period = _period(settings, year)
    if as_json:
        print_json(spent.as_json(year=year, currency=settings.currency, period=period))
        return
    said = Speech(settings.language)
    values = {
        "user_id": user_id,
        "amount": said.money(spent.total, settings.currency),
        "payments": said.payments(spent.payments),
    }
    if year:
        text = said.gettext("Customer {user_id} spent {amount} in {year} ({payments}).", year=year, **values)
    else:
        text = said.gettext("Customer {user_id} spent {amount} in all years ({payments}).", **values)
    say(text)
    for remark in _unfinished(period, said):
        say(remark, err=True)  # scripts read the sentence alone


@click.command()
@_year_option
@click.option("--basis", type=click.Choice(get_args(Basis)), help="What the headline average is per.")
@setting_options("ledger", "currency", "timezone", "age_groups", "language")
@json_option
def averages(*, year: int | None, basis: Basis | None, as_json: bool, **options: str | None) -> None:
    """Which age groups spend what. Nothing is sent to Telegram."""
    settings = load_settings(options)
    with closing(_open(settings)) as opened:
        answer = average_by_age_group(opened, settings.age_groups, year).as_json(
            basis=basis or settings.average_basis, currency=settings.currency, period=_period(settings, year)
        )
    if as_json:
        print_json(answer)
        return
    said = Speech(settings.language)
    say("\n".join([_averages_text(answer, said), *_unfinished(_period(settings, year), said)]))


def _averages_text(answer: dict[str, Any], said: Speech) -> str:
    """The averages as a table, and below it what is in none of its groups."""
    _, year, currency = said.gettext, answer["year"], said.currency(answer["currency"])
    names = {
        "spender": _("per paying customer"),
        "payment": _("per payment"),
        "customer": _("per customer"),
    }
    per = names[answer["basis"]]
    if year:
        title = _("Average spending in {year} {per}, {currency}:", year=year, per=per, currency=currency)
    else:
        title = _("Average spending in all years {per}, {currency}:", per=per, currency=currency)
    rows = [head(_("Age"), _("Average"), _("Median"), _("Customers"), _("Paying"), _("Payments"), _("Total"))]
    rows += [
        (
            group["age_group"],
            said.amount(group[f"average_per_{answer['basis']}"]),
            said.amount(group["median_per_spender"]),
            said.count(group["customers"]),
            said.count(group["spenders"]),
            said.count(group["payments"]),
            said.amount(group["total_spending"]),
        )
        for group in answer["age_groups"]
    ]
    words = CATALOGUES[said.language]
    lines = [
        title,
        "",
        table(rows, right=frozenset(range(1, 7))),
        "",
        *(line for remark in (words.median, *words.much_by_one(answer)) for line in wrap(remark, _WIDTH)),
    ]
    outside, quality = answer["outside"], answer["data_quality"]
    if outside["customers"]:
        customers, total = said.customers(outside["customers"]), said.amount(outside["total_spending"])
        lines += ["", _("In no group: {customers}, {total} in total.", customers=customers, total=total)]
    if any(quality.values()):
        ignored = said.ngettext(
            "%(shown)s payment without a usable amount",
            "%(shown)s payments without a usable amount",
            quality["ignored_payments"],
        )
        orphans = said.count(quality["orphan_payments"])
        lines += [
            _("Left out: {ignored}, {orphans} of unknown customers.", ignored=ignored, orphans=orphans),
            _("`smetka ledger check` says more."),
        ]
    return "\n".join(lines)


def _period(settings: Settings, year: int | None) -> OpenYear | None:
    return open_year(year, datetime.now(settings.timezone).date())


def _unfinished(period: OpenYear | None, said: Speech) -> list[str]:
    """That a year is not over, which figures of it must not be read without."""
    if period is None:
        return []
    return [said.gettext("{year} is not over yet: these are its figures so far.", year=period.first.year)]


def _open(settings: Settings) -> Ledger:
    return Ledger(named_ledger(settings))
