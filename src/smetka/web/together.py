"""Totals that several clients ask a database server for at the same time are asked for in one go.

Handing one question to a thread and back costs more than the question; see docs/decisions/0011.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from smetka.core.errors import Unavailable
from smetka.ledger import CustomerTotal

MOST_TOGETHER = 256
"""Customers asked for in one go, and the most that may wait for the next."""

_Waiting = dict[int | None, dict[int, "asyncio.Future[CustomerTotal | None]"]]


class Together:
    """Belongs to the event loop's thread; one question is under way at a time."""

    def __init__(self, ask: Callable[[Sequence[int], int | None], Mapping[int, CustomerTotal]]) -> None:
        self._ask = ask
        self._waiting: _Waiting = {}
        self._is_asking = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="totals")

    async def total_spent(self, user_id: int, year: int | None) -> CustomerTotal | None:
        """What a customer spent, asked after this call; None: ask for it by itself, with patience."""
        loop = asyncio.get_running_loop()
        if sum(map(len, self._waiting.values())) >= MOST_TOGETHER:
            return None
        waiting = self._waiting.setdefault(year, {})
        if (future := waiting.get(user_id)) is None:
            future = waiting[user_id] = loop.create_future()
        if not self._is_asking:
            self._is_asking = True
            loop.call_soon(self._begin)  # with those that come in the same turn
        # One client that goes away takes nobody else's answer with it.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        asked, self._waiting = self._waiting, {}
        answered = asyncio.get_running_loop().run_in_executor(self._thread, self._ask_all, asked)
        answered.add_done_callback(lambda done: self._tell(asked, done))

    def _ask_all(self, asked: _Waiting) -> dict[int | None, Mapping[int, CustomerTotal]]:
        found: dict[int | None, Mapping[int, CustomerTotal]] = {}
        for year, futures in asked.items():
            try:
                found[year] = self._ask(list(futures), year)
            except Unavailable:
                break  # whoever asks for one by itself is told why
        return found

    def _tell(
        self,
        asked: _Waiting,
        done: asyncio.Future[dict[int | None, Mapping[int, CustomerTotal]]],
    ) -> None:
        found = {} if done.cancelled() or done.exception() else done.result()
        for year, futures in asked.items():
            totals = found.get(year, {})
            for user_id, future in futures.items():
                if not future.done():
                    future.set_result(totals.get(user_id))
        if self._waiting:
            self._begin()
        else:
            self._is_asking = False
