"""`smetka ledger`: the shop's own data."""

from __future__ import annotations

import textwrap
from contextlib import closing
from datetime import datetime

import click

from smetka.cli.ledger_copy import copy
from smetka.cli.ledger_import import import_
from smetka.cli.options import exit_with_findings, json_option, print_json, setting_options, table
from smetka.cli.terminal import say
from smetka.core.money import grouped
from smetka.ledger import Ledger
from smetka.ledger.checkup import check_up
from smetka.ledger.report import CheckUp, Problem
from smetka.ledger.upkeep import INDEX, create_empty, create_index
from smetka.settings import load_settings, named_ledger
from smetka.settings.ledger_location import ledger_path

_WIDTH = 79
_MOST_YEARS = 20


@click.group()
def ledger() -> None:
    """The shop's data: what is wrong with it, bring it in, move it, the index it lacks."""


ledger.add_command(import_)
ledger.add_command(copy)


@ledger.command()
@setting_options("ledger", "age_groups", "currency", "timezone")
@json_option
def check(ledger: str | None, age_groups: str | None, currency: str, timezone: str, as_json: bool) -> None:
    """Say what is in the ledger, and everything odd about it. Changes nothing.

    The exit status is 3 when there are problems, and 0 when there is nothing or only what is good to know.
    """
    settings = load_settings(
        {"ledger": ledger, "age_groups": age_groups, "currency": currency, "timezone": timezone}
    )
    with closing(Ledger(named_ledger(settings))) as opened:
        found = check_up(opened, settings.age_groups, current_year=datetime.now(settings.timezone).year)
    problems = [problem for problem in found.problems if not problem.harmless]
    if as_json:
        print_json(found.as_json())
    else:
        say(_facts(found, settings.currency))
        say(_problems("Problems", problems))
        say(_problems("Good to know", [problem for problem in found.problems if problem.harmless]))
    if problems:
        exit_with_findings()


@ledger.command()
@click.argument("path")
def init(path: str) -> None:
    """Make an empty ledger at PATH, where nothing may be yet."""
    location = ledger_path(path)
    create_empty(location)
    say(f"{location} is an empty ledger with the tables user_info and user_spending.")


@ledger.command()
@click.argument("path", required=False)
@setting_options("ledger")
def index(path: str | None, ledger: str | None) -> None:
    """Make the index that answers questions about payments quickly.

    In the ledger at PATH, or the configured one. Other programs cannot write to it meanwhile.
    """
    location = ledger_path(path or named_ledger(load_settings({"ledger": ledger})))
    seconds = create_index(location)
    if seconds is None:
        say(f"{location} has such an index already; nothing was changed.")
    else:
        say(f"The index {INDEX} was made in {location} in {seconds:.2f} s.")


def _facts(found: CheckUp, currency: str) -> str:
    rows = [
        ("Customers", f"{found.customers:,}", f"{found.spenders:,} of them with a payment that counts"),
        ("Payments", f"{found.payments:,}", f"{found.counted_payments:,} of them count"),
        ("Customers' total", grouped(found.total), currency),
        ("Ages", _span(found.youngest, found.oldest), ""),
        ("Years", _span(min(found.years, default=None), max(found.years, default=None)), ""),
    ]
    years = [
        (f"  {year}", f"{count:,}", "payments") for year, count in list(found.years.items())[-_MOST_YEARS:]
    ]
    return table(rows + years, right=frozenset({1}))


def _span(first: int | None, last: int | None) -> str:
    if first is None:
        return "none"
    return str(first) if first == last else f"{first} to {last}"


def _problems(title: str, problems: list[Problem]) -> str:
    if not problems:
        return f"\n{title}: nothing."
    return "\n".join([f"\n{title}:", *(_problem(problem) for problem in problems)])


def _problem(problem: Problem) -> str:
    example = f", for example {problem.example}" if problem.example else ""
    head = f"{problem.kind}: {problem.count:,}{example}"
    return "\n".join(
        [
            textwrap.fill(head, _WIDTH, initial_indent="  ", subsequent_indent="    "),
            textwrap.fill(problem.meaning, _WIDTH, initial_indent="      ", subsequent_indent="      "),
        ]
    )
