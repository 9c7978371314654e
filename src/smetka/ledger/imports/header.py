"""The first row of a file: names, each once."""

from __future__ import annotations

import re

from smetka.ledger.imports.refused import Refused

MOST_COLUMNS = 2_000
_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_header(cells: list[str], line: int | None) -> list[str]:
    """The names without blanks around them.

    Raises:
        Refused: they are too many, missing, not all different, or look like data.
    """
    if len(cells) > MOST_COLUMNS:
        raise Refused(f"has {len(cells):,} columns; {MOST_COLUMNS:,} are the most", line=line)
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise Refused("has no header: its first row must name the columns")
    numbers = sum(_NUMBER.fullmatch(name) is not None for name in names)
    if numbers * 2 >= len(names) or any(map(_EMAIL.fullmatch, names)):
        raise Refused("looks like data; the first row must name the columns", line=line)
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name:
            raise Refused(f"leaves column {position} without a name", line=line)
        if name in seen:
            raise Refused(
                "names two columns so; every column needs a name of its own", line=line, column=name
            )
        seen.add(name)
    return names
