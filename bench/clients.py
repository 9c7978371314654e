"""The clients: keep-alive connections in one loop over raw sockets, so that asking costs little.

Run as ``python -m bench.clients HOST PORT``; the load comes as JSON on stdin, the answers' figures
go to stdout. Any wrong answer ends it with status 1.
"""

from __future__ import annotations

import itertools
import json
import re
import select
import socket
import statistics
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import asdict

from bench.load import PARTS, Answers, Load

PATIENCE_SECONDS = 60

_LENGTH = re.compile(rb"ength: *(\d+)")
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Client:
    """One connection, one question at a time; opened again when the server closed it."""

    def __init__(self, address: tuple[str, int], poll: select.epoll) -> None:
        self.address = address
        self.poll = poll
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(self.address, timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(self.socket.fileno(), select.EPOLLIN)

    def ask(self, request: bytes) -> None:
        self.received = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """The whole answer, or None while more of it is to come."""
        data = self.socket.recv(262_144)
        self.received = self.received + data if self.received else data
        return self.received if is_whole(self.received, ended=not data) else None

    def close(self) -> None:
        self.poll.unregister(self.socket.fileno())
        self.socket.close()


def is_whole(received: bytes, *, ended: bool) -> bool:
    """Whether an answer is complete: by its length, by its last chunk, or since the server closed."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        if ended:
            sys.exit(f"the connection was closed in the middle of an answer: {received[:300]!r}")
        return False
    if found := _LENGTH.search(received, 0, head):
        whole = len(received) >= head + 4 + int(found[1])
    elif _CHUNKED.search(received, 0, head):
        whole = received.endswith(b"\r\n0\r\n\r\n")
    else:
        return ended
    if ended and not whole:
        sys.exit(f"the connection was closed in the middle of an answer: {received[:300]!r}")
    return whole


def requests(load: Load, host: str) -> list[bytes]:
    """Every request, ready to be sent."""
    return [_request(load, host, str(number)) for number in load.ids]


def _request(load: Load, host: str, number: str) -> bytes:
    body = load.body.replace("{id}", number)
    head = f"{'POST' if body else 'GET'} {load.path.replace('{id}', number)} HTTP/1.1\r\nHost: {host}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


class Crowd:
    """All clients, until the time is over or every id was asked for. Answers under way are waited for."""

    def __init__(self, address: tuple[str, int], load: Load) -> None:
        ready = requests(load, f"{address[0]}:{address[1]}")
        endless = load.seconds is not None
        self.ahead: Iterator[bytes] = itertools.cycle(ready) if endless else iter(ready)
        self.start = time.perf_counter() + (load.warm_seconds if endless else 0)
        self.end = self.start + (float("inf") if load.seconds is None else load.seconds)
        self.statuses = {str(status).encode() for status in load.statuses}
        self.holds = load.holds.encode()
        self.took, self.ended_at = array("d"), array("d")
        self.poll = select.epoll()
        self.clients: dict[int, Client] = {}
        for request in itertools.islice(self.ahead, load.clients):
            client = Client(address, self.poll)
            self.clients[client.socket.fileno()] = client
            client.ask(request)

    def run(self) -> Answers:
        while self.clients:
            events = self.poll.poll(PATIENCE_SECONDS)
            if not events:
                sys.exit(f"no answer within {PATIENCE_SECONDS} s")
            for number, _ in events:
                client = self.clients[number]
                answer = client.answer()
                if answer is not None:
                    self._take(client, answer)
        self.poll.close()
        return self._answers()

    def _take(self, client: Client, answer: bytes) -> None:
        now = time.perf_counter()
        if answer[9:12] not in self.statuses or self.holds not in answer:
            sys.exit(f"a wrong answer: {answer[:300].decode(errors='replace')}")
        if now >= self.start:
            self.took.append(now - client.asked_at)
            self.ended_at.append(now)
        request = next(self.ahead, None) if now < self.end else None
        if request is None or _CLOSES.search(answer, 0, answer.find(b"\r\n\r\n")):
            del self.clients[client.socket.fileno()]
            client.close()
        if request is None:
            return
        if client.socket.fileno() < 0:
            client.connect()
            self.clients[client.socket.fileno()] = client
        client.ask(request)

    def _answers(self) -> Answers:
        if len(self.took) < 2:
            sys.exit(f"too few answers to measure: {len(self.took)}")
        # Without a time to keep to, it ends with the last answer.
        end = min(self.end, max(self.ended_at))
        part = (end - self.start) / PARTS
        counts = [0] * PARTS
        for moment in self.ended_at:
            if moment <= end:
                counts[min(int((moment - self.start) / part), PARTS - 1)] += 1
        return Answers(
            count=len(self.took),
            rate=sum(counts) / (end - self.start),
            median=statistics.median(self.took),
            p95=statistics.quantiles(self.took, n=20)[-1],
            rates=[count / part for count in counts],
        )


def main() -> None:
    """Read the load, put it on the server, print the figures."""
    load = Load(**json.loads(sys.stdin.read()))
    print(json.dumps(asdict(Crowd((sys.argv[1], int(sys.argv[2])), load).run())))


if __name__ == "__main__":
    main()
