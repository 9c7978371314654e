"""What commands print: the one way to the terminal, on which nothing hidden passes."""

from __future__ import annotations

import click

from smetka.core.shown_text import shown


def say(text: str, *, err: bool = False, newline: bool = True) -> None:
    """Print lines to stdout, or to stderr: no value in them can move the cursor or turn the writing round."""
    click.echo(shown(text, lines=True), err=err, nl=newline)
