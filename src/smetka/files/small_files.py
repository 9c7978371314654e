"""Small files of our own that several processes read, and change whole under a lock."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TORN_SECONDS = (0.002, 0.01, 0.05)


def stamp(path: Path) -> tuple[int, ...] | None:
    """What changes whenever the file does; None when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return (error.errno or 0,)
    # The change time too: a corrected mode or owner alters nothing else.
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock of a file beside the one that is replaced at each change. Gives the lock's descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str) -> None:
    """Put a new file in place of the old one: whoever reads finds either, whole, whatever is killed."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_even_where_full(path: Path, text: str, *, tight: str) -> None:
    """Like `write_whole`; where there is no room for a second file, `tight` is written over the first.

    Raises:
        OSError: the first has no room for it either, or cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        write_over(path, tight)


def settled(read: Callable[[], T | None]) -> T | None:
    """What `read` finds in a file; where that is nothing, once more after each of a few moments.

    Who reads while `write_over` writes may find some of the old and some of the new.
    """
    for seconds in TORN_SECONDS:
        if (found := read()) is not None:
            return found
        time.sleep(seconds)
    return read()


def write_over(path: Path, text: str) -> None:
    """Write into the room that a file has already, for a disk without any other; what is left over is blank.

    Who reads meanwhile asks by `settled`. Where the machine stops in the middle, the file is damaged.

    Raises:
        OSError: the file is shorter, or cannot be written.
    """
    content = text.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        room = os.fstat(descriptor).st_size
        if len(content) > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if os.pwrite(descriptor, content.ljust(room), 0) < room:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
