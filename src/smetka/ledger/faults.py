"""What went wrong with the ledger's file, as a sentence for the log and the terminal."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from smetka.core.errors import LedgerUnavailable

FOREIGN_ERRORS = (sqlite3.Error, OSError)
"""Everything that reading the ledger raises by itself; `unavailable` translates it."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_WRITING = {*_FULL, errno.EROFS, errno.EFBIG}
_IOERR_WRITING = ("WRITE", "FSYNC", "TRUNCATE", "DELETE")


def is_locked(error: Exception) -> bool:
    """Another process holds the ledger's lock; it may be free in a moment."""
    return _code(error) in {"SQLITE_BUSY", "SQLITE_LOCKED"}


def waits_for_rollback(error: Exception) -> bool:
    """Somebody was interrupted while writing, and who only reads cannot undo it."""
    return "ROLLBACK" in _full_code(error)


def is_overflow(error: Exception) -> bool:
    """A sum left the range of 64-bit integers."""
    return "integer overflow" in str(error)


def unavailable(error: Exception, path: Path) -> LedgerUnavailable:
    """The error to raise in place of a foreign one."""
    return LedgerUnavailable(explain(error, path))


def explain(error: Exception, path: Path) -> str:
    """One sentence about the file and what would mend it."""
    if isinstance(error, OSError):
        return _explain_os(error, path)
    match _code(error):
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return f"{path} is locked by another process."
        case "SQLITE_NOTADB":
            return f"{path} is not a SQLite database."
        case "SQLITE_CORRUPT":
            return f"{path} is damaged or cut short ({error})."
        case "SQLITE_CANTOPEN" | "SQLITE_READONLY" | "SQLITE_PERM":
            return _explain_refusal(error, path)
        case "SQLITE_FULL":
            return f"{path} cannot be written: its disk is full."
        case "SQLITE_IOERR" if _full_code(error).endswith(_IOERR_WRITING):
            return f"{path} cannot be written to its disk ({error})."
        case "SQLITE_IOERR":
            return f"{path} cannot be read from its disk ({error})."
        case _:
            return f"{path} cannot be read: {error}."


def _explain_os(error: OSError, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {path}."
    if error.errno in _FULL:
        return f"{path} cannot be written: its disk is full."
    verb = "written" if error.errno in _WRITING else "read"
    return f"{path} cannot be {verb}: {error.strerror or error}."


def _explain_refusal(error: Exception, path: Path) -> str:
    if not os.access(path, os.R_OK):
        return f"{path} may not be read by this user; grant read permission."
    if waits_for_rollback(error):
        return (
            f"A write to {path} was interrupted and waits to be rolled back: "
            "open it once with a program that may write to it."
        )
    if not os.access(path.parent, os.W_OK):
        # Seen without reading the file: closing it would drop the locks SQLite holds on it for us.
        return (
            f"{path} cannot be opened in a folder this user may not write in: a ledger in WAL mode keeps "
            f"its -shm file there. Grant write permission on {path.parent}, or set the ledger's "
            "journal_mode to DELETE."
        )
    return f"{path} cannot be opened: {error}."


def _code(error: Exception) -> str:
    """SQLite's primary error code: SQLITE_BUSY for SQLITE_BUSY_SNAPSHOT and the like."""
    return "_".join(_full_code(error).split("_")[:2])


def _full_code(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
