"""An update that MongoDB never takes silences the bot for nobody else; none is lost while MongoDB is away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from smetka.core.errors import BonusStoreUnavailable, BonusStoreUnusable
from smetka.runtime.worker import Worker
from smetka.settings import Settings
from smetka.telegram import bot as bots
from smetka.telegram import client as clients
from smetka.telegram.bot import Bot
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.commands import say
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.passed_over import PassedOver
from smetka.telegram.questions import MOST_A_MINUTE
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.state import beat, worker_state
from tests.selection import not_quick
from tests.waiting import eventually

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


@pytest.mark.parametrize("blip", [False, True])
@pytest.mark.parametrize("heard", ["at the start", "later"])
def test_a_question_that_waited_for_mongodb_is_answered_however_long_it_was_away(
    bot, telegram, outbox, clock, monkeypatch, heard, blip
):
    if heard == "later":
        bot.poll(0)
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp())})
    with monkeypatch.context() as patched:
        patched.setattr(Chats, "get", _away)
        for _ in range(12):
            assert bot.poll(0) == 1
            clock.pass_(60)
    if blip:
        telegram.fail_next("500", method="getUpdates")
        bot.poll(0)
    bot.poll(0)

    assert [each.report["say"] for each in outbox.newest(9)] == ["help"]


def test_a_question_that_waited_for_mongodb_is_answered_whatever_the_clock_shows(
    bot, telegram, outbox, clock, monkeypatch
):
    bot.poll(0)
    telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp()) - 7200})
    with monkeypatch.context() as patched:
        patched.setattr(Chats, "get", _away)
        bot.poll(0)
        telegram.fail_next("500", method="getUpdates")
        bot.poll(0)
    bot.poll(0)

    assert [each.report["say"] for each in outbox.newest(9)] == ["help"]


def test_of_many_old_questions_none_is_answered(bot, telegram, outbox, clock):
    for _ in range(101):
        telegram.write(MANAGER, "/help", members={"date": int(clock().timestamp()) - 7200})

    assert [bot.poll(0), bot.poll(0)] == [0, 0]
    assert outbox.newest(9) == []


def _away(*_):
    raise BonusStoreUnavailable("connection refused", ("refused",))


def test_what_comes_again_while_nothing_can_be_written_counts_once(
    bot, telegram, outbox, clock, storage, monkeypatch
):
    code, _ = Invites(storage, now=clock).make("reader")
    now = {"date": int(clock().timestamp())}
    bot.poll(0)
    telegram.write(MANAGER, "/help", members=now)
    telegram.write(7007, f"/start {code}", members=now)
    for write in ("update_one", "insert_many"):  # an invite's use, and an answer
        with monkeypatch.context() as patched:
            patched.setattr(Collection, write, _full)
            for _ in range(MOST_A_MINUTE + 2):
                bot.poll(0)
    eventually(lambda: storage.available)
    bot.poll(0)

    assert sorted(each.report["say"] for each in outbox.newest(9)) == ["help", "paired"]


def _full(*_, **__):
    raise OperationFailure("No space left on device", 14031)


LONGEST = "\u0436" * 4096


def test_no_number_of_long_messages_silences_the_bot(bot, telegram, outbox, clock):
    """Telegram writes each of these letters as six: a hundred such updates are five megabytes."""
    now = {"date": int(clock().timestamp())}
    for _ in range(100):
        telegram.write(7007, LONGEST, members=now | {"reply_to_message": {"text": LONGEST}})
    telegram.write(MANAGER, "/help", members=now)

    assert [bot.poll(0), bot.poll(0)] == [0, 0]
    assert outbox.newest(1)[0].report["say"] == "help"
    assert bot.health.ok


def test_what_is_too_much_at_a_time_is_asked_for_in_smaller_numbers(
    bot, telegram, outbox, clock, monkeypatch
):
    monkeypatch.setattr(clients, "_LARGEST_UPDATES", 100_000)
    now = {"date": int(clock().timestamp())}
    for _ in range(9):
        telegram.write(7007, LONGEST, members=now)
    telegram.write(MANAGER, "/help", members=now)
    for _ in range(20):
        assert bot.poll(0) == 0

    assert outbox.newest(1)[0].report["say"] == "help"
    assert bot.health.ok


@pytest.mark.parametrize("before", [0, 3])
def test_an_update_that_is_too_large_by_itself_is_passed_over_and_named(
    bot, telegram, outbox, clock, capsys, before
):
    now = {"date": int(clock().timestamp())}
    for _ in range(before):
        telegram.write(7007, "hello", members=now)
    number = telegram.write(
        MANAGER, '"update_id":9,', members=now | {"quote": {"text": "CANARY" * 1_500_000}}
    )
    telegram.write(MANAGER, "/help", members=now)
    for _ in range(12):
        bot.poll(0)

    assert outbox.newest(1)[0].report["say"] == "help"
    assert f"Update {number} was passed over at 2026-" in bot.health.detail
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("update-refused") == 1
    assert "CANARY" not in printed.out + printed.err


def test_an_answer_without_end_that_names_no_update_is_waited_out(bot, telegram, clock, monkeypatch):
    monkeypatch.setattr(clients, "_LARGEST_UPDATES", 100)
    telegram.fail_next("say", times=99, method="getUpdates", body=" " * 1000)

    assert [bot.poll(0) for _ in range(8)] == [0] * 6 + [1, 2]
    assert "the answer is too large" in bot.health.detail


def test_all_that_were_passed_over_in_a_day_are_named(clock):
    passed_over = PassedOver(clock)
    for number in (7, 8):
        for _ in range(2):
            passed_over.takes(number, REFUSED)
    clock.pass_(20 * 3600)
    passed_over.add(9)

    assert [f"Update {n} was passed over" in passed_over.told() for n in (7, 8, 9)] == [True] * 3
    clock.pass_(5 * 3600)
    assert passed_over.told().startswith("Update 9 was")


def test_what_is_refused_once_comes_again(clock):
    passed_over = PassedOver(clock)

    assert not passed_over.takes(7, REFUSED)
    assert not passed_over.takes(8, REFUSED)
    assert passed_over.takes(8, REFUSED)
    assert passed_over.told().startswith("Update 8 was passed over")


def test_what_was_passed_over_is_named_beside_how_telegram_is(storage):
    worker = Worker(Settings(telegram_bot_token=f"123456:{'A' * 35}"), storage)
    for _ in range(2):
        worker._bot._updates._passed_over.takes(7, REFUSED)
    beat(storage, name="worker", telegram=worker._health(), now=datetime.now(UTC))

    told = worker_state(storage, datetime.now(UTC)).telegram
    assert told.ok == worker._sender.health.ok
    assert "Update 7 was passed over" in told.detail
