"""What our processes share: dying with the parent, and knowing one process from a later namesake."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def python(*arguments: str) -> list[str]:
    """The command of a process in our own interpreter; every one is started by this.

    Without -P the working directory (with `-m`) comes before all installed packages: a `structlog.py`
    beside the ledger would run in a process that knows the bot's token.
    """
    return [sys.executable, "-P", *arguments]


def die_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent process is gone, `kill -9` included.

    Linux only. The signal follows the parent's *thread* that started this process, so parents start
    children from a thread that lives as long as they do. Exits at once when the parent died before.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)


def give_back() -> None:
    """Have memory that is free go back to the system; glibc keeps most of it. Elsewhere nothing happens."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def birth(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None when it is gone or a zombie.

    Together with the pid it names one process for ever: pids are used again, births are not.
    """
    try:
        # The second field, the name in brackets, may hold blanks and brackets of its own.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def descendants(pid: int) -> list[int]:
    """The pids of all living children, grandchildren and so on, oldest generation first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [child for child in children if birth(child) is not None]
    return found + [below for child in found for below in descendants(child)]
