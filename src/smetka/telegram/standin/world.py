"""What the stand-in knows: chats, the messages in them, and the faults it was told to show."""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from smetka.telegram.standin.markup import Parsed

ChatId = int | str

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


@dataclass
class Chat:
    """A chat the bot may know. `refusal` is what the Bot API answers instead of sending."""

    id: int
    type: Literal["private", "group", "supergroup", "channel"]
    name: str
    username: str | None = None
    blocked: bool = False
    started: bool = True
    migrated_to: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The `Chat` of the Bot API."""
        named = "first_name" if self.type == "private" else "title"
        shown: dict[str, Any] = {"id": self.id, "type": self.type, named: self.name}
        return shown | ({"username": self.username} if self.username else {})


@dataclass(frozen=True)
class Message:
    """A message that arrived. `text` is as people see it, `at` seconds on a clock that only goes on."""

    id: int
    chat_id: int
    text: str
    source: str
    date: int
    at: float
    parsed: Parsed


@dataclass
class Fault:
    """Something that goes wrong on purpose, `times` times."""

    kind: str
    times: int = 1
    retry_after: int = 1
    method: str | None = None
    status: int = 200
    body: str = ""


@dataclass
class World:
    """All state of one stand-in. Thread-safe through `lock`."""

    chats: dict[int, Chat] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_chat(self, chat_id: ChatId, **attributes: Any) -> Chat:
        """Make a chat; its type follows from the id as in Telegram, unless given."""
        number, username = (chat_id, None) if isinstance(chat_id, int) else (_number(chat_id), chat_id[1:])
        attributes = {"type": _type(number), "name": f"Chat {chat_id}", "username": username, **attributes}
        with self.lock:
            self.chats[number] = Chat(id=number, **attributes)
            return self.chats[number]

    def find_chat(self, chat_id: ChatId) -> Chat | None:
        """The chat of an id or an @name."""
        with self.lock:
            if isinstance(chat_id, int):
                return self.chats.get(chat_id)
            return next((c for c in self.chats.values() if c.username and f"@{c.username}" == chat_id), None)

    def add_message(self, chat: Chat, parsed: Parsed, source: str) -> Message:
        """A message arrives."""
        with self.lock:
            message = Message(
                len(self.messages) + 1,
                chat.id,
                parsed.text,
                source,
                int(time.time()),
                time.monotonic(),
                parsed,
            )
            self.messages.append(message)
            return message

    def take_fault(self, method: str) -> Fault | None:
        """The fault this call is to show, counted down."""
        with self.lock:
            for fault in self.faults:
                if fault.method is None or fault.method.lower() == method.lower():
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None


def _type(number: int) -> str:
    if number > 0:
        return "private"
    return "supergroup" if str(number).startswith("-100") else "group"


def _number(name: str) -> int:
    """An id for a chat known by name, the same each time."""
    return -1_000_000_000_000 - zlib.crc32(name.encode())
