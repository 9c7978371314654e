"""Folders that are their owner's alone: made so, or closed when nobody else can be using them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import structlog

from smetka.core.errors import StartFailed
from smetka.files.ownership import trusted

PRIVATE = 0o700

_log = structlog.get_logger(__name__)


def make_private(folder: Path, *, ours: frozenset[str], mark: str) -> None:
    """Make the folder with mode 0700; close one that is there when it holds our files alone, or none.

    Whoever uses a folder that is there would be shut out of it.

    Args:
        ours: the names of our files in it.
        mark: the one among them that nobody else has, and that is in every such folder of ours.

    Raises:
        StartFailed: it is open to others, and is not ours alone; or somebody else put something into it.
        OSError: it cannot be made, read or closed.
    """
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid not in trusted():
        _log.warning(
            "the folder belongs to somebody else, who can read and change all that is in it",
            folder=str(folder),
            owner=found.st_uid,
        )
    # Also where it is closed by now: it may have been open before.
    _check_entries(folder)
    if mode & 0o077 == 0:
        return
    names = {each.name for each in folder.iterdir()}
    others = sorted(names - ours if mark in names else names)
    # A folder for everybody's files, such as /tmp, may be empty just now.
    if others or mode & stat.S_ISVTX:
        held = (
            f"holds what Smetka did not make, such as {others[0]!a}" if others else "is for everybody's files"
        )
        raise StartFailed(
            f"The folder {folder} is open to others (mode {mode:04o}) and {held}. Smetka would close it "
            "to all but itself: name a folder of its own with SMETKA_DATA_DIR, or, if nobody else needs it, "
            f"run `chmod 700 {folder}`."
        )
    folder.chmod(PRIVATE)
    _log.warning("folder closed to others", folder=str(folder), mode=f"{mode:04o}")


def _check_entries(folder: Path) -> None:
    """See that nobody else put into the folder what we would take for ours: a file, a link or a folder."""
    owners = trusted(folder)
    for entry in folder.iterdir():
        with suppress(FileNotFoundError):  # it is gone again
            owner = entry.lstat().st_uid
            if owner not in owners:
                raise StartFailed(
                    f"{entry} belongs to user {owner}, who does not own its folder: Smetka would take "
                    "what stands in it for its own. Look at who put it there, and remove it; if it is "
                    f"Smetka's, run `chown -h {os.geteuid()} {entry}`."
                )
