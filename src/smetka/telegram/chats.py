"""What is known of chats: their language, whom they belong to, why one is paused, where it moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from smetka.keys import RoleName
from smetka.storage import Storage

ChatId = int | str


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat. Without a record of its own all is as the settings have it.

    `role` and `person` are there when somebody used an invite in it: the role is that person's.
    `paused` says why nothing is sent to it, `moved_to` is the supergroup that it became.
    """

    id: ChatId
    role: RoleName | None = None
    person: int | None = None
    language: Literal["en", "mk"] | None = None
    paused: str | None = None
    moved_to: ChatId | None = None

    @property
    def is_group(self) -> bool:
        """Whether more than one person reads it; an @name is never a person's here."""
        return isinstance(self.id, str) or self.id < 0


class Chats:
    """Reads and changes `chats`. Thread-safe; repeating is safe.

    Every method raises BonusStoreUnavailable when MongoDB is away.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now

    def get(self, chat: ChatId) -> Chat:
        """What is known of a chat; one of which nothing is known is one too."""
        with self._storage.translated():
            record = self._storage.collection("chats").find_one({"_id": chat})
        return _chat(record) if record else Chat(chat)

    def all(self) -> list[Chat]:
        """The chats of which something is known."""
        with self._storage.translated():
            return [_chat(record) for record in self._storage.collection("chats").find()]

    def of_person(self, person: int) -> list[Chat]:
        """The chats in which this Telegram user used an invite."""
        with self._storage.translated():
            return [_chat(record) for record in self._storage.collection("chats").find({"person": person})]

    def pause(self, chat: ChatId, reason: str) -> None:
        """Send nothing there any more, for a reason that people read."""
        self._change(chat, {"paused": reason})

    def resume(self, chat: ChatId) -> bool:
        """Send there again; False when it was not paused."""
        with self._storage.translated():
            result = self._storage.collection("chats").update_one(
                {"_id": chat, "paused": {"$type": "string"}},
                {"$set": {"paused": None, "updated_at": self._now()}},
            )
            return bool(result.matched_count)

    def moved(self, chat: ChatId, to: ChatId) -> None:
        """Follow a group that became a supergroup."""
        self._change(chat, {"moved_to": to})

    def speak(self, chat: ChatId, language: Literal["en", "mk"]) -> None:
        """Write to this chat in this language from now on."""
        self._change(chat, {"language": language})

    def pair(
        self, chat: ChatId, person: int, role: RoleName, language: Literal["en", "mk"] | None = None
    ) -> None:
        """Give a person a role in a chat, in place of what was given there before."""
        spoken = {"language": language} if language else {}
        self._change(chat, {"person": person, "role": role, "paused": None, **spoken})

    def unpair(self, chat: ChatId) -> bool:
        """Take the role away; False when there was none."""
        with self._storage.translated():
            result = self._storage.collection("chats").update_one(
                {"_id": chat, "role": {"$type": "string"}},
                {"$set": {"role": None, "person": None, "updated_at": self._now()}},
            )
            return bool(result.matched_count)

    def _change(self, chat: ChatId, fields: dict[str, Any]) -> None:
        with self._storage.translated():
            self._storage.collection("chats").update_one(
                {"_id": chat}, {"$set": {**fields, "updated_at": self._now()}}, upsert=True
            )


def _chat(record: dict[str, Any]) -> Chat:
    return Chat(
        record["_id"],
        record.get("role"),
        record.get("person"),
        record.get("language"),
        record.get("paused"),
        record.get("moved_to"),
    )
