"""The keys of a running server."""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from smetka.files.small_files import settled, stamp
from smetka.keys.file import Key, KeysFileDamaged, active, hash_of, lock_file, once_made, read

log = structlog.get_logger(__name__)

LONGEST_KEY = 200
"""Characters of a key that are looked at; ours have 47."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read, and the file's identity when it was."""

    stamp: tuple[int, ...] | None
    keys: tuple[Key, ...]
    damaged: bool = False


class KeyRing:
    """The keys of a file, read again whenever it changes. Safe to use from many threads.

    A file that is there but cannot be read lets nobody in. A file that disappears does not open the
    door either: the lock file beside it remembers that a key was made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = lock_file(path)
        self._lock = threading.Lock()
        self._known = _Known(None, ())
        self._ever_made = False
        self._fault = ""

    @property
    def ever_made(self) -> bool:
        """Whether a key was ever made, revoked ones included."""
        self._refresh()
        return self._ever_made

    @property
    def state(self) -> object:
        """The same object for as long as the file is the same."""
        return self._refresh()

    def key_of(self, token: str) -> Key | None:
        """What is known of a valid key; None for one that is unknown or revoked."""
        given = hash_of(token[:LONGEST_KEY])
        found = None
        for key in self._refresh().keys:
            # No early way out: the time taken must not tell which key came close.
            if hmac.compare_digest(key.hash, given) and key.revoked_at is None:
                found = key
        return found

    def active(self, name: str) -> Key | None:
        """The key of a name, unless it was revoked."""
        return active(self._refresh().keys, name)

    def role_of(self, token: str) -> str | None:
        """The role of a valid key; None for one that is unknown or revoked."""
        key = self.key_of(token)
        return None if key is None else key.role

    def _refresh(self) -> _Known:
        seen = stamp(self.path)
        known = self._known
        # Without a file: a key may have been made and its file be gone again since the last request.
        is_same = seen == known.stamp and not known.damaged
        if is_same and (seen is not None or self._ever_made or not once_made(self._lock_path)):
            return known
        with self._lock:
            is_new = seen != known.stamp
            if (keys := settled(self._read) if is_new else self._read()) is not None:
                self._known = _Known(seen, keys)
            elif is_new or not known.damaged:
                self._known = _Known(seen, (), damaged=True)
                log.error("keys file damaged, every key is refused", reason=self._fault)
            # A file that is there was made with a key in it, whatever became of its content.
            self._ever_made = self._ever_made or seen is not None or once_made(self._lock_path)
            return self._known

    def _read(self) -> tuple[Key, ...] | None:
        try:
            return read(self.path).keys
        except KeysFileDamaged as error:
            self._fault = str(error)
            return None
