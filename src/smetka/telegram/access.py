"""Who may ask the bot what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smetka.keys import ROLES, Permission, RoleName
from smetka.telegram.chats import Chats
from smetka.telegram.topics import ChatId, chat_of, join


@dataclass(frozen=True, slots=True)
class Asker:
    """A person in a chat, or in a topic of one. Without a role nothing is told."""

    chat: int
    person: int
    is_private: bool
    role: RoleName | None
    topic: int | None = None

    @property
    def recipient(self) -> ChatId:
        """Where an answer goes."""
        return join(self.chat, self.topic)

    def may(self, permission: Permission) -> bool:
        """Whether the role includes it."""
        return self.role is not None and permission in ROLES[self.role]

    @property
    def sees_names(self) -> bool:
        """Names and e-mails are for an owner, where nobody else reads."""
        return self.is_private and self.may(Permission.OWN)


class Access:
    """Finds the role of whoever asks.

    An invite gives its role to the person who used it, in the chat where it was used. A private chat
    that the settings name belongs to a manager; a group that they name gives its members nothing. In a
    group that is named there or was invited, people have the role of their private chat, a manager's at
    most: others read along.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """

    def __init__(self, chats: Chats, recipients: Sequence[ChatId]) -> None:
        self._chats, self._recipients = chats, frozenset(map(chat_of, recipients))

    def of(self, chat: int, person: int, *, is_private: bool, topic: int | None = None) -> Asker:
        """Whoever this is. Rights are the chat's, whatever the topic."""
        role = self._of_private(person) if is_private and chat == person else None
        if not is_private and self.is_known(chat):
            record = self._chats.get(chat)
            role = record.role if record.person == person else self._of_private(person)
            role = "manager" if role == "owner" else role
        return Asker(chat, person, is_private, role, topic)

    def is_known(self, chat: int) -> bool:
        """Whether the settings name the chat, or the group that it was, or somebody used an invite in it."""
        return (
            chat in self._recipients
            or self._chats.get(chat).role is not None
            or not self._recipients.isdisjoint(self._chats.that_became(chat))
        )

    def _of_private(self, person: int) -> RoleName | None:
        record = self._chats.get(person)
        if record.role is not None and record.person == person:
            return record.role
        return "manager" if person in self._recipients else None
