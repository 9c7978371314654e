"""Is the ledger there, is MongoDB there? Asked side by side, with a limit on the whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from smetka.core.errors import BonusStoreUnavailable, Unavailable
from smetka.shop.services import Services

log = structlog.get_logger(__name__)

PROBE_SECONDS = 1.5
"""The longest that all probes together may take; a part that is silent for longer is not ready."""

MONGODB_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """What a probe found, in words for those who ask from outside."""

    ready: bool
    detail: str
    causes: tuple[str, ...] = ()
    """Why MongoDB is not, as in `errors.CAUSES`."""

    def as_json(self) -> dict[str, Any]:
        """The part's entry in `/readyz`."""
        return {"ready": self.ready, "detail": self.detail}


class Probe:
    """One question to one part. Those who ask while it is being asked share the answer."""

    def __init__(self, name: str, ask: Callable[[], None]) -> None:
        self.name = name
        self._ask = ask
        self._lock = threading.Lock()
        self._running: _Run | None = None

    def start(self) -> _Run:
        """Ask in a thread of its own; a part that hangs keeps one thread, not one a request."""
        with self._lock:
            if self._running is None or self._running.done.is_set():
                self._running = self._begin()
            return self._running

    def _begin(self) -> _Run:
        run = _Run()
        try:
            threading.Thread(target=self._work, args=[run], name=f"probe-{self.name}", daemon=True).start()
        except RuntimeError:  # no thread can be had now: the next one who asks tries again
            run.finding = Finding(False, "It could not be asked: the server has too many threads.")
            run.done.set()
        return run

    def _work(self, run: _Run) -> None:
        try:
            self._ask()
            run.finding = Finding(True, "ready")
        except Unavailable as error:
            run.finding = _found(error)
        except Exception:
            log.exception("probe failed", part=self.name)
            run.finding = Finding(False, "The probe itself failed; see the log.")
        finally:
            run.done.set()


def _found(error: Unavailable) -> Finding:
    """Why a part is away. Its reason is for logs: it may name paths."""
    if isinstance(error, BonusStoreUnavailable) and error.causes:
        return Finding(False, f"{error.title}: {error.told(error.causes)}.", error.causes)
    return Finding(False, str(error))


class _Run:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.finding = Finding(False, f"There was no answer within {PROBE_SECONDS:g} s.")


class Probes:
    """The parts without which requests about data cannot be answered."""

    def __init__(self, services: Services) -> None:
        self._probes = (
            Probe("ledger", services.ledger.ping),
            Probe("mongodb", lambda: services.storage.ping(MONGODB_SECONDS)),
        )

    def findings(self) -> dict[str, Finding]:
        """What each part says now, within `PROBE_SECONDS`."""
        deadline = time.monotonic() + PROBE_SECONDS
        runs = {probe.name: probe.start() for probe in self._probes}
        for run in runs.values():
            run.done.wait(max(0.0, deadline - time.monotonic()))
        return {name: run.finding for name, run in runs.items()}
