"""What the stand-in knows: chats, messages, what people did, and the faults it was told to show."""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from smetka.telegram.standin.markup import Parsed
from smetka.telegram.topics import ChatId, chat_of, split

FaultKind = Literal[
    "500",
    "502-html",
    "flood",
    "hang",
    "reset",
    "html",
    "truncated",
    "accept-reset",
    "accept-hang",
    "slow",
    "say",
    "redirect",
]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)
"""`accept-…` and `truncated` carry the call out first: its answer is what gets lost. `say` answers
with `status` and `body` as given, `redirect` sends the client to `body`, `slow` takes a second."""

UPDATES_KEPT_SECONDS = 24 * 3600

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
"""In whose name the Bot API tells what administrators write who remain anonymous."""

BOT = {"id": 4242, "is_bot": True, "first_name": "Smetka stand-in", "username": "smetka_standin_bot"}


@dataclass
class Chat:
    """A chat the bot may know.

    `topics` are those of a forum by their numbers, without the General that each has; `closed_topics` those
    of them, and 1 for General, that are closed. `forbidden` is what the bot may not send: `text messages`,
    `photos`, `documents`.
    """

    id: int
    type: Literal["private", "group", "supergroup", "channel"]
    name: str
    username: str | None = None
    blocked: bool = False
    started: bool = True
    migrated_to: int | None = None
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: set[int] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """The `Chat` of the Bot API."""
        named = "first_name" if self.type == "private" else "title"
        shown: dict[str, Any] = {"id": self.id, "type": self.type, named: self.name}
        shown |= {"is_forum": True} if self.topics else {}
        return shown | ({"username": self.username} if self.username else {})


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """A message that arrived. `text` is as people see it, a picture's or a file's caption included.

    `at` are seconds on a clock that only goes on, `buttons` rows of (text, data), `person` who wrote
    it when it was not the bot, `topic` where in a forum.
    """

    id: int
    chat_id: int
    text: str
    source: str
    date: int
    at: float
    parsed: Parsed
    photo: bytes | None = None
    document: Upload | None = None
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    person: int | None = None
    topic: int | None = None

    @property
    def place(self) -> dict[str, Any]:
        """The members of a `Message` that say in which topic it is."""
        return {"message_thread_id": self.topic, "is_topic_message": True} if self.topic else {}


@dataclass
class Fault:
    """Something that goes wrong on purpose, `times` times, at calls of a method or of several: `send*`."""

    kind: str
    times: int = 1
    retry_after: int = 1
    method: str = "send*"
    status: int = 200
    body: str = ""


