"""A small client of the Telegram Bot API that never lets the bot's token out."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Any, assert_never
from urllib.parse import urlsplit

import requests
import urllib3

from smetka.settings import is_loopback
from smetka.telegram.errors import Endless, Refused, TelegramError, Unreachable
from smetka.telegram.parts import Buttons, Document, Part, Picture, Text
from smetka.telegram.topics import ChatId, chat_of, split

CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
LONGEST_CALL_SECONDS = CONNECT_SECONDS + 2 * READ_SECONDS
"""No call takes longer: connecting, the wait for the head of the answer, and its body."""

_UPDATES = ("message", "channel_post", "callback_query", "my_chat_member")
MOST_UPDATES = 100
"""The Bot API gives no more at a time."""

_LARGEST_ANSWER = 1 << 20
_LARGEST_UPDATES = 8 << 20
"""What a hundred messages take, each as long as Telegram allows, in answer to one as long, and every letter
written as `\\u0436`."""

_FIRST_UPDATE = re.compile(
    rb'\s*{\s*"ok"\s*:\s*true\s*,\s*"result"\s*:\s*\[\s*{\s*"update_id"\s*:\s*(\d{1,18})'
)
"""Nothing that somebody wrote can look like it: it stands before all of that."""

_TOKEN_IN_PATH = re.compile(r"/bot[^/\s]+(?=/)")


class _MaskedPaths(logging.Filter):
    """Masks the token in urllib3's own log lines, whatever level somebody turns on."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _TOKEN_IN_PATH.sub("/bot***", record.getMessage()), ()
        return True


# A filter holds only for lines of its very logger, so each that may write a URL gets one.
for _name in ("connectionpool", "connection", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_MaskedPaths())


