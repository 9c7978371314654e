"""How the stand-in reads a call: which methods it knows, their fields, and the types of those."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smetka.telegram.standin import receiving, sending
from smetka.telegram.standin.refusals import Refusal
from smetka.telegram.standin.world import BOT, Upload, World


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
        if kind == "InputFile" and isinstance(raw, Upload):
            return raw
        if kind[0].isupper() and kind not in {"Integer", "String", "Boolean", "InputFile"}:
            value = _from_text(field, raw)
            if isinstance(value, list if kind.startswith("Array") else dict):
                return value
    raise Refusal(400, f"Bad Request: field {field} must be of type {' or '.join(types)}")


def _from_text(field: str, raw: Any) -> Any:
    try:
        return json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        raise Refusal(400, f"Bad Request: can't parse {field} JSON object") from None


def _get_me(_world: World, _values: dict[str, Any]) -> Any:
    abilities = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
    return BOT | {ability: ability == "can_join_groups" for ability in abilities}


def _get_chat(world: World, values: dict[str, Any]) -> Any:
    chat = sending.chat_of(world, values)
    if not chat.started:
        raise Refusal(400, "Bad Request: chat not found")
    return chat.as_json() | {"accent_color_id": 0, "max_reaction_count": 11}


_CHAT_ID = ("Integer", "String")
_KEYBOARDS = ("InlineKeyboardMarkup", "ReplyKeyboardMarkup", "ReplyKeyboardRemove", "ForceReply")
_ANY_MESSAGE = {
    "chat_id": _CHAT_ID,
    "message_thread_id": ("Integer",),
    "disable_notification": ("Boolean",),
    "protect_content": ("Boolean",),
    "reply_markup": _KEYBOARDS,
    "parse_mode": ("String",),
}
_FILE = ("InputFile", "String")

METHODS: dict[str, Method] = {
    "getMe": Method(_get_me, {}),
    "getChat": Method(_get_chat, {"chat_id": _CHAT_ID}),
    "sendMessage": Method(
        sending.send_message,
        {**_ANY_MESSAGE, "text": ("String",), "link_preview_options": ("LinkPreviewOptions",)},
    ),
    "sendPhoto": Method(sending.send_photo, {**_ANY_MESSAGE, "photo": _FILE, "caption": ("String",)}),
    "sendDocument": Method(
        sending.send_document, {**_ANY_MESSAGE, "document": _FILE, "caption": ("String",)}
    ),
    "getUpdates": Method(
        receiving.get_updates,
        {
            "offset": ("Integer",),
            "limit": ("Integer",),
            "timeout": ("Integer",),
            "allowed_updates": ("Array of String",),
        },
    ),
    "answerCallbackQuery": Method(
        receiving.answer_callback_query,
        {"callback_query_id": ("String",), "text": ("String",), "show_alert": ("Boolean",)},
    ),
    "setMyCommands": Method(
        receiving.set_my_commands, {"commands": ("Array of BotCommand",), "language_code": ("String",)}
    ),
    "getMyCommands": Method(receiving.get_my_commands, {"language_code": ("String",)}),
    "setWebhook": Method(receiving.set_webhook, {"url": ("String",)}),
    "deleteWebhook": Method(receiving.delete_webhook, {"drop_pending_updates": ("Boolean",)}),
}
