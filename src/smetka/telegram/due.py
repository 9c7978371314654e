"""What is to be sent next, looked for in handfuls."""

from __future__ import annotations

from collections import defaultdict

from smetka.telegram.delivery import Delivery
from smetka.telegram.outbox import Outbox
from smetka.telegram.pacing import Pace
from smetka.telegram.topics import ChatId, chat_of

AHEAD = 25
"""Deliveries that are looked for together: with many waiting each look is long."""


class Due:
    """The deliveries that are due longest, those to busy chats left aside. For one thread.

    One that was looked for earlier may have changed since: whoever claims it is told.
    """

    def __init__(self, outbox: Outbox, pace: Pace) -> None:
        self._outbox, self._pace = outbox, pace
        self._ahead: list[Delivery] = []
        self._topics: defaultdict[ChatId, set[ChatId]] = defaultdict(set)

    def next(self) -> Delivery | None:
        """The next one; None when nothing is due now.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        busy = set(self._pace.busy_chats())
        self._ahead = self._to_others(self._ahead, busy)
        while not self._ahead:
            # By the names that were seen so far; each time round, a topic of a busy chat is one more.
            names = busy.union(*(self._topics[chat] for chat in busy))
            found = self._outbox.due(AHEAD, busy=names)
            if not found:
                return None
            for delivery in found:
                self._topics[chat_of(delivery.chat)].add(delivery.chat)
            self._ahead = self._to_others(found, busy)
        first = self._ahead[0]
        # What else goes to that chat is looked for anew: the next part of this one comes first.
        self._ahead = self._to_others(self._ahead, {chat_of(first.chat)})
        return first

    @staticmethod
    def _to_others(deliveries: list[Delivery], chats: set[ChatId]) -> list[Delivery]:
        return [delivery for delivery in deliveries if chat_of(delivery.chat) not in chats]

    def forget(self) -> None:
        """Look anew."""
        self._ahead = []
