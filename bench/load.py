"""What load is put on a server, and what came of it. The clients run in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bench.servers import REPOSITORY, Server

WARM_SECONDS = 0.5
PARTS = 5


class WrongAnswer(Exception):
    """A contestant answered with something else than it should: its figures would be worth nothing."""


@dataclass(frozen=True)
class Load:
    """Requests that differ in an id alone.

    Attributes:
        path, body: `{id}` in them stands for each of `ids` in turn.
        holds: a text that every right answer holds.
        seconds: how long to ask, the ids over and over; None asks each id once.
        warm_seconds: time before that in which nothing is counted.
    """

    path: str
    ids: Sequence[int | str] = field(default_factory=lambda: [0])
    body: str = ""
    statuses: tuple[int, ...] = (200,)
    holds: str = ""
    clients: int = 16
    seconds: float | None = 5.0
    warm_seconds: float = WARM_SECONDS


@dataclass(frozen=True)
class Answers:
    """Right answers: how many in a second, and how long they took, in seconds.

    Attributes:
        rates: the rate in each fifth of the time, one after the other.
    """

    count: int
    rate: float
    median: float
    p95: float
    rates: list[float]


def fire(server: Server, load: Load) -> Answers:
    """Put the load on the server.

    Raises:
        WrongAnswer: one answer was wrong, or none came.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients", server.host, str(server.port)],
        cwd=REPOSITORY,
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WrongAnswer(f"{server.name}: {done.stderr.strip()[-400:]}")
    return Answers(**json.loads(done.stdout))
