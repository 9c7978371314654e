"""The bot: hears what people write to it, and answers those whom it may, through the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from smetka.keys import Permission
from smetka.telegram.access import Access, Asker
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.commands import Answer, answer, pressed, say
from smetka.telegram.errors import Refused, TelegramError
from smetka.telegram.figures import Figures
from smetka.telegram.invites import Invites
from smetka.telegram.leaks import give_up
from smetka.telegram.messages.replies import COMMANDS
from smetka.telegram.outbox import Outbox
from smetka.telegram.questions import Questions
from smetka.telegram.state import Health
from smetka.telegram.topics import GENERAL, ChatId, join, topic_of
from smetka.telegram.updates import Updates

POLL_SECONDS = 25
_IN = frozenset({"member", "administrator", "creator", "restricted"})

_log = structlog.get_logger(__name__)


class Bot:
    """Asks the Bot API what happened, and sees to each update once. For one thread.

    An answer is a delivery named after the update, so that an update that is seen twice is answered
    once; an update is confirmed only after its answer is queued. What people write is in no log.

    Args:
        recipients: the chats that the settings name.
        figures: None when no ledger is named.
    """

    def __init__(
        self,
        client: TelegramClient,
        *,
        chats: Chats,
        outbox: Outbox,
        invites: Invites,
        figures: Figures | None,
        recipients: Sequence[ChatId],
        now: Callable[[], datetime],
    ) -> None:
        self._client, self._chats, self._outbox, self._invites = client, chats, outbox, invites
        self._figures, self._now = figures, now
        self._access = Access(chats, recipients)
        self._name: str | None = None
        self._id = 0
        self._questions = Questions(now)
        self._updates = Updates(client, now=now)

    @property
    def health(self) -> Health:
        """Whether updates are heard, and for a day, which were passed over."""
        return self._updates.health

    def poll(self, wait_seconds: int = POLL_SECONDS) -> float:
        """See to what has happened since; returns the seconds after which to call again."""
        if self._name is None:
            try:
                self._introduce()
            except TelegramError as error:
                return self._updates.failed(error)
        return self._updates.poll(wait_seconds, self.handle)

    def _introduce(self) -> None:
        me = self._client.get_me()
        for language, commands in COMMANDS.items():
            shown = [(name, said.partition(":")[0]) for name, said in commands.items()]
            try:
                self._client.set_commands(shown, None if language == "en" else language)
            except Refused as error:  # the list is a convenience; commands are heard without it
                _log.warning("commands-not-shown", language=language, reason=str(error))
        self._id, self._name = int(me.get("id", 0)), str(me.get("username", "")).lower()

    def handle(self, update: dict[str, Any]) -> None:
        """See to one update. Safe to repeat.

        Raises:
            BonusStoreUnavailable: nothing is lost when it comes again.
        """
        match update:
            case {"update_id": int(number), "message": dict(message)}:
                self._message(number, message)
            case {"update_id": int(number), "channel_post": dict(post)}:
                self._give_up(number, post)
                self._channel(post)
            case {"update_id": int(number), "callback_query": dict(query)}:
                if not self._give_up(number, query):
                    self._button(number, query)
            case {"update_id": int(number), "my_chat_member": dict(change)}:
                self._give_up(number, change)
                self._place(change)

    def _message(self, number: int, message: dict[str, Any]) -> None:
        if "forum_topic_reopened" in message:
            self._reopened(message)
        text, asker = message.get("text"), self._asker(message, message)
        command, words = self._command(text) if isinstance(text, str) else (None, [])
        given = None
        if asker and command == "start" and words and not self._questions.are_too_many(asker.chat, number):
            given = words[0]  # else it is not used, and in a group must not stay good
        if self._give_up(number, message, given) or not isinstance(text, str):
            return
        if asker is None:
            self._hidden(message, command)
            return
        if asker.is_private and self._chats.get(asker.chat).paused:
            self._chats.resume(asker.chat)  # whoever writes can be written to
        if command is None and not asker.is_private:
            return  # people talk to each other
        if command == "start" and words:
            self._start(number, asker, words[0])
        elif asker.role is None:
            self._stranger(asker)
        elif self._updates.is_recent(message):
            self._answer(number, asker, command, words)

    def _asker(self, said: dict[str, Any], message: Any) -> Asker | None:
        """Who it was; None of those who are nobody: channels, bots, hidden administrators, forwarders."""
        if said.keys() & {"sender_chat", "via_bot", "forward_origin", "forward_date"}:
            return None
        match said.get("from"), message:
            case {"id": int(person), "is_bot": False}, {"chat": {"id": int(number), "type": str(kind)}}:
                if kind in {"private", "group", "supergroup"}:
                    private = kind == "private"
                    return self._access.of(number, person, is_private=private, topic=_topic(message))
        return None

    def _give_up(self, number: int, said: dict[str, Any], given: str | None = None) -> bool:
        """Use up the invites in what others read, and say so; whether there was one.

        Args:
            given: what a person who can be seen gives for himself: good, unless it is an owner's.
        """
        match said:
            case {"message": {"chat": {"id": int(chat), "type": "group" | "supergroup" | "channel"}}} | {
                "chat": {"id": int(chat), "type": "group" | "supergroup" | "channel"}
            }:
                mark = f"{self._mark(number)} {chat} seen"
            case _:
                return False
        if not give_up(said, self._invites, mark=mark, given=given):
            return False
        _log.warning("invite-seen-by-others", chat=chat)
        found, recipient = say("invite-seen"), join(chat, _topic(said.get("message", said)))
        self._outbox.queue(self._mark(number), found.kind, found.report, [recipient])
        return True

    def _hidden(self, message: dict[str, Any], command: str | None) -> None:
        """Tell those who write as a group or a channel that nobody can see who they are."""
        match message:
            case {"is_automatic_forward": True} | {"forward_origin": _} | {"via_bot": _}:
                return
            case {"sender_chat": _, "chat": {"id": int(chat), "type": "group" | "supergroup"}} if command:
                if self._access.is_known(chat):
                    self._hint(say("hidden"), join(chat, _topic(message)))

    def _channel(self, post: dict[str, Any]) -> None:
        """Tell whoever tries to connect a channel how that is done: nobody can ask in one."""
        match post:
            case {"chat": {"id": int(chat), "type": "channel"}, "text": str(text)} if (
                "forward_origin" not in post
            ):
                command, _ = self._command(text)
                if command == "start" or (command and self._access.is_known(chat)):
                    self._hint(say("channel", chat=chat), chat)

    def _hint(self, found: Answer, recipient: ChatId) -> None:
        """Once an hour, whatever is written."""
        name = f"hint {found.report['say']} {self._now():%Y-%m-%d %H}"
        self._outbox.queue(name, found.kind, found.report, [recipient])

    def _reopened(self, message: dict[str, Any]) -> None:
        match message.get("chat"):
            case {"id": int(chat)}:
                self._chats.resume(topic_of(join(chat, _topic(message))))

    def _command(self, text: str) -> tuple[str | None, list[str]]:
        """The command's name and what stands behind it; one to another bot is none."""
        first, *words = text[:500].split() or [""]
        name, at, bot = first.lower().partition("@")
        if not name.startswith("/") or (at and bot != self._name):
            return None, []
        return name[1:], words

    def _answer(self, number: int, asker: Asker, command: str | None, words: list[str]) -> None:
        if self._questions.are_too_many(asker.chat, number):
            self._too_many(asker)
            return
        found = answer(command, words, asker, self._figures) if command else say("not-understood")
        if found.speak:
            self._chats.speak(asker.chat, found.speak)
        self._queue(self._mark(number), asker, found)

    def _start(self, number: int, asker: Asker, code: str) -> None:
        if self._questions.are_too_many(asker.chat, number):
            self._too_many(asker)
        elif invite := self._invites.use(code, mark=f"{self._mark(number)} {asker.chat}"):
            self._chats.pair(asker.chat, asker.person, invite.role, invite.language)
            self._queue(self._mark(number), asker, say("paired", role=invite.role))
            _log.info("chat-paired", chat=asker.chat, role=invite.role)
        elif asker.role is None:
            self._stranger(asker)
        else:  # once a minute, however many somebody tries
            self._queue(
                f"wrong code {asker.chat} {self._now():%Y-%m-%d %H:%M}", asker, say("invite-not-valid")
            )

    def _too_many(self, asker: Asker) -> None:
        if asker.role is None:
            self._stranger(asker)
        else:
            self._queue(f"too many {asker.chat} {self._now():%Y-%m-%d %H:%M}", asker, say("too-many"))

    def _stranger(self, asker: Asker) -> None:
        if asker.is_private:
            self._queue(f"stranger {asker.chat} {self._now():%Y-%m-%d %H}", asker, say("stranger"))

    def _button(self, number: int, query: dict[str, Any]) -> None:
        message, data = query.get("message"), query.get("data")
        asker = self._asker(query, message)
        self._heard(query.get("id"))
        if (
            asker
            and asker.may(Permission.READ)
            and isinstance(data, str)
            and not self._questions.are_too_many(asker.chat, number)
        ):
            found = pressed(data, self._figures)
            if found:
                self._queue(self._mark(number), asker, found)

    def _heard(self, callback: Any) -> None:
        try:
            if isinstance(callback, str):
                self._client.answer_callback(callback)
        except TelegramError as error:  # the button only turns a little longer
            _log.info("button-not-answered", reason=str(error))

    def _place(self, change: dict[str, Any]) -> None:
        match change:
            case {"chat": {"id": int(chat)}, "new_chat_member": {"status": str(status)}} if (
                self._access.is_known(chat)
            ):
                if status in _IN:
                    self._chats.resume(chat)
                else:
                    blocked = "The bot was blocked." if chat > 0 else "The bot was taken out of the group."
                    self._chats.pause(chat, blocked)

    def _mark(self, number: int) -> str:
        """The name of an update: another bot counts its own."""
        return f"update {self._id} {number}"

    def _queue(self, name: str, asker: Asker, found: Answer) -> None:
        self._outbox.queue(name, found.kind, found.report, [asker.recipient])


def _topic(message: dict[str, Any]) -> int | None:
    """The topic that a message was written in. Replies elsewhere have a thread's number too, of no topic."""
    match message:
        case {"is_topic_message": True, "message_thread_id": int(topic)} if topic != GENERAL:
            return topic
    return None
