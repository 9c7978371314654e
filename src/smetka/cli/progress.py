"""How far a long command is: on stderr, where somebody looks at it. A script hears nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from smetka.core.progress import Progress, unseen


@contextmanager
def progress(label: str, *, quiet: bool = False, beside_stdout: bool = False) -> Iterator[Progress]:
    """Show how much of how much is done, as whatever gets this tells it.

    Args:
        quiet: nothing is to be shown, whoever looks.
        beside_stdout: the results are written meanwhile; where these are seen, they tell enough.
    """
    if quiet or not sys.stderr.isatty() or (beside_stdout and sys.stdout is not None and sys.stdout.isatty()):
        yield unseen
        return
    bar: Any = click.progressbar(length=0, label=label, file=sys.stderr, show_pos=True)
    bar.length = None
    with bar:

        def tell(done: int, of: int) -> None:
            bar.length = of or None
            bar.update(done - bar.pos)

        yield tell
