"""Telegram down, slow or refusing: questions are answered as ever, and the token is seen nowhere."""

from __future__ import annotations

import contextlib
import socket
import time

import psutil
import pytest
import requests
from bson import json_util
from pymongo import MongoClient

from smetka.telegram.standin import FakeTelegram
from tests.e2e.torture import rounds, tell

__all__ = ["tell"]

TOKEN = "987654321:AACanaryInTheBotApiCanaryInTheBotApi"
SECRET = TOKEN.partition(":")[2]


@contextlib.contextmanager
def nobody_there():
    yield "http://127.0.0.1:9"


@contextlib.contextmanager
def never_answering():
    """Takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def another_bot():
    with FakeTelegram(token="1:another-token-than-ours-altogether-x", chats=[4242]) as telegram:
        yield telegram.url


@contextlib.contextmanager
def answering(fault, **details):
    """A stand-in that answers every send with the same fault."""
    with FakeTelegram(token=TOKEN, chats=[4242]) as telegram:
        telegram.fail_next(fault, times=100_000, **details)
        yield telegram.url
        assert telegram.calls("send*")
        assert telegram.messages(4242) == []


FORBIDDEN = '{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}'
STATES = {
    "down": nobody_there,
    "silent": never_answering,
    "401": another_bot,
    "403": lambda: answering("say", status=403, body=FORBIDDEN),
    "429": lambda: answering("flood", retry_after=2),
    "500": lambda: answering("500"),
}


@pytest.mark.parametrize("state", STATES)
def test_questions_are_answered_as_ever_and_the_token_is_nowhere(new_shop, tell, state):
    with STATES[state]() as url:
        shop = new_shop(
            SMETKA_TELEGRAM_BOT_TOKEN=TOKEN, SMETKA_TELEGRAM_CHAT_IDS="4242", SMETKA_TELEGRAM_API_URL=url
        ).start()
        slowest, said = ask(shop, rounds(3, 20))
        seen = [place for place, text in places(shop, said).items() if SECRET in text]

        assert seen == []
        assert slowest < 2
        assert shop.stop() == 0
    assert SECRET not in shop.log.read_text()
    tell(f"Telegram: {state}", slowest_answer=f"{slowest:.2f} s", token_seen=0)


def ask(shop, seconds: int) -> tuple[float, str]:
    """The slowest answer while messages are queued and fail, and all that was answered."""
    slowest, said, year = 0.0, [], 2020
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        year = year + 1 if year < 2026 else 2023
        for path in (f"/average_spending_by_age?year={year}", "/average_spending_by_age", "/total_spent/7"):
            began = time.monotonic()
            answer = shop.get(path)
            slowest = max(slowest, time.monotonic() - began)
            assert answer.status_code == 200
            said.append(answer.text)
        time.sleep(0.2)
    return slowest, "".join(said)


def places(shop, said: str) -> dict[str, str]:
    """Every place where a token could be read, but the environment of those who send."""
    status = shop.status()
    with contextlib.closing(MongoClient(status["mongodb_uri"])) as client:
        database = client.get_default_database()
        records = json_util.dumps(
            [list(database[name].find({})) for name in database.list_collection_names()]
        )
    paths = ("/readyz", "/metrics", "/openapi.json", "/healthz", "/", "/nothing", "/total_spent/x")
    return {
        "logs": shop.log.read_text(),
        "answers": said + "".join(requests.get(shop.url + path, timeout=10).text for path in paths),
        "records": records,
        "deliveries": shop.run("deliveries", "list", "--json").stdout,
        "settings": shop.run("settings", "--json").stdout,
        "status": str(status),
        "command lines": " ".join(" ".join(process.cmdline()) for process in shop.family()),
        "environments": " ".join(
            value
            for pid in [*status["pids"]["web"], status["pids"]["mongodb"]]
            for value in psutil.Process(pid).environ().values()
        ),
    }
