"""A copy of all records in a folder: files that people, Smetka and MongoDB's own tools can read.

One file a collection, `<name>.jsonl`, each line a record as canonical Extended JSON (which keeps
every type), and `manifest.json`, which counts the lines and knows each file's SHA-256.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from bson import json_util
from bson.errors import BSONError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smetka.core.errors import CommandFailed, WrongUsage
from smetka.core.progress import Count, Progress, unseen
from smetka.files.ownership import link_of_another, trusted
from smetka.storage import schema
from smetka.storage.values import Record
from smetka.storage.walk import Source, records

FORMAT = 1
"""Raised when an older Smetka could not read what a newer one writes."""

MANIFEST = "manifest.json"
KEYS = "keys.json"
_RULES = {rules.name: rules for rules in schema.ALL if rules.backed_up}
COLLECTIONS = tuple(_RULES)
_KNOWN = {MANIFEST, KEYS} | {f"{name}.jsonl" for name in COLLECTIONS}


LONGEST_LINE = 16 * 2**20
"""Bytes; a record of Smetka has fewer than a hundredth of them."""


class FileSum(BaseModel):
    """One file of a backup: how many lines it has, and the SHA-256 of all its bytes."""

    model_config = ConfigDict(frozen=True)

    records: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a backup says of itself. It is written last."""

    model_config = ConfigDict(frozen=True)

    format: int
    smetka: str
    made_at: datetime
    files: dict[str, FileSum]


def back_up(
    storage: Source,
    target: Path,
    *,
    version: str,
    now: Callable[[], datetime],
    keys: bytes | None = None,
    progress: Progress = unseen,
) -> Manifest:
    """Copy every record that was acknowledged before this began; later ones may be in it.

    The folder appears under its name when it is complete and on disk, and not before.

    Args:
        keys: what stands in the keys file, if there is one: hashes, and no key.
        progress: told how many records are copied.

    Raises:
        WrongUsage: `target` is there and not an empty folder.
        CommandFailed: it cannot be written.
        BonusStoreUnavailable: MongoDB went away; there is no backup then.
    """
    made_at, count = now(), Count(progress)
    try:
        with _appearing(target) as folder:
            files = {f"{name}.jsonl": _copy(storage, name, folder, count) for name in COLLECTIONS}
            if keys is not None:
                files[KEYS] = _written(folder / KEYS, keys.splitlines(keepends=True))
            manifest = Manifest(format=FORMAT, smetka=version, made_at=made_at, files=files)
            _written(folder / MANIFEST, [manifest.model_dump_json(indent=1).encode() + b"\n"])
    except OSError as error:
        raise CommandFailed(f"The backup {target} cannot be written: {error.strerror}.") from None
    return manifest


def read_manifest(source: Path) -> Manifest:
    """What the backup in a folder says of itself, once every file was seen to be whole.

    Raises:
        CommandFailed: there is no backup, a newer Smetka made it, or a file is missing or damaged.
    """
    try:
        text = _content(source / MANIFEST)
        if json.loads(text).get("format", 0) > FORMAT:
            raise CommandFailed(f"A newer Smetka made the backup {source}; restore it with that one.")
        manifest = Manifest.model_validate_json(text)
    except FileNotFoundError:
        raise CommandFailed(f"{source} holds no backup: there is no {MANIFEST} in it.") from None
    except OSError as error:
        raise CommandFailed(f"The backup {source} cannot be read: {error.strerror}.") from None
    except (ValidationError, ValueError, AttributeError, TypeError, RecursionError):
        raise CommandFailed(f"{source / MANIFEST} is damaged; use another backup.") from None
    if not manifest.files.keys() <= _KNOWN:
        raise CommandFailed(
            f"Smetka {manifest.smetka} made the backup {source}, with records that this one does not know; "
            "restore it with that one."
        )
    for name, expected in manifest.files.items():
        if _sum_of(source / name) != expected:
            raise CommandFailed(f"{source / name} is not what was written; use another backup.")
    return manifest


def lines(source: Path, manifest: Manifest, name: str) -> Iterator[bytes]:
    """The records of one collection as they were written, none when the backup has no such file."""
    if f"{name}.jsonl" in manifest.files:
        yield from _lines(source / f"{name}.jsonl")


def keys_in(source: Path, manifest: Manifest) -> bytes | None:
    """The keys file of a backup; None when it has none.

    Raises:
        CommandFailed: it is no file.
    """
    return _content(source / KEYS) if KEYS in manifest.files else None


