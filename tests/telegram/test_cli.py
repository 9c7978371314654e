"""`smetka telegram`, `smetka deliveries` and `smetka fake-telegram`, through the command's front door."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest
import requests

from smetka.cli import run
from smetka.telegram.standin import FakeTelegram

MANAGER, GROUP = 1001, -2002


@pytest.fixture
def configured(telegram, monkeypatch):
    monkeypatch.setenv("SMETKA_TELEGRAM_BOT_TOKEN", telegram.token)
    monkeypatch.setenv("SMETKA_TELEGRAM_CHAT_IDS", f"{MANAGER},{GROUP}")
    monkeypatch.setenv("SMETKA_TELEGRAM_API_URL", telegram.url)


@pytest.mark.usefixtures("configured")
def test_a_test_message_goes_to_every_chat(telegram, capsys):
    assert run(["telegram", "test"]) == 0

    out = capsys.readouterr().out
    assert f"Chat {MANAGER}: delivered (message 1)." in out
    assert "Smetka can write to this chat" in telegram.messages(GROUP)[0].text


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        pytest.param({"blocked": True}, "the person blocked the bot", id="blocked"),
        pytest.param({"started": False}, "has not started the bot yet: open https://t.me/", id="not started"),
        pytest.param({"migrated_to": -1005}, "use -1005 in SMETKA_TELEGRAM_CHAT_IDS", id="migrated"),
    ],
)
def test_what_is_wrong_with_one_chat_is_said_and_the_others_get_theirs(
    telegram, capsys, attributes, sentence
):
    for name, value in attributes.items():
        setattr(telegram.chat(MANAGER), name, value)

    assert run(["telegram", "test"]) == 1

    assert sentence in capsys.readouterr().err
    assert len(telegram.messages(GROUP)) == 1


@pytest.mark.usefixtures("configured")
def test_a_chat_that_is_not_there_is_said(capsys):
    assert run(["telegram", "test", "--telegram-chat-ids", "777"]) == 1

    assert "Telegram knows no such chat" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SMETKA_TELEGRAM_BOT_TOKEN", "", "No bot is configured"),
        ("SMETKA_TELEGRAM_BOT_TOKEN", "elsewhere", "No bot is configured"),
        ("SMETKA_TELEGRAM_BOT_TOKEN", "1:CANARY-token-of-nobody", "does not know this bot token (401)"),
        ("SMETKA_TELEGRAM_CHAT_IDS", "", "No chat is configured"),
        ("SMETKA_TELEGRAM_API_URL", "http://127.0.0.1:1", "Check the network"),
    ],
)
def test_what_is_wrong_with_the_bot_is_said(monkeypatch, capsys, name, value, sentence):
    monkeypatch.setenv(name, value)

    assert run(["telegram", "test"]) == 1

    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "CANARY" not in printed.err + printed.out
    assert "Traceback" not in printed.err


@pytest.mark.usefixtures("configured")
def test_the_chats_are_listed_with_type_and_title(telegram, capsys):
    telegram.chat(GROUP).name = "Менаџмент"

    assert run(["telegram", "chats", "--telegram-chat-ids", f"{MANAGER},{GROUP},777", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(chat["chat"], chat["type"], chat["title"]) for chat in listed] == [
        (MANAGER, "private", "Chat 1001"),
        (GROUP, "group", "Менаџмент"),
        (777, None, None),
    ]
    assert run(["telegram", "chats"]) == 0
    assert "Менаџмент" in capsys.readouterr().out


def test_deliveries_are_listed_and_shown(mongodb_uri, monkeypatch, announcer, make_report, capsys):
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
    assert run(["deliveries", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    told = announcer((MANAGER,)).announce(make_report())

    assert run(["deliveries", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["chat"], listed["state"], listed["report_id"]) == (MANAGER, "queued", told.report_id)
    assert listed["queued_at"] == "2026-11-23T17:20:31Z"
    assert run(["deliveries", "list"]) == 0
    assert listed["id"] in capsys.readouterr().out
    assert run(["deliveries", "show", listed["id"]]) == 0
    assert "20,707.98" in capsys.readouterr().out
    assert run(["deliveries", "show", "no-such"]) == 1
    assert "There is no delivery no-such." in capsys.readouterr().err


def test_the_stand_in_runs_as_a_command():
    command = [
        sys.executable,
        "-m",
        "smetka",
        "fake-telegram",
        "--port",
        "0",
        "--chat",
        "-5",
        "--chat",
        "@shop_team",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            printed = dict(re.findall(r"export SMETKA_TELEGRAM_(\w+)=(\S+)", "".join(lines)))
            assert printed["CHAT_IDS"] == "-5,@shop_team"
            url = f"{printed['API_URL']}/bot{printed['BOT_TOKEN']}/sendMessage"
            assert requests.post(url, json={"chat_id": "@shop_team", "text": "x"}, timeout=20).json()["ok"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_a_taken_port_is_one_line(capsys):
    with FakeTelegram() as taken:
        assert run(["fake-telegram", "--port", taken.url.rpartition(":")[2]]) == 1

    assert "cannot be used" in capsys.readouterr().err
