"""How far long work is, as it is told to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Told now and then how much is done, and of how much; 0 as the latter when that is not known."""

EVERY = 100
"""What one thing takes is little beside telling of it."""


def unseen(_done: int, _of: int) -> None:
    """Told where nobody looks."""


class Count:
    """Adds up what is done, and tells it."""

    def __init__(self, tell: Progress, of: int = 0) -> None:
        self._tell, self._of, self._done = tell, of, 0

    def __call__(self, more: int) -> None:
        """So much more is done."""
        self._done += more
        self._tell(self._done, self._of)

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The same things; told of in hundreds as they are taken, and held no longer."""
        untold = 0
        for item in items:
            yield item
            untold += 1
            if untold == EVERY:
                self(untold)
                untold = 0
        self(untold)