@dataclass
class World:
    """All state of one stand-in. Thread-safe through `lock`; `happened` wakes who waits for updates."""

    chats: dict[int, Chat] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    updates: deque[dict[str, Any]] = field(default_factory=deque)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    callbacks: dict[str, bool] = field(default_factory=dict)
    """Buttons that were pressed, and whether the bot has answered."""
    allowed_updates: frozenset[str] = frozenset()
    webhook: str = ""
    poll: int = 0
    """The number of the latest getUpdates: an earlier one that still waits is ended by it."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.happened = threading.Condition(self.lock)
        # So that a stand-in that is started anew does not count from where the last one did.
        self._next_update = int(time.time())

    def add_chat(self, chat_id: ChatId, **attributes: Any) -> Chat:
        """Make a chat; its type follows from the id as in Telegram, unless given. Of a topic, that too."""
        chat_id, topic = split(chat_id)
        if topic is not None:
            chat = self.find_chat(chat_id) or self.add_chat(chat_id, **attributes)
            chat.topics[topic] = f"Topic {topic}"
            return chat
        number, username = (chat_id, None) if isinstance(chat_id, int) else (_number(chat_id), chat_id[1:])
        attributes = {"type": _type(number), "name": f"Chat {chat_id}", "username": username, **attributes}
        with self.lock:
            self.chats[number] = Chat(id=number, **attributes)
            return self.chats[number]

    def find_chat(self, chat_id: ChatId) -> Chat | None:
        """The chat of an id, an @name or a topic."""
        chat_id = chat_of(chat_id)
        with self.lock:
            if isinstance(chat_id, int):
                return self.chats.get(chat_id)
            return next((c for c in self.chats.values() if c.username and f"@{c.username}" == chat_id), None)

    def add_message(self, chat: Chat, parsed: Parsed, source: str, **more: Any) -> Message:
        """A message arrives."""
        with self.lock:
            now = int(time.time())
            message = Message(
                len(self.messages) + 1, chat.id, parsed.text, source, now, time.monotonic(), parsed, **more
            )
            self.messages.append(message)
            return message

    def write(
        self,
        chat_id: int,
        text: str,
        person: int | None = None,
        *,
        topic: int | None = None,
        members: dict[str, Any] | None = None,
    ) -> int:
        """A person writes to the bot; a private chat that is not there yet is made. The update's id.

        In a channel it is a post, of nobody.

        Args:
            members: of the message, beside the usual ones or in their place; None takes one away.
        """
        with self.lock:
            chat = self.chats.get(chat_id) or self.add_chat(chat_id)
            if chat.type == "private":
                chat.started, chat.blocked = True, False
            who = person or (chat.id if chat.type == "private" else 1)
            parsed = Parsed(text, [], [(None, False, text)])
            message = self.add_message(chat, parsed, text, person=who, topic=topic)
            entities = {"entities": [_command_entity(text)]} if text.startswith("/") else {}
            shown = {
                "message_id": message.id,
                "from": _person(who),
                "chat": chat.as_json(),
                "date": message.date,
                "text": text,
                **message.place,
                **entities,
            }
            if chat.type == "channel":
                shown |= {"from": None, "sender_chat": chat.as_json()}
            shown |= members or {}
            kind = "channel_post" if chat.type == "channel" else "message"
            return self.add_update(kind, {key: v for key, v in shown.items() if v is not None})

    def press(self, chat_id: int, message_id: int, data: str, person: int | None = None) -> int:
        """A person presses a button. The update's id."""
        with self.lock:
            message = self.messages[message_id - 1]
            chat = self.chats[chat_id]
            callback = str(8_000_000 + len(self.callbacks))
            self.callbacks[callback] = False
            return self.add_update(
                "callback_query",
                {
                    "id": callback,
                    "from": _person(person or (chat.id if chat.type == "private" else 1)),
                    "message": {
                        "message_id": message.id,
                        "from": BOT,
                        "chat": chat.as_json(),
                        "date": message.date,
                        "text": message.text,
                        **message.place,
                    },
                    "chat_instance": str(zlib.crc32(str(chat_id).encode())),
                    "data": data,
                },
            )

    def become(self, chat_id: int, status: str, person: int | None = None) -> int:
        """The bot's place in a chat changes: `kicked` by a person who blocks it, `member` again."""
        with self.lock:
            chat = self.chats[chat_id]
            old = "kicked" if chat.blocked else "member"
            chat.blocked = status in {"kicked", "left"}
            return self.add_update(
                "my_chat_member",
                {
                    "chat": chat.as_json(),
                    "from": _person(person or (chat.id if chat.type == "private" else 1)),
                    "date": int(time.time()),
                    "old_chat_member": {"user": BOT, "status": old},
                    "new_chat_member": {"user": BOT, "status": status},
                },
            )

    def add_update(self, kind: str, value: dict[str, Any]) -> int:
        """Something happened that the bot is told about. The update's id."""
        with self.happened:
            self._next_update += 1
            self.updates.append({"update_id": self._next_update, kind: value, "at": time.time()})
            self.happened.notify_all()
            return self._next_update

    def take_fault(self, method: str) -> Fault | None:
        """The fault this call is to show, counted down."""
        with self.lock:
            for fault in self.faults:
                if is_of(method, fault.method):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None


def is_of(method: str, pattern: str) -> bool:
    """Whether a method is meant by a name, or by the beginning of one and a star."""
    name, method = pattern.lower(), method.lower()
    return method.startswith(name[:-1]) if name.endswith("*") else method == name


def _person(number: int) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": f"Person {number}", "language_code": "en"}


def _command_entity(text: str) -> dict[str, Any]:
    return {"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}


def _type(number: int) -> str:
    if number > 0:
        return "private"
    return "supergroup" if str(number).startswith("-100") else "group"


def _number(name: str) -> int:
    """An id for a chat known by name, the same each time."""
    return -1_000_000_000_000 - zlib.crc32(name.encode())
