"""What the bot sends: texts, pictures and files, with the Bot API's limits and complaints."""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

from smetka.telegram.parts import LONGEST_CAPTION, LONGEST_TEXT
from smetka.telegram.standin.markup import MarkupError, Parsed, parse_html
from smetka.telegram.standin.refusals import Refusal
from smetka.telegram.standin.world import BOT, Chat, Message, Upload, World
from smetka.telegram.topics import GENERAL

LARGEST_PHOTO, LARGEST_DOCUMENT = 10 << 20, 50 << 20
MOST_PIXELS_AROUND, MOST_RATIO = 10_000, 20
LONGEST_DATA = 64

_FLOOD = ((1.0, 2, False), (60.0, 20, True))
"""Seconds, messages within them, and whether it is a group's limit: what flood control allows a chat."""
_FLOOD_OF_BOT = (1.0, 30)


def send_message(world: World, values: dict[str, Any]) -> Any:
    """Carry out sendMessage."""
    chat, topic = _open_chat(world, values, "text messages")
    source = values.get("text", "")
    parsed = _parsed(source, values.get("parse_mode", ""))
    if not parsed.text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(parsed.text) > LONGEST_TEXT:
        raise Refusal(400, "Bad Request: message is too long")
    message = world.add_message(chat, parsed, source, buttons=_buttons(values), topic=topic)
    return _shown(chat, message) | _with_entities("text", "entities", parsed)


def send_photo(world: World, values: dict[str, Any]) -> Any:
    """Carry out sendPhoto, of an uploaded PNG."""
    chat, topic = _open_chat(world, values, "photos")
    photo = _upload(values, "photo")
    if len(photo.content) > LARGEST_PHOTO:
        raise Refusal(413, "Request Entity Too Large")
    width, height = _size(photo.content)
    if width + height > MOST_PIXELS_AROUND or max(width, height) > MOST_RATIO * min(width, height):
        raise Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    parsed = _caption(values)
    message = world.add_message(
        chat, parsed, values.get("caption", ""), photo=photo.content, buttons=_buttons(values), topic=topic
    )
    size = {
        "file_id": f"photo-{message.id}",
        "file_unique_id": f"p{message.id}",
        "width": width,
        "height": height,
        "file_size": len(photo.content),
    }
    return _shown(chat, message) | {"photo": [size]} | _with_entities("caption", "caption_entities", parsed)


def send_document(world: World, values: dict[str, Any]) -> Any:
    """Carry out sendDocument, of an uploaded file."""
    chat, topic = _open_chat(world, values, "documents")
    document = _upload(values, "document")
    if len(document.content) > LARGEST_DOCUMENT:
        raise Refusal(413, "Request Entity Too Large")
    if not document.content:
        raise Refusal(400, "Bad Request: file must be non-empty")
    parsed = _caption(values)
    message = world.add_message(
        chat, parsed, values.get("caption", ""), document=document, buttons=_buttons(values), topic=topic
    )
    shown = {
        "file_id": f"document-{message.id}",
        "file_unique_id": f"d{message.id}",
        "file_name": document.name,
        "file_size": len(document.content),
    }
    return _shown(chat, message) | {"document": shown} | _with_entities("caption", "caption_entities", parsed)


def chat_of(world: World, values: dict[str, Any]) -> Chat:
    """The chat that a call names.

    Raises:
        Refusal: it names none, or one that the bot does not know.
    """
    if values.get("chat_id") in {None, ""}:
        raise Refusal(400, "Bad Request: chat_id is empty")
    chat = world.find_chat(values["chat_id"])
    if chat is None:
        raise Refusal(400, "Bad Request: chat not found")
    return chat


def refuse_floods(world: World, chat_id: Any, now: float) -> None:
    """Say that it is too much, as a bot hears it that writes too fast.

    Raises:
        Refusal: 429 with the seconds to wait.
    """
    chat = world.find_chat(chat_id) if isinstance(chat_id, int | str) else None
    with world.lock:
        sent = [(m.at, m.chat_id) for m in world.messages if m.person is None and now - m.at < 60.0]
    limits = [(_FLOOD_OF_BOT, [at for at, _ in sent])]
    if chat:
        to_chat = [at for at, each in sent if each == chat.id]
        limits += [((s, most), to_chat) for s, most, of_groups in _FLOOD if not of_groups or chat.id < 0]
    for (seconds, most), times in limits:
        within = [at for at in times if now - at < seconds]
        if len(within) >= most:
            wait = max(1, round(within[-most] + seconds - now + 0.5))
            raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)


