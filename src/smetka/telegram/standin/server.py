"""The stand-in as a server: started, asked what arrived, told what to get wrong, and closed."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from smetka.telegram.standin.answers import Handler
from smetka.telegram.standin.sending import busiest
from smetka.telegram.standin.world import ANONYMOUS, Chat, Fault, FaultKind, Message, World, is_of
from smetka.telegram.topics import ChatId, split

TOKEN = "4242:stand-in-token-that-opens-nothing"  # noqa: S105 - of the stand-in, for everybody


class FakeTelegram:
    """A Bot API server on this machine, in threads of this process. A context manager.

    Args:
        token: the one token that is right.
        chats: ids (positive private, negative groups, -100… supergroups) or @names it knows, and topics.
        port: 0 takes any free one.
        strict: refuse unknown fields, which the real Bot API passes over.
        flood_control: refuse what comes too fast: more than 2 a second to a chat, 20 a minute to a
            group, 30 a second in all.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        chats: Iterable[ChatId] = (1001,),
        port: int = 0,
        strict: bool = True,
        flood_control: bool = False,
    ) -> None:
        self.token, self.strict, self.world = token, strict, World()
        self.flood_control = flood_control
        for chat_id in chats:
            self.world.add_chat(chat_id)
        self.closing = Event()
        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.telegram = self
        self._thread = Thread(target=self._server.serve, name="fake-telegram", daemon=True)

    @property
    def url(self) -> str:
        """What SMETKA_TELEGRAM_API_URL is to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop, and end calls that hang."""
        self.closing.set()
        with self.world.happened:  # those who wait for updates
            self.world.poll += 1
            self.world.happened.notify_all()
        if self._thread.is_alive():
            self._server.socket.shutdown(socket.SHUT_RDWR)  # whoever waits for a connection is told at once
            self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def messages(self, chat_id: ChatId) -> list[Message]:
        """What the bot sent to a chat, or to a topic of it, oldest first."""
        chat, topic = self.world.find_chat(chat_id), split(chat_id)[1]
        with self.world.lock:
            found = [m for m in self.world.messages if chat and m.chat_id == chat.id and m.person is None]
        return found if topic is None else [message for message in found if message.topic == topic]

    def chat(self, chat_id: ChatId) -> Chat:
        """A chat, to be changed: blocked, started, migrated_to."""
        chat = self.world.find_chat(chat_id)
        assert chat is not None, f"there is no chat {chat_id}"
        return chat

    def write(
        self,
        chat_id: int,
        text: str,
        person: int | None = None,
        *,
        topic: int | None = None,
        members: dict[str, Any] | None = None,
    ) -> int:
        """A person writes to the bot; a private chat that is not there yet is made. The update's id."""
        return self.world.write(chat_id, text, person, topic=topic, members=members)

    def write_anonymously(self, chat_id: int, text: str, *, topic: int | None = None) -> int:
        """An administrator who remains anonymous writes in a group. The update's id."""
        hidden = {"from": ANONYMOUS, "sender_chat": self.chat(chat_id).as_json()}
        return self.world.write(chat_id, text, 1, topic=topic, members=hidden)

    def press(self, chat_id: int, message_id: int, data: str, person: int | None = None) -> int:
        """A person presses a button. The update's id."""
        return self.world.press(chat_id, message_id, data, person)

    def block(self, chat_id: int) -> int:
        """A person blocks the bot, or it is taken out of a group. The update's id."""
        return self.world.become(chat_id, "kicked")

    def unblock(self, chat_id: int) -> int:
        """The bot is welcome again. The update's id."""
        return self.world.become(chat_id, "member")

    def commands(self, language: str = "") -> list[str]:
        """The names of the commands that people of a language see."""
        with self.world.lock:
            return [command["command"] for command in self.world.commands.get(language, [])]

    def busiest(self, seconds: float, chat_id: int | None = None) -> int:
        """The most of the bot's messages that arrived in any span of that length."""
        with self.world.lock:
            return busiest(list(self.world.messages), seconds, chat_id)

    def calls(self, method: str) -> int:
        """How often a method (`send*`: any of those) was called, faults included."""
        with self.world.lock:
            return sum(is_of(called, method) for called in self.world.calls)

    def fail_next(self, kind: FaultKind, times: int = 1, *, method: str = "send*", **details: Any) -> None:
        """Show a fault at the next calls of a method (`*`: of any); `details` are those of `Fault`."""
        with self.world.lock:
            self.world.faults.append(Fault(kind, times, method=method, **details))


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that closing leaves no thread that waits for the next request."""

    telegram: FakeTelegram
    daemon_threads = False
    block_on_close = True

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(*arguments)

    def serve(self) -> None:
        """Answer until told to stop. `serve_forever` looks only now and then whether it was."""
        while not self.telegram.closing.is_set():
            self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            request.close()  # without a farewell: the client sees a reset
        else:
            super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it ended by itself in this moment
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are everyday life here."""
