"""The file that remembers keys, and what changes it.

Only hashes are kept. Plain SHA-256 is enough for them: a key is 256 random bits, so there is no
dictionary to try as there is for passwords, and a slow hash would only slow each request.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smetka.core.errors import CommandFailed, WrongUsage
from smetka.core.shown_text import has_hidden
from smetka.files.ownership import folders_on_the_way, others_may_write, trusted
from smetka.files.small_files import locked, write_even_where_full, write_whole
from smetka.keys.roles import ROLES, RoleName

PREFIX = "smk_"
_MADE = "A key was made here. Without the keys file nobody gets in; to start anew, remove this file too.\n"


class Key(BaseModel):
    """One key as the file remembers it; the key itself is shown once and never kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: RoleName
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    created_at: datetime
    revoked_at: datetime | None = None


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()


class KeysFileDamaged(CommandFailed):
    """The keys file cannot be read, or not be trusted; until it can, nobody gets in."""


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
        if active(file.keys, name):
            raise CommandFailed(
                f"There is a key named {name} already; revoke it first or choose another name."
            )
        key = Key.model_validate({"name": name, "role": role, "hash": hash_of(token), "created_at": _now()})
        file.keys = (*file.keys, key)
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
        theirs = _Keys.model_validate_json(content)
    except ValidationError:
        raise CommandFailed("The keys in the backup are damaged; the records were restored.") from None
    with _rewriting(path) as file:
        if once_made(lock_file(path)) or file.keys:
            return file.keys == theirs.keys
        file.keys = theirs.keys
    return True


def list_keys(path: Path) -> tuple[Key, ...]:
    """All keys in the order they were made, revoked ones included; none when there is no file."""
    return read(path).keys


def revoke_key(path: Path, name: str) -> None:
    """Make a key useless from now on. It stays in the file, so that revoking the last opens nothing.

    Raises:
        CommandFailed: no unrevoked key has this name, or the file cannot be written. A full disk is
            no reason: a revoked key takes no more room than before.
    """
    with _rewriting(path, even_where_full=True) as file:
        key = active(file.keys, name.strip())
        if key is None:
            raise CommandFailed(f"There is no key named {name.strip()} that could be revoked.")
        revoked = key.model_copy(update={"revoked_at": _now()})
        file.keys = tuple(revoked if other is key else other for other in file.keys)


def active(keys: Iterable[Key], name: str) -> Key | None:
    """The key of a name, unless it was revoked."""
    return next((key for key in keys if key.name == name and key.revoked_at is None), None)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def hash_of(token: str) -> str:
    """What is kept of a key, in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def check_place(path: Path) -> None:
    """See that nobody but the owner of the keys file's folder decides who gets in.

    Raises:
        KeysFileDamaged: others may put another file in its place, or its links lead round in a circle.
    """
    try:
        folders, owners = [*folders_on_the_way(path)], trusted(path.parent)
    except FileNotFoundError:  # gives nobody a key
        return
    except OSError as error:
        raise KeysFileDamaged(f"The keys file {path} cannot be reached: {error.strerror}.") from None
    for folder in folders:
        try:
            found = folder.stat()
        except OSError:  # what is not there, or shut, gives nobody a key
            return
        if found.st_uid not in owners:  # no mode keeps its owner from what lies in it
            raise KeysFileDamaged(
                f"The keys file {path} is reached through the folder {folder} of user {found.st_uid}, who so "
                "decides who gets in. Keep it in a folder of its own (SMETKA_KEYS_FILE)."
            )
        if others_may_write(found, folder):
            mode = stat.S_IMODE(found.st_mode)
            raise KeysFileDamaged(
                f"The keys file {path} lies in the folder {folder}, which others may write (mode {mode:04o}) "
                "and so decide who gets in. Keep it in a folder of its own (SMETKA_KEYS_FILE), or run "
                f"`chmod go-w {folder}`."
            )


def read(path: Path) -> _Keys:
    """The file's keys; none where there is no file.

    Raises:
        KeysFileDamaged: it cannot be read or understood, or others may have written it.
    """
    if (stored := stored_keys(path)) is None:
        return _Keys()
    try:
        return _Keys.model_validate_json(stored)
    except ValidationError:
        raise KeysFileDamaged(f"The keys file {path} is damaged; restore it from a backup.") from None


def content(path: Path) -> bytes:
    """The file as it is, or that of the sessions beside it.

    Raises:
        KeysFileDamaged: it is no file, or others may have written it.
        OSError: it cannot be read.
    """
    # Should it be a pipe, it is not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check(path, descriptor)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def stored_keys(path: Path) -> bytes | None:
    """The keys file as it is, for a backup too; None where there is none.

    Raises:
        KeysFileDamaged: it cannot be read, or others may have written it: their keys are good nowhere.
    """
    try:
        return content(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysFileDamaged(f"The keys file {path} cannot be read: {error.strerror}.") from None


def _check(path: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise KeysFileDamaged(f"The keys file {path} is not a file.")
    check_place(path)
    if found.st_uid not in trusted(path.parent):
        raise KeysFileDamaged(
            f"The keys file {path} belongs to user {found.st_uid}, and its folder does not: "
            f"run `chown {os.geteuid()} {path}` if its keys are yours, or remove it."
        )
    if others_may_write(found, descriptor):
        mode = stat.S_IMODE(found.st_mode)
        raise KeysFileDamaged(
            f"The keys file {path} may be written by others (mode {mode:04o}), who so decide who gets in. "
            f"Run `chmod go-w {path}`, and look at `smetka key list`."
        )


@contextmanager
def _rewriting(path: Path, *, even_where_full: bool = False) -> Iterator[_Keys]:
    """The file's content to change, written back whole when the block ends without an error.

    Args:
        even_where_full: where there is no room for a second file, it is written over the first.
    """
    real = Path(os.path.realpath(path))
    names = [path] if real == path.absolute() else [path, real]  # who names the file itself has its own lock
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            check_place(name)
        with ExitStack() as held:
            locks = [held.enter_context(locked(lock_file(name))) for name in names]
            file = read(path)
            yield file
            whole = file.model_dump_json(indent=1) + "\n"
            if even_where_full:
                with suppress(OSError), _remembered(locks):
                    pass
                # Without its indentation it has room for all that revoking adds.
                write_even_where_full(real, whole, tight=file.model_dump_json())
            else:
                with _remembered(locks):
                    write_whole(real, whole)
    except OSError as error:
        raise CommandFailed(f"The keys file {path} cannot be written: {error.strerror}.") from None


@contextmanager
def _remembered(locks: list[int]) -> Iterator[None]:
    """Have the lock files say that a key was made, before there is one: without room for that, none is."""
    new = [lock for lock in locks if os.fstat(lock).st_size == 0]
    try:
        for lock in new:
            os.pwrite(lock, _MADE.encode("ascii"), 0)
            os.fsync(lock)
        yield
    except OSError:
        for lock in new:
            os.ftruncate(lock, 0)
        raise


def lock_file(path: Path) -> Path:
    """The file beside it whose lock is held for a change; it says, too, that a key was made."""
    return path.with_name(path.name + ".lock")


def once_made(lock: Path) -> bool:
    """Whether a key was made here before, even if the keys file is gone: that must not open the door."""
    try:
        # Looked at for every answer before the first key: `access` raises nothing where there is no file.
        return os.access(lock, os.F_OK) and lock.stat().st_size > 0
    except OSError:
        return False
