"""Where a message goes: a chat, or a topic in it, as one name that settings and records share."""

from __future__ import annotations

ChatId = int | str
"""A recipient: a number or an @name, and of a topic ``-1001234567890:77``, always a text."""

GENERAL = 1
"""The topic that every forum has. The Bot API refuses its number: what goes there names no topic."""


def split(recipient: ChatId) -> tuple[ChatId, int | None]:
    """The chat, and the topic in it; None where none is named."""
    chat, colon, topic = str(recipient).partition(":")
    if not colon:
        return recipient, None
    return chat if chat.startswith("@") else int(chat), int(topic)


def join(chat: ChatId, topic: int | None) -> ChatId:
    """The recipient that `split` takes apart."""
    return chat if topic is None else f"{chat}:{topic}"


def chat_of(recipient: ChatId) -> ChatId:
    """The chat that a recipient is, or lies in."""
    return split(recipient)[0]


def topic_of(recipient: ChatId) -> ChatId:
    """The topic, by a name of its own: what goes to a chat as such goes to its General."""
    chat, topic = split(recipient)
    return join(chat, topic or GENERAL)
