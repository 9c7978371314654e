"""From a question over HTTP to the message in a manager's chat, through real processes."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import MongoClient

from smetka.telegram.standin import FakeTelegram
from tests.fixtures.product import Shop, make_shop_in
from tests.waiting import eventually

TOKEN = "123456789:AAEndToEndTokenForTheStandInBotApi"


@pytest.fixture(scope="module")
def module_telegram():
    with FakeTelegram(token=TOKEN, chats=[4242, -100777]) as telegram:
        yield telegram


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory, prepared_home, module_telegram):
    """A running shop with a bot."""
    shop = make_shop_in(
        tmp_path_factory.mktemp("shop"),
        prepared_home,
        SMETKA_TELEGRAM_BOT_TOKEN=TOKEN,
        SMETKA_TELEGRAM_CHAT_IDS="4242,-100777",
        SMETKA_TELEGRAM_API_URL=module_telegram.url,
        SMETKA_CURRENCY="EUR",
    )
    yield shop.start()
    shop.close()


@pytest.fixture
def telegram(module_telegram, shop):
    """The stand-in that the shop's bot speaks to, without a message."""
    with module_telegram.world.lock:
        module_telegram.world.messages.clear()
        module_telegram.world.faults.clear()
    return module_telegram


def wait_for_messages(telegram, count: int) -> list:
    def found():
        return [*telegram.messages(4242), *telegram.messages(-100777)]

    eventually(lambda: len(found()) >= count)
    return found()


def averages(shop, query: str = "") -> dict:
    """The answer to the question, which is told in the chats. Where MongoDB is too busy for that, asked again.

    Each test that is told something new asks for another year: the web server remembers for a moment what it told.
    What MongoDB wrote later than its asker waited is queued all the same, and was sent already when it is asked again.
    """
    is_repeated = False

    def ask():
        nonlocal is_repeated
        answer = shop.get(f"/average_spending_by_age{query}").json()
        told = answer["notification"]
        if told["status"] == "unavailable":
            is_repeated = True
            return None
        if is_repeated and told["status"] == "already_sent":
            told["status"] = "queued"
        return answer

    return eventually(ask)


def test_the_averages_arrive_in_every_chat_once(shop, telegram):
    first, again = averages(shop), averages(shop)
    silent = shop.get("/average_spending_by_age?notify=false&year=2025").json()

    texts = [message.text for message in wait_for_messages(telegram, 2)]

    assert delivered(shop) == 2
    assert (first["notification"]["status"], first["notification"]["recipients"]) == ("queued", 2)
    assert again["notification"]["status"] == "already_sent"
    assert silent["notification"]["status"] == "suppressed"
    assert len(wait_for_messages(telegram, 2)) == 2
    for text in texts:
        assert first["notification"]["report_id"] in text
        assert "EUR" in text
        assert all(group in text for group in ("18-24", "25-30", "31-36", "37-47", ">47"))
    eventually(lambda: shop.get("/readyz").json()["parts"]["telegram"]["ready"] is True)


def test_a_message_queued_while_the_worker_is_down_is_sent_when_it_is_back(shop, telegram):
    telegram.fail_next("500")
    pid = shop.pids()["worker"]
    os.kill(pid, signal.SIGSTOP)
    queued = averages(shop, "?year=2024")["notification"]
    os.kill(pid, signal.SIGKILL)

    texts = [message.text for message in wait_for_messages(telegram, 2)]

    assert queued["status"] == "queued"
    assert all(queued["report_id"] in text for text in texts)
    assert delivered(shop) == 2


def delivered(shop) -> int:
    """How many messages are queued; each of them has arrived, and none is to come."""

    def states():
        return [item["state"] for item in shop.get("/api/v1/deliveries").json()["items"]]

    eventually(lambda: set(states()) == {"delivered"}, 20)
    return len(states())