def to_line(name: str, record: Record) -> bytes:
    """A record as a line, always the same for the same, without what follows from the rest of it."""
    following = _RULES[name].following
    record = {field: value for field, value in record.items() if field not in following}
    return json_util.dumps(record, json_options=json_util.CANONICAL_JSON_OPTIONS).encode() + b"\n"


def from_line(line: bytes) -> Record:
    """The record of a line, every value of the type it had.

    Raises:
        CommandFailed: the line is none of `to_line`.
    """
    try:
        record = json_util.loads(line, json_options=json_util.CANONICAL_JSON_OPTIONS)
    except (ValueError, TypeError, LookupError, AttributeError, BSONError, RecursionError, ArithmeticError):
        record = None
    if not isinstance(record, dict):
        raise CommandFailed("The backup has a line that is no record; use another backup.")
    return record


def _copy(storage: Source, name: str, folder: Path, count: Count) -> FileSum:
    found = count.over(records(storage, name))
    return _written(folder / f"{name}.jsonl", (to_line(name, record) for record in found))


def _written(path: Path, content: Iterable[bytes]) -> FileSum:
    """Write lines to a file, on disk when this returns."""
    digest, count = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for line in content:
            file.write(line)
            digest.update(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return FileSum(records=count, sha256=digest.hexdigest())


def _sum_of(path: Path) -> FileSum | None:
    digest, count = hashlib.sha256(), 0
    try:
        for line in _lines(path):
            digest.update(line)
            count += 1
    except OSError:
        return None
    return FileSum(records=count, sha256=digest.hexdigest())


def _content(path: Path) -> bytes:
    with _opened(path) as file:
        content = file.read(LONGEST_LINE + 1)
    if len(content) > LONGEST_LINE:
        raise CommandFailed(f"{path} is longer than any that Smetka makes; use another backup.")
    return content


def _lines(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise CommandFailed(
                    f"{path} has a record longer than any that Smetka makes; use another backup."
                )
            yield line


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file of a backup. Whoever made the folder may have put a device, a pipe or a link in its place."""
    try:
        # A pipe that nobody writes to would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        if path.is_symlink():
            raise CommandFailed(f"{path} is a link; a backup has none. Use another backup.") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CommandFailed(f"{path} is no regular file; a backup has no others. Use another backup.")
    with os.fdopen(descriptor, "rb") as file:
        yield file


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block ends well, and is gone when it does not."""
    place = Path(os.path.realpath(target.parent)) / target.name
    if (link := link_of_another(place)) is not None:
        raise WrongUsage(f"{link} is in the way: it is a link of somebody else's. Name another folder.")
    target = Path(os.path.realpath(target))
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise WrongUsage(f"{target} is there already. Name a folder that is not, for each backup its own.")
    if target.exists() and target.stat().st_uid not in trusted():
        raise WrongUsage(f"{target} is a folder of somebody else's. Name another one.")
    if target.is_mount():
        raise WrongUsage(f"{target} is a disk of its own. Name a folder in it, for each backup its own.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    if part.is_symlink():
        raise WrongUsage(f"{part} is in the way: it is a link. Name another folder.")
    part.mkdir(mode=0o700, exist_ok=True)
    with _ours_alone(part):
        try:
            yield part
            _sync(part)
            part.rename(target)
            _sync(target.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


@contextmanager
def _ours_alone(part: Path) -> Iterator[None]:
    """Keep a second backup of the same name out, and clear away what an interrupted one left."""
    lock = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(lock)
        if found.st_uid != os.geteuid():
            raise WrongUsage(f"{part} is in the way: it belongs to somebody else. Name another folder.")
        if found.st_mode & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            raise WrongUsage(
                f"{part} is in the way: it is open to others (mode {mode:04o}), as no backup's is. "
                "Name another folder."
            )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(f"Another backup is being written to {part}.") from None
        left = list(part.iterdir())
        if not {path.name for path in left} <= _KNOWN:
            raise WrongUsage(
                f"{part} is in the way: it holds what no backup left there. Name another folder."
            )
        for path in left:
            path.unlink()
        yield
    finally:
        os.close(lock)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(manifest: Manifest) -> dict[str, Any]:
    """The manifest for people and programs."""
    described: dict[str, Any] = manifest.model_dump(mode="json")
    return described
