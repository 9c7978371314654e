"""Figures are shown before they are decided on; at a terminal somebody is asked, and a script is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from smetka.cli.speech import Speech
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed


def yes_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--yes`."""
    return click.option(
        "--yes", is_flag=True, help="Do not ask, at a terminal; without one nobody is asked anyway."
    )(command)


def is_at_a_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty()


def confirm(figures: str, said: Speech, *, yes: bool) -> None:
    """Show what is about to be decided on, and at a terminal ask whether to go on.

    Raises:
        CommandFailed: the answer was no.
    """
    say(figures, err=True)
    if yes or not is_at_a_terminal():
        return
    if not click.confirm(said.gettext("Go on?"), err=True):
        raise CommandFailed(said.gettext("Nothing was changed."))
