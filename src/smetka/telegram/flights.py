"""Calls of the Bot API under way: several at once, each by a client of its own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Thread

from smetka.telegram.client import TelegramClient
from smetka.telegram.delivery import Delivery
from smetka.telegram.parts import Part
from smetka.telegram.topics import ChatId


@dataclass(frozen=True, slots=True)
class Flight:
    """One part of a delivery on its way. `last` is whether all is delivered when it has arrived."""

    claimed: Delivery
    send_to: ChatId
    part: Part
    last: bool


class Flights:
    """What is on its way. For one thread, which alone looks at what has landed.

    Args:
        clients: as many are on their way at once; with a single one each is waited for.
    """

    def __init__(self, clients: Sequence[TelegramClient]) -> None:
        self._free = list(clients)
        self._waits_for_each = len(clients) == 1
        self._under_way: dict[Future[int], tuple[Flight, TelegramClient]] = {}

    @property
    def free(self) -> TelegramClient | None:
        """A client that has nothing to do now."""
        return self._free[-1] if self._free else None

    @property
    def claimed(self) -> set[str]:
        """The ids of the deliveries that are on their way."""
        return {flight.claimed.id for flight, _ in self._under_way.values()}

    def take_off(self, flight: Flight) -> None:
        """Send a part. There must be a free client."""
        client, landed = self._free.pop(), Future[int]()
        self._under_way[landed] = flight, client
        if self._waits_for_each:
            _fly(client, flight, landed)
        else:
            # A thread each and no pool: at the end of the process nobody waits for one that hangs.
            Thread(target=_fly, args=(client, flight, landed), name="lane", daemon=True).start()

    def landed(self) -> list[tuple[Flight, Future[int]]]:
        """What has ended, each told once: the future holds the message's id or what went wrong."""
        found = []
        for future in [future for future in self._under_way if future.done()]:
            flight, client = self._under_way.pop(future)
            self._free.append(client)
            found.append((flight, future))
        return found

    def wait_for_one(self, seconds: float) -> bool:
        """Wait until one has landed; False when none is on its way, or none landed in time."""
        return bool(self._under_way and wait(self._under_way, seconds, FIRST_COMPLETED).done)

    def wait_for_all(self, seconds: float) -> None:
        """Wait until all have landed, so long at most."""
        if self._under_way:
            wait(self._under_way, seconds)

    def __len__(self) -> int:
        return len(self._under_way)


def _fly(client: TelegramClient, flight: Flight, landed: Future[int]) -> None:
    try:
        landed.set_result(client.send(flight.send_to, flight.part))
    except Exception as error:  # noqa: BLE001 - whoever looks at the outcome judges it
        landed.set_exception(error)
