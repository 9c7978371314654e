"""Storing customers."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import defaultdict
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from bench.figures import Figure
from bench.ledgers import customers, ledger
from bench.load import PARTS, Answers, Load, WrongAnswer, fire
from bench.rows.sizes import Sizes
from bench.servers import Server, mongodb_uri, smetka

_PATH = "/write_to_mongodb"
_BODY = '{"user_id": {id}, "total_spending": 2000}'
_HOLDS = '"stored_at"'
_NEW_PER_SECOND = 500


def one_by_one(sizes: Sizes) -> list[Figure]:
    """One client, beside an upsert by pymongo on the same MongoDB, each acknowledged when on disk."""
    path = ledger(sizes.folder, sizes.payments)
    ours: dict[str, list[float]] = defaultdict(list)
    theirs: dict[str, list[float]] = defaultdict(list)
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", path) as server,
        MongoClient[dict[str, Any]](mongodb_uri(folder / "smetka")) as client,
    ):
        bare = client["bench"]["customers"]
        bare.create_index([("user_id", 1), ("year", 1)], unique=True)
        for ids in _portions(sizes):
            for kind, status in (("new", 201), ("existing", 200)):
                load = Load(_PATH, ids, _BODY, (status,), _HOLDS, clients=1, seconds=None)
                ours[kind].append(fire(server, load).median)
                theirs[kind].append(statistics.median(_upserts(bare, ids)))
        _prove(client, sizes)
    return [
        _figure(kind, statistics.median(ours[kind]), statistics.median(theirs[kind]))
        for kind in ("new", "existing")
    ]


def _figure(kind: str, ours: float, theirs: float) -> Figure:
    return Figure(
        f"`POST {_PATH}`, {kind} customers, one client, median",
        "a bare `update_one` upsert by pymongo, same MongoDB",
        f"{ours * 1000:.2f} ms",
        f"{theirs * 1000:.2f} ms",
        ours / theirs,
        3.0,
        at_least=False,
    )


def _portions(sizes: Sizes) -> list[list[int]]:
    """Customers for each round, nobody in two of them."""
    everybody = _everybody(sizes.payments)
    portion = min(sizes.posts, len(everybody) // sizes.rounds)
    return [everybody[number * portion : (number + 1) * portion] for number in range(sizes.rounds)]


def _everybody(payments: int) -> list[int]:
    everybody = list(range(1, customers(payments) + 1))
    random.Random(2).shuffle(everybody)
    return everybody


def _upserts(bare: Collection[dict[str, Any]], ids: list[int]) -> list[float]:
    """Store each customer; how long each took."""
    took = []
    for user_id in ids:
        began = time.perf_counter()
        # A total that is another each time: MongoDB writes nothing when nothing changes.
        change = {"$set": {"total_spending": began}}
        bare.update_one({"user_id": user_id, "year": 2026}, change, upsert=True)
        took.append(time.perf_counter() - began)
    return took


def _prove(client: MongoClient[dict[str, Any]], sizes: Sizes) -> None:
    """Both stored every customer once."""
    wanted = sum(map(len, _portions(sizes)))
    for stored in (client["smetka"]["bonus_customers"], client["bench"]["customers"]):
        if (found := stored.count_documents({})) != wanted:
            raise WrongAnswer(f"{stored.full_name} holds {found} customers, not {wanted}")


def sustained(sizes: Sizes) -> list[Figure]:
    """8 clients for minutes, half of the customers new all the time: neither slower nor larger at the end."""
    path = ledger(sizes.folder, sizes.sustained_payments)
    seconds = sizes.sustained_seconds
    load = Load(_PATH, _half_new(sizes), _BODY, (200, 201), _HOLDS, clients=8, seconds=seconds)
    with sizes.workplace() as folder, smetka(folder / "smetka", path) as server:
        answers, memory = _watched(server, load)
    first, last = answers.rates[0], answers.rates[-1]
    what = f"`POST {_PATH}`, 8 clients, {seconds:g} s"
    part = f"{seconds / PARTS:g} s"
    return [
        Figure(
            f"{what}: answers in the last {part}",
            f"the first {part}",
            f"{last:,.0f}/s",
            f"{first:,.0f}/s",
            last / first,
            0.9,
            at_least=True,
        ),
        Figure(
            f"{what}: memory (PSS) at the end",
            f"after the first {part}",
            f"{memory[-1]:.0f} MB",
            f"{memory[0]:.0f} MB",
            memory[-1] / memory[0],
            1.1,
            at_least=False,
        ),
    ]


def _half_new(sizes: Sizes) -> list[int]:
    """By turns a new customer and one stored a while ago, enough for the whole time."""
    everybody = _everybody(sizes.sustained_payments)[: int(_NEW_PER_SECOND * sizes.sustained_seconds)]
    return [user_id for place, new in enumerate(everybody) for user_id in (new, everybody[place - 100])]


def _watched(server: Server, load: Load) -> tuple[Answers, list[float]]:
    """The answers, and the memory at the end of each fifth of the time."""
    memory: list[float] = []
    done = threading.Event()
    assert load.seconds is not None
    each = load.seconds / PARTS

    def look() -> None:
        while len(memory) < PARTS - 1 and not done.wait(each):
            memory.append(server.megabytes)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        answers = fire(server, load)
    finally:
        done.set()
        watcher.join()
    return answers, [*memory, server.megabytes]
