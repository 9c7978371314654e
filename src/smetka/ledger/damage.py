"""SQLite's own check of a ledger's file, which reads all of it in one statement."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from smetka.ledger.file_session import PAUSE_SECONDS, FileSession

DIRECTLY_BYTES = 16 * 1024 * 1024
"""Up to this size it takes a tenth of a second, for which a shop that writes can wait."""

MOST_BEGUN_ANEW, _COPYING_SECONDS = 3, 60.0

_CHECK = "PRAGMA quick_check(10)"


def damage(opened: FileSession, path: Path) -> list[str] | None:
    """What SQLite finds wrong with the file, looked for without keeping a shop waiting that writes to it.

    A large one is copied piece by piece into a temporary file without a name, unless it is in WAL mode.

    Returns:
        None when there is no room for a copy, or none came to its end because the shop wrote all the time.
    """
    [(mode,)] = opened.rows("PRAGMA journal_mode", {})
    size = path.stat().st_size
    if mode == "wal" or size <= DIRECTLY_BYTES:
        return _found(opened.rows(_CHECK, {}))
    if shutil.disk_usage(_temporary_folder()).free < 2 * size:
        return None
    with closing(sqlite3.connect("", isolation_level=None)) as copy:
        return _found(copy.execute(_CHECK).fetchall()) if _copied(opened, copy) else None


def _found(messages: list[tuple[str]]) -> list[str]:
    return [message for (message,) in messages if message != "ok"]


def _copied(opened: FileSession, copy: sqlite3.Connection) -> bool:
    give_up, begun_anew, left = time.monotonic() + _COPYING_SECONDS, 0, math.inf  # pages

    def go_on(status: int, remaining: int, _: int) -> None:
        nonlocal begun_anew, left
        # SQLite begins anew by itself when somebody wrote.
        begun_anew += remaining >= left and status == sqlite3.SQLITE_OK
        left = remaining
        if begun_anew > MOST_BEGUN_ANEW or time.monotonic() > give_up:
            raise _GivenUp
        time.sleep(PAUSE_SECONDS)

    try:
        opened.copy(copy, go_on)
    except _GivenUp:
        return False
    return True


class _GivenUp(Exception):
    """The shop writes so often that no copy comes to its end."""


def _temporary_folder() -> str:
    """Where SQLite puts a file without a name, https://sqlite.org/tempfiles.html 5."""
    asked = (os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR"))
    folders = [folder for folder in (*asked, "/var/tmp", "/usr/tmp", "/tmp") if folder]  # noqa: S108
    return next((each for each in folders if os.access(each, os.W_OK | os.X_OK)), ".")
