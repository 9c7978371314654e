"""The files that an import keeps beside the ledger while it writes.

A writer that is killed leaves a journal, which only a program that may write can roll back. The marker
tells those who read that the journal was ours.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smetka.core.errors import CommandFailed

_PAUSE_SECONDS = 0.1


def marker(ledger: Path) -> Path:
    """Stands beside a ledger that is being imported into, and beside one whose import was killed."""
    return ledger.with_name(f"{ledger.name}.smetka-import")


def draft(ledger: Path) -> Path:
    """A new ledger until it is complete."""
    return ledger.with_name(f"{ledger.name}.smetka-import.new")


@contextmanager
def marked(ledger: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the marker: one import at a time writes to a ledger.

    Raises:
        CommandFailed: another has it all the time, or the folder cannot be written in.
    """
    path, until = marker(ledger), time.monotonic() + wait_seconds
    while (descriptor := _take(path)) is None:
        if time.monotonic() > until:
            raise CommandFailed(f"Another import into {ledger} is under way; nothing was written.")
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _take(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be made: {error.strerror}; nothing was written.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have removed it since it was opened here.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
