"""The stand-in itself: as strict as the real Bot API, in its words, and held against its documentation."""

from __future__ import annotations

import json

import pytest
import requests

from smetka.telegram.standin import FakeTelegram
from smetka.telegram.standin.methods import METHODS
from smetka.telegram.standin.world import BOT

MANAGER = 1001


@pytest.fixture
def call(telegram):
    """A function that calls a method with a JSON body and returns the answer."""
    with requests.Session() as session:

        def call(method, parameters=None, *, token=telegram.token, **how):
            how = how or {"json": parameters or {}}
            reply = session.post(f"{telegram.url}/bot{token}/{method}", timeout=20, **how)
            answer = reply.json()
            assert answer.get("error_code", 200) == reply.status_code
            return answer

        yield call


@pytest.mark.parametrize(
    ("parameters", "code", "description"),
    [
        pytest.param({"text": "x"}, 400, "Bad Request: chat_id is empty", id="no chat"),
        pytest.param({"chat_id": 1001}, 400, "Bad Request: message text is empty", id="no text"),
        pytest.param({"chat_id": 1001, "text": " \n"}, 400, "Bad Request: message text is empty", id="blank"),
        pytest.param({"chat_id": 99, "text": "x"}, 400, "Bad Request: chat not found", id="unknown chat"),
        pytest.param(
            {"chat_id": 1001, "text": "x" * 4097}, 400, "Bad Request: message is too long", id="long"
        ),
        pytest.param(
            {"chat_id": 1001, "text": "x", "parse_mode": "Wiki"},
            400,
            "Bad Request: unsupported parse_mode",
            id="parse mode",
        ),
        pytest.param(
            {"chat_id": 1001, "text": "x", "colour": "red"},
            400,
            "Bad Request: the method has no field colour",
            id="unknown field",
        ),
        pytest.param(
            {"chat_id": 1001, "text": 5},
            400,
            "Bad Request: field text must be of type String",
            id="wrong type",
        ),
    ],
)
def test_messages_are_refused_as_the_real_one_refuses_them(call, telegram, parameters, code, description):
    assert call("sendMessage", parameters) == {"ok": False, "error_code": code, "description": description}
    assert telegram.messages(MANAGER) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("а<font>x</font>", 'Unsupported start tag "font" at byte offset 2'),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_markup_is_refused_with_the_place(call, text, complaint):
    answer = call("sendMessage", {"chat_id": MANAGER, "text": text, "parse_mode": "HTML"})

    assert answer["description"] == f"Bad Request: can't parse entities: {complaint}"


def test_the_length_counts_after_parsing(call, telegram):
    text = "<b>" + "&lt;" * 4096 + "</b>"

    assert call("sendMessage", {"chat_id": MANAGER, "text": text, "parse_mode": "HTML"})["ok"]
    assert telegram.messages(MANAGER)[0].text == "<" * 4096


def test_entities_are_counted_as_telegram_counts(call):
    answer = call(
        "sendMessage", {"chat_id": MANAGER, "text": "😀 <b>да</b> &amp; &euro;", "parse_mode": "HTML"}
    )

    assert answer["result"]["text"] == "😀 да & &euro;"
    assert answer["result"]["entities"] == [{"type": "bold", "offset": 3, "length": 2}]


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"json": {"chat_id": MANAGER, "text": "x"}}, id="json"),
        pytest.param({"data": {"chat_id": "1001", "text": "x"}}, id="form"),
        pytest.param({"files": {"chat_id": (None, "1001"), "text": (None, "x")}}, id="multipart"),
        pytest.param({"params": {"chat_id": "1001", "text": "x"}}, id="query"),
    ],
)
def test_every_way_to_pass_parameters_is_read(call, how):
    assert call("sendMessage", **how)["result"]["text"] == "x"


