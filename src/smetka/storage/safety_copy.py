"""The backup that is made of the embedded server's records before an upgrade changes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path

import structlog

from smetka.core.errors import CommandFailed, WrongUsage
from smetka.keys import KeysFileDamaged, stored_keys
from smetka.storage.backup import back_up
from smetka.storage.home import Home
from smetka.storage.walk import Source

BACKUPS = "backups"
"""The folder for them, in the data directory."""

ROOM = 2
"""How many times as much as the records take must be free on the disk: the upgrade needs some, too."""

_log = structlog.get_logger(__name__)


def back_up_before_upgrade(data_dir: Path, source: Source, tell: Callable[[], object]) -> bool:
    """Back up to the next free `backups/before-upgrade-N`; False, with a warning, when that cannot be done.

    Fields are only added, so an upgrade goes on without: a shop must not stand still for a full disk.
    """
    folder = data_dir / BACKUPS

    def told(_done: int, _of: int) -> None:
        tell()

    try:
        target = _place(folder, Home(data_dir))
        back_up(
            source,
            target,
            version=version("smetka"),
            now=lambda: datetime.now(UTC),
            keys=_keys(data_dir / "keys.json"),
            progress=told,
        )
    except (CommandFailed, WrongUsage, OSError) as error:
        _log.warning("not-backed-up-before-upgrade", folder=str(folder), reason=str(error))
        return False
    _log.info("backed-up-before-upgrade", folder=str(target))
    return True


def _keys(file: Path) -> bytes | None:
    try:
        return stored_keys(file)
    except KeysFileDamaged:  # nobody gets in by them now either
        return None


def _place(folder: Path, home: Home) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if shutil.disk_usage(folder).free < ROOM * _bytes_in(home.storage):
        raise CommandFailed(f"There is too little room on the disk of {folder} for a backup.")
    places = (folder / f"before-upgrade-{number}" for number in count(1))
    return next(place for place in places if not place.exists())


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
