"""Updates that MongoDB never takes, which must not silence the bot for all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from smetka.errors import Unavailable
from smetka.exact_json import instant
from smetka.storage.faults import ORDER_REFUSED

_TOLD = timedelta(days=1)

_log = structlog.get_logger(__name__)


class PassedOver:
    """Tells an update that is refused from a MongoDB that is away. For one thread.

    Only what MongoDB refuses for what it is (too large, a value that cannot be kept), twice in a row, is
    passed over. While it is away, or lets nobody write, every update comes again.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._refused: object = None
        self._last: tuple[object, datetime] | None = None

    def takes(self, number: object, error: Unavailable) -> bool:
        """Whether the update is to be passed over; else it comes again."""
        if getattr(error, "causes", None) != ORDER_REFUSED:
            return False
        if self._refused != number:
            self._refused = number
            _log.error("update-refused", update=number, reason=error.reason)
            return False
        self._last = (number, self._now())
        return True

    def told(self) -> str | None:
        """A sentence about the last one, for a day."""
        if self._last is None or self._now() - self._last[1] > _TOLD:
            return None
        number, time = self._last
        return (
            f"Update {number} was passed over at {instant(time)}: MongoDB refuses what is to be kept of it."
        )
