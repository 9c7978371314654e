"""How fast one bot may write: Telegram stops those who write faster."""

from __future__ import annotations

from collections.abc import Callable

CHAT_SECONDS = 1.0
"""Between two messages to one chat."""

BOT_SECONDS = 1 / 25
"""Between two messages to whichever chats."""


class Pace:
    """Remembers what was sent when. For one thread; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent_to: dict[int | str, float] = {}
        self._sent_at = float("-inf")

    def busy_chats(self) -> list[int | str]:
        """Chats that were written to just now, so that others have their turn."""
        now = self._clock()
        self._sent_to = {chat: at for chat, at in self._sent_to.items() if now - at < CHAT_SECONDS}
        return list(self._sent_to)

    def seconds_to_wait(self) -> float:
        """How long the bot as a whole has to wait; 0 when it may write."""
        return max(0.0, self._sent_at + BOT_SECONDS - self._clock())

    def sent(self, chat: int | str) -> None:
        """Count a message from now on, whatever became of it."""
        self._sent_at = self._sent_to[chat] = self._clock()