def busiest(messages: list[Message], seconds: float, chat_id: int | None = None) -> int:
    """The most of the bot's messages that arrived in any span of that length."""
    times = sorted(m.at for m in messages if m.person is None and chat_id in {None, m.chat_id})
    starts: Counter[int] = Counter()
    first = 0
    for place, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        starts[first] = place - first + 1
    return max(starts.values(), default=0)


def _open_chat(world: World, values: dict[str, Any], kind: str) -> tuple[Chat, int | None]:
    """The chat and the topic that a message of a kind may be sent to now."""
    chat = chat_of(world, values)
    if chat.migrated_to is not None:
        raise Refusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to,
        )
    if not chat.started:
        raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
    if chat.blocked and chat.type == "private":
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    if chat.blocked:
        raise Refusal(403, f"Forbidden: bot was kicked from the {chat.type} chat")
    topic = values.get("message_thread_id") or None
    # General too: it is written to without its number.
    if topic is not None and topic not in chat.topics:
        raise Refusal(400, "Bad Request: message thread not found")
    if chat.topics and (topic or GENERAL) in chat.closed_topics:
        raise Refusal(400, "Bad Request: TOPIC_CLOSED")
    if kind in chat.forbidden:
        raise Refusal(400, f"Bad Request: not enough rights to send {kind} to the chat")
    return chat, topic


def _upload(values: dict[str, Any], field: str) -> Upload:
    upload = values.get(field)
    if upload is None:
        raise Refusal(400, f"Bad Request: there is no {field} in the request")
    if not isinstance(upload, Upload):
        raise Refusal(400, "Bad Request: wrong file identifier/HTTP URL specified")
    return upload


def _size(png: bytes) -> tuple[int, int]:
    if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 24:
        raise Refusal(400, "Bad Request: IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", png[16:24])
    if not width or not height:
        raise Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    return width, height


def _caption(values: dict[str, Any]) -> Parsed:
    parsed = _parsed(values.get("caption", ""), values.get("parse_mode", ""))
    if len(parsed.text) > LONGEST_CAPTION:
        raise Refusal(400, "Bad Request: message caption is too long")
    return parsed


def _parsed(source: str, parse_mode: str) -> Parsed:
    match parse_mode.lower():
        case "":
            return Parsed(source, [], [(None, False, source)])
        case "html":
            try:
                return parse_html(source)
            except MarkupError as error:
                raise Refusal(400, f"Bad Request: can't parse entities: {error}") from None
    raise Refusal(400, "Bad Request: unsupported parse_mode")


def _buttons(values: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Rows of buttons that send data back; the only kind of keyboard that is understood here."""
    markup = values.get("reply_markup")
    if markup is None:
        return ()
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Refusal(400, "Bad Request: object expected as reply markup")
    return tuple(tuple(_button(button) for button in row) for row in rows)


def _button(button: Any) -> tuple[str, str]:
    match button:
        case {"text": str(text), "callback_data": str(data), **rest} if text and not rest:
            if not 1 <= len(data.encode()) <= LONGEST_DATA:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
            return text, data
    raise Refusal(400, "Bad Request: can't parse inline keyboard button")


def _shown(chat: Chat, message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "message_id": message.id,
        "from": BOT,
        "chat": chat.as_json(),
        "date": message.date,
        **message.place,
    }
    if message.buttons:
        rows = [[{"text": text, "callback_data": data} for text, data in row] for row in message.buttons]
        shown["reply_markup"] = {"inline_keyboard": rows}
    return shown


def _with_entities(text_name: str, entities_name: str, parsed: Parsed) -> dict[str, Any]:
    shown: dict[str, Any] = {text_name: parsed.text} if parsed.text else {}
    return shown | ({entities_name: parsed.entities} if parsed.entities else {})
