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
from smetka.core.shown_text import has_hidden
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.standin.world import BOT

MANAGER, GROUP = 1001, -2002


@pytest.fixture
def configured(telegram, mongodb_uri, monkeypatch):
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
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
def test_titles_and_names_of_telegram_move_no_cursor(telegram, capsys, monkeypatch):
    monkeypatch.setitem(BOT, "username", "bot\x1b]0;mine\a")
    telegram.chat(GROUP).name = "Man\x1b[2Jagers\n\u202e1001 ана\u200b"

    assert run(["telegram", "chats"]) == 0
    assert run(["telegram", "test"]) == 0

    out = capsys.readouterr().out
    assert r"Man\u001b[2Jagers\n\u202e1001 ана\u200b" in out
    assert r"bot\u001b]0;mine\u0007" in out
    assert not has_hidden(out.replace("\n", ""))


@pytest.mark.usefixtures("configured")
def test_a_group_without_pictures_is_told_and_reached_as_text(telegram, capsys):
    telegram.chat(GROUP).forbidden = {"photos"}

    assert run(["telegram", "test"]) == 0

    out = capsys.readouterr().out
    assert f"Chat {GROUP}: delivered (message 2), but pictures are not allowed there" in out
    assert f"Chat {MANAGER}: delivered (message 1).\n" in out
    (message,) = telegram.messages(GROUP)
    assert message.photo is None
    assert telegram.messages(MANAGER)[0].photo.startswith(b"\x89PNG")


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("chat", "sentence"),
    [
        ("1234567890", "it knows -1001234567890: use that in SMETKA_TELEGRAM_CHAT_IDS"),
        ("-1234567890", "it knows -1001234567890: use that"),
        ("1234567890:77", "it knows -1001234567890:77: use that"),
        (
            "-1001234567890:79",
            "There is no such topic in the chat, or it was deleted. Name another: a topic's number",
        ),
        ("-1001234567890:78", "The topic is closed. Reopen it in Telegram, or name another."),
        ("-100999", "the bot may not write there now (not enough rights to send text messages to the chat)"),
    ],
)
def test_what_is_wrong_with_a_chats_number_or_its_topic_is_said(telegram, capsys, chat, sentence):
    for known in ("-1001234567890:77", "-1001234567890:78", -100999):
        telegram.world.add_chat(known)
    telegram.chat(-1001234567890).closed_topics = {78}
    telegram.chat(-100999).forbidden = {"photos", "text messages"}

    assert run(["telegram", "test", "--telegram-chat-ids", chat]) == 1

    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
def test_a_topic_is_tried_and_listed_by_its_name_in_the_settings(telegram, capsys):
    telegram.world.add_chat("-1001234567890:77", name="Figures")
    chats = ["--telegram-chat-ids", "-1001234567890:77,-1001234567890:1"]

    assert run(["telegram", "test", *chats]) == 0
    assert [message.topic for message in telegram.messages(-1001234567890)] == [77, None]
    assert "Chat -1001234567890:77: delivered" in capsys.readouterr().out
    assert run(["telegram", "chats", *chats, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(chat["chat"], chat["title"], chat["role"]) for chat in listed] == [
        ("-1001234567890:77", "Figures", None),
        (-1001234567890, "Figures", None),
    ]


@pytest.mark.usefixtures("configured")
def test_deliveries_are_listed_by_chat_and_by_topic(outbox, capsys, make_report):
    outbox.queue("a", "averages", make_report(), [GROUP, "-1001234567890:77"])

    for chat in (GROUP, "-1001234567890:77"):
        assert run(["deliveries", "list", "--json", "--chat", str(chat)]) == 0
        assert [each["chat"] for each in json.loads(capsys.readouterr().out)] == [chat]
    assert run(["deliveries", "list", "--chat", "-1001234567890"]) == 0
    assert "There is no such message to chat -1001234567890." in capsys.readouterr().err
    assert run(["deliveries", "list", "--chat", "me"]) == 2
    assert "is neither a chat id" in capsys.readouterr().err


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


@pytest.mark.usefixtures("configured")
def test_deliveries_are_listed_and_shown(announcer, make_report, capsys):
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


@pytest.mark.process
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


@pytest.mark.process
def test_a_taken_port_is_one_line(capsys):
    with FakeTelegram() as taken:
        assert run(["fake-telegram", "--port", taken.url.rpartition(":")[2]]) == 1

    assert "cannot be used" in capsys.readouterr().err
