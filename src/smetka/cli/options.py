"""What commands have in common: options made from the settings, and answers as JSON or text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn, TypeVar

import click

from smetka.cli.kinds import OUTPUT
from smetka.cli.terminal import say
from smetka.core import exact_json
from smetka.core.shown_text import shown
from smetka.files.spreadsheets import STDOUT, Output
from smetka.settings import Settings, is_secret, variable

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def setting_options(*fields: str) -> Callable[[Command], Command]:
    """Add an option for each of the settings named. Secrets have none: arguments are seen by all."""

    def decorate(command: Command) -> Command:
        for field in reversed(fields):
            assert not is_secret(field)
            help_text = f"{Settings.model_fields[field].description} [{variable(field)}]"
            option = click.option(
                f"--{field.replace('_', '-')}", field, default=None, metavar="VALUE", help=help_text
            )
            command = option(command)
        return command

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
quiet_option = click.option(
    "--quiet", is_flag=True, help="Print nothing unless there is something to look at, as cron wants it."
)
output_option = click.option(
    "--output", type=OUTPUT, required=True, metavar="FILE", help="The file to write; - is stdout."
)
excel_option = click.option(
    "--excel",
    is_flag=True,
    help="As the language's Excel opens it by itself: with a byte order mark; en: commas, decimal points; "
    "mk: semicolons, decimal commas.",
)

FINDINGS = 3
"""The exit status of a command that did its work and found something to look at."""


_BLOCK = 500


def exit_with_findings() -> NoReturn:
    """End the command with the status `FINDINGS`, after everything was said."""
    click.get_current_context().exit(FINDINGS)


def say_written(number: int, noun: str, output: Output) -> None:
    """Say how many were written where; on stderr, when stdout is where."""
    to_stdout = output == STDOUT
    say(f"{counted(number, noun)} written to {'stdout' if to_stdout else output}.", err=to_stdout)


def print_json(value: Any) -> None:
    """Print an answer for programs: indented JSON, amounts exact."""
    say(exact_json.dumps(value, indent=2))


def print_json_list(values: Iterable[Any]) -> None:
    """Print a list as `print_json` does, as it comes: what fails on the way leaves it without its end."""
    begin = "["
    for some in _blocks(values):
        # Of each list but the brackets.
        say(f"{begin}\n{exact_json.dumps(some, indent=2)[2:-2]}", newline=False)
        begin = ","
    say("[]" if begin == "[" else "\n]")


def print_table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Print what `table` makes, as it comes: where longer cells come later, columns widen from there.

    Whoever has seen enough of it, as `head` has, may close it: that is no error.
    """
    widths: list[int] = []
    try:
        for some in _blocks(rows):
            say(_lines(some, widths, right))
    except BrokenPipeError:
        # What is still in the buffer is written at the end, where nobody could be told of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 payment``, ``1,200 payments``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Columns of text, each as wide as its widest cell; those in `right` aligned to the right."""
    return _lines(rows, [], right)


def _lines(rows: Sequence[Sequence[str]], widths: list[int], right: frozenset[int]) -> str:
    """Rows as lines; columns are as wide as `widths` says at least, which is told of wider ones."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths[:] = [
        max(*(len(row[column]) for row in rows), *widths[column : column + 1], 0)
        for column in range(len(rows[0]))
    ]
    lines = (
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _blocks(values: Iterable[T]) -> Iterator[list[T]]:
    """Some at a time: more than stand on a screen, and few to hold."""
    values = iter(values)
    while some := list(islice(values, _BLOCK)):
        yield some
