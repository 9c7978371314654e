"""`smetka ledger copy`: a ledger into another database."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import click

from smetka.cli.options import counted, json_option, print_json, setting_options
from smetka.cli.progress import progress
from smetka.cli.terminal import say
from smetka.core.money import grouped
from smetka.core.progress import Count
from smetka.ledger.copying.copy import Copy
from smetka.ledger.copying.differences import Sums
from smetka.settings import load_settings, read_secret, refuse_password


@click.command()
@click.argument("source")
@click.argument("target")
@setting_options("currency")
@json_option
def copy(source: str, target: str, currency: str | None, as_json: bool) -> None:
    """Copy the ledger at SOURCE into an empty database at TARGET, and verify it.

    Each is the path of a SQLite file or a URL: sqlite:///, postgresql+psycopg://, clickhousedb://; @FILE
    names a file that holds it, as a URL with a password must be given. SOURCE is only read. When anything
    ends the copy, the same command goes on where it stopped.

    Answers about the copy are those about SOURCE, to the cent. What does not count there, such as an
    amount that is no number, is empty in the copy.
    """
    settings = load_settings({"currency": currency})
    with closing(Copy(_location("SOURCE", source), _location("TARGET", target))) as copying:
        begun = copying.begin()
        shown = dict(zip(("source", "target"), copying.shown, strict=True))
        if begun.is_finished:
            if as_json:
                print_json({**shown, "customers": begun.customers, "payments": begun.payments, "rows": 0})
            else:
                say(f"{shown['target']} is a copy of {shown['source']} already; nothing was changed.")
            return
        if not as_json:
            resumed = f", {begun.done_rows:,} rows of which are there already" if begun.done_rows else ""
            say(
                f"Copying {shown['source']} to {shown['target']}: "
                f"about {counted(begun.customers, 'customer')} and "
                f"{counted(begun.payments, 'payment')}{resumed}."
            )
        start = time.monotonic()
        with progress("Copying") as tell:
            advance = Count(tell, of=begun.customers + begun.payments)
            advance(begun.done_rows)
            copied_rows = copying.carry_out(advance)
        seconds = time.monotonic() - start
        copied = copying.verify()
    if as_json:
        print_json({**shown, **_members(copied), "rows": copied_rows, "seconds": round(seconds, 2)})
    else:
        say(
            f"Copied {counted(copied_rows, 'row')} in {seconds:.1f} s, "
            f"{int(copied_rows / max(seconds, 0.001)):,} a second."
        )
        say(_verified(copied, settings.currency))


def _location(name: str, argument: str) -> str:
    if argument.startswith("@"):
        return read_secret(name, argument[1:])
    refuse_password(argument, name, "put the URL into a file and write @FILE in its place")
    return argument


def _members(copied: Sums) -> dict[str, Any]:
    return {
        "customers": copied.customers,
        "payments": copied.payments,
        "ignored_payments": copied.ignored,
        "orphan_payments": copied.orphans,
        "total": copied.total.number,
    }


def _verified(copied: Sums, currency: str) -> str:
    return (
        f"Verified: {counted(copied.customers, 'customer')}, {counted(copied.payments, 'payment')}; "
        f"{grouped(copied.total)} {currency} by customers of every age and in every year is the same.\n"
        f"{copied.ignored:,} without a usable amount and {copied.orphans:,} of nobody were copied, too."
    )
