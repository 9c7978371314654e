"""Many messages through faults of every kind and a sender that is killed again and again: each arrives."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from smetka.storage import Storage
from smetka.telegram.delivery import DELIVERED, DUE, SENDING
from smetka.telegram.outbox import Outbox
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.standin.world import Fault
from tests.e2e.torture import brief_or_long, tell

__all__ = ["tell"]

SENDER = """
import os, sys
from datetime import UTC, datetime
from threading import Event
from zoneinfo import ZoneInfo
from smetka.core.errors import Unavailable
from smetka.storage import Storage
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.storage.lease import Lease
from smetka.telegram.outbox import Outbox
from smetka.telegram.sender import LANES, Manner, Sender
uri, url, token = (os.environ[name] for name in ("URI", "URL", "TOKEN"))
now, storage, stopping = lambda: datetime.now(UTC), Storage(uri), Event()
sender = Sender(
    Outbox(storage, now=now), Chats(storage, now=now), Lease(storage, "sender", now=now),
    [TelegramClient(token, url, timeout=(5, 1)) for _ in range(LANES)],
    manner=Manner("en", ZoneInfo("UTC"), "retry"), now=now, stopping=stopping)
while True:
    try:
        stopping.wait(0 if sender.run_once() else 0.05)
    except Unavailable:
        stopping.wait(0.5)
"""
KINDS = ("flood", "500", "502-html", "hang", "reset", "html", "accept-hang", "accept-reset", "truncated")
ACCEPTED = {"accept-hang", "accept-reset", "truncated"}
"""Faults in which the message arrives and its answer does not: whoever asked cannot know."""


class Faults:
    """Three calls in ten go wrong, in an order that depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self.shown: Counter = Counter()

    def __call__(self, method: str) -> Fault | None:
        with self._lock:
            if not method.startswith("send") or self._chance.random() > 0.3:
                return None
            kind = self._chance.choice(KINDS)
            self.shown[kind] += 1
            return Fault(kind, retry_after=1)


def report(number: int) -> dict:
    nothing = {"customers": 0, "spenders": 0, "payments": 0, "total_spending": 0}
    return {
        "average_spending": {">47": Decimal(number)},
        "basis": "spender",
        "year": None,
        "currency": "MKD",
        "age_groups": [{"age_group": ">47", **nothing, "payments": 1, "spenders": 1}],
        "outside": nothing,
        "data_quality": {"ignored_payments": 0, "orphan_payments": 0},
    }


@pytest.fixture
def outbox(mongodb_uri):
    storage = Storage(re.sub("timeoutMS=[0-9]+", "timeoutMS=30000", mongodb_uri))
    storage.ping(30)
    yield Outbox(storage, now=lambda: datetime.now(UTC))
    storage.close()


@pytest.fixture
def start_sender(mongodb_uri, tmp_path):
    started = []

    def start(telegram):
        environment = {**os.environ, "URI": mongodb_uri, "URL": telegram.url, "TOKEN": telegram.token}
        with (tmp_path / "sender.log").open("ab") as log:
            started.append(subprocess.Popen([sys.executable, "-c", SENDER], env=environment, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@brief_or_long("size", (36, 12, 2), (1000, 50, 20))
def test_every_message_arrives_and_only_those_whose_answer_was_lost_arrive_twice(
    outbox, start_sender, tell, size
):
    messages, chats, kills = size
    faults, chance = Faults(seed=7), random.Random(11)
    with FakeTelegram(chats=range(1001, 1001 + chats)) as telegram:
        telegram.world.take_fault = faults
        for number in range(messages):
            outbox.queue(f"message {number}", "averages", report(number), [1001 + number % chats])
        interrupted, killed = 0, 0
        sender = start_sender(telegram)
        kill_at = [round(messages * (1 + n) / (kills + 2)) for n in range(kills)]
        deadline = time.monotonic() + 800
        while any(outbox.counts()[state] for state in (*DUE, SENDING)):
            assert time.monotonic() < deadline, outbox.counts()
            assert sender.poll() is None
            if killed < kills and len(telegram.world.messages) >= kill_at[killed]:
                time.sleep(chance.random() * 0.1)
                interrupted += kill(sender, outbox)
                killed += 1
                sender = start_sender(telegram)
            time.sleep(0.02)

    arrived = Counter(re.search(r"Report ([0-9a-f]{8})", m.text)[1] for m in telegram.world.messages)
    delivered = {delivery.report_id for delivery in outbox.newest(messages + 1, state=DELIVERED)}
    twice = arrived.total() - len(arrived)
    answers_lost = sum(faults.shown[kind] for kind in ACCEPTED)
    tell(
        f"Telegram: {messages} messages to {chats} chats, {faults.shown.total()} faults, {killed} kills",
        delivered=len(delivered),
        lost=len(delivered - set(arrived)),
        twice=f"{twice} of at most {answers_lost + interrupted}",
    )
    assert killed == kills
    assert len(delivered) == messages
    assert set(arrived) == delivered
    assert twice <= answers_lost + interrupted
    assert telegram.busiest(1.0) <= 25
    assert max(telegram.busiest(1.0, chat) for chat in range(1001, 1001 + chats)) == 1


def kill(sender, outbox) -> int:
    """Kill it with SIGKILL; how many messages it was sending, whose outcome nobody knows."""
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    return len(outbox.claimed())
