"""A ledger whose import was killed, put right by the first who reads it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from smetka.ledger.imports.marker import marker
from smetka.ledger.open_file import connect


def undo_killed_import(ledger: Path) -> bool:
    """Roll back what an import of ours left half-written, if that is what stands in the way.

    The only time a reader writes: to take back what nobody asked for. Safe to repeat, and beside others.

    Returns:
        It was, and is undone; or somebody else is just doing that.
    """
    try:
        descriptor = os.open(marker(ledger), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # no import of ours, or one of another user
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with closing(connect(ledger, "rw")) as connection:
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # the first look rolls back
        marker(ledger).unlink(missing_ok=True)
    except BlockingIOError:
        return True
    except (sqlite3.Error, OSError):
        return False
    finally:
        os.close(descriptor)
    return True
