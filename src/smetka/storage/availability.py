"""Whether a server is there: one thread looks after it while it is away, everybody else fails at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

import structlog

from smetka.storage.faults import Absence

PAUSE_SECONDS = 0.5
LASTING_PAUSE_SECONDS = 5.0
# A server that is started together with us is not reported missing while it starts.
QUIET_ATTEMPTS = 3

_log = structlog.get_logger(__name__)


class Availability:
    """The state of one server, safe for all threads of a process.

    `attempt` connects, raising `Exception` when it cannot, which `explain` explains. It runs in a thread of
    its own, so that not even a resolver that hangs can hold whoever waits longer than they wait.
    """

    def __init__(
        self, attempt: Callable[[], None], explain: Callable[[Exception], Absence], *, is_logged: bool = True
    ) -> None:
        self._attempt, self._explain, self._is_logged = attempt, explain, is_logged
        self._changed = Condition()
        self._is_there = False
        self._why_away: Absence | None = None
        self._looking = False
        self._told_away: Absence | None = None
        self._was_there = self._suspected = False
        self._attempts = 0
        self._closed = False

    @property
    def is_there(self) -> bool:
        """False from a fault on, until an attempt succeeds; false before the first use, too."""
        return self._is_there

    def why_away(self, seconds: float) -> Absence | None:
        """None when it is there; else why not, at once when it is known.

        Before the first attempt has ended there is none: then it is waited for, so long.
        """
        if self.is_there:
            return None
        deadline = time.monotonic() + seconds
        with self._changed:
            self._look()
            while self._is_unknown():
                left = deadline - time.monotonic()
                if left <= 0:
                    self._set_away(Absence(f"no answer within {seconds:g} s", ("no answer",)))
                else:
                    self._changed.wait(left)
            if self._closed:
                return Absence("the connection is closed")
            return None if self._is_there else self._why_away

    def lost(self, absence: Absence) -> None:
        """It is away: everybody is refused for this reason until an attempt succeeds."""
        with self._changed:
            self._set_away(absence)
            self._look()

    def suspect(self) -> None:
        """It did not answer within a limit shorter than the usual one: it may be away, or only far.

        Until an attempt succeeds, those in a hurry are refused; those with time to wait still ask.
        """
        with self._changed:
            self._suspected = True
            self._look()

    @property
    def is_suspected(self) -> bool:
        """Whether somebody in a hurry waited in vain, and no attempt has succeeded since."""
        return self._suspected

    def close(self) -> None:
        """Look no more; an attempt under way may still end in its own time."""
        with self._changed:
            self._closed, self._is_there = True, False
            self._changed.notify_all()

    def _is_unknown(self) -> bool:
        return not (self._is_there or self._why_away is not None or self._closed)

    def _look(self) -> None:
        if not self._looking and not self._closed:
            # Started first: where no thread can be had now, the next one who asks tries again.
            with suppress(RuntimeError):
                Thread(target=self._until_there, name="mongodb-probe", daemon=True).start()
                self._looking = True

    def _until_there(self) -> None:
        while True:
            absence = self._try()
            with self._changed:
                self._attempts += 1
                if absence is None:
                    self._set_there()
                else:
                    self._set_away(absence)
                self._changed.notify_all()
                pause = LASTING_PAUSE_SECONDS if absence and absence.is_lasting else PAUSE_SECONDS
                if self._is_there or self._changed.wait_for(lambda: self._closed, pause):
                    self._looking = False
                    return

    def _try(self) -> Absence | None:
        try:
            self._attempt()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not there
            return self._explain(error)
        return None

    def _set_there(self) -> None:
        if self._told_away:
            _log.info("mongodb-there")
        self._is_there, self._why_away, self._told_away = not self._closed, None, None
        self._was_there, self._suspected = True, False

    def _set_away(self, absence: Absence) -> None:
        self._is_there, self._why_away = False, absence
        if self._closed or not self._is_logged:
            return
        if absence.is_lasting:  # it does not heal by itself: somebody has to know of each
            if self._told_away != absence:
                _log.error("mongodb-unusable", reason=absence.reason)
                self._told_away = absence
        elif self._told_away is None and (self._was_there or self._attempts >= QUIET_ATTEMPTS):
            _log.warning("mongodb-away", reason=absence.reason)
            self._told_away = absence
