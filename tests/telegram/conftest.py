"""The stand-in over real HTTP, a real MongoDB, and the clock that tests move by hand."""

from __future__ import annotations

from decimal import Decimal
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import LedgerUnavailable, UnknownCustomer
from smetka.ledger import Person
from smetka.storage.lease import Lease
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.deliveries import Deliveries
from smetka.telegram.delivery import Delivery
from smetka.telegram.outbox import Outbox
from smetka.telegram.reports import from_record, to_record
from smetka.telegram.sender import Manner, Sender
from smetka.telegram.standin import FakeTelegram
from tests.fixtures.clock import NOW
from tests.selection import not_quick

MANAGER, GROUP = 1001, -2002
SKOPJE = ZoneInfo("Europe/Skopje")


def delivery(report, kind="averages", schedule=None):
    """As it comes out of the outbox."""
    kept = from_record(to_record(report))
    return Delivery(
        "id",
        kind,
        "1a2b3c4d",
        1001,
        1001,
        "sending",
        1,
        0,
        None,
        NOW,
        NOW,
        None,
        None,
        None,
        kept,
        None,
        schedule,
    )


class Figures:
    """A shop of one customer; every question is remembered."""

    current_year = 2026

    def __init__(self, report):
        self.report, self.asked, self.away = report, [], False

    def averages(self, year, basis=None):
        self._ask("averages", year, basis)
        return {**self.report, "year": year, "basis": basis or "spender"}

    def bonus(self, year):
        self._ask("bonus", year)
        return {
            "year": year,
            "currency": "MKD",
            "threshold": 1000,
            "customers_due": 1,
            "total_spending": Decimal("2000.5"),
            "near_misses": 0,
            "customers": [{"user_id": 100, "total_spending": Decimal("2000.5")}],
        }

    def shop(self, year):
        self._ask("shop", year)
        return {
            "year": year,
            "currency": "MKD",
            "total_spending": 5,
            "customers": 2,
            "spenders": 1,
            "payments": 1,
            "median": 5,
            "top_tenth": 1,
            "top_tenth_spending": 5,
        }

    def customer(self, user_id, year):
        self._ask("customer", user_id, year)
        if user_id != 100:
            raise UnknownCustomer(user_id)
        return {
            "user_id": 100,
            "total_spending": Decimal("20779.95"),
            "payments": 9,
            "year": year,
            "currency": "MKD",
        }

    def person(self, user_id):
        return Person("Ана <Петрова>", "ana@example.com") if user_id == 100 else None

    def _ask(self, *question):
        if self.away:
            raise LedgerUnavailable("it is locked")
        self.asked.append(question)


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
def figures(make_report):
    return Figures(make_report())


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
            storage, recipients=recipients, cooldown_seconds=cooldown_seconds, now=clock, limit_seconds=30
        )

    return make


@pytest.fixture
def outbox(storage, clock):
    return Outbox(storage, now=clock)


@pytest.fixture
def chats(storage, clock):
    return Chats(storage, now=clock)


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
            Lease(storage, "sender", now=clock, seconds=lease_seconds, clock=clock.monotonic),
            [client],
            manner=Manner(language, ZoneInfo("Europe/Skopje"), on_unknown),
            now=clock,
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
