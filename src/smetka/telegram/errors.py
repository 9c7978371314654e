"""What can go wrong between us and the Bot API. The bot's token is in none of it."""

from __future__ import annotations

from typing import Literal

from smetka.core.errors import SmetkaError

Media = Literal["picture", "file"]
TopicFault = Literal["closed", "deleted", "not there"]

_OF_THE_MESSAGE = (
    "can't parse",
    "text is empty",
    "too long",
    "too_long",
    "too big",
    "wrong file",
    "photo_",
    "image_",
    "media_",
    "button",
    "reply_markup",
    "reply markup",
    "keyboard",
    "must be of type",
    "has no field",
)
"""What stands in refusals of the Bot API that speak of a message. The others speak of its chat."""


_OF_RIGHTS = (
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_send_plain_forbidden",
    "chat_admin_required",
    "chat_restricted",
)
"""What stands in refusals for want of rights: people give them back, and Telegram once took everybody's."""

_OF_MEDIA = {
    "picture": ("rights to send photos", "chat_send_photos_forbidden", "chat_send_media_forbidden"),
    "file": ("rights to send documents", "chat_send_docs_forbidden", "chat_send_media_forbidden"),
}
"""What stands in refusals of one kind of message where others are allowed."""

_OF_TOPICS: dict[str, TopicFault] = {
    "topic_closed": "closed",
    "topic_deleted": "deleted",
    "message thread not found": "not there",
}


class TelegramError(SmetkaError):
    """A call of the Bot API that did not succeed."""


class Refused(TelegramError):
    """The Bot API answered, and its answer is no: nothing was sent.

    Attributes:
        code: the Bot API's error code, an HTTP status.
        description: its words.
        retry_after: whole seconds to wait before anything is sent again (429).
        migrate_to_chat_id: the group's new id, when it became a supergroup (400).
    """

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(f"Telegram refused: {description} ({code}).")
        self.code, self.description = code, description
        self.retry_after, self.migrate_to_chat_id = retry_after, migrate_to_chat_id

    @property
    def is_token_wrong(self) -> bool:
        """401 for a token that was revoked, 404 for one that never was."""
        return self.code in {401, 404}

    @property
    def is_temporary(self) -> bool:
        """A fault of Telegram's own: the same call may succeed later."""
        return self.code >= 500

    @property
    def topic_fault(self) -> TopicFault | None:
        """What is wrong with the topic, and not with all of the chat."""
        words = self.description.lower()
        return next((fault for part, fault in _OF_TOPICS.items() if self.code == 400 and part in words), None)

    @property
    def is_of_rights(self) -> bool:
        """Whether the bot may not write there now: that may be taken back."""
        words = self.description.lower()
        return self.code in {400, 403} and any(part in words for part in _OF_RIGHTS)

    def forbids(self, media: Media) -> bool:
        """Whether this kind of message is not allowed in the chat, and others may be."""
        words = self.description.lower()
        return self.code in {400, 403} and any(part in words for part in _OF_MEDIA[media])

    @property
    def is_of_the_chat(self) -> bool:
        """Whether nothing can be sent to this chat, and not only not this message."""
        words = self.description.lower()
        return self.code == 403 or (self.code == 400 and not any(part in words for part in _OF_THE_MESSAGE))


class Unreachable(TelegramError):
    """No answer of the Bot API's came back.

    `outcome_unknown` is False when nothing can have been sent (refused, no such host), and True
    when the request had left: it may have been carried out.
    """

    def __init__(self, reason: str, *, outcome_unknown: bool) -> None:
        super().__init__(f"Telegram cannot be reached: {reason}.")
        self.reason, self.outcome_unknown = reason, outcome_unknown


class Endless(Unreachable):
    """An answer that is too large, or does not end in time.

    Attributes:
        update: the first update's number, where one answer of updates is too large.
    """

    def __init__(self, reason: str, *, update: int | None = None) -> None:
        super().__init__(reason, outcome_unknown=True)
        self.update = update
