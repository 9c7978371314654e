"""The Bot API client, against the stand-in over real HTTP."""

from __future__ import annotations

import logging
import socket
import time
import traceback

import pytest

from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError, Unreachable
from smetka.telegram.parts import Text
from smetka.telegram.standin import FakeTelegram

pytestmark = pytest.mark.process

MANAGER = 1001
CANARY = "987654321:CANARY-token-that-must-never-be-seen"


@pytest.fixture
def client(telegram):
    client = TelegramClient(telegram.token, telegram.url, timeout=(5, 10))
    yield client
    client.close()


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_message_arrives_and_its_id_comes_back(client, telegram):
    message_id = client.send(MANAGER, Text("text", "<b>Total</b> &lt; 5 &amp; ok"))

    (message,) = telegram.messages(MANAGER)
    assert message.id == message_id
    assert message.text == "Total < 5 & ok"


def test_the_text_travels_in_the_body_and_never_in_the_address(client, telegram):
    client.send(MANAGER, Text("text", "figures"))

    assert telegram.world.targets[-1] == f"/bot{telegram.token}/sendMessage"


def test_the_bot_and_a_chat_are_described(client):
    assert client.get_me()["is_bot"] is True
    assert client.get_chat(-2002)["type"] == "group"


@pytest.mark.parametrize(
    ("fault", "code", "retry_after"),
    [
        pytest.param("500", 500, None, id="a fault of Telegram's"),
        pytest.param("flood", 429, 17, id="flood control names the seconds"),
    ],
)
def test_a_refusal_carries_what_telegram_said(client, telegram, fault, code, retry_after):
    telegram.fail_next(fault, retry_after=17)

    with pytest.raises(Refused) as caught:
        client.send(MANAGER, Text("text", "figures"))

    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)


def test_a_migrated_group_names_its_new_id(client, telegram):
    telegram.chat(-2002).migrated_to = -1002002

    with pytest.raises(Refused) as caught:
        client.send(-2002, Text("text", "figures"))

    assert caught.value.migrate_to_chat_id == -1002002


@pytest.mark.parametrize(
    "fault", ["502-html", "html", "truncated", "reset", "accept-reset", "hang", "accept-hang"]
)
def test_an_answer_that_is_not_whole_leaves_the_outcome_unknown(telegram, fault):
    client = TelegramClient(telegram.token, telegram.url, timeout=(5, 0.2 if "hang" in fault else 10))
    telegram.fail_next(fault)

    with pytest.raises(Unreachable) as caught:
        client.send(MANAGER, Text("text", "figures"))

    client.close()
    assert caught.value.outcome_unknown
    arrives = fault.startswith("accept") or fault == "truncated"
    while arrives and not telegram.messages(MANAGER):
        time.sleep(0.01)  # the stand-in may be slower than the client was patient
    assert len(telegram.messages(MANAGER)) == arrives


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '{"ok": true}', '{"result": {}}', '{"ok": true, "result": 5}']
)
def test_json_that_is_no_answer_leaves_the_outcome_unknown(client, telegram, body):
    telegram.fail_next("say", body=body)

    with pytest.raises(Unreachable) as caught:
        client.send(MANAGER, Text("text", "figures"))

    assert caught.value.outcome_unknown


@pytest.mark.process
@pytest.mark.parametrize(
    "url",
    [f"http://127.0.0.1:{closed_port()}", "http://no-such-host.invalid"],
    ids=["refused", "no such name"],
)
def test_without_a_connection_nothing_was_sent(url, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = TelegramClient(CANARY, url)

    with pytest.raises(Unreachable) as caught:
        client.send(MANAGER, Text("text", "figures"))

    client.close()
    assert not caught.value.outcome_unknown


def test_redirects_are_not_followed(telegram):
    with FakeTelegram() as elsewhere:
        telegram.fail_next("redirect", body=f"{elsewhere.url}/bot{elsewhere.token}/sendMessage")
        client = TelegramClient(telegram.token, telegram.url)

        with pytest.raises(Unreachable):
            client.send(MANAGER, Text("text", "figures"))

        client.close()
        assert elsewhere.calls("sendMessage") == 0


def everything_about(error: BaseException) -> str:
    chain, text = error, ""
    while chain is not None:
        text += "".join(traceback.TracebackException.from_exception(chain, capture_locals=True).format())
        text += repr(chain) + str(chain) + repr(vars(chain))
        chain = chain.__context__
    return text


@pytest.mark.process
@pytest.mark.parametrize(
    "fault",
    [None, "500", "502-html", "reset", "truncated", "hang", "unauthorized", "refused", "no such name"],
)
def test_the_token_is_in_no_log_line_message_or_traceback(fault, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # another client of it turns it down when imported
    seen = ""
    with FakeTelegram(token=CANARY, chats=(MANAGER,)) as telegram:
        url = {
            "refused": f"http://127.0.0.1:{closed_port()}",
            "no such name": "http://no-such-host.invalid",
        }.get(fault, telegram.url)
        client = TelegramClient(CANARY, url, timeout=(5, 0.2 if fault == "hang" else 10))
        if fault == "unauthorized":
            telegram.token = "1:another-token-than-that"
        elif fault and url == telegram.url:
            telegram.fail_next(fault)
        try:
            client.send(MANAGER, Text("text", "figures"))
        except TelegramError as error:
            seen += everything_about(error)
        seen += repr(client) + str(client)
        client.close()
    seen += caplog.text + "".join(repr(record.args) + repr(record.msg) for record in caplog.records)

    assert "CANARY" not in seen
    assert "urllib3" in caplog.text  # its debug lines were there to be looked at


@pytest.mark.process
def test_a_refusal_that_repeats_the_token_is_masked():
    with FakeTelegram(token=CANARY, chats=(MANAGER,)) as telegram:
        client = TelegramClient(CANARY, telegram.url)
        telegram.fail_next(
            "say",
            status=400,
            body=f'{{"ok": false, "error_code": 400, "description": "bot {CANARY} is unknown"}}',
        )

        with pytest.raises(Refused) as caught:
            client.send(MANAGER, Text("text", "figures"))

        client.close()
    assert "CANARY" not in str(caught.value) + caught.value.description


def test_a_server_beside_us_is_asked_without_the_machines_proxy(client, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")

    assert client.get_me()["is_bot"] is True
