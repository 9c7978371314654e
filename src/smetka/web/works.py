"""Long work that a page began: it goes on while the page is looked at, and tells how far it is."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from smetka.core.errors import SmetkaError
from smetka.core.progress import Progress
from smetka.web.refusals import Overloaded

MOST_REMEMBERED, MOST_AT_ONCE = 100, 8
SOON_SECONDS = 2.0
"""What takes longer is told of while it runs."""

IMPORTS = "import "
"""How names of imports begin."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Work:
    """One piece of work. `error` is a sentence, and there only when it failed, as `failure` is."""

    done: int = 0
    of: int = 0
    is_running: bool = True
    error: str | None = None
    result: object = None
    failure: Exception | None = None
    ended: threading.Event = field(default_factory=threading.Event)


def issue_work(campaign: str) -> str:
    """The name of a campaign's issue among what is worked on."""
    return f"issue {campaign}"


def preview_work(campaign: str, id_: str) -> str:
    """The name of one preview of a campaign among what is worked on."""
    return f"preview {campaign} {id_}"


def import_work(id_: str = "") -> str:
    """The name of an import among what is worked on; one of its own unless it has an id."""
    return f"{IMPORTS}{id_ or secrets.token_urlsafe(16)}"


class Works:
    """What this process is busy with, by name. Thread-safe.

    All of it may be killed and begun again: that is the work's own promise. Another process knows
    nothing of it, and looks at what it has written.

    Attributes:
        soon: seconds for which a page waits for the end of what it began.
    """

    def __init__(self) -> None:
        self.soon = SOON_SECONDS
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}
        self._awaited: dict[str, Work] = {}

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
        if found is None or not found.is_running:
            found = self._awaited.get(name, found)
        return replace(found) if found else None

    def end_of(self, name: str) -> Work | None:
        """The newest work of that name when it has ended, or `soon` is over."""
        if (found := self._works.get(name)) is not None:
            found.ended.wait(self.soon)
        return self.get(name)

    def forget(self, name: str) -> None:
        """Know no more of work that has ended."""
        with self._lock:
            if (found := self._works.get(name)) is not None and not found.is_running:
                del self._works[name]

    def running(self, beginning: str) -> list[Work]:
        """How far all are whose names begin so, and that run."""
        with self._lock:
            both = [*self._works.items(), *self._awaited.items()]
        return [replace(work) for name, work in both if name.startswith(beginning) and work.is_running]

    @contextmanager
    def awaited(self, name: str) -> Iterator[Progress]:
        """Tell of work that is done in this block, for whoever waits for its end, to all others.

        Of several of a name the newest is told of.
        """
        work = Work()
        with self._lock:
            self._awaited[name] = work
        try:
            yield partial(_tell, work)
        finally:
            with self._lock:
                if self._awaited.get(name) is work:
                    del self._awaited[name]


def _tell(work: Work, done: int, of: int) -> None:
    work.done, work.of = done, of


def _run(name: str, work: Work, run: Callable[[Progress], object]) -> None:
    try:
        work.result = run(partial(_tell, work))
    except SmetkaError as error:
        work.error, work.failure = str(error), error
        _log.warning("work stopped", work=name, reason=getattr(error, "reason", None) or str(error))
    except Exception as error:  # noqa: BLE001 - nobody else would hear of it
        work.error, work.failure = "internal-error", error
        _log.exception("work failed", work=name)
    finally:
        work.is_running = False
        work.ended.set()
