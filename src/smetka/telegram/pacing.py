"""How fast one bot may write: Telegram stops those who write faster."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from smetka.telegram.chats import Chat
from smetka.telegram.topics import ChatId, chat_of

BOT_LIMIT = (25, 1.0)
CHAT_LIMIT = (1, 1.0)
GROUP_LIMIT = (20, 60.0)
"""Messages, within seconds: in all, to one chat, and to one group."""


class Window:
    """So many messages within so many seconds, exact wherever they are counted on their way.

    A message counts from the start of its sending until `seconds` after its end, since it arrives
    somewhere in between.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._under_way = 0
        self._ended: deque[float] = deque()

    def seconds_to_wait(self, now: float) -> float:
        """How long until another may start; 0 when it may now. Infinite when only an end can tell."""
        while self._ended and now - self._ended[0] >= self._seconds:
            self._ended.popleft()
        too_many = self._under_way + len(self._ended) - self._most
        if too_many < 0:
            return 0.0
        if too_many >= len(self._ended):
            return float("inf")
        return self._ended[too_many] + self._seconds - now

    def is_empty(self, now: float) -> bool:
        """Whether nothing counts any more."""
        self.seconds_to_wait(now)
        return not self._under_way and not self._ended

    def start(self) -> None:
        """Count a message from now on."""
        self._under_way += 1

    def end(self, now: float) -> None:
        """A message has ended, whatever became of it."""
        self._under_way -= 1
        self._ended.append(now)


class Pace:
    """Remembers what was sent when, to all topics of a chat together. For one thread.

    Args:
        clock: gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bot = Window(*BOT_LIMIT)
        self._chats: defaultdict[ChatId, list[Window]] = defaultdict(list)
        self._paused_until: dict[ChatId, float] = {}

    def busy_chats(self) -> list[ChatId]:
        """Chats that cannot be written to just now, so that others have their turn."""
        now = self._clock()
        for chat in [c for c, windows in self._chats.items() if all(w.is_empty(now) for w in windows)]:
            del self._chats[chat]
        busy = [c for c, windows in self._chats.items() if any(w.seconds_to_wait(now) for w in windows)]
        self._paused_until = {chat: until for chat, until in self._paused_until.items() if now < until}
        return [*busy, *self._paused_until]

    def pause(self, chat: ChatId, seconds: float) -> None:
        """Leave a chat alone, as Telegram asked."""
        self._paused_until[chat_of(chat)] = self._clock() + seconds

    def are_others_paused(self, chat: ChatId) -> bool:
        """Whether Telegram asked for another chat to be left alone, and that is not over."""
        now = self._clock()
        return any(now < until for other, until in self._paused_until.items() if other != chat_of(chat))

    def seconds_to_wait(self) -> float:
        """How long the bot as a whole has to wait; 0 when it may write."""
        return self._bot.seconds_to_wait(self._clock())

    def start(self, chat: ChatId) -> None:
        """A message to this chat starts."""
        for window in (self._bot, *self._windows(chat)):
            window.start()

    def end(self, chat: ChatId) -> None:
        """It has ended, whatever became of it."""
        now = self._clock()
        for window in (self._bot, *self._windows(chat)):
            window.end(now)

    def remember(self, chat: ChatId) -> None:
        """Count a message that another sender sent lately, as if it had ended now."""
        self.start(chat)
        self.end(chat)

    def _windows(self, chat: ChatId) -> list[Window]:
        windows = self._chats[chat_of(chat)]
        if not windows:
            windows += [Window(*CHAT_LIMIT)] + ([Window(*GROUP_LIMIT)] if Chat(chat).is_group else [])
        return windows
