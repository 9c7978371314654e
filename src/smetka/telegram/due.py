"""What is to be sent next, looked for in handfuls."""

from __future__ import annotations

from smetka.telegram.delivery import Delivery
from smetka.telegram.outbox import Outbox
from smetka.telegram.pacing import Pace

AHEAD = 25
"""Deliveries that are looked for together: with many waiting each look is long."""


class Due:
    """The deliveries that are due longest, those to busy chats left aside. For one thread.

    One that was looked for earlier may have changed since: whoever claims it is told.
    """

    def __init__(self, outbox: Outbox, pace: Pace) -> None:
        self._outbox, self._pace = outbox, pace
        self._ahead: list[Delivery] = []

    def next(self) -> Delivery | None:
        """The next one; None when nothing is due now.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        busy = set(self._pace.busy_chats())
        self._ahead = [delivery for delivery in self._ahead if delivery.chat not in busy]
        if not self._ahead:
            self._ahead = self._outbox.due(AHEAD, busy=busy)
        if not self._ahead:
            return None
        first = self._ahead[0]
        # What else goes to that chat is looked for anew: the next part of this one comes first.
        self._ahead = [delivery for delivery in self._ahead if delivery.chat != first.chat]
        return first

    def forget(self) -> None:
        """Look anew."""
        self._ahead = []
