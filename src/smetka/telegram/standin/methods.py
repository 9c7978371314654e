"""The methods the stand-in knows: their fields, and answers and refusals in the Bot API's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smetka.telegram.parts import LONGEST_TEXT
from smetka.telegram.standin.markup import MarkupError, Parsed, parse_html
from smetka.telegram.standin.world import Chat, World

BOT = {
    "id": 4242,
    "is_bot": True,
    "first_name": "Smetka stand-in",
    "username": "smetka_standin_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}


class Refusal(Exception):
    """An answer with `"ok": false`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


@dataclass(frozen=True)
class Method:
    """One method: the types of its fields as the Bot API's documentation writes them."""

    carry_out: Callable[[World, dict[str, Any]], Any]
    fields: Mapping[str, tuple[str, ...]]


def call(world: World, name: str, parameters: Mapping[str, Any], *, strict: bool) -> Any:
    """Carry out a method and return its result.

    Args:
        strict: refuse fields the method does not have; the real Bot API passes over them.

    Raises:
        Refusal: with what the Bot API would say.
    """
    method = next((method for known, method in METHODS.items() if known.lower() == name.lower()), None)
    if method is None:
        raise Refusal(404, "Not Found")
    unknown = sorted(set(parameters) - set(method.fields))
    if strict and unknown:
        raise Refusal(400, f"Bad Request: the method has no field {unknown[0]}")
    values = {
        field: _value(field, method.fields[field], raw)
        for field, raw in parameters.items()
        if field in method.fields and raw is not None
    }
    return method.carry_out(world, values)


def _value(field: str, types: tuple[str, ...], raw: Any) -> Any:
    """One field's value; forms and queries write everything as text."""
    for kind in types:
        if kind == "Integer" and (isinstance(raw, int) and not isinstance(raw, bool)):
            return raw
        if kind == "Integer" and isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,19}", raw):
            return int(raw)
        if kind == "String" and isinstance(raw, str):
            return raw
        if kind == "Boolean" and (isinstance(raw, bool) or raw in {"true", "false", "1", "0"}):
            return raw in {True, "true", "1"}
        if kind[0].isupper() and kind not in {"Integer", "String", "Boolean"}:
            value = _from_text(field, raw)
            if isinstance(value, list if kind.startswith("Array") else dict):
                return value
    raise Refusal(400, f"Bad Request: field {field} must be of type {' or '.join(types)}")


def _from_text(field: str, raw: Any) -> Any:
    try:
        return json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        raise Refusal(400, f"Bad Request: can't parse {field} JSON object") from None


def _chat(world: World, values: dict[str, Any]) -> Chat:
    if values.get("chat_id") in {None, ""}:
        raise Refusal(400, "Bad Request: chat_id is empty")
    chat = world.find_chat(values["chat_id"])
    if chat is None:
        raise Refusal(400, "Bad Request: chat not found")
    return chat


def _get_me(_world: World, _values: dict[str, Any]) -> Any:
    return BOT


def _get_chat(world: World, values: dict[str, Any]) -> Any:
    chat = _chat(world, values)
    if not chat.started:
        raise Refusal(400, "Bad Request: chat not found")
    return chat.as_json() | {"accent_color_id": 0, "max_reaction_count": 11}


def _send_message(world: World, values: dict[str, Any]) -> Any:
    chat = _chat(world, values)
    _refuse_if_closed(chat)
    source = values.get("text", "")
    parsed = _parsed(source, values.get("parse_mode", ""))
    if not parsed.text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(parsed.text) > LONGEST_TEXT:
        raise Refusal(400, "Bad Request: message is too long")
    message = world.add_message(chat, parsed, source)
    return {
        "message_id": message.id,
        "from": {key: BOT[key] for key in ("id", "is_bot", "first_name", "username")},
        "chat": chat.as_json(),
        "date": message.date,
        "text": message.text,
        **({"entities": parsed.entities} if parsed.entities else {}),
    }


def _refuse_if_closed(chat: Chat) -> None:
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


_CHAT_ID = ("Integer", "String")

METHODS: dict[str, Method] = {
    "getMe": Method(_get_me, {}),
    "getChat": Method(_get_chat, {"chat_id": _CHAT_ID}),
    "sendMessage": Method(
        _send_message,
        {
            "chat_id": _CHAT_ID,
            "text": ("String",),
            "parse_mode": ("String",),
            "link_preview_options": ("LinkPreviewOptions",),
            "disable_notification": ("Boolean",),
            "protect_content": ("Boolean",),
        },
    ),
}
