"""What only a socket can send: broken, slow and oversized requests against the running server."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

BODY = b'{"user_id": 10, "total_spending": 2000}'


@pytest.fixture
def send(running_shop):
    """A function that sends bytes and returns (status, headers, body) of the first answer."""
    port = urlsplit(running_shop.url).port

    def send(data: bytes, *, seconds: float = 30) -> tuple[int, dict[str, str], bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
            with contextlib.suppress(ConnectionError):  # an early refusal may close while we still send
                client.sendall(data)
            return receive(client)

    return send


def receive(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = client.recv(65536)
        if not part:
            return 0, {}, answer
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += client.recv(65536)
    return int(status_line.split()[1]), headers, body


def request(
    method=b"POST", target=b"/write_to_mongodb", *, body=BODY, headers=(), host=b"localhost", version=b"1.1"
):
    lines = [method + b" " + target + b" HTTP/" + version]
    lines += [b"Host: " + host] if host is not None else []
    lines += [b"Content-Type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def stored(shop) -> int:
    with MongoClient(shop.mongodb_uri) as client:
        return len(list(client.get_default_database()["bonus_customers"].find()))


def is_problem(headers, body, slug) -> bool:
    problem = json.loads(body)
    return (
        headers["content-type"].startswith("application/problem+json")
        and problem["type"] == f"/problems/{slug}"
        and {"type", "title", "status", "detail", "instance", "request_id"} <= set(problem)
    )


big = b'{"user_id": 10, "total_spending": 2000' + b" " * (64 * 1024) + b"}"


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        pytest.param(request(host=None, headers=[length(BODY)]), 400, "bad-request", id="no Host"),
        pytest.param(request(host=b"", headers=[length(BODY)]), 400, "bad-request", id="empty Host"),
        pytest.param(
            request(host=b"evil.example", headers=[length(BODY)]), 421, "wrong-host", id="foreign Host"
        ),
        pytest.param(
            request(target=b"http://evil.example/write_to_mongodb", headers=[length(BODY)]),
            421,
            "wrong-host",
            id="foreign absolute target",
        ),
        pytest.param(
            request(headers=[length(big)], body=big), 413, "too-large", id="64 KiB and more, declared"
        ),
        pytest.param(
            request(headers=[b"Content-Length: 99999999999999"], body=b""),
            413,
            "too-large",
            id="a huge declared length",
        ),
        pytest.param(
            request(
                headers=[b"Transfer-Encoding: chunked"], body=b"%x\r\n" % len(big) + big + b"\r\n0\r\n\r\n"
            ),
            413,
            "too-large",
            id="64 KiB and more, chunked",
        ),
        pytest.param(
            request(
                headers=[b"Transfer-Encoding: chunked"], body=b"%x\r\n" % len(BODY) + BODY + b"\r\nZZ\r\n"
            ),
            400,
            "bad-request",
            id="broken chunks",
        ),
        pytest.param(
            request(b"GET", b"/" + b"a" * 9000, body=b""), 414, "uri-too-long", id="a line over 8 KiB"
        ),
        pytest.param(
            request(b"GET", b"/total_spent/1", body=b"", headers=[b"X-Long: " + b"a" * 17000]),
            431,
            "headers-too-large",
            id="headers over 16 KiB",
        ),
        pytest.param(
            request(b"GET", b"/total_spent/%EF%BC%91", body=b""),
            422,
            "invalid-value",
            id="a full-width digit, encoded",
        ),
        pytest.param(
            request(b"GET", b"/total_spent/%FF", body=b""), 422, "invalid-value", id="an id that is not UTF-8"
        ),
        pytest.param(
            request(b"GET", "/average_spending_by_age?year=година".encode(), body=b""),
            422,
            "invalid-value",
            id="letters in the query that are not escaped",
        ),
        pytest.param(
            request(b"GET", "/nowhere?€=€".encode(), body=b""), 404, "not-found", id="signs, not escaped"
        ),
        pytest.param(
            request(b"GET", b"//total_spent/1", body=b""), 404, "not-found", id="two slashes at the start"
        ),
        pytest.param(request(b"GET", b"/total_spent//1", body=b""), 404, "not-found", id="two slashes"),
        pytest.param(
            request(b"GET", b"/total_spent/../total_spent/1", body=b""), 404, "not-found", id="dots"
        ),
        pytest.param(
            request(b"BREW", b"/total_spent/1", body=b""), 405, "method-not-allowed", id="a made-up method"
        ),
        pytest.param(
            request(b"get", b"/total_spent/1", body=b""),
            405,
            "method-not-allowed",
            id="a method in small letters",
        ),
        pytest.param(
            request(b"Post", headers=[length(BODY)]),
            405,
            "method-not-allowed",
            id="a method in mixed letters",
        ),
        pytest.param(
            request(b"GET", b"/total_spent/1", body=b"", host=None, version=b"1.0"),
            400,
            "bad-request",
            id="HTTP/1.0 without Host",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_a_problem_and_writes_nothing(running_shop, send, data, status, slug):
    answered, headers, body = send(data)

    assert answered == status, body
    assert is_problem(headers, body, slug), body
    assert stored(running_shop) == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            request(headers=[b"Content-Length: 39", b"Content-Length: 40"]), id="two different lengths"
        ),
        pytest.param(request(headers=[b"Content-Length: x"]), id="a length that is no number"),
        pytest.param(request(headers=[b"Content-Length: -1"]), id="a negative length"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS on a plain port"),
        pytest.param(b"GET /total_spent/1\r\n\r\n", id="no version"),
        pytest.param(request(b"GET", b"/" + b"a" * 70_000, body=b""), id="a line over 64 KiB"),
    ],
)
def test_what_the_parser_refuses_is_a_4xx_and_writes_nothing(running_shop, send, data):
    status, _, _ = send(data)

    assert 400 <= status < 500
    assert stored(running_shop) == 0


def test_a_length_beside_chunks_smuggles_nothing(running_shop, send):
    """The chunks count (RFC 9112, 6.3), and the connection is closed: what follows is no request."""
    chunks = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    status, headers, _ = send(
        request(headers=[b"Content-Length: 5", b"Transfer-Encoding: chunked"], body=chunks + smuggled)
    )

    assert status in {200, 201, 400}
    assert headers["connection"] == "close"


# Briefly: tests/web/test_gateway.py with less time, and the slow clients of test_torture_clients.py.
@pytest.mark.long
def test_a_body_that_comes_too_slowly_is_408_and_costs_nobody_else(running_shop):
    port = urlsplit(running_shop.url).port
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(100)]
    try:
        for client in slow:
            client.sendall(request(headers=[b"Content-Length: 100"], body=b"abc"))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: running_shop.get("/total_spent/10").status_code, range(20)))
        posted = running_shop.post(12)
        time.sleep(1)
        late = receive(slow[0])
    finally:
        for client in slow:
            client.close()

    assert answers == [200] * 20
    assert posted.status_code in {200, 201}
    assert late[0] == 408
    assert is_problem(late[1], late[2], "request-timeout")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(running_shop, send):
    port = urlsplit(running_shop.url).port
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request(headers=[length(BODY)], body=BODY[:20]))

    assert send(request(b"GET", b"/healthz", body=b""))[0] == 200
    assert stored(running_shop) == 0


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        pytest.param(request(headers=[b"Content-Length: 50"]), 400, "bad-request", id="POST"),
        pytest.param(
            request(b"GET", b"/total_spent/1", headers=[b"Content-Length: 50"]), 400, "bad-request", id="GET"
        ),
        pytest.param(
            request(headers=[b"Content-Length: 50"], host=b"evil.example"), 421, "wrong-host", id="wrong host"
        ),
        pytest.param(
            request(headers=[b"Transfer-Encoding: chunked"], body=b"50\r\nabc"),
            400,
            "bad-request",
            id="chunked",
        ),
    ],
)
def test_a_body_that_ends_too_early_is_a_problem_and_writes_nothing(running_shop, data, status, slug):
    with socket.create_connection(("127.0.0.1", urlsplit(running_shop.url).port), timeout=30) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answered, headers, body = receive(client)

    assert answered == status, body
    assert is_problem(headers, body, slug), body
    assert stored(running_shop) == 0


def test_a_header_with_an_underscore_is_not_another_ones(send):
    _, headers, _ = send(request(b"GET", b"/total_spent/1", body=b"", headers=[b"X_Request_ID: underscored"]))

    assert headers["x-request-id"] != "underscored"


@pytest.mark.parametrize(
    ("target", "headers", "mark"),
    [
        pytest.param(
            b"/total_spent/1", [b"X_Forwarded_For: 203.0.113.9"], "(x_forwarded_for)", id="underscore"
        ),
        pytest.param(b"http://localhost/total_spent/1", [], "(GET http://", id="absolute"),
    ],
)
def test_what_only_proxies_send_keeps_out_before_the_first_key(send, target, headers, mark):
    status, headers, body = send(request(b"GET", target, body=b"", headers=headers))

    assert status == 401
    assert is_problem(headers, body, "no-key-yet")
    assert mark in json.loads(body)["detail"]


def test_a_small_chunked_body_is_read(send):
    status, _, _ = send(
        request(
            headers=[b"Transfer-Encoding: chunked"],
            body=b"5\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\n\r\n",
        )
    )

    assert status in {200, 201}


def test_a_connection_is_kept_for_the_next_request(running_shop):
    port = urlsplit(running_shop.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for _ in range(3):
            client.sendall(request(b"GET", b"/total_spent/10", body=b""))
            assert receive(client)[0] == 200


@pytest.mark.parametrize("order", [1, -1], ids=["session first", "language first"])
def test_cookies_in_lines_of_their_own_are_all_kept(send, order):
    page = b"/bonus"
    _, headers, body = send(request(b"GET", page, body=b""))
    session = headers["set-cookie"].partition(";")[0].encode()
    assert session.startswith(b"smetka_session=")

    lines = [b"Cookie: " + session, b"Cookie: smetka_language=mk; other=a,b"][::order]
    _, _, again = send(request(b"GET", page, body=b"", headers=lines))

    assert (form_token(again), b'<html lang="mk"' in again) == (form_token(body), True)


def form_token(page: bytes) -> bytes:
    return page.partition(b'name="form" value="')[2].partition(b'"')[0]
