"""Which chats and topics nothing is sent to, why, and when they are tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from smetka.telegram.chats import Chat, Chats
from smetka.telegram.delivery import FAILED, HELD, WAITING, Delivery
from smetka.telegram.endings import Ending, later
from smetka.telegram.errors import Media, Refused, TopicFault
from smetka.telegram.flights import Flight
from smetka.telegram.parts import Document, Picture
from smetka.telegram.topics import ChatId, chat_of, topic_of

TRIED_FOR = timedelta(hours=12)
"""How long a chat in which the bot may not write is tried again by itself."""

SHORTEST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(hours=1)
"""Between two of those tries: as long as it has lasted by then, within these."""

_NOT_ALLOWED: dict[Media, str] = {
    "picture": "Pictures are not allowed in this chat; the figures go as text.",
    "file": "Files are not allowed in this chat; the message goes without it.",
}

TOPIC_FAULTS: dict[TopicFault, str] = {
    "closed": "The topic is closed.",
    "deleted": "The topic was deleted.",
    "not there": "There is no such topic in the chat, or it was deleted.",
}

_log = structlog.get_logger(__name__)


class Pauses:
    """Judges refusals that speak of a chat. For one thread.

    Args:
        write: takes what is to be written to MongoDB, in order; each is safe to repeat.
    """

    def __init__(
        self, chats: Chats, write: Callable[[Callable[[], object]], None], *, now: Callable[[], datetime]
    ) -> None:
        self._chats, self._write, self._now = chats, write, now
        self._paused: set[ChatId] = set()
        self._refused_since: dict[ChatId, datetime] = {}

    @property
    def told(self) -> str:
        """Which are paused, as a sentence; empty when none is."""
        if not self._paused:
            return ""
        chats = ", ".join(sorted(map(str, self._paused))[:5])
        more = f" and {len(self._paused) - 5} more" if len(self._paused) > 5 else ""
        return f" Paused: chat {chats}{more}."

    def look(self) -> None:
        """See which are paused.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        self._paused = {chat.id for chat in self._chats.all() if chat.paused}

    def stops(self, claimed: Delivery, chat: Chat) -> Ending | None:
        """What becomes of a delivery whose chat or topic is paused; None when it is to be sent.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        whole = chat_of(claimed.chat)
        self._refused_since.pop(whole, None)
        if not chat.paused:
            self._paused -= {whole, topic_of(claimed.chat)}
            return None
        self.look()  # whether it is the chat or this topic, and what else was resumed meanwhile
        reason = f"The chat is paused: {chat.paused}"
        if chat.again_at is None:
            return Ending(HELD, {"reason": reason})
        now = self._now()
        # Further ahead than any rest is what a clock wrote that was wrong.
        if now < chat.again_at <= now + LONGEST_REST:
            return later(now, (chat.again_at - now).total_seconds(), reason)
        self._refused_since[whole] = min(chat.refused_since or now, now)
        return None  # one goes ahead; the others have their turn when it is known how that ended

    def went_well(self, claimed: Delivery) -> None:
        """A message has arrived: a chat that was tried again is paused no more."""
        if self._refused_since.pop(chat_of(claimed.chat), None) is not None:
            self._paused.discard(chat_of(claimed.chat))
            self._write(partial(self._chats.recovered, claimed.chat))
            _log.info("chat-resumed", chat=claimed.chat)

    def refused(self, flight: Flight, error: Refused) -> Ending:
        """What becomes of a delivery, and of its chat, after a refusal for good."""
        claimed = flight.claimed
        if (media := _media(flight)) and error.forbids(media):
            return Ending(WAITING, {"without": [*claimed.without, media], "reason": _NOT_ALLOWED[media]})
        if fault := error.topic_fault:
            reason = TOPIC_FAULTS[fault]
            place = topic_of(claimed.chat)
            self._pause(place, reason, partial(self._chats.pause_topic, place, reason))
            return Ending(FAILED, {"reason": reason})
        if error.is_of_rights:
            return self._rest(claimed, error.description)
        if error.is_of_the_chat:
            self._pause_chat(claimed, error.description)
        return Ending(FAILED, {"reason": error.description})

    def _rest(self, claimed: Delivery, reason: str) -> Ending:
        """Try again later: an administrator gives rights back, and Telegram took them by mistake once."""
        now = self._now()
        since = self._refused_since.pop(chat_of(claimed.chat), now)
        lasted = now - since
        if lasted >= TRIED_FOR:
            self._pause_chat(claimed, reason)
            return Ending(HELD, {"reason": f"The chat is paused: {reason}"})
        rest = min(max(lasted, SHORTEST_REST), LONGEST_REST)
        place = chat_of(claimed.chat)
        self._pause(place, reason, partial(self._chats.rest, place, reason, since=since, again_at=now + rest))
        return later(now, rest.total_seconds(), reason)

    def _pause_chat(self, claimed: Delivery, reason: str) -> None:
        place = chat_of(claimed.chat)
        self._pause(place, reason, partial(self._chats.pause, place, reason))

    def _pause(self, place: ChatId, reason: str, write: Callable[[], object]) -> None:
        self._write(write)
        self._paused.add(place)
        _log.warning("chat-paused", chat=place, reason=reason)


def _media(flight: Flight) -> Media | None:
    match flight.part:
        case Picture():
            return "picture"
        case Document():
            return "file"
    return None
