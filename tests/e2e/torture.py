"""What the torture tests share: how long they go on, clients that remember what was acknowledged, the table."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from typing import Self

import pytest
import requests
from bson import Decimal128
from pymongo import MongoClient

LONG_SECONDS = 1800


def brief_or_long(name: str, brief, long) -> pytest.MarkDecorator:
    """An argument of a test that `make test` runs briefly, and `make torture` long."""
    marks = [pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]
    return pytest.mark.parametrize(
        name, [pytest.param(brief, id="brief"), pytest.param(long, id="long", marks=marks)]
    )


@pytest.fixture
def tell(record_property):
    """A function that puts a line into the table at the end: what was done, and what came of it."""

    def note(what, **found):
        results = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())
        record_property("torture", f"{what} | {results}")

    return note


class Posters:
    """Clients that post without rest, each time another record, and remember every answer."""

    def __init__(self, shop, clients: int, seed: int = 0) -> None:
        self.shop = shop
        self.answers: Counter = Counter()
        self.acknowledged: dict[tuple[int, int], Decimal] = {}
        self.created: Counter = Counter()
        self.slowest = 0.0
        self._numbers = itertools.count()
        self._chance = random.Random(seed)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._post_all) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _post_all(self) -> None:
        session = requests.Session()
        while not self._stop.is_set():
            with self._lock:
                number = next(self._numbers)
                cents = self._chance.randrange(200_000, 300_000)
            self._post(session, number % 100 + 1, 1000 + number // 100, Decimal(cents).scaleb(-2))

    def _post(self, session, user_id: int, year: int, total: Decimal) -> None:
        body = f'{{"user_id": {user_id}, "total_spending": {total}, "year": {year}}}'
        for _ in range(2):  # an outcome that is unknown is asked for once more
            began = time.monotonic()
            try:
                answer = session.post(
                    self._url() + "/write_to_mongodb",
                    data=body,
                    headers={"Content-Type": "application/json"},
                    timeout=15,
                )
            except requests.RequestException:
                with self._lock:
                    self.answers["none"] += 1
                time.sleep(0.05)
                continue
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers[answer.status_code] += 1
                if answer.status_code in {200, 201}:
                    self.acknowledged[user_id, year] = total
                    self.created[user_id, year] += answer.status_code == 201
                    return
            time.sleep(0.02)

    def _url(self) -> str:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return self.shop.url or self.shop.last_url
        return self.shop.last_url

    def wait_for(self, records: int, seconds: float = 90) -> None:
        """Wait until so many more records are acknowledged."""
        known = len(self.acknowledged)
        self.shop.wait_until(lambda: len(self.acknowledged) > known + records, seconds)

    def check(self, mongodb_uri: str) -> dict[str, int]:
        """Assert that nothing acknowledged is lost or doubled; return how much it was."""
        with contextlib.closing(MongoClient(mongodb_uri, timeoutMS=60_000)) as client:
            found = list(client.get_default_database("smetka").bonus_customers.find({}))
        stored = {(r["user_id"], r["year"]): r["total_spending"] for r in found}
        lost = [
            key
            for key, total in self.acknowledged.items()
            if stored.get(key) != Decimal128(total.quantize(Decimal("0.01")))
        ]
        doubled = len(found) - len(stored)
        twice_created = [key for key, times in self.created.items() if times > 1]
        assert (lost, doubled, twice_created) == ([], 0, [])
        assert set(self.answers) <= {200, 201, 503, "none"}, self.answers
        return {"acknowledged": len(self.acknowledged), "lost": len(lost), "doubled": doubled}


class Visitor:
    """A normal client beside the others: asks and posts now and then, and notes how long it takes."""

    def __init__(self, shop) -> None:
        self.url = shop.url
        self.answers: Counter = Counter()
        self.took: list[float] = []

    @property
    def usually(self) -> float:
        """Seconds for half of the answers: a busy machine holds up one, who takes the place of others all."""
        return statistics.median(self.took)

    def come(self, number: int = 1) -> None:
        """A total, the averages and a record, each on a connection of its own."""
        self._note(lambda: requests.get(f"{self.url}/total_spent/{number % 90 + 1}", timeout=30))
        self._note(lambda: requests.get(f"{self.url}/average_spending_by_age", timeout=30))
        body = {"user_id": number % 90 + 1, "total_spending": 2000, "year": 2000 + number % 1000}
        self._note(lambda: requests.post(f"{self.url}/write_to_mongodb", json=body, timeout=30))

    def _note(self, ask) -> None:
        began = time.monotonic()
        self.answers[ask().status_code] += 1
        self.took.append(time.monotonic() - began)


CROWD = """
import json, sys, threading, time, http.client
host, port, clients, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
end, answers, lock = time.monotonic() + seconds, {}, threading.Lock()
def go(me):
    number, connection = me, None
    while time.monotonic() < end:
        number += clients
        try:
            connection = connection or http.client.HTTPConnection(host, port, timeout=20)
            if number % 4:
                connection.request("GET", f"/total_spent/{number % 90 + 1}")
            else:
                body = json.dumps({"user_id": number % 90 + 1, "total_spending": 2000, "year": number % 9000 + 1})
                connection.request("POST", "/write_to_mongodb", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except Exception as error:
            status, connection = type(error).__name__, None
        with lock:
            answers[status] = answers.get(status, 0) + 1
threads = [threading.Thread(target=go, args=[n]) for n in range(clients)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(answers))
"""


def crowd(port: int, clients: int, seconds: float) -> subprocess.Popen:
    """A process with so many clients that ask as fast as they can; it prints how often it got which answer."""
    return subprocess.Popen(
        [sys.executable, "-c", CROWD, "127.0.0.1", str(port), str(clients), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )


def answers_of(process: subprocess.Popen) -> dict[str, int]:
    out, _ = process.communicate(timeout=120)
    return json.loads(out)


def fill(path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
