"""`smetka deliveries`: the messages to the managers' chats, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from smetka.cli import words
from smetka.cli.options import exit_with_findings, json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.cli.speech import Speech
from smetka.cli.terminal import say
from smetka.core.shown_text import shown
from smetka.language import terms
from smetka.settings import Settings, load_settings
from smetka.settings.rules import chat_id
from smetka.telegram.delivery import STATES, Delivery
from smetka.telegram.messages import compose
from smetka.telegram.outbox import Outbox
from smetka.telegram.parts import Document, Part, Picture, Text
from smetka.telegram.topics import ChatId

_AMISS = frozenset({"failed", "held", "unknown"})
"""What a person has to see to: nothing more happens to these by itself."""


def _chat(_context: click.Context, _parameter: click.Parameter, value: str | None) -> ChatId | None:
    try:
        return None if value is None else chat_id(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


@click.group()
def deliveries() -> None:
    """Messages to the managers' chats, and what became of them."""


@deliveries.command("list")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--chat", callback=_chat, help="Only those to this chat, or topic, as the settings name it.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="End with status 3 when one of those listed failed, is held, or may not have arrived (unknown).",
)
@setting_options("data_dir", "timezone", "language")
@json_option
def list_(
    *,
    limit: int,
    state: str | None,
    chat: ChatId | None,
    exit_code: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """The newest deliveries, newest first."""
    settings = load_settings(options)
    said = Speech(settings.language)
    with _outbox(settings) as outbox:
        found = list(outbox.newest(limit, state=state, chat=chat))
    if as_json:
        print_json([each.as_json() for each in found])
    elif found:
        columns = ("id", "kind", "chat", "state", "queued_at", "reason")
        names = tuple(said.word(column, words.DELIVERY_COLUMNS) for column in columns)
        say(table([names, *(_row(each, settings, said) for each in found)]))
    elif chat is not None:
        say(said.gettext("There is no such message to chat {chat}.", chat=chat), err=True)
    elif state is None:
        say(said.gettext("No message was queued yet."), err=True)
    else:
        say(said.gettext("No message is {state}.", state=said.word(state, terms.STATES)), err=True)
    if exit_code and any(each.state in _AMISS for each in found):
        exit_with_findings()


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@setting_options("data_dir", "language", "timezone")
@json_option
def show(*, delivery_id: str, as_json: bool, **options: Any) -> None:
    """One delivery, with the message as it is sent."""
    settings = load_settings(options)
    with _outbox(settings) as outbox:
        found = outbox.get(delivery_id)
    parts = compose(found, found.language or settings.language, settings.timezone, None)
    answer = {**found.as_json(), "text": "\n\n".join(map(_shown, parts))}
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        say(
            f"{name}: {'-' if value in (None, []) else shown(str(value))}" if name != "text" else f"\n{value}"
        )


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@setting_options("data_dir")
@json_option
def retry(*, delivery_id: str, as_json: bool, **options: Any) -> None:
    """Send once more what failed, is held, was cancelled, or may not have arrived."""
    with _outbox(load_settings(options)) as outbox:
        _say(outbox.retry(delivery_id), as_json=as_json)


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@setting_options("data_dir")
@json_option
def cancel(*, delivery_id: str, as_json: bool, **options: Any) -> None:
    """Never send what is not sent yet."""
    with _outbox(load_settings(options)) as outbox:
        _say(outbox.cancel(delivery_id), as_json=as_json)


def _row(found: Delivery, settings: Settings, said: Speech) -> tuple[str, ...]:
    return (
        found.id,
        said.word(found.kind, terms.KINDS),
        str(found.chat),
        said.word(found.state, terms.STATES),
        said.time(found.created_at, settings.timezone),
        words.told(found.reason or "", said),
    )


def _say(delivery: Delivery, *, as_json: bool) -> None:
    if as_json:
        print_json(delivery.as_json())
    else:
        say(f"Delivery {delivery.id} to chat {delivery.chat} is {delivery.state}.")


def _shown(part: Part) -> str:
    match part:
        case Text():
            return part.html
        case Picture():
            return f"(a picture of {len(part.png):,} bytes)\n{part.caption}"
        case Document():
            return f"(the file {part.file_name}, {len(part.content):,} bytes)"


@contextmanager
def _outbox(settings: Settings) -> Iterator[Outbox]:
    with open_storage(settings, "deliveries") as storage:
        yield Outbox(storage, now=lambda: datetime.now(UTC))
