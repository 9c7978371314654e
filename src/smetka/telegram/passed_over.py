"""Updates that can never be seen to, which must not silence the bot for all others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from smetka.core.errors import Unavailable
from smetka.core.exact_json import instant
from smetka.storage.faults import ORDER_REFUSED

_TOLD = timedelta(days=1)
_MOST_TOLD = 20
_TOO_LARGE = "it is too large to be read"

_log = structlog.get_logger(__name__)


class PassedOver:
    """Tells an update that is refused from a MongoDB that is away. For one thread.

    Only what MongoDB refuses for what it is (too large, a value that cannot be kept), twice in a row, is
    passed over. While it is away, or lets nobody write, every update comes again.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._refused: object = None
        self._last: deque[tuple[object, datetime, str]] = deque(maxlen=_MOST_TOLD)

    def takes(self, number: object, error: Unavailable) -> bool:
        """Whether the update is to be passed over; else it comes again."""
        if getattr(error, "causes", None) != ORDER_REFUSED:
            return False
        if self._refused != number:
            self._refused = number
            _log.error("update-refused", update=number, reason=error.reason)
            return False
        self._note(number, "MongoDB refuses what is to be kept of it")
        return True

    def add(self, number: int) -> None:
        """Pass over an update that does not come even by itself."""
        _log.error("update-refused", update=number, reason=_TOO_LARGE)
        self._note(number, _TOO_LARGE)

    def told(self) -> str | None:
        """A sentence about each of the last day, the newest ones at least."""
        now = self._now()
        return (
            " ".join(
                f"Update {number} was passed over at {instant(time)}: {reason}."
                for number, time, reason in self._last
                if now - time <= _TOLD
            )
            or None
        )

    def _note(self, number: object, reason: str) -> None:
        self._last.append((number, self._now(), reason))
