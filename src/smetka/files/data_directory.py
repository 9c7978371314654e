"""The data directory: who holds it, and what runs on it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from smetka.core.errors import StartFailed
from smetka.core.processes import birth
from smetka.files.ownership import trusted
from smetka.files.private_folders import make_private

_LOCK = "smetka.lock"
_RUNNING = "running.json"
_RUNNING_PART = f"{_RUNNING}.part"
OURS = frozenset(
    {_LOCK, _RUNNING, _RUNNING_PART, "mongodb", "uploads", "demo", "backups"}
    | {f"keys.json{sessions}{end}" for sessions in ("", ".sessions") for end in ("", ".lock", ".new")}
)
"""The names of our files in it."""
LOCK_SECONDS = 1.0
"""Who only looks whether the folder is held has it for a moment."""


@dataclass
class Running:
    """What runs on a data directory, as published by the process that holds it.

    `births` says when each pid was started, so that a later process with the same pid is not
    taken for ours. The URI holds the embedded server's password: the file is 0600.
    """

    holder: int
    command: str
    url: str | None = None
    host: str | None = None  # a Host header that the server answers
    mongodb_uri: str | None = None
    pids: dict[str, int] = field(default_factory=dict)
    births: dict[str, int] = field(default_factory=dict)

    @property
    def embedded_uri(self) -> str | None:
        """The URI of the embedded server; that of a hosted one is masked, and so of no use."""
        return self.mongodb_uri if "mongodb" in self.pids else None


class DataDirectory:
    """One folder, held by one Smetka process at a time (an advisory lock the kernel releases)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def hold(self, command: str) -> Self:
        """Make the folder, take the lock and say who holds it.

        Raises:
            StartFailed: another process holds it, named in the message; others use it; it cannot be written.
        """
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            raise StartFailed(f"The data directory {self.path!r} needs a name in UTF-8.") from None
        try:
            make_private(self.path, ours=OURS, mark=_LOCK)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._cannot_be_used(error) from None
        if not _lock_within(lock, LOCK_SECONDS):
            os.close(lock)
            raise StartFailed(self._held_by())
        self._lock = lock
        self._outlive_the_last_holder()
        try:
            self.publish(Running(holder=os.getpid(), command=command))
        except OSError as error:  # a full disk
            self.release()
            raise self._cannot_be_used(error) from None
        return self

    def publish(self, running: Running) -> None:
        """Replace what `running` answers. Only the holder calls this."""
        running.births = {
            name: born for name, pid in running.pids.items() if (born := birth(pid)) is not None
        }
        part = self.path / _RUNNING_PART
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(running), file)
        part.replace(self.path / _RUNNING)

    def running(self) -> Running | None:
        """What runs here now; None when nobody holds the folder."""
        try:
            lock = os.open(self.path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._published()
        finally:
            os.close(lock)
        return None

    def release(self) -> None:
        """Let go of the folder. Safe to repeat."""
        if self._lock is not None:
            (self.path / _RUNNING).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _published(self) -> Running | None:
        """What the holder wrote; nothing where somebody else did, whose MongoDB it would name."""
        file = self.path / _RUNNING
        try:
            if file.lstat().st_uid not in trusted(self.path):
                return None
            return Running(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _cannot_be_used(self, error: OSError) -> StartFailed:
        return StartFailed(f"The data directory {self.path} cannot be used: {error.strerror}.")

    def _held_by(self) -> str:
        running = self._published()
        if running is None:
            return f"Another process already holds the data directory {self.path}."
        place = f" at {running.url}" if running.url else ""
        return (
            f"`smetka {running.command}` (process {running.holder}){place} already holds the data "
            f"directory {self.path}. Stop it, or set SMETKA_DATA_DIR to another folder."
        )

    def _outlive_the_last_holder(self) -> None:
        # After a kill -9 of the last holder its children are told to stop by the kernel, and need
        # a moment: the port and the storage folder are theirs until then.
        last = self._published()
        deadline = time.monotonic() + 12
        while last and time.monotonic() < deadline:
            if not any(birth(pid) == last.births.get(name) for name, pid in last.pids.items() if pid):
                return
            time.sleep(0.05)


def _lock_within(lock: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
