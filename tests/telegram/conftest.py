"""The stand-in over real HTTP, a real MongoDB, and a clock that tests move by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.deliveries import Deliveries
from smetka.telegram.lease import Lease
from smetka.telegram.outbox import Outbox
from smetka.telegram.sender import Manner, Sender
from smetka.telegram.standin import FakeTelegram
from tests.selection import not_quick

MANAGER, GROUP = 1001, -2002
SKOPJE = ZoneInfo("Europe/Skopje")


JUMPS = [
    pytest.param(hours * 3600, id=f"{abs(hours)} h {'back' if hours < 0 else 'ahead'}")
    for hours in (-24, -1, 1, 24)
]
"""How far, in seconds, a wall clock may be set wrong or right."""


class Clock:
    """Wall clock and monotonic clock in one; time passes only in `pass_`."""

    def __init__(self):
        self.wall = datetime(2026, 11, 23, 17, 20, 31, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.seconds

    def set(self, seconds):
        """The wall clock jumps, back when negative; no time passes."""
        self.wall += timedelta(seconds=seconds)

    def pass_(self, seconds):
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def mongodb_uri(mongodb_uri):
    """With time enough for a machine that is busy with other tests."""
    return re.sub("timeoutMS=[0-9]+", "timeoutMS=30000", mongodb_uri)


@pytest.fixture
def storage(storage):
    """Connected already, so that no test pays for making the collections."""
    storage.ping(30)
    return storage


@pytest.fixture
def make_report():
    """A function that gives the averages' JSON as the answer has it."""

    def make(year=2025, basis="spender", first_average="20707.98", payments=1972, **more):
        names = ("18-24", "25-30", "31-36", "37-47", ">47")
        averages = (Decimal(first_average), Decimal("21603.96"), 20843, Decimal("19865.9"), None)
        group = {
            "customers": 487,
            "spenders": 1239,
            "payments": payments,
            "total_spending": Decimal("4949208.32"),
        }
        return {
            "average_spending": dict(zip(names, averages, strict=True)),
            "basis": basis,
            "year": year,
            "currency": "MKD",
            "age_groups": [
                {
                    "age_group": name,
                    **group,
                    "average_per_spender": average,
                    "average_per_payment": Decimal("2509.74"),
                    "average_per_customer": Decimal("10162.65"),
                }
                for name, average in zip(names, averages, strict=True)
            ],
            "outside": {"customers": 0, "spenders": 0, "payments": 0, "total_spending": 0},
            "data_quality": {"ignored_payments": 0, "orphan_payments": 0},
            **more,
        }

    return make


@pytest.fixture
@not_quick
def telegram():
    with FakeTelegram(chats=(MANAGER, GROUP)) as telegram:
        yield telegram


@pytest.fixture
def announcer(storage, clock):
    """A function that gives a `Deliveries`, as each web process has one."""

    def make(recipients=(MANAGER,), cooldown_seconds=600):
        return Deliveries(
            storage, recipients=recipients, cooldown_seconds=cooldown_seconds, now=clock.now, limit_seconds=30
        )

    return make


@pytest.fixture
def outbox(storage, clock):
    return Outbox(storage, now=clock.now)


@pytest.fixture
def chats(storage, clock):
    return Chats(storage, now=clock.now)


@pytest.fixture
def make_sender(storage, outbox, chats, telegram, clock):
    """A function that gives a `Sender` on the hand-moved clock, with short limits to the stand-in."""
    clients = []

    def make(*, on_unknown="retry", token=None, url=None, timeout=(5, 10), language="en", lease_seconds=60.0):
        client = TelegramClient(token or telegram.token, url or telegram.url, timeout=timeout)
        clients.append(client)
        return Sender(
            outbox,
            chats,
            Lease(storage, "sender", now=clock.now, seconds=lease_seconds, clock=clock.monotonic),
            [client],
            manner=Manner(language, ZoneInfo("Europe/Skopje"), on_unknown),
            now=clock.now,
            stopping=Event(),
            clock=clock.monotonic,
        )

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def sender(make_sender):
    return make_sender()


@pytest.fixture
def drain(clock):
    """A function that lets a sender work until nothing is due, a little time passing between messages."""

    def drain(sender):
        while sender.run_once():
            clock.pass_(1)

    return drain
