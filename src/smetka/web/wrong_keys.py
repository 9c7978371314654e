"""A limit on wrong guesses, of keys and of voucher codes, so that guessing is noticed and gets nowhere."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from smetka.web.refusals import TooManyRequests

WRONG_KEYS_PER_MINUTE = 10
UNKNOWN_CODES_PER_MINUTE = 20


class Guesses:
    """Counts what was guessed wrong, by who guesses, in memory, each process for itself.

    Args:
        what: is guessed, in the words of the refusal: "wrong keys came from this address".
    """

    def __init__(self, what: str, per_minute: int) -> None:
        self._what = what
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, guesser: str) -> None:
        """Count nothing.

        Raises:
            TooManyRequests: one more wrong guess would be too many.
        """
        if not self._limiter.test(self._limit, guesser):
            raise self._refusal(guesser)

    def count(self, guesser: str) -> None:
        """Note a wrong guess.

        Raises:
            TooManyRequests: there were too many within a minute.
        """
        if not self._limiter.hit(self._limit, guesser):
            raise self._refusal(guesser)

    def _refusal(self, guesser: str) -> TooManyRequests:
        reset = self._limiter.get_window_stats(self._limit, guesser).reset_time
        return TooManyRequests(self._what, max(1, math.ceil(reset - time.time())))


def wrong_keys() -> Guesses:
    """By address. Only wrong keys count, and a right key is never slowed.

    So people behind one address cannot lock each other out. What keeps guessers away is the size of a
    key; the limit keeps them quiet.
    """
    return Guesses("wrong keys came from this address", WRONG_KEYS_PER_MINUTE)


def unknown_codes() -> Guesses:
    """By key and by address. Only well-formed codes that no voucher has count.

    A mistyped one is told apart without asking anybody, so that it tells a guesser nothing, and a cashier
    may mistype as often as it happens.
    """
    return Guesses("codes that no voucher has came from here", UNKNOWN_CODES_PER_MINUTE)
