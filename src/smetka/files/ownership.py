"""Whose a file is, and who may write it: whoever may decides what Smetka does, and as whom."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = 0
MOST_CHARACTERS = 2**20
MOST_LINKS = 40
"""As Linux has it."""
FIRST_OF_PEOPLE = 1000
"""Systems' own accounts have smaller ids."""


def trusted(folder: Path | None = None) -> set[int]:
    """The users whose files are obeyed: root and we; in a folder its owner too, as in a container's volume.

    Raises:
        OSError: the folder cannot be looked at.
    """
    return {ROOT, os.geteuid()} | ({folder.stat().st_uid} if folder else set())


@dataclass(frozen=True)
class Found:
    """A file as it was read.

    Attributes:
        fault: why it must not be obeyed, said so that its name can stand before; None when it may be.
    """

    text: str
    fault: str | None


def read(path: Path) -> Found:
    """The file, and whether anybody but its reader and root may have written it.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    before = path.stat()
    is_pipe = stat.S_ISFIFO(before.st_mode)
    # A pipe is waited for, so that only one is opened that nobody else could have put there.
    if is_pipe and (fault := _fault(path, before, path)):
        return Found("", fault)
    waiting = 0 if is_pipe else os.O_NONBLOCK
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | waiting), encoding="utf-8") as file:
        fault = _fault(path, os.fstat(file.fileno()), file.fileno())
        text = file.read(MOST_CHARACTERS + 1)
    if len(text) > MOST_CHARACTERS:  # a device has no end
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return Found(text, fault)


def readable_by_all(path: Path) -> bool:
    """Whether every user of the machine may read the file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # a pipe, which is gone when it was read
        return False


def _fault(path: Path, found: os.stat_result, place: int | Path) -> str | None:
    return _of_another(found) or _writable(path, found, place) or _on_the_way(path)


def _of_another(found: os.stat_result) -> str | None:
    if found.st_uid in trusted():
        return None
    return (
        f"belongs to {_user(found.st_uid)}, who decides what stands in it; settings are taken from files of "
        f"{_user(os.geteuid())} or root alone"
    )


def _on_the_way(path: Path) -> str | None:
    """What others decide about on the way to a file: each link, and the folder that it or the file lies in.

    Secrets of containers are links of root over links of root, in a folder where all may write and nobody
    may take away what is another's.
    """
    for step in _steps(path):
        if fault := _of_another(step.lstat()):
            return f"is reached through {step}, which {fault}"
        folder, found = step.parent, step.parent.stat()
        fault = _of_another(found)  # no mode keeps its owner from what lies in it
        if fault or (not found.st_mode & stat.S_ISVTX and (fault := _writable(folder, found, folder))):
            return f"is reached through the folder {folder}, which {fault}"
    return None


def _steps(path: Path) -> Iterator[Path]:
    """The links on the way to a file, in folders' names too, and the file; each with no link in its name.

    Raises:
        OSError: a link leads nowhere, or there are more links than the system follows, as in a circle.
    """
    at, names, links = Path("/"), list(reversed(path.absolute().parts[1:])), 0
    while names:
        step = at / names.pop()
        if step.name == "..":
            at = at.parent
        elif step.is_symlink():
            if (links := links + 1) > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            yield step
            target = at / step.readlink()
            if not os.path.lexists(target):
                if at.parts[1:2] == ("proc",):  # an open pipe, which has a name there and no place
                    return
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            at, names = Path("/"), [*names, *reversed(target.parts[1:])]
        elif names:
            at = step
        else:
            yield step


def _names_others(place: int | Path) -> bool:
    """Whether an access control list says more than the mode: it may let users and groups write by name."""
    try:
        return bool(os.getxattr(place, "system.posix_acl_access"))
    except (OSError, AttributeError):  # there is none, or no system of ours has them
        return False


def _writable(path: Path, found: os.stat_result, place: int | Path) -> str | None:
    # A terminal's mode is another matter.
    if stat.S_ISCHR(found.st_mode) or not others_may_write(found, place):
        return None
    mode = stat.S_IMODE(found.st_mode)
    return f"may be written by others (mode {mode:04o}), who could change it; run `chmod go-w {path}`"


def others_may_write(found: os.stat_result, place: int | Path) -> bool:
    """Whether anybody but its owner and root may write a file, or put files into a folder and take them away.

    Args:
        place: what `found` was found of.
    """
    # With such a list the group's place in the mode is the most that anybody named in it may do.
    by_group = found.st_mode & stat.S_IWGRP and (_names_others(place) or not _is_of_one(found))
    return bool(by_group or found.st_mode & stat.S_IWOTH)


def link_of_another(path: Path) -> Path | None:
    """The first link of somebody else's, neither ours nor root's, that a name leads over."""
    with suppress(FileNotFoundError):  # a link that leads nowhere was looked at
        return next((link for link in _steps(path) if link.is_symlink() and _of_another(link.lstat())), None)
    return None


def folders_on_the_way(path: Path) -> Iterator[Path]:
    """The folders in which it is decided what a name leads to: those of links on the way, and the file's."""
    return (step.parent for step in _steps(path))


def _is_of_one(found: os.stat_result) -> bool:
    """Whether the file's group is its owner's own, as many systems give each user one, root too."""
    # Whose first group it is stands in the list of users alone. Some systems put a few of their own accounts,
    # by which nobody signs in, into root's.
    in_it = {
        user.pw_name
        for user in pwd.getpwall()
        if user.pw_gid == found.st_gid and (found.st_gid != ROOT or user.pw_uid >= FIRST_OF_PEOPLE)
    }
    with suppress(KeyError):
        in_it |= {*grp.getgrgid(found.st_gid).gr_mem}
    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:  # either has no name here, as in a container
        return found.st_uid == found.st_gid and in_it <= {_user(found.st_uid)}
    return owner.pw_gid == found.st_gid and group.gr_name == owner.pw_name and in_it <= {owner.pw_name}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
