"""What stood in the way of an import, for callers that answer each kind in a way of its own."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smetka.core.errors import CommandFailed
from smetka.ledger.imports.encodings import hash_of
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.target import earlier_imports

Kind = Literal["file", "overlap", "busy", "full", "ledger"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an import failed.

    Attributes:
        kind: the file cannot be taken; its payments may be there already; the ledger is locked; the disk is
            full; or the ledger is none that can be added to.
        refused: what is wrong with the file, and where.
    """

    kind: Kind
    refused: Refused | None = None


def failure(error: CommandFailed) -> Failure:
    """The kind of an error that `import_files` raised."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Refused):
        return Failure("file", cause)
    if "--despite-overlap" in str(error):
        return Failure("overlap")
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorname", "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Failure("busy")
        return Failure("full" if code.startswith("SQLITE_FULL") else "ledger")
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return Failure("full")
    return Failure("busy" if "Another import" in str(error) else "ledger")


def overtaken(error: CommandFailed, paths: Iterable[Path], into: Path) -> bool:
    """Whether another import has added the same bytes, perhaps since this one looked for them.

    Asked once more, `import_files` says so then instead of this error.
    """
    if failure(error).kind not in {"overlap", "ledger"}:
        return False
    try:
        return any(earlier_imports(into, hash_of(path)) for path in paths)
    except (CommandFailed, sqlite3.Error, OSError):
        return False
