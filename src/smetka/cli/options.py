"""What commands have in common: options made from the settings, and answers as JSON or text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from smetka import exact_json
from smetka.settings import Settings, is_secret, variable

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


def print_json(value: Any) -> None:
    """Print an answer for programs: indented JSON, amounts exact."""
    click.echo(exact_json.dumps(value, indent=2))


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 payment``, ``1,200 payments``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Columns of text, each as wide as its widest cell; those in `right` aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
