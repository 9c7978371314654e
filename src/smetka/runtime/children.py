"""The parent's children: started, watched, started again after a fall, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from smetka.core.errors import StartFailed
from smetka.core.processes import descendants, python

BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0
"""A process that ran this long is well again: its next fall starts the back-off anew."""

_log = structlog.get_logger(__name__)


class Process(Protocol):
    """What the parent needs of a child: our own processes and the embedded MongoDB alike."""

    @property
    def pid(self) -> int | None:
        """Its process id; None before the first start."""

    def spawn(self) -> None:
        """Start it. Call from the main thread: it dies with the thread that started it."""

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""


class OwnProcess:
    """One of our own modules as a child process, in a process group of its own.

    Ctrl-C on a terminal reaches the whole group of the parent; the children are told to stop by
    the parent instead, in order.
    """

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._command = python("-m", module, "--parent", str(os.getpid()), *arguments)
        self._environment = dict(environment)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:  # noqa: D102 - see Process
        return self._child.pid if self._child else None

    def spawn(self) -> None:  # noqa: D102
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, env=self._environment, stdin=subprocess.DEVNULL, process_group=0
        )

    def poll(self) -> int | None:  # noqa: D102
        return self._child.poll() if self._child else 0

    def tell_to_stop(self) -> None:
        """Send SIGTERM, if it still runs."""
        if self._child and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Wait for it to end; after that time kill it and all that it started."""
        if self._child is None:
            return
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            _log.warning("killed", pid=self._child.pid, after_seconds=seconds)
            for pid in [self._child.pid, *descendants(self._child.pid)]:
                with suppress(ProcessLookupError):  # it ended in this moment
                    os.kill(pid, signal.SIGKILL)
            self._child.wait()


@dataclass
class Watched:
    """A child with the record of its falls."""

    name: str
    process: Process
    falls: int = 0
    started_at: float = 0.0
    start_again_at: float | None = None

    def start(self) -> None:
        """Start it now."""
        self.process.spawn()
        self.started_at, self.start_again_at = time.monotonic(), None
        _log.info("started", part=self.name, pid=self.process.pid)

    def look(self) -> bool:
        """See whether it fell, and start it again when its time has come. True when it was started."""
        now = time.monotonic()
        if self.start_again_at is not None:
            return now >= self.start_again_at and self._start_again(now)
        status = self.process.poll()
        if status is not None:
            if now - self.started_at > STEADY_SECONDS:
                self.falls = 0
            self._fell(now, f"ended with status {status}")
        return False

    def _start_again(self, now: float) -> bool:
        try:
            self.start()
        except (StartFailed, OSError) as error:  # OSError: no memory, a disk gone read-only
            self._fell(now, str(error))
            return False
        return True

    def _fell(self, now: float, reason: str) -> None:
        pause = BACK_OFF_SECONDS[min(self.falls, len(BACK_OFF_SECONDS) - 1)]
        self.falls += 1
        self.start_again_at = now + pause
        _log.error("fell", part=self.name, reason=reason, again_in_seconds=pause)
