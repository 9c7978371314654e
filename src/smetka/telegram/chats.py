"""What is known of chats: their language, whom they belong to, why one is paused, where it moved.

Of a topic only is kept why it is paused, in a record of its own; all else is its chat's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from smetka.keys import RoleName
from smetka.storage import Storage
from smetka.telegram.delivery import WAITING
from smetka.telegram.topics import ChatId, chat_of, join, split, topic_of


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat, or a topic in one. Without a record of its own all is as the settings have it.

    `role` and `person` are there when somebody used an invite in it: the role is that person's.
    `paused` says why nothing is sent to it; it is tried again at `again_at`, where that is there, and
    else when somebody resumes it. `refused_since` is when the first of those tries was refused.
    `moved_to` is the supergroup that it became.
    """

    id: ChatId
    role: RoleName | None = None
    person: int | None = None
    language: Literal["en", "mk"] | None = None
    paused: str | None = None
    moved_to: ChatId | None = None
    again_at: datetime | None = None
    refused_since: datetime | None = None

    @property
    def is_group(self) -> bool:
        """Whether more than one person reads it; an @name is never a person's here."""
        chat = chat_of(self.id)
        return isinstance(chat, str) or chat < 0


class Chats:
    """Reads and changes `chats`. Thread-safe; repeating is safe.

    Every method raises BonusStoreUnavailable when MongoDB is away.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now

    def get(self, chat: ChatId) -> Chat:
        """What is known of a chat or a topic; one of which nothing is known is one too."""
        ids = [chat_of(chat), topic_of(chat)]
        with self._storage.translated():
            found = list(self._storage.collection("chats").find({"_id": {"$in": ids}}))
        return as_known(chat, map(_chat, found))

    def all(self) -> list[Chat]:
        """The chats of which something is known, and the topics that are paused."""
        with self._storage.translated():
            return [_chat(record) for record in self._storage.collection("chats").find()]

    def of_person(self, person: int) -> list[Chat]:
        """The chats in which this Telegram user used an invite."""
        with self._storage.translated():
            return [_chat(record) for record in self._storage.collection("chats").find({"person": person})]

    def pause(self, chat: ChatId, reason: str) -> None:
        """Send nothing to a chat any more, whatever the topic, for a reason that people read."""
        self._change(chat_of(chat), {"paused": reason, **_NOT_TRIED})

    def pause_topic(self, chat: ChatId, reason: str) -> None:
        """Send nothing to a topic any more; a chat's own is its General."""
        self._change(topic_of(chat), {"paused": reason})

    def rest(self, chat: ChatId, reason: str, *, since: datetime, again_at: datetime) -> None:
        """Send nothing to a chat until it is tried again."""
        self._change(chat_of(chat), {"paused": reason, "refused_since": since, "again_at": again_at})

    def resume(self, chat: ChatId) -> bool:
        """Send there again, at once what waits for it; False when it was not paused.

        Of a chat that means its General too, of a topic the topic alone; of a supergroup also the group
        that it was, by whose id the settings may name it.
        """
        whole, topic = split(chat)
        places = [join(each, topic) for each in (whole, *self.that_became(whole))]
        wholes = [] if topic else places
        return self._resume([*wholes, *map(topic_of, places)])

    def recovered(self, chat: ChatId) -> bool:
        """The same for a chat that was tried again, whose topics may be closed all the same."""
        return self._resume([chat_of(chat)])

    def _resume(self, ids: list[ChatId]) -> bool:
        with self._storage.translated():
            results = [
                self._storage.collection("chats").update_one(
                    {"_id": each, "paused": {"$type": "string"}},
                    {"$set": {"paused": None, **_NOT_TRIED, "updated_at": self._now()}},
                )
                for each in ids
            ]
            # Whether or not: who was interrupted after the change comes back for this.
            self._hurry({chat_of(each) for each in ids})
            return any(result.matched_count for result in results)

    def _hurry(self, chats: set[ChatId]) -> None:
        """What waits to be sent to chats and their topics is due now."""
        deliveries, now = self._storage.collection("deliveries"), self._now()
        waiting = deliveries.find({"state": WAITING, "next_attempt_at": {"$gt": now}}, {"chat": 1})
        for each in [record["_id"] for record in waiting if chat_of(record["chat"]) in chats]:
            deliveries.update_one(
                {"_id": each, "state": WAITING}, {"$set": {"next_attempt_at": now, "updated_at": now}}
            )

    def moved(self, chat: ChatId, to: ChatId) -> None:
        """Follow a group that became a supergroup; its topics go with it."""
        self._change(chat_of(chat), {"moved_to": to})

    def that_became(self, chat: ChatId) -> list[ChatId]:
        """The ids by which a supergroup was known when it was a group."""
        with self._storage.translated():
            return [r["_id"] for r in self._storage.collection("chats").find({"moved_to": chat}, {"_id": 1})]

    def speak(self, chat: ChatId, language: Literal["en", "mk"]) -> None:
        """Write to this chat, and all its topics, in this language from now on."""
        self._change(chat_of(chat), {"language": language})

    def pair(
        self, chat: ChatId, person: int, role: RoleName, language: Literal["en", "mk"] | None = None
    ) -> None:
        """Give a person a role in a chat, in place of what was given there before."""
        spoken = {"language": language} if language else {}
        self._change(chat, {"person": person, "role": role, "paused": None, **_NOT_TRIED, **spoken})

    def unpair(self, chat: ChatId) -> bool:
        """Take the role away; False when there was none."""
        with self._storage.translated():
            result = self._storage.collection("chats").update_one(
                {"_id": chat_of(chat), "role": {"$type": "string"}},
                {"$set": {"role": None, "person": None, "updated_at": self._now()}},
            )
            return bool(result.matched_count)

    def _change(self, chat: ChatId, fields: dict[str, Any]) -> None:
        with self._storage.translated():
            self._storage.collection("chats").update_one(
                {"_id": chat}, {"$set": {**fields, "updated_at": self._now()}}, upsert=True
            )


_NOT_TRIED = {"again_at": None, "refused_since": None}


def as_known(chat: ChatId, known: Iterable[Chat]) -> Chat:
    """A chat, or a topic with what is known of its chat, from among those of which something is known.

    A topic that is paused stays so until somebody resumes it, also while its chat is tried again.
    """
    by_id = {each.id: each for each in known}
    whole, topic = split(chat)
    found, place = by_id.get(whole, Chat(whole)), by_id.get(topic_of(chat))
    moved_to = found.moved_to if found.moved_to is None else join(found.moved_to, topic)
    if place and place.paused:
        found = replace(found, paused=place.paused, again_at=None, refused_since=None)
    return replace(found, id=chat, moved_to=moved_to)


def _chat(record: dict[str, Any]) -> Chat:
    return Chat(
        record["_id"],
        record.get("role"),
        record.get("person"),
        record.get("language"),
        record.get("paused"),
        record.get("moved_to"),
        record.get("again_at"),
        record.get("refused_since"),
    )