@pytest.mark.parametrize(
    ("method", "token", "code", "description"),
    [
        pytest.param("sendPigeon", None, 404, "Not Found", id="unknown method"),
        pytest.param("getMe", "1:another-token", 401, "Unauthorized", id="wrong token"),
        pytest.param("getMe", "nonsense", 404, "Not Found", id="no token at all"),
    ],
)
def test_what_is_not_there_is_said(call, telegram, method, token, code, description):
    answer = call(method, token=token or telegram.token)

    assert (answer["error_code"], answer["description"]) == (code, description)


def test_a_body_that_is_not_json_is_refused(call):
    answer = call("getMe", data=b"{", headers={"Content-Type": "application/json"})

    assert answer["description"] == "Bad Request: can't parse JSON object"


def test_the_lenient_one_passes_over_unknown_fields():
    with FakeTelegram(strict=False) as telegram:
        url = f"{telegram.url}/bot{telegram.token}/sendMessage"
        answer = requests.post(
            url, json={"chat_id": MANAGER, "text": "x", "colour": "red"}, timeout=20
        ).json()

    assert answer["ok"]


def test_faults_can_be_ordered_over_http(call, telegram):
    order = {"kind": "flood", "times": 2, "retry_after": 9}
    assert requests.post(f"{telegram.url}/control/fail", json=order, timeout=20).ok
    assert requests.post(f"{telegram.url}/control/fail", json={"kind": "rain"}, timeout=20).status_code == 400

    answers = [call("sendMessage", {"chat_id": MANAGER, "text": "x"}) for _ in range(3)]

    assert [answer["ok"] for answer in answers] == [False, False, True]
    assert answers[0]["parameters"] == {"retry_after": 9}
    shown = requests.get(f"{telegram.url}/control/messages", timeout=20).json()
    assert [message["text"] for message in shown] == ["x"]


def test_the_page_shows_messages_and_lets_no_markup_through(call, telegram):
    telegram.chat(MANAGER).name = "<script>alert(1)</script>"
    text = '<b>Total</b> <a href="javascript:alert(1)">&lt;img&gt;</a>'
    call("sendMessage", {"chat_id": MANAGER, "text": text, "parse_mode": "HTML"})

    assert "<b>Total</b> &lt;img&gt;" in requests.get(f"{telegram.url}/chat/{MANAGER}", timeout=20).text
    for path in ("/", f"/chat/{MANAGER}", "/t.me?start=<script>x"):
        reply = requests.get(telegram.url + path, timeout=20)
        assert "<script" not in reply.text
        assert "javascript" not in reply.text
        assert " style=" not in reply.text
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert (
        requests.get(f"{telegram.url}/style.css", timeout=20).headers["Content-Type"].startswith("text/css")
    )


@pytest.mark.shared_data
def test_methods_and_fields_are_those_of_the_bot_api(bot_api_specification):
    published = json.loads(bot_api_specification.read_text(encoding="utf-8"))["methods"]
    for name, method in METHODS.items():
        fields = {field["name"]: field for field in published[name].get("fields", [])}
        for field, types in method.fields.items():
            assert tuple(fields[field]["types"]) == types, (name, field)
        assert {field for field, known in fields.items() if known["required"]} <= set(method.fields), name


@pytest.mark.shared_data
def test_answers_are_made_of_the_fields_of_the_bot_api(bot_api_specification, call):
    types = json.loads(bot_api_specification.read_text(encoding="utf-8"))["types"]

    def check(kind, value):
        fields = {field["name"]: field for field in types[kind]["fields"]}
        assert set(value) <= set(fields)
        required = {name for name, field in fields.items() if field["required"]}
        assert required <= set(value), required - set(value)

    message = call("sendMessage", {"chat_id": MANAGER, "text": "<b>x</b>", "parse_mode": "HTML"})["result"]
    check("User", BOT)
    check("Message", message)
    check("Chat", message["chat"])
    check("User", message["from"])
    check("MessageEntity", message["entities"][0])
    # `accepted_gift_types` is documented as always there; nobody here reads it.
    types["ChatFullInfo"]["fields"] = [
        field for field in types["ChatFullInfo"]["fields"] if field["name"] != "accepted_gift_types"
    ]
    check("ChatFullInfo", call("getChat", {"chat_id": MANAGER})["result"])
