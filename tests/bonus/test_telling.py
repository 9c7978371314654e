"""What an issue did is told once, whichever run does it."""

from __future__ import annotations

import sqlite3
from datetime import date

import pytest

from smetka.bonus.campaigns import Campaigns
from smetka.bonus.issuing import Confirmed, Issuing
from smetka.bonus.rules import Rules
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.shop.year_end import issue_and_tell
from smetka.telegram.outbox import Outbox


@pytest.fixture
def path(make_ledger):
    customers = [(n, "Customer", None, 30) for n in range(1, 9)]
    return make_ledger(customers, [(1, 2000, 2026), (2, 3000, 2026)])


@pytest.fixture
def ledger(path):
    with_payments = Ledger(str(path))
    yield with_payments
    with_payments.close()


@pytest.fixture
def issue(ledger, storage, clock):
    rules = Rules(
        name="year-end",
        year=2026,
        threshold=Money(1000_00),
        voucher_value=Money(100_00),
        first_day=date(2026, 11, 1),
        last_day=date(2027, 1, 31),
        budget=Money(300_00),
    )
    Campaigns(storage, now=clock).create(rules, timezone="Europe/Skopje", currency="MKD")
    outbox = Outbox(storage, now=clock)
    return lambda chats=(1, 2): issue_and_tell(
        "year-end",
        "owner",
        ledger=ledger,
        storage=storage,
        outbox=outbox,
        chats=chats,
        now=clock,
        confirmed=Confirmed(),
    )


@pytest.fixture
def told(storage):
    """A function that tells what is queued: chat, vouchers of the issue, customers left out."""
    return lambda: sorted(
        (one["chat"], one["report"]["vouchers"], one["report"]["left_out"])
        for one in storage.collection("deliveries").find({"kind": "campaign"})
    )


def pay(path, *payments):
    with sqlite3.connect(path) as ledger:
        ledger.executemany("INSERT INTO user_spending VALUES (?, ?, 2026)", payments)
    ledger.close()


def test_an_issue_is_told_to_each_chat_once(issue, told):
    issue()
    issue()

    assert told() == [(1, 2, 0), (2, 2, 0)]


def test_each_issue_is_told_by_itself_and_an_empty_one_is_none(issue, told, path):
    issue((1,))
    pay(path, (3, 5000), (4, 1500))
    issue((1,))
    issue((1,))

    assert [(vouchers, left_out) for _, vouchers, left_out in told()] == [(1, 1), (2, 0)]


def test_one_whose_run_was_killed_before_it_told_is_told_by_the_next(
    issue, told, path, ledger, storage, clock
):
    Issuing(ledger, storage, now=clock).issue("year-end", "owner")  # and then it was killed
    pay(path, (3, 5000))

    issue((1,))

    assert [(vouchers, left_out) for _, vouchers, left_out in told()] == [(1, 0), (2, 0)]


def test_nobody_due_is_nothing_to_tell(issue, told, path):
    pay(path, (1, -1500), (2, -2500))

    assert issue().vouchers == 0
    assert told() == []
