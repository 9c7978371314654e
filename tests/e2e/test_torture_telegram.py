"""Telegram down, slow or refusing: questions are answered as ever, and the token is seen nowhere."""

from __future__ import annotations

import contextlib
import select
import socket
import time

import psutil
import pytest
import requests
from bson import json_util
from pymongo import MongoClient

from smetka.telegram.standin import FakeTelegram
from tests.e2e.torture import brief_or_long, tell
from tests.fixtures.product import START_SECONDS, Shop, make_shop_in

__all__ = ["tell"]

TOKEN = "987654321:AACanaryInTheBotApiCanaryInTheBotApi"
SECRET = TOKEN.partition(":")[2]


@contextlib.contextmanager
def nobody_there():
    yield "http://127.0.0.1:9", is_paused


@contextlib.contextmanager
def never_answering():
    """Takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield url, lambda _worker: bool(select.select([server], [], [], 0)[0])


@contextlib.contextmanager
def another_bot():
    with FakeTelegram(token="1:another-token-than-ours-altogether-x", chats=[4242]) as telegram:
        yield telegram.url, is_paused


@contextlib.contextmanager
def answering(fault, **details):
    """A stand-in that answers every send with the same fault."""
    with FakeTelegram(token=TOKEN, chats=[4242]) as telegram:
        telegram.fail_next(fault, times=100_000, **details)
        yield telegram.url, lambda _worker: telegram.calls("send*")
        assert telegram.messages(4242) == []


def is_paused(worker) -> bool:
    return "telegram-paused" in worker.log.read_text()


FORBIDDEN = '{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}'
# Each gives an address, and a function that says whether the worker has met what is there.
STATES = {
    "down": nobody_there,
    "silent": never_answering,
    "401": another_bot,
    "403": lambda: answering("say", status=403, body=FORBIDDEN),
    "429": lambda: answering("flood", retry_after=2),
    "500": lambda: answering("500"),
}


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory, prepared_home):
    """A running shop with a bot. Its worker runs apart, in each test another one."""
    bot = {"SMETKA_TELEGRAM_BOT_TOKEN": TOKEN, "SMETKA_TELEGRAM_CHAT_IDS": "4242"}
    shop = make_shop_in(tmp_path_factory.mktemp("shop"), prepared_home, "--no-worker", **bot)
    yield shop.start()
    shop.close()


@brief_or_long("seconds", 0.5, 20)
@pytest.mark.parametrize("state", STATES)
def test_questions_are_answered_as_ever_and_the_token_is_nowhere(shop, tmp_path, tell, state, seconds):
    with STATES[state]() as (url, has_met):
        worker = Shop(tmp_path, ["worker"], {**shop.environment, "SMETKA_TELEGRAM_API_URL": url})
        worker.start(wait=False)
        try:
            slowest, said = ask(shop, seconds, until=lambda: has_met(worker))
            seen = [place for place, text in places(shop, worker, said).items() if SECRET in text]
            assert worker.stop() == 0
        finally:
            worker.close()

    assert seen == []
    assert slowest < 2
    assert SECRET not in shop.log.read_text() + worker.log.read_text()
    tell(f"Telegram: {state}", slowest_answer=f"{slowest:.2f} s", token_seen=0)


def ask(shop, seconds: float, until) -> tuple[float, str]:
    """The slowest answer while messages are queued and fail, and all that was answered."""
    slowest, said, year = 0.0, [], 2020
    end = time.monotonic() + seconds
    while time.monotonic() < end or not until():
        assert time.monotonic() < end + START_SECONDS
        year = year + 1 if year < 2026 else 2023
        for path in (f"/average_spending_by_age?year={year}", "/average_spending_by_age", "/total_spent/7"):
            began = time.monotonic()
            answer = shop.get(path)
            slowest = max(slowest, time.monotonic() - began)
            assert answer.status_code == 200
            said.append(answer.text)
        time.sleep(0.2)
    return slowest, "".join(said)


def places(shop, worker, said: str) -> dict[str, str]:
    """Every place where a token could be read, but the environment of those who send.

    What commands print of it is in test_serve.py.
    """
    with contextlib.closing(MongoClient(shop.mongodb_uri)) as client:
        database = client.get_default_database()
        records = json_util.dumps(
            [list(database[name].find({})) for name in database.list_collection_names()]
        )
    paths = ("/readyz", "/metrics", "/openapi.json", "/healthz", "/", "/nothing", "/total_spent/x")
    return {
        "logs": shop.log.read_text() + worker.log.read_text(),
        "answers": said + "".join(requests.get(shop.url + path, timeout=10).text for path in paths),
        "records": records,
        "command lines": " ".join(
            " ".join(process.cmdline()) for process in (*shop.family(), *worker.family())
        ),
        "environments": " ".join(
            value
            for pid in [*shop.web_pids(), shop.pids()["mongodb"]]
            for value in psutil.Process(pid).environ().values()
        ),
    }
