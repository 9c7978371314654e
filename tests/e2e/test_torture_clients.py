"""Slow, idle and far too many clients: a normal one is answered, and afterwards all is as before."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time
from urllib.parse import urlsplit

import psutil

from tests.e2e.torture import Visitor, answers_of, brief_or_long, crowd, tell

__all__ = ["tell"]

HEAD = b"POST /write_to_mongodb HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def port_of(shop) -> int:
    return urlsplit(shop.url).port


def all_is_normal(shop) -> None:
    """Five seconds later at the latest; twice the promised second, for the machine's sake."""
    until = time.monotonic() + 5
    while not is_normal(visitor := Visitor(shop)):
        assert time.monotonic() < until, (visitor.answers, visitor.usually)


def is_normal(visitor) -> bool:
    for number in range(5):
        visitor.come(number)
    return set(visitor.answers) <= {200, 201} and visitor.usually < 2


class SlowClients:
    """Connections that send their head, their body, or read their answer a byte at a time, and come again."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.clients = [self._new(number) for number in range(count)]

    def _new(self, number: int):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        kind = number % 3
        if kind == 1:
            client.sendall(HEAD + b"Content-Length: 60000\r\n\r\n")
        elif kind == 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.setblocking(False)
        return number, client

    def trickle(self) -> None:
        """A byte more from each or for each; whom the server sent away comes again."""
        for place, (number, client) in enumerate(self.clients):
            try:
                if number % 3 == 2:
                    if not client.recv(1):
                        raise ConnectionError
                else:
                    client.send(b"P" if number % 3 == 0 else b" ")
            except BlockingIOError:
                continue
            except OSError:
                client.close()
                with contextlib.suppress(OSError):
                    self.clients[place] = self._new(number)

    def close(self) -> None:
        for _, client in self.clients:
            client.close()


@brief_or_long("seconds", 2, 60)
def test_two_hundred_slow_clients_cost_nobody_else(running_shop, tell, seconds):
    shop = running_shop
    visitor, slow = Visitor(shop), SlowClients(port_of(shop), 200)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        slow.trickle()
        visitor.come(number := number + 1)
        time.sleep(0.1)
    tell("200 slow clients", seconds=seconds, a_normal_answer=f"{visitor.usually:.2f} s")
    assert set(visitor.answers) <= {200, 201}
    assert visitor.usually < 2
    slow.close()
    all_is_normal(shop)


@brief_or_long("visits", 5, 60)
def test_a_thousand_idle_connections_cost_nobody_else(running_shop, tell, visits):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    shop = running_shop
    visitor = Visitor(shop)
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", port_of(shop)), timeout=10))
        for number in range(visits):
            visitor.come(number)
            time.sleep(0.2)
    tell("1,000 idle connections", a_normal_answer=f"{visitor.usually:.2f} s")
    assert set(visitor.answers) <= {200, 201}
    assert visitor.usually < 2
    all_is_normal(shop)


@brief_or_long("seconds", 2, 60)
def test_ten_times_as_many_clients_as_it_can_serve(running_shop, tell, seconds):
    shop = running_shop
    visitor, crowded = Visitor(shop), crowd(port_of(shop), 160, seconds)
    number = 0
    while crowded.poll() is None:
        visitor.come(number := number + 1)
        time.sleep(0.1)
    answers = answers_of(crowded)

    tell("160 clients without rest", answers=answers, a_normal_answer=f"{visitor.usually:.2f} s")
    assert set(answers) <= {"200", "201", "429", "503"}
    assert set(visitor.answers) <= {200, 201, 429, 503}
    assert visitor.usually < 2
    all_is_normal(shop)


def test_more_requests_than_may_wait_are_refused_at_once(running_shop, tell):
    shop = running_shop
    shop.post(1)
    hung = psutil.Process(shop.pids()["mongodb"])
    hung.suspend()
    shop.wait_until(lambda: hung.status() == psutil.STATUS_STOPPED)
    body = b'{"user_id": 1, "total_spending": 2000}'
    clients = [socket.create_connection(("127.0.0.1", port_of(shop)), timeout=30) for _ in range(400)]
    for client in clients:
        client.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    visitor = Visitor(shop)
    visitor._note(lambda: shop.get("/total_spent/1"))
    answers, longest = read_statuses(clients)
    statuses, turned_away = [status for status, _ in answers], sum(away for _, away in answers)
    hung.resume()

    tell("400 POSTs while MongoDB hangs", refused=statuses.count(503), longest=f"{longest:.1f} s")
    assert (visitor.answers, len(statuses), set(statuses)) == ({200: 1}, 400, {503})
    assert visitor.usually < 2
    assert turned_away >= 50  # those beyond the threads and the queue
    assert longest < 5  # twice the promised 2.5 s
    shop.wait_until_ready()
    all_is_normal(shop)


def read_statuses(clients) -> tuple[list[tuple[int, bool]], float]:
    """The status of each answer and whether it was turned away unheard, and how long the last one waited."""
    began, found = time.monotonic(), []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while len(found) < len(clients) and time.monotonic() < began + 30:
            for key, _ in selector.select(1):
                answer = key.fileobj.recv(65536)
                found.append((int(answer[9:12]), b"/problems/overloaded" in answer))
                selector.unregister(key.fileobj)
                key.fileobj.close()
    return found, time.monotonic() - began
