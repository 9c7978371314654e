"""An update that MongoDB never takes silences the bot for nobody else; none is lost while MongoDB is away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smetka.errors import BonusStoreUnavailable, BonusStoreUnusable
from smetka.settings import Settings
from smetka.telegram import bot as bots
from smetka.telegram.bot import Bot
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.commands import say
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.passed_over import PassedOver
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.state import beat, worker_state
from smetka.worker import Worker
from tests.selection import not_quick

MANAGER = 1001
REFUSED = BonusStoreUnusable("DocumentTooLarge: 17 MB", ("order",))


@pytest.fixture
@not_quick
def telegram():
    with FakeTelegram(chats=(MANAGER,)) as telegram:
        yield telegram


@pytest.fixture
def outbox(storage, clock):
    return Outbox(storage, now=clock)


@pytest.fixture
def bot(telegram, storage, clock, outbox):
    client = TelegramClient(telegram.token, telegram.url, timeout=(5, 10))
    yield Bot(
        client,
        chats=Chats(storage, now=clock),
        outbox=outbox,
        invites=Invites(storage, now=clock),
        figures=None,
        recipients=(MANAGER,),
        now=clock,
    )
    client.close()


def test_an_update_whose_answer_cannot_be_kept_is_passed_over_and_named(
    bot, telegram, outbox, clock, monkeypatch, capsys
):
    too_much = ["x" * 1_000_000] * 17  # more than a record holds
    monkeypatch.setattr(
        bots, "answer", lambda name, *_: say("help", commands=too_much if name == "shop" else [])
    )
    number = telegram.write(MANAGER, "/shop CANARY", members={"date": int(clock().timestamp())})
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})

    assert bot.poll(0) == 1.0
    assert bot.health.ok
    assert bot.poll(0) == 0
    assert [each.report["commands"] for each in outbox.newest(9)] == [[]]
    assert not bot.health.ok
    assert f"Update {number} was passed over at 2026-" in bot.health.detail
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("update-refused") == 1
    assert "CANARY" not in printed.out + printed.err
    clock.pass_(25 * 3600)
    assert bot.health.ok


@pytest.mark.parametrize(
    "error",
    [
        BonusStoreUnavailable("connection refused", ("refused",)),
        BonusStoreUnavailable("no answer"),
        BonusStoreUnusable("not authorised", ("rights",)),
        BonusStoreUnusable("no majority", ("writes",)),
    ],
    ids=lambda error: str(error.causes),
)
def test_nothing_is_passed_over_while_mongodb_is_away(clock, error):
    passed_over = PassedOver(clock)

    assert not any(passed_over.takes(7, error) for _ in range(100))
    assert passed_over.told() is None


def test_what_is_refused_once_comes_again(clock):
    passed_over = PassedOver(clock)

    assert not passed_over.takes(7, REFUSED)
    assert not passed_over.takes(8, REFUSED)
    assert passed_over.takes(8, REFUSED)
    assert passed_over.told().startswith("Update 8 was passed over")


def test_what_was_passed_over_is_named_beside_how_telegram_is(storage):
    worker = Worker(Settings(telegram_bot_token=f"123456:{'A' * 35}"), storage)
    for _ in range(2):
        worker._bot._passed_over.takes(7, REFUSED)
    beat(storage, name="worker", telegram=worker._health(), now=datetime.now(UTC))

    told = worker_state(storage, datetime.now(UTC)).telegram
    assert told.ok == worker._sender.health.ok
    assert "Update 7 was passed over" in told.detail
