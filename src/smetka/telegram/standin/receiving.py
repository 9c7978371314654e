"""What the bot is told: updates by long polling, buttons, commands."""

from __future__ import annotations

import re
import time
from typing import Any

from smetka.telegram.standin.refusals import Refusal
from smetka.telegram.standin.world import UPDATES_KEPT_SECONDS, World

LONGEST_POLL = 50


def get_updates(world: World, values: dict[str, Any]) -> Any:
    """Carry out getUpdates; one that waits is ended by the next one, as with two pollers of one bot."""
    offset, limit = values.get("offset", 0), values.get("limit", 100)
    if not 1 <= limit <= 100:
        raise Refusal(400, "Bad Request: limit must be from 1 to 100")
    deadline = time.monotonic() + min(max(values.get("timeout", 0), 0), LONGEST_POLL)
    with world.happened:
        if world.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        if "allowed_updates" in values:
            world.allowed_updates = frozenset(values["allowed_updates"])
        world.poll += 1
        mine = world.poll
        world.happened.notify_all()
        _forget(world, offset)
        while not (found := _found(world, limit)):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            world.happened.wait(left)
            if world.poll != mine:
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )
        return found


def _forget(world: World, offset: int) -> None:
    """What lies before the offset is confirmed; a negative one counts from the end."""
    old = time.time() - UPDATES_KEPT_SECONDS
    kept = [update for update in world.updates if update["at"] > old]
    kept = kept[offset:] if offset < 0 else [update for update in kept if update["update_id"] >= offset]
    world.updates.clear()
    world.updates.extend(kept)


def _found(world: World, limit: int) -> list[dict[str, Any]]:
    wanted = [
        {name: value for name, value in update.items() if name != "at"}
        for update in world.updates
        if not world.allowed_updates or world.allowed_updates & update.keys()
    ]
    return wanted[:limit]


def answer_callback_query(world: World, values: dict[str, Any]) -> Any:
    """Carry out answerCallbackQuery."""
    callback = values.get("callback_query_id", "")
    with world.lock:
        if callback not in world.callbacks:
            raise Refusal(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        if len(values.get("text", "")) > 200:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        world.callbacks[callback] = True
    return True


def set_my_commands(world: World, values: dict[str, Any]) -> Any:
    """Carry out setMyCommands, for everybody or for people of one language."""
    commands = values.get("commands")
    if commands is None or len(commands) > 100:
        raise Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH" if commands else "Bad Request: no commands")
    for command in commands:
        match command:
            case {"command": str(name), "description": str(said)} if (
                re.fullmatch(r"[a-z0-9_]{1,32}", name) and 1 <= len(said) <= 256
            ):
                continue
        raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
    with world.lock:
        world.commands[_language(values)] = commands
    return True


def get_my_commands(world: World, values: dict[str, Any]) -> Any:
    """Carry out getMyCommands."""
    with world.lock:
        return world.commands.get(_language(values), [])


def set_webhook(world: World, values: dict[str, Any]) -> Any:
    """Carry out setWebhook as far as it matters here: getUpdates is refused from then on."""
    with world.lock:
        world.webhook = values.get("url", "")
    return True


def delete_webhook(world: World, values: dict[str, Any]) -> Any:
    """Carry out deleteWebhook."""
    with world.lock:
        world.webhook = ""
        if values.get("drop_pending_updates"):
            world.updates.clear()
    return True


def _language(values: dict[str, Any]) -> str:
    language: str = values.get("language_code", "")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise Refusal(400, "Bad Request: invalid language code specified")
    return language
