"""A limit on wrong keys, so that guessing is noticed and costs little."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from smetka.web.hosts import client_network
from smetka.web.refusals import TooManyRequests

PER_MINUTE = 10


class WrongKeys:
    """Counts wrong keys by client address, in memory, each process for itself.

    Only wrong keys count, and a right key is never slowed: people behind one address cannot lock
    each other out. What keeps guessers away is the size of a key; the limit keeps them quiet.
    """

    def __init__(self) -> None:
        self._limit = RateLimitItemPerMinute(PER_MINUTE)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, address: str) -> None:
        """Note a wrong key.

        Raises:
            TooManyRequests: there were more than `PER_MINUTE` from this address within a minute.
        """
        client = client_network(address)
        if not self._limiter.hit(self._limit, client):
            reset = self._limiter.get_window_stats(self._limit, client).reset_time
            raise TooManyRequests(max(1, math.ceil(reset - time.time())))
