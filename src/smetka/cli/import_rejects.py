"""The list of rejected rows that an import leaves beside the ledger."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from smetka.core.errors import WrongUsage
from smetka.files.spreadsheets import write_csv
from smetka.ledger.imports.marker import draft, marker
from smetka.ledger.imports.outcome import Outcome

_COLUMNS = ("file", "line", "column", "reason")


def check_place(path: Path, ledger: Path, files: tuple[Path, ...]) -> None:
    """See that writing the list of rejected rows costs nobody another file.

    Raises:
        WrongUsage: it would.
    """
    kept = list(files)
    for place in (ledger, ledger.resolve()):
        kept += [place, marker(place), draft(place)]
        kept += [place.with_name(f"{place.name}{end}") for end in ("-journal", "-wal", "-shm")]
    for other in kept:
        if _is_same(path, other):
            raise WrongUsage(f"Rejected rows would be written over {other}; name another file by --rejects.")
    if not _may_be_replaced(path):
        raise WrongUsage(
            f"Rejected rows are to be listed in {path}, where something else stands; "
            "move it away, or name another file by --rejects."
        )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError):
        return False


def _may_be_replaced(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return not path.is_symlink()  # nothing is there; why it cannot be written is said when it is
    # What is written to a pipe or a terminal replaces nothing.
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or is_rejects_file(path)


def is_rejects_file(path: Path) -> bool:
    """Whether it is a list of rejected rows, which imports make."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.readline(100).rstrip(b"\r\n") == ",".join(_COLUMNS).encode()
    except OSError:
        return False


def write_rejects(outcome: Outcome, path: Path) -> None:
    """Write down the rejected rows, and how many more there are."""
    rows: list[tuple[Any, ...]] = list(outcome.rejects)
    if more := outcome.rejected - len(rows):
        rows.append(("", "", "", f"and {more:,} more"))
    write_csv(path, _COLUMNS, rows, excel=False, language="en")
