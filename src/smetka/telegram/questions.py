"""How much people ask the bot of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

MOST_A_MINUTE = 20
"""Questions of one chat that are answered within a minute; codes that somebody tries are questions too."""

_MOST_CHATS = 10_000


class Questions:
    """Counts each chat's questions within a minute. For one thread."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._asked: dict[int, deque[datetime]] = {}
        self._judged: tuple[int | None, bool] = (None, False)

    def are_too_many(self, chat: int, number: int) -> bool:
        """Whether this one goes beyond the limit; else it is counted.

        Args:
            number: of the update: of one that comes again, as its answer could not be kept, the same is said.
        """
        if number != self._judged[0]:
            self._judged = number, self._is_beyond(chat)
        return self._judged[1]

    def _is_beyond(self, chat: int) -> bool:
        now = self._now()
        if chat not in self._asked and len(self._asked) >= _MOST_CHATS:
            self._forget(now)
        asked = self._asked.setdefault(chat, deque(maxlen=MOST_A_MINUTE))
        if len(asked) == MOST_A_MINUTE and _is_recent(asked[0], now):
            return True
        asked.append(now)
        return False

    def _forget(self, now: datetime) -> None:
        self._asked = {chat: asked for chat, asked in self._asked.items() if _is_recent(asked[-1], now)}


def _is_recent(time: datetime, now: datetime) -> bool:
    return 0 <= (now - time).total_seconds() < 60
