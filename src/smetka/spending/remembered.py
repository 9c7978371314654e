"""Answers remembered for as long as what they were made of stays the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from smetka.core.errors import NotAtOnce

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

MOST_ANSWERS = 256
"""Answers kept, unless told otherwise."""

_LATER = object()
"""Stands for the version of a computation that has not begun: it will be new enough for everybody."""


class _Computation(Generic[A]):
    """One run of `compute`, shared by all who wait for it."""

    def __init__(self, version: Hashable) -> None:
        self.version = version
        self.done = threading.Event()
        self.answer: A
        self.error: BaseException | None = None

    def serves(self, version: Hashable) -> bool:
        return self.version is _LATER or self.version == version

    def result(self) -> A:
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self.answer


class Remembered(Generic[Q, A]):
    """Remembers one answer a question, until the version changes. Threads may share one.

    An answer reflects everything that was there before the question was asked. Those who ask the same
    at once share one computation. While one runs that began too early for a newcomer, all newcomers
    wait for its end and share the next: nobody waits for more than two. An error goes to all who share
    the computation and is not remembered.

    Args:
        version: names the state of what answers are made of; asked at every question, its errors too
            are answers.
        compute: makes an answer at least as new as the version last read.
        most: answers kept; the one not asked for the longest gives way.
    """

    def __init__(
        self, version: Callable[[], Hashable], compute: Callable[[Q], A], *, most: int = MOST_ANSWERS
    ) -> None:
        self._version = version
        self._most = most
        self._compute = compute
        self._lock = threading.Lock()
        self._answers: OrderedDict[Q, tuple[Hashable, A]] = OrderedDict()
        # At most two a question: the one that runs, and the one that waits for its end.
        self._computations: dict[Q, list[_Computation[A]]] = {}

    def at_once(self, question: Q, version: Hashable) -> A:
        """The answer, if it is remembered for this version.

        Raises:
            NotAtOnce: it must be computed.
        """
        with self._lock:
            remembered = self._recall(question, version)
        if remembered is None:
            raise NotAtOnce
        return remembered[1]

    def __call__(self, question: Q) -> A:
        """The answer, from memory when nothing changed."""
        version = self._version()
        with self._lock:
            if (remembered := self._recall(question, version)) is not None:
                return remembered[1]
            under_way = self._computations.setdefault(question, [])
            latest = under_way[-1] if under_way else None
            if latest is None or not latest.serves(version):
                mine = _Computation[A](version if latest is None else _LATER)
                under_way.append(mine)
            else:
                mine = None
        if mine is None:
            assert latest is not None
            return latest.result()
        if latest is not None:
            latest.done.wait()
        self._run(question, mine)
        return mine.result()

    def _run(self, question: Q, mine: _Computation[A]) -> None:
        try:
            if mine.version is _LATER:
                mine.version = self._version()
            with self._lock:
                remembered = self._recall(question, mine.version)
            mine.answer = self._compute(question) if remembered is None else remembered[1]
        except BaseException as error:  # noqa: BLE001 - raised by `result`, here and for all who wait
            mine.error = error
        with self._lock:
            if mine.error is None:
                self._remember(question, mine.version, mine.answer)
            self._computations[question].remove(mine)
            if not self._computations[question]:
                del self._computations[question]
        mine.done.set()

    def _recall(self, question: Q, version: Hashable) -> tuple[Hashable, A] | None:
        remembered = self._answers.get(question)
        if remembered is None or remembered[0] != version:
            return None
        self._answers.move_to_end(question)
        return remembered

    def _remember(self, question: Q, version: Hashable, answer: A) -> None:
        self._answers[question] = (version, answer)
        self._answers.move_to_end(question)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
