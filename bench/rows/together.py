"""Everybody at once for a long time: readers, posters, cash desks, pages, lists, and a shop that sells."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from pymongo import MongoClient

from bench.commands import smetka_command
from bench.figures import Figure
from bench.ledgers import customers, ledger, selling
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count
from bench.servers import Server, mongodb_uri, smetka

PATIENCE_SECONDS = 900
"""An export gives way to everybody else, and is answered when it is whole."""

_CAMPAIGN = "year-end"
_RULES = "--year 2026 --voucher-value 100 --valid-until 2099-12-31 --threshold 0".split()

_PAGES = (
    "/",
    "/customers?find=customer+12",
    "/customers/17",
    "/bonus",
    "/bonus/customers?sort=-total_spending",
    f"/bonus/campaigns/{_CAMPAIGN}",
    "/messages",
    "/settings/audit",
)
_LISTS = (
    "/api/v1/bonus-customers?year=2026&sort=-total_spending&limit=500",
    f"/api/v1/campaigns/{_CAMPAIGN}/vouchers?limit=500",
    "/bonus/customers.csv?year=2026",
)

Question = tuple[str, str, str]
"""Method, path and body."""


def together(sizes: Sizes) -> list[Figure]:
    """How many answers of such a time say that something was away or late, and the largest waits."""
    with sizes.workplace() as folder:
        path = folder / "shop.db"
        path.write_bytes(ledger(sizes.folder, sizes.together_payments).read_bytes())
        most = customers(sizes.together_payments)
        with smetka(folder / "smetka", path, settings={"SMETKA_BONUS_THRESHOLD": "0"}) as server:
            for command in (
                ("bonus", "collect", "--year", "2026"),
                ("campaign", "create", _CAMPAIGN, *_RULES),
                ("campaign", "issue", _CAMPAIGN),
            ):
                smetka_command(folder / "smetka", path, *command)
            crowd = _Crowd(server, sizes.together_seconds)
            codes = _codes(folder / "smetka")
            with selling(path):
                crowd.run(
                    reading=[_reads(most, seed) for seed in range(2)],
                    posting=[_posts(most, year) for year in (2024, 2025)],
                    redeeming=[_redeems(codes[part::2]) for part in range(2)],
                    looking=[_cycle(_PAGES)],
                    listing=[_cycle(_LISTS)],
                    checking=[_cycle(("/settings/ledger",))],
                )
    return crowd.figures(f"{count(sizes.together_payments)} payments, {count(len(codes))} vouchers")


class _Crowd:
    """Clients that each ask one question after the other until the time is over."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._server, self._seconds = server, seconds
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._waits: dict[str, list[float]] = {}
        self._faults: list[str] = []

    def run(self, **kinds: list[Iterator[Question]]) -> None:
        until = time.monotonic() + self._seconds
        threads = [
            threading.Thread(target=self._ask, args=(kind, questions, until))
            for kind, several in kinds.items()
            for questions in several
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._faults:
            raise WrongAnswer(f"no answer to {'; '.join(self._faults)}")

    def _ask(self, kind: str, questions: Iterator[Question], until: float) -> None:
        asked, began = "", time.monotonic()
        try:
            with closing(
                HTTPConnection(self._server.host, self._server.port, timeout=PATIENCE_SECONDS)
            ) as line:
                for method, path, body in questions:
                    if time.monotonic() >= until:
                        return
                    headers = {"Content-Type": "application/json"} if body else {}
                    began, asked = time.monotonic(), f"{method} {path}"
                    line.request(method, path, body or None, headers)
                    answer = line.getresponse()
                    answer.read()
                    self._note(kind, path, answer.status, time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - told when all have ended
            self._faults.append(f"{asked}: {error!r} after {time.monotonic() - began:.0f} s")

    def _note(self, kind: str, path: str, status: int, seconds: float) -> None:
        if status not in {200, 201, 503}:
            raise WrongAnswer(f"{path} was answered {status}")
        with self._lock:
            self._answers[kind, status] += 1
            self._waits.setdefault(kind, []).append(seconds)

    def figures(self, what: str) -> list[Figure]:
        refused = sum(times for (_, status), times in self._answers.items() if status == 503)
        answers = sum(self._answers.values())
        said = f"everybody at once for {self._seconds:g} s, {what}"
        rows = [
            Figure(
                f"{said}: answers of 503",
                f"{answers:,} answers",
                f"{refused}",
                "",
                refused,
                0,
                at_least=False,
                unit="answers",
            )
        ]
        for kind, waits in self._waits.items():
            waits.sort()
            median, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
            shown = f"median {median * 1000:.0f} ms, 99 of 100 within {late * 1000:.0f} ms"
            rows.append(
                Figure(
                    f"{said}: {kind}",
                    f"{len(waits):,} answers",
                    shown,
                    "",
                    late,
                    None,
                    at_least=False,
                    unit="s",
                )
            )
        return rows


def _cycle(paths: tuple[str, ...]) -> Iterator[Question]:
    return itertools.cycle([("GET", path, "") for path in paths])


def _reads(most: int, seed: int) -> Iterator[Question]:
    chance = random.Random(seed)
    while True:
        yield "GET", f"/total_spent/{chance.randint(1, most)}", ""
        if chance.random() < 0.05:
            yield "GET", "/average_spending_by_age", ""


def _posts(most: int, year: int) -> Iterator[Question]:
    """New customers of a year; when all are there, the same again."""
    for number in itertools.count():
        body = {"user_id": number % most + 1, "total_spending": 5000, "year": year}
        yield "POST", "/write_to_mongodb", json.dumps(body)


def _redeems(codes: list[str]) -> Iterator[Question]:
    for number, code in enumerate(codes):
        yield "POST", f"/api/v1/vouchers/{code}/redeem", json.dumps({"reference": f"order {number}"})


def _codes(folder: Path) -> list[str]:
    with MongoClient(mongodb_uri(folder), timeoutMS=120_000) as client:
        return [str(record["_id"]) for record in client["smetka"]["vouchers"].find({}, ["_id"])]
