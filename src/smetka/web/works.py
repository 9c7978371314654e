"""Long work that a page began: it goes on while the page is looked at, and tells how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from smetka.errors import SmetkaError
from smetka.progress import Progress
from smetka.web.refusals import Overloaded

MOST_REMEMBERED, MOST_AT_ONCE = 100, 8

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Work:
    """One piece of work. `error` is a sentence, and there only when it failed."""

    done: int = 0
    of: int = 0
    is_running: bool = True
    error: str | None = None
    result: object = None


class Works:
    """What this process is busy with, by name. Thread-safe.

    All of it may be killed and begun again: that is the work's own promise. Another process knows
    nothing of it, and looks at what it has written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}

    def begin(self, name: str, run: Callable[[Progress], object]) -> None:
        """Run it, unless it runs already.

        Args:
            run: gets what tells how much of how much is done.

        Raises:
            Overloaded: so much is being done already.
        """
        with self._lock:
            there = self._works.get(name)
            if there is not None and there.is_running:
                return
            self._works.pop(name, None)  # so that it comes to stand at the end
            if sum(each.is_running for each in self._works.values()) >= MOST_AT_ONCE:
                raise Overloaded
            work = self._works[name] = Work()
            for old in [each for each, its in self._works.items() if not its.is_running][:-MOST_REMEMBERED]:
                del self._works[old]
        threading.Thread(target=_run, args=(name, work, run), name=name, daemon=True).start()

    def get(self, name: str) -> Work | None:
        """How far the newest work of that name is in this process, or what became of it.

        As it is now: it does not end while a page is written about it.
        """
        found = self._works.get(name)
        return replace(found) if found else None


def _run(name: str, work: Work, run: Callable[[Progress], object]) -> None:
    def tell(done: int, of: int) -> None:
        work.done, work.of = done, of

    try:
        work.result = run(tell)
    except SmetkaError as error:
        work.error = str(error)
        _log.warning("work stopped", work=name, reason=getattr(error, "reason", None) or str(error))
    except Exception:  # noqa: BLE001 - nobody else would hear of it
        work.error = "internal-error"
        _log.exception("work failed", work=name)
    finally:
        work.is_running = False