def test_a_worker_run_apart_sends_what_the_web_server_queued(new_shop):
    with FakeTelegram(token=TOKEN, chats=[4242]) as telegram:
        shop = new_shop(
            "--no-worker",
            SMETKA_TELEGRAM_BOT_TOKEN=TOKEN,
            SMETKA_TELEGRAM_CHAT_IDS="4242",
            SMETKA_TELEGRAM_API_URL=telegram.url,
        ).start()
        queued = averages(shop)["notification"]
        assert shop.get("/readyz").json()["parts"]["worker"]["ready"] is False

        worker = Shop(shop.folder, ["worker"], shop.environment)
        try:
            worker.start(wait=False)
            (message,) = eventually(lambda: telegram.messages(4242))
            worker.stop()
        finally:
            worker.close()

    assert queued["report_id"] in message.text
    assert worker.process.returncode == 0


def test_an_invited_owner_asks_and_a_stranger_does_not(shop, telegram):
    link = shop.run("telegram", "invite", "--role", "owner", "--language", "mk").stdout.strip()
    telegram.write(5005, f"/start {link.partition('?start=')[2]}")
    telegram.write(6006, f"/start {link.partition('?start=')[2]}")
    eventually(lambda: len(telegram.messages(5005)) == len(telegram.messages(6006)) == 1)
    assert "поврзан" in telegram.messages(5005)[0].text
    assert "поканетите" in telegram.messages(6006)[0].text

    telegram.write(5005, "/total 7")
    telegram.write(5005, "/averages")
    telegram.write(6006, "/total 7")
    eventually(lambda: len(telegram.messages(5005)) == 3)
    total, averages = telegram.messages(5005)[1:]
    asked = shop.get("/total_spent/7").json()["total_spending"]
    assert f"{asked:,.2f}".translate(str.maketrans(",.", ".,")) in total.text
    assert "@" in total.text
    assert averages.photo
    assert averages.buttons
    told = json.loads(shop.run("telegram", "chats", "--json").stdout)
    assert {chat["chat"]: chat["role"] for chat in told} == {4242: "manager", -100777: None, 5005: "owner"}
    telegram.press(5005, averages.id, "averages 2025 payment")
    eventually(lambda: len(telegram.messages(5005)) == 4)
    assert len(telegram.messages(6006)) == 1
    assert "@" not in json.dumps(shop.get("/api/v1/deliveries").json())
    with MongoClient(shop.mongodb_uri) as client:
        kept = client.get_default_database()
        records = str([list(kept[name].find()) for name in kept.list_collection_names()])
    assert "5005" in records
    assert "c7@" not in records
    assert "Customer 7" not in records


def test_a_schedule_sends_by_itself_each_minute(shop, telegram):
    assert shop.run("schedule", "add", "shop", "--cron", "* * * * *", "--chats", "4242").returncode == 0
    with MongoClient(shop.mongodb_uri) as client:  # a minute has begun since
        a_minute_ago = datetime.now(UTC) - timedelta(minutes=1)
        client.get_default_database().schedules.update_one({}, {"$set": {"created_at": a_minute_ago}})
    eventually(lambda: telegram.messages(4242))
    (first, *more) = telegram.messages(4242)
    assert not more
    assert "Schedule shop" in first.text
    assert "Late" not in first.text
    listed = json.loads(shop.run("schedule", "list", "--json").stdout)
    assert listed[0]["last_at"]
    assert shop.run("schedule", "remove", "shop").returncode == 0
    assert {d["schedule"] for d in shop.get("/api/v1/deliveries").json()["items"]} == {"shop"}


def test_two_workers_of_one_bot_answer_once(shop, telegram, tmp_path):
    uri = shop.mongodb_uri
    second = Shop(tmp_path, ["worker"], {**shop.environment, "SMETKA_MONGODB_URI": uri})
    try:
        second.start(wait=False)
        second.wait_until(lambda: "worker-started" in second.log.read_text())
        time.sleep(1)
        telegram.write(4242, "/help")
        eventually(lambda: telegram.messages(4242))
        # one that is on its way when its sender is killed may come twice
        eventually(
            lambda: [d["state"] for d in shop.get("/api/v1/deliveries").json()["items"]] == ["delivered"]
        )
        os.kill(shop.pids()["worker"], signal.SIGKILL)
        telegram.write(4242, "/due")
        eventually(lambda: len(telegram.messages(4242)) == 2)
        time.sleep(1)
    finally:
        second.close()

    assert len(telegram.messages(4242)) == 2
