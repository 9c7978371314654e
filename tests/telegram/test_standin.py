"""The stand-in itself: as strict as the real Bot API, in its words, and held against its documentation."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import deque

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
    ("topic", "description"),
    [
        (78, "Bad Request: TOPIC_CLOSED"),
        (79, "Bad Request: message thread not found"),
        (1, "Bad Request: message thread not found"),
    ],
    ids=["closed", "none", "General by its number"],
)
def test_topics_are_refused_as_the_real_one_refuses_them(call, telegram, topic, description):
    for known in ("-100500:77", "-100500:78"):
        telegram.world.add_chat(known)
    telegram.chat(-100500).closed_topics = {78}
    said = {"chat_id": -100500, "text": "x"}

    answer = call("sendMessage", {**said, "message_thread_id": topic})
    assert (answer["error_code"], answer["description"]) == (400, description)
    told = call("sendMessage", {**said, "message_thread_id": 77})["result"]
    assert (told["message_thread_id"], told["is_topic_message"]) == (77, True)
    assert "message_thread_id" not in call("sendMessage", said)["result"]
    telegram.chat(-100500).closed_topics = {1}
    assert call("sendMessage", said)["description"] == "Bad Request: TOPIC_CLOSED"
    assert call("sendMessage", {**said, "chat_id": MANAGER, "message_thread_id": 77})["error_code"] == 400
    assert call("getChat", {"chat_id": -100500})["result"]["is_forum"] is True


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


@pytest.mark.process
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


def png(width, height, size=64):
    """The head of a picture of that size; nobody here looks further."""
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\0" * size


@pytest.mark.parametrize(
    ("width", "height", "size", "complaint"),
    [
        (1000, 560, 64, None),
        (5000, 5000, 64, None),
        (5001, 5000, 64, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (2100, 100, 64, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (0, 100, 64, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (100, 100, 10 << 20, "Request Entity Too Large"),
    ],
)
def test_pictures_keep_to_the_limits(call, telegram, width, height, size, complaint):
    answer = call(
        "sendPhoto",
        data={"chat_id": "1001", "caption": "<b>x</b>", "parse_mode": "HTML"},
        files={"photo": ("a.png", png(width, height, size), "image/png")},
    )

    assert answer.get("description") == complaint
    if complaint is None:
        assert (answer["result"]["photo"][0]["width"], answer["result"]["caption"]) == (width, "x")
        assert telegram.messages(MANAGER)[0].photo == png(width, height, size)


@pytest.mark.parametrize(
    ("method", "fields", "files", "complaint"),
    [
        ("sendPhoto", {}, {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "AgACAgIAAxk"}, {}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {}, {"photo": ("a.png", b"GIF89a", "image/png")}, "IMAGE_PROCESS_FAILED"),
        (
            "sendPhoto",
            {"caption": "x" * 1025},
            {"photo": ("a.png", png(9, 9), "image/png")},
            "message caption is too long",
        ),
        ("sendDocument", {}, {"document": ("a.csv", b"", "text/csv")}, "file must be non-empty"),
        ("sendDocument", {}, {}, "there is no document in the request"),
    ],
)
def test_files_are_refused_as_the_real_one_refuses_them(call, method, fields, files, complaint):
    fields = {"chat_id": "1001", **fields}
    answer = call(method, data=fields, files=files) if files else call(method, fields)

    assert answer["description"] == f"Bad Request: {complaint}"


def test_a_file_arrives_as_it_was_sent(call, telegram):
    call("sendDocument", data={"chat_id": "1001"}, files={"document": ("ж.csv", b"a,b\r\n", "text/csv")})

    (message,) = telegram.messages(MANAGER)
    assert (message.document.name, message.document.content) == ("ж.csv", b"a,b\r\n")
    reply = requests.get(f"{telegram.url}/file/{message.id}/x.csv", timeout=20)
    assert reply.content == b"a,b\r\n"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ({"inline_keyboard": [[{"text": "a", "callback_data": "x" * 65}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "a", "callback_data": ""}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "a"}]]}, "can't parse inline keyboard button"),
        ({"inline_keyboard": "no"}, "object expected as reply markup"),
    ],
)
def test_buttons_keep_to_the_rules(call, markup, complaint):
    answer = call("sendMessage", {"chat_id": MANAGER, "text": "x", "reply_markup": markup})

    assert answer["description"] == f"Bad Request: {complaint}"


def test_updates_are_told_until_they_are_confirmed(call, telegram):
    first = telegram.write(MANAGER, "/start x")
    second = telegram.write(5005, "hello")

    updates = call("getUpdates")["result"]
    assert [update["update_id"] for update in updates] == [first, second]
    assert updates[0]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert updates[1]["message"]["chat"]["type"] == "private"
    assert [u["update_id"] for u in call("getUpdates", {"offset": second})["result"]] == [second]
    assert [u["update_id"] for u in call("getUpdates", {"limit": 1})["result"]] == [second]
    assert call("getUpdates", {"offset": second + 1})["result"] == []
    telegram.write(MANAGER, "one")
    last = telegram.write(MANAGER, "two")
    assert [u["update_id"] for u in call("getUpdates", {"offset": -1})["result"]] == [last]
    assert [
        u["update_id"] for u in call("getUpdates", {"allowed_updates": ["callback_query"]})["result"]
    ] == []


def test_a_long_poll_ends_with_what_happens(call, telegram):
    def write():
        while not telegram.world.poll:
            time.sleep(0.01)
        telegram.write(MANAGER, "now")

    person = threading.Thread(target=write)
    person.start()
    (update,) = call("getUpdates", {"timeout": 30})["result"]  # which waits 20 seconds for an answer
    person.join()

    assert update["message"]["text"] == "now"


def test_a_second_poll_ends_the_first(call, telegram):
    answers = []
    url = f"{telegram.url}/bot{telegram.token}/getUpdates"
    first = threading.Thread(
        target=lambda: answers.append(requests.post(url, json={"timeout": 30}, timeout=60).json())
    )
    first.start()
    while not telegram.world.poll:
        time.sleep(0.01)
    call("getUpdates")
    first.join()

    assert answers[0]["error_code"] == 409
    assert answers[0]["description"].startswith("Conflict: terminated by other getUpdates request")


def test_a_webhook_shuts_polls_out(call):
    call("setWebhook", {"url": "https://example.com/x"})
    assert call("getUpdates")["description"].startswith("Conflict: can't use getUpdates method while webhook")
    call("deleteWebhook", {})

    assert call("getUpdates")["result"] == []


def test_commands_are_kept_by_language(call, telegram):
    commands = [{"command": "total", "description": "what one spent"}]
    call("setMyCommands", {"commands": commands})

    assert call("getMyCommands")["result"] == commands
    assert call("getMyCommands", {"language_code": "mk"})["result"] == []
    assert telegram.commands() == ["total"]
    wrong = call("setMyCommands", {"commands": [{"command": "Total!", "description": "x"}]})
    assert wrong["description"] == "Bad Request: BOT_COMMAND_INVALID"


def test_a_button_is_answered_once_it_was_pressed(call, telegram):
    buttons = {"inline_keyboard": [[{"text": "2025", "callback_data": "averages 2025"}]]}
    message = call("sendMessage", {"chat_id": MANAGER, "text": "x", "reply_markup": buttons})["result"]
    telegram.press(MANAGER, message["message_id"], "averages 2025")

    (update,) = call("getUpdates")["result"]
    query = update["callback_query"]
    assert (query["data"], query["message"]["message_id"]) == ("averages 2025", message["message_id"])
    assert call("answerCallbackQuery", {"callback_query_id": query["id"]})["result"] is True
    assert not call("answerCallbackQuery", {"callback_query_id": "nonsense"})["ok"]


@pytest.mark.process
def test_flood_control_says_how_long_to_wait():
    with (
        FakeTelegram(chats=(MANAGER, -2002, 3003), flood_control=True) as telegram,
        requests.Session() as session,
    ):

        def send(chat):
            url = f"{telegram.url}/bot{telegram.token}/sendMessage"
            return session.post(url, json={"chat_id": chat, "text": "x"}, timeout=20).json()

        answers = [send(MANAGER) for _ in range(3)]
        assert [answer["ok"] for answer in answers] == [True, True, False]
        assert answers[2]["parameters"]["retry_after"] >= 1
        assert send(3003)["ok"]
        assert telegram.busiest(60.0) == 3
        assert telegram.busiest(60.0, MANAGER) == 2


def test_another_sites_page_orders_nothing_here(telegram):
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        reply = requests.post(
            f"{telegram.url}/page/write", data={"chat": MANAGER, "text": "x"}, headers=headers, timeout=20
        )
        assert reply.status_code == 403
    assert requests.get(f"{telegram.url}/", headers={"Host": "evil.example"}, timeout=20).status_code == 421
    assert telegram.world.updates == deque()


@pytest.mark.parametrize("path", ["/page/write", "/page/press", "/page/block", "/page/nothing"])
@pytest.mark.parametrize(
    "form",
    [{}, {"chat": "x"}, {"chat": "99999999999999999999"}, {"chat": "1001", "message": "7", "data": "x"}],
)
def test_a_form_that_makes_no_sense_does_nothing(telegram, path, form):
    reply = requests.post(f"{telegram.url}{path}", data=form, timeout=20, allow_redirects=False)

    assert reply.status_code == 303
    assert telegram.world.messages == []
