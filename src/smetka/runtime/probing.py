"""Finding a process that runs but does not work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

import structlog

from smetka.core.processes import descendants
from smetka.runtime.children import Process

PROBE_SECONDS = 5.0
FIRST_SECONDS = 0.5
"""Between probes of one that has not answered yet: one that worked and then hung is not one that starts."""
PROBES_THAT_TELL = 3
"""Failed probes in a row after which a process is killed and started again."""
PATIENCE_SECONDS = 60.0
"""How long one that has not answered yet may take: its first start on a slow disk, a recovery."""

_log = structlog.get_logger(__name__)


def probe(name: str, process: Process, works: Callable[[], bool], stopping: Event) -> None:
    """Ask a process again and again whether it works, in a thread; kill it when it does not.

    Whoever watches it starts it again. Nothing acknowledged is lost: that is on disk.

    Args:
        works: asks it; must come back within a few seconds.
        stopping: ends the probing.
    """
    Thread(target=_probe, args=[name, process, works, stopping], name=f"probe-{name}", daemon=True).start()


def _probe(name: str, process: Process, works: Callable[[], bool], stopping: Event) -> None:
    probed, failures, answered, since = None, 0, False, 0.0
    while not stopping.wait(PROBE_SECONDS if answered else FIRST_SECONDS):
        pid = process.pid
        if pid != probed:
            probed, failures, answered, since = pid, 0, False, time.monotonic()
        if pid is None or process.poll() is not None:
            continue
        it_works = works()
        answered, failures = answered or it_works, 0 if it_works else failures + 1
        if failures >= PROBES_THAT_TELL and (answered or time.monotonic() - since > PATIENCE_SECONDS):
            _log.error("does-not-work", part=name, pid=pid, probes_failed=failures)
            for each in (pid, *descendants(pid)):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            failures = 0