class TelegramClient:
    """One bot at one Bot API server. For one thread; close it when done.

    Every method raises `Refused` when the Bot API says no and `Unreachable` when no answer of its
    kind came. Nothing is repeated here, redirects are not followed, and the token stays out of
    messages, reprs, tracebacks and logs.

    Args:
        timeout: seconds to connect, and seconds between two pieces of an answer.
    """

    def __init__(
        self, token: str, api_url: str, *, timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)
    ) -> None:
        self._token, self._api_url, self._timeout = token, api_url.rstrip("/"), timeout
        self._session = requests.Session()
        # The machine's proxy is for the world outside, not for a server beside us.
        self._session.trust_env = not is_loopback(urlsplit(self._api_url).hostname or "")

    def __repr__(self) -> str:
        return f"TelegramClient({self._api_url!r})"

    def close(self) -> None:
        """Close the kept connection. Safe to repeat."""
        self._session.close()

    def get_me(self) -> dict[str, Any]:
        """The bot's own account: shows that the token is right."""
        return self._object(self._call("getMe", {}))

    def get_chat(self, chat: ChatId) -> dict[str, Any]:
        """A chat's type and title; a topic has none of its own."""
        return self._object(self._call("getChat", {"chat_id": chat_of(chat)}))

    def send(self, recipient: ChatId, part: Part) -> int:
        """Send a message, a picture or a file to a chat or a topic; the message's id is returned.

        Not safe to repeat: the Bot API knows no idempotency key.
        """
        chat, topic = split(recipient)
        to = {"chat_id": chat} if topic is None else {"chat_id": chat, "message_thread_id": topic}
        match part:
            case Text():
                result = self._call(
                    "sendMessage",
                    {
                        **to,
                        "text": part.html,
                        "parse_mode": "HTML",
                        "link_preview_options": {"is_disabled": True},
                        **_keyboard(part.buttons),
                    },
                )
            case Picture():
                fields = {**to, "caption": part.caption, "parse_mode": "HTML"}
                result = self._call(
                    "sendPhoto",
                    {**fields, **_keyboard(part.buttons)},
                    file=("photo", "chart.png", part.png, "image/png"),
                )
            case Document():
                result = self._call(
                    "sendDocument",
                    to,
                    file=("document", part.file_name, part.content, "text/csv"),
                )
            case _:
                assert_never(part)
        message = self._object(result)
        if not _is_integer(message.get("message_id")):
            raise Unreachable("the answer names no message", outcome_unknown=True)
        return int(message["message_id"])

    def get_updates(
        self, offset: int | None, *, wait_seconds: int, most: int = MOST_UPDATES
    ) -> list[dict[str, Any]]:
        """What people wrote since, oldest first; waits when there is nothing yet.

        Args:
            offset: one more than the last update that was dealt with: that one and all before it are
                forgotten by the Bot API.

        Raises:
            Endless: so many at a time are too much.
        """
        wanted = {"timeout": wait_seconds, "allowed_updates": _UPDATES, "limit": most}
        parameters = wanted if offset is None else {**wanted, "offset": offset}
        updates = self._call("getUpdates", parameters, waiting=wait_seconds, largest=_LARGEST_UPDATES)
        if not isinstance(updates, list):
            raise Unreachable("the answer is not the Bot API's", outcome_unknown=True)
        return [self._object(update) for update in updates]

    def answer_callback(self, callback_id: str) -> None:
        """Tell a pressed button that it was heard. Safe to repeat."""
        self._call("answerCallbackQuery", {"callback_query_id": callback_id})

    def set_commands(self, commands: list[tuple[str, str]], language: str | None = None) -> None:
        """Say which commands there are, to all or to people of one language. Safe to repeat."""
        listed = [{"command": name, "description": said} for name, said in commands]
        self._call("setMyCommands", {"commands": listed, **({"language_code": language} if language else {})})

    def _call(
        self,
        method: str,
        parameters: dict[str, Any],
        *,
        file: tuple[str, str, bytes, str] | None = None,
        waiting: float = 0,
        largest: int = _LARGEST_ANSWER,
    ) -> Any:
        failure: TelegramError
        try:
            with self._session.post(
                f"{self._api_url}/bot{self._token}/{method}",
                timeout=(self._timeout[0], self._timeout[1] + waiting),
                allow_redirects=False,
                stream=True,
                **_payload(parameters, file),
            ) as response:
                return self._judge(response.status_code, self._body(response, largest))
        except TelegramError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = _translated(error)
        # Raised out here, so that not even `__context__` leads to an exception that names the URL.
        raise failure

    def _body(self, response: requests.Response, largest: int) -> bytes:
        # The read limit counts from piece to piece; a server that drips needs one over all.
        deadline = time.monotonic() + self._timeout[1]
        body = bytearray()
        while piece := response.raw.read1(1 << 16, decode_content=True):
            body += piece
            if len(body) > largest:
                first = _FIRST_UPDATE.match(body)
                raise Endless("the answer is too large", update=int(first[1]) if first else None)
            if time.monotonic() > deadline:
                raise Endless("the response was too long or cut off")
        return bytes(body)

    def _judge(self, status: int, body: bytes) -> Any:
        """The result in an answer; only an answer that is whole and of one mind counts as one."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        match answer:
            case {"ok": True, "result": result} if status == 200:
                return result
            case {"ok": False, "description": str(description), **rest} if status >= 400:
                hints = rest.get("parameters")
                raise Refused(
                    status,
                    description.replace(self._token, "***"),
                    retry_after=_hint(hints, "retry_after"),
                    migrate_to_chat_id=_hint(hints, "migrate_to_chat_id"),
                )
        raise Unreachable(f"the answer is not the Bot API's (HTTP {status})", outcome_unknown=True)

    @staticmethod
    def _object(result: Any) -> dict[str, Any]:
        if not isinstance(result, dict):
            raise Unreachable("the answer is not the Bot API's", outcome_unknown=True)
        return result


def _payload(parameters: dict[str, Any], file: tuple[str, str, bytes, str] | None) -> dict[str, Any]:
    """The request's body: JSON, or a form when a file goes along."""
    if file is None:
        return {"json": parameters}
    field, name, content, kind = file
    fields = {key: v if isinstance(v, str) else json.dumps(v) for key, v in parameters.items()}
    return {"data": fields, "files": {field: (name, content, kind)}}


def _keyboard(buttons: Buttons) -> dict[str, Any]:
    rows = [[{"text": button.text, "callback_data": button.data} for button in row] for row in buttons]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _hint(hints: object, name: str) -> int | None:
    value = hints.get(name) if isinstance(hints, dict) else None
    return int(value) if _is_integer(value) else None  # type: ignore[arg-type]  # just looked at


def _translated(error: Exception) -> Unreachable:
    """Our error for one of requests' or urllib3's, of which nothing but its kind is kept."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)  # urllib3's MaxRetryError wraps what happened
    match error:
        case requests.ConnectTimeout():
            return Unreachable("connecting takes too long", outcome_unknown=False)
        case requests.exceptions.ProxyError():
            return Unreachable("the proxy does not connect", outcome_unknown=False)
        case requests.exceptions.SSLError():
            if "CERTIFICATE_VERIFY_FAILED" in str(reason):
                return Unreachable("its certificate is not valid", outcome_unknown=False)
            return Unreachable("the secure connection broke", outcome_unknown=True)
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema():
            return Unreachable("its address is not valid", outcome_unknown=False)
        case requests.ReadTimeout():
            return Unreachable("no answer in time", outcome_unknown=True)
    match reason:
        case urllib3.exceptions.NameResolutionError():
            return Unreachable("its name is not known", outcome_unknown=False)
        case urllib3.exceptions.NewConnectionError():
            return Unreachable("no connection", outcome_unknown=False)
    return Unreachable("the connection broke", outcome_unknown=True)
