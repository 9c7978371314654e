"""Files that settings are read from. Whoever may write one decides what Smetka does, and as whom."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

ROOT = 0


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
    with path.open(encoding="utf-8") as file:
        # A link is decided upon by its owner too. Secrets of containers are links of root to files of root.
        found = os.fstat(file.fileno())
        fault = _of_another(path.lstat()) or _of_another(found)
        fault = fault or _writable(path, found, is_shared=_names_others(file.fileno()))
        return Found(file.read(), fault)


def readable_by_all(path: Path) -> bool:
    """Whether every user of the machine may read the file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # a pipe, which is gone when it was read
        return False


def _of_another(found: os.stat_result) -> str | None:
    if found.st_uid in {ROOT, os.geteuid()}:
        return None
    return (
        f"belongs to {_user(found.st_uid)}, who decides what stands in it; settings are taken from files of "
        f"{_user(os.geteuid())} or root alone"
    )


def _names_others(descriptor: int) -> bool:
    """Whether an access control list says more than the mode: it may let users and groups write by name."""
    try:
        return bool(os.getxattr(descriptor, "system.posix_acl_access"))
    except (OSError, AttributeError):  # there is none, or no system of ours has them
        return False


def _writable(path: Path, found: os.stat_result, *, is_shared: bool) -> str | None:
    if not stat.S_ISREG(found.st_mode):  # a pipe, or a terminal
        return None
    # With such a list the group's place in the mode is the most that anybody named in it may do.
    by_group = found.st_mode & stat.S_IWGRP and (is_shared or not _is_of_one(found))
    if not by_group and not found.st_mode & stat.S_IWOTH:
        return None
    mode = stat.S_IMODE(found.st_mode)
    return f"may be written by others (mode {mode:04o}), who could change it; run `chmod go-w {path}`"


def _is_of_one(found: os.stat_result) -> bool:
    """Whether the file's group is root's, or its owner's own, as many systems give each user one."""
    if found.st_gid == ROOT:
        return True
    try:
        owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid)
    except KeyError:  # neither has a name here, as in a container
        return found.st_uid == found.st_gid
    # Whose first group it is stands in the list of users alone.
    members = {*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == found.st_gid)}
    return group.gr_name == owner and members <= {owner}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
