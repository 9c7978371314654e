"""API keys: who may do what, and the file that remembers them.

Only hashes are kept. Plain SHA-256 is enough for them: a key is 256 random bits, so there is no
dictionary to try as there is for passwords, and a slow hash would only slow each request.

Knows nothing of Flask: the command line and the parent process use it too.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smetka.errors import CommandFailed, WrongUsage
from smetka.shown_text import has_hidden
from smetka.small_files import locked, stamp, write_over, write_whole

log = structlog.get_logger(__name__)

PREFIX = "smk_"
_MADE = "A key was made here. Without the keys file nobody gets in; to start anew, remove this file too.\n"
LONGEST_KEY = 200
"""Characters of a key that are looked at; ours have 47."""


class Permission(StrEnum):
    """What a request may need."""

    READ = "read"
    REDEEM = "redeem"
    MANAGE = "manage"
    OWN = "own"


ROLES: dict[str, frozenset[Permission]] = {
    "reader": frozenset({Permission.READ}),
    "cashier": frozenset({Permission.REDEEM}),
    "manager": frozenset({Permission.READ, Permission.REDEEM, Permission.MANAGE}),
    "owner": frozenset(Permission),
}
"""The one table of roles, for keys and for chats."""

RoleName = Literal["reader", "cashier", "manager", "owner"]


class Key(BaseModel):
    """One key as the file remembers it; the key itself is shown once and never kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: RoleName
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    created_at: datetime
    revoked_at: datetime | None = None


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()


class KeysFileDamaged(CommandFailed):
    """The keys file cannot be read; until it can, nobody gets in."""


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
        self._lock_path = _lock_file(path)
        self._lock = threading.Lock()
        self._known = _Known(None, ())
        self._ever_made = False

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
        given = _hash(token[:LONGEST_KEY])
        found = None
        for key in self._refresh().keys:
            # No early way out: the time taken must not tell which key came close.
            if hmac.compare_digest(key.hash, given) and key.revoked_at is None:
                found = key
        return found

    def active(self, name: str) -> Key | None:
        """The key of a name, unless it was revoked."""
        return next(
            (key for key in self._refresh().keys if key.name == name and key.revoked_at is None), None
        )

    def role_of(self, token: str) -> str | None:
        """The role of a valid key; None for one that is unknown or revoked."""
        key = self.key_of(token)
        return None if key is None else key.role

    def _refresh(self) -> _Known:
        seen = stamp(self.path)
        known = self._known
        # Without a file: a key may have been made and its file be gone again since the last request.
        if seen == known.stamp and (seen is not None or self._ever_made or not _once_made(self._lock_path)):
            return known
        with self._lock:
            try:
                self._known = _Known(seen, _read(self.path).keys)
            except KeysFileDamaged as error:
                self._known = _Known(seen, (), damaged=True)
                log.error("keys file damaged, every key is refused", reason=str(error))  # noqa: TRY400 - one line
            # A file that is there was made with a key in it, whatever became of its content.
            self._ever_made = self._ever_made or seen is not None or _once_made(self._lock_path)
            return self._known


def create_key(path: Path, name: str, role: str) -> str:
    """Make a key and return it; only its hash is kept, so this is the only time it can be shown.

    Raises:
        WrongUsage: the name is empty, unprintable or too long, or there is no such role.
        CommandFailed: an unrevoked key has this name already, or the file cannot be written.
    """
    name = name.strip()
    if not name or len(name) > 64 or is_deceptive(name):
        raise WrongUsage("A key's name has 1 to 64 printable characters.")
    if role not in ROLES:
        raise WrongUsage(f"There is no role {role!r}; roles are {', '.join(ROLES)}.")
    token = PREFIX + secrets.token_urlsafe(32)
    with _rewriting(path) as file:
        if _active(file, name):
            raise CommandFailed(
                f"There is a key named {name} already; revoke it first or choose another name."
            )
        key = Key.model_validate({"name": name, "role": role, "hash": _hash(token), "created_at": _now()})
        file.keys = (*file.keys, key)
    _remember_that_one_was_made(path)
    return token


def is_deceptive(name: str) -> bool:
    """Whether a key's name has something in it that cannot be seen, a space of another kind included."""
    return not name.isprintable() or has_hidden(name)


def adopt_keys(path: Path, content: bytes) -> bool:
    """Take over the keys of a backup, where none were ever made. Returns whether they were.

    Safe to repeat.

    Raises:
        CommandFailed: the content is no keys file, or it cannot be written.
    """
    try:
        theirs = _KeysFile.model_validate_json(content)
    except ValidationError:
        raise CommandFailed("The keys in the backup are damaged; the records were restored.") from None
    with _rewriting(path) as file:
        if _once_made(_lock_file(path)) or file.keys:
            return file.keys == theirs.keys
        file.keys = theirs.keys
    _remember_that_one_was_made(path)
    return True


def list_keys(path: Path) -> tuple[Key, ...]:
    """All keys in the order they were made, revoked ones included; none when there is no file."""
    return _read(path).keys


def revoke_key(path: Path, name: str) -> None:
    """Make a key useless from now on. It stays in the file, so that revoking the last opens nothing.

    Raises:
        CommandFailed: no unrevoked key has this name, or the file cannot be written. A full disk is
            no reason: a revoked key takes no more room than before.
    """
    with _rewriting(path, even_where_full=True) as file:
        key = _active(file, name.strip())
        if key is None:
            raise CommandFailed(f"There is no key named {name.strip()} that could be revoked.")
        revoked = key.model_copy(update={"revoked_at": _now()})
        file.keys = tuple(revoked if other is key else other for other in file.keys)


def _active(file: _KeysFile, name: str) -> Key | None:
    return next((key for key in file.keys if key.name == name and key.revoked_at is None), None)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> _KeysFile:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise KeysFileDamaged(f"The keys file {path} is not a file.")
        return _KeysFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _KeysFile()
    except ValidationError:
        raise KeysFileDamaged(f"The keys file {path} is damaged; restore it from a backup.") from None
    except OSError as error:
        raise KeysFileDamaged(f"The keys file {path} cannot be read: {error.strerror}.") from None


@contextmanager
def _rewriting(path: Path, *, even_where_full: bool = False) -> Iterator[_KeysFile]:
    """The file's content to change, written back whole when the block ends without an error.

    Args:
        even_where_full: where there is no room for a second file, it is written over the first.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(_lock_file(path)):
            file = _read(path)
            yield file
            try:
                write_whole(path, file.model_dump_json(indent=1) + "\n")
            except OSError as error:
                if not (even_where_full and error.errno in {errno.ENOSPC, errno.EDQUOT}):
                    raise
                # Without its indentation it has room for all that revoking adds.
                write_over(path, file.model_dump_json())
    except OSError as error:
        raise CommandFailed(f"The keys file {path} cannot be written: {error.strerror}.") from None


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _remember_that_one_was_made(path: Path) -> None:
    # On a full disk: the key is made, and it is shown only now.
    with suppress(OSError):
        _lock_file(path).write_text(_MADE, encoding="ascii")


def _once_made(lock: Path) -> bool:
    """Whether a key was made here before, even if the keys file is gone: that must not open the door."""
    try:
        # Looked at for every answer before the first key: `access` raises nothing where there is no file.
        return os.access(lock, os.F_OK) and lock.stat().st_size > 0
    except OSError:
        return False
