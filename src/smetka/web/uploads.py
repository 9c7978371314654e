"""Files that are sent to us: received piece by piece into the data directory, and soon gone from there."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from smetka.core.processes import give_back
from smetka.core.shown_text import bare
from smetka.web.refusals import NoRoom, Overloaded, RequestTimeout

AT_ONCE = 2
"""Files that one process receives or reads at a time."""

SLOW_BYTES = 64 * 1024
"""A file of fewer bytes a second of late is slow: it goes on arriving until another waits for its place."""

SLOW_AFTER_SECONDS = 10.0
"""For as long a file is not called slow."""

WAITING_SECONDS = 30.0
"""Who found no place is thought to come again for as long."""

KEEP_SECONDS = 30 * 60
"""A file that was looked at waits this long for what becomes of it."""

MOST_KEPT = 5
"""Of all that wait the oldest give way: together they fill a gigabyte at most."""

LONGEST_NAME = 150
"""Bytes of a file's name: most file systems take 255."""

_LONGEST_END = 10
_ARRIVING, _KEPT = "arriving-", "kept-"
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_OURS = re.compile(f"{_ARRIVING}[0-9a-f]{{32}}|{_KEPT}[0-9a-f]{{64}}")
"""Folders of other names are somebody else's, who had an `uploads` before."""

Seal = Callable[[str], str]
"""Makes of a file's id what only the visit knows that it belongs to: 64 hexadecimal digits."""


class Uploads:
    """The folder of files that were sent. Safe to use from many threads and processes.

    Nothing of a file's name but its end becomes a path: each has a folder of its own.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._waiting_until: float | None = None
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._next_sweep: threading.Timer | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of the few places for work on a file.

        Raises:
            Overloaded: all are taken.
        """
        if not self._turns.acquire(blocking=False):
            self._waiting_until = self._clock() + WAITING_SECONDS
            raise Overloaded("Other files are being received or read; try again shortly.")
        try:
            yield
        finally:
            give_back()
            self._turns.release()

    def until_another_waits(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """A body as it arrives.

        Raises:
            RequestTimeout: it is slow, and another found no place.
        """
        began, size = self._clock(), 0
        for piece in pieces:
            size += len(piece)
            now = self._clock()
            is_slow = size < SLOW_BYTES * (now - began)
            if now - began > SLOW_AFTER_SECONDS:
                if is_slow and self._waiting_until is not None and now < self._waiting_until:
                    self._waiting_until = None  # one place is enough for one who waits
                    raise RequestTimeout("The file came slowly, and another waits for its place.")
                if not is_slow:  # measured anew: what came fast does not make up for what comes slowly
                    began, size = now, 0
            yield piece

    @contextmanager
    def received(self, name: str, pieces: Iterable[bytes]) -> Iterator[Path]:
        """The file as it was sent, until the block ends.

        Raises:
            NoRoom: the disk is full.
            Refusal: whatever the pieces raise; nothing of the file is left then.
        """
        folder = self._new_folder()
        try:
            path = folder / safe_name(name)
            _write(path, pieces)
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, received: Path, seal: Seal) -> str:
        """Keep a received file for `KEEP_SECONDS` beyond its block. Returns the id that `kept` takes."""
        id_ = secrets.token_urlsafe(16)
        place = self._place(id_, seal)
        place.mkdir(mode=0o700)
        received.replace(place / received.name)
        self.sweep()
        return id_

    def kept(self, id_: str, seal: Seal) -> Path | None:
        """The file of an id, for the visit that sent it; None when it is not there any more."""
        if not _ID.fullmatch(id_):
            return None
        place = self._place(id_, seal)
        with suppress(OSError):
            if not self._is_over(place):
                return next(place.iterdir(), None)
        return None

    def forget(self, id_: str, seal: Seal) -> None:
        """Remove a kept file. Safe to repeat."""
        if _ID.fullmatch(id_):
            shutil.rmtree(self._place(id_, seal), ignore_errors=True)

    def sweep(self) -> None:
        """Remove what waited for too long, what killed processes left, and the oldest of too many.

        Comes again by itself as long as there is something to remove.
        """
        try:
            folders = sorted((one for one in self._folder.iterdir() if _OURS.fullmatch(one.name)), key=_age)
        except OSError:
            return
        waiting = [each for each in folders if each.name.startswith(_KEPT)]
        over = {*filter(self._is_over, folders), *waiting[MOST_KEPT:]}
        for folder in over:
            shutil.rmtree(folder, ignore_errors=True)
        if left := [_age(folder) for folder in folders if folder not in over]:
            self._sweep_in(max(0.0, KEEP_SECONDS - left[-1]) + 1)

    def _sweep_in(self, seconds: float) -> None:
        with self._lock:
            if self._next_sweep is None:
                self._next_sweep = threading.Timer(seconds, self._sweep_again)
                self._next_sweep.daemon = True
                self._next_sweep.start()

    def _sweep_again(self) -> None:
        with self._lock:
            self._next_sweep = None
        self.sweep()

    def _new_folder(self) -> Path:
        folder = self._folder / f"{_ARRIVING}{secrets.token_hex(16)}"
        with _room():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(mode=0o700)
        return folder

    def _place(self, id_: str, seal: Seal) -> Path:
        return self._folder / f"{_KEPT}{seal(id_)}"

    @staticmethod
    def _is_over(folder: Path) -> bool:
        # Set back, the clock must not keep a file for ever.
        return not 0 <= _age(folder) + 60 <= KEEP_SECONDS + 60


def safe_name(name: str) -> str:
    """A file's own name, without folders and what cannot be seen, of a length that any disk takes."""
    last = bare(re.split(r"[/\\]", name)[-1])
    stem, dot, end = last.rpartition(".")
    if not dot or len(end.encode()) > _LONGEST_END:
        stem, dot, end = last, "", ""
    stem = stem.encode()[: LONGEST_NAME - _LONGEST_END - 1].decode("utf-8", "ignore").strip(". ") or "file"
    return f"{stem}{dot}{end}" if end else stem


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with _room():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for piece in pieces:
            with _room():
                left = memoryview(piece)
                while left:
                    left = left[file.write(left) :]


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise NoRoom("The server's disk has no room for the file; nothing was imported.") from None
        raise


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
