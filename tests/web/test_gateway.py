"""Lanes of threads: what waits in them is bounded."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from smetka.web.gateway import BODY_SECONDS, LONG_THREADS, LONGEST_QUEUE, READ_THREADS, WRITE_THREADS, Gateway
from smetka.web.headers import as_one_each
from tests.web.test_at_once import Answer, Fields, Scope


def test_more_requests_than_may_wait_are_refused_at_once_and_the_others_answered(shop):
    go_on, began = threading.Event(), []
    flask = shop.app.wsgi_app

    def slow(environ, start_response):
        if not environ.get("smetka.overloaded"):
            began.append(1)
            assert go_on.wait(60)
        return flask(environ, start_response)

    shop.app.wsgi_app = slow
    gateway = Gateway(shop.app, on_close=lambda: None)
    scope = Scope("/write_to_mongodb", Fields([("host", "127.0.0.1:8000")]), method="POST")

    async def ask_all():
        answers = [Answer() for _ in range(WRITE_THREADS + LONGEST_QUEUE + 10)]
        asked = [asyncio.ensure_future(gateway.__rsgi__(scope, each)) for each in answers[:WRITE_THREADS]]
        while len(began) < WRITE_THREADS:  # noqa: ASYNC110 - they begin in threads
            await asyncio.sleep(0.01)
        asked += [asyncio.ensure_future(gateway.__rsgi__(scope, each)) for each in answers[WRITE_THREADS:]]
        await asyncio.wait(asked[-10:], timeout=30)
        refused = [answer for answer in answers if answer.status]
        go_on.set()
        await asyncio.gather(*asked)
        gateway.__rsgi_del__(asyncio.get_running_loop())
        return refused, answers

    refused, answers = asyncio.run(ask_all())

    assert refused == answers[-10:]
    assert {json.loads(answer.body)["type"] for answer in refused} == {"/problems/overloaded"}
    assert {answer.status for answer in answers if answer not in refused} == {415}


OPEN_TO_ALL = [
    "/sign-in",
    "/readyz",
    "/static/forms.js",
    "/static/fonts/a.woff2",
    "/openapi.json",
    "/problems/x",
]


def test_what_asks_nobody_for_data_is_answered_while_all_who_ask_for_data_wait(shop):
    """A lane that is full of questions to a ledger that is locked, or of records for a MongoDB that hangs."""
    go_on, began = threading.Event(), []
    flask = shop.app.wsgi_app

    def slow(environ, start_response):
        if environ["PATH_INFO"] not in {*OPEN_TO_ALL, "/sign-out"}:
            began.append(1)
            assert go_on.wait(60)
        return flask(environ, start_response)

    shop.app.wsgi_app = slow
    gateway = Gateway(shop.app, on_close=lambda: None)

    async def ask(method, path):
        answer = Answer()
        await gateway.__rsgi__(Scope(path, Fields([("host", "127.0.0.1:8000")]), method=method), answer)
        return answer.status

    async def ask_all():
        waiting = [("GET", "/vouchers"), ("GET", "/customers"), ("POST", "/write_to_mongodb")]
        asked = [asyncio.ensure_future(ask(*each)) for each in waiting for _ in range(WRITE_THREADS)]
        while len(began) < READ_THREADS + LONG_THREADS + WRITE_THREADS:  # noqa: ASYNC110 - they begin in threads
            await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(20):
                return [
                    *[await ask("GET", path) for path in OPEN_TO_ALL],
                    await ask("POST", "/sign-in"),
                    await ask("POST", "/sign-out"),
                ]
        finally:
            go_on.set()
            await asyncio.gather(*asked)
            gateway.__rsgi_del__(asyncio.get_running_loop())

    assert None not in asyncio.run(ask_all())


class Silent(Answer):
    """A client that sends its head, and then nothing."""

    async def __call__(self):
        await asyncio.sleep(60)

    async def __aiter__(self):
        await asyncio.sleep(60)
        yield b""


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/write_to_mongodb", [("content-length", "100"), ("content-type", "application/json")]),
        ("/write_to_mongodb", [("transfer-encoding", "chunked"), ("content-type", "application/json")]),
        (
            "/api/v1/ledger/imports?name=orders.csv",
            [("content-length", "5000"), ("content-type", "text/csv")],
        ),
    ],
    ids=["declared", "chunked", "a file"],
)
def test_a_body_that_comes_too_slowly_is_408(shop, path, fields):
    gateway = Gateway(shop.app, on_close=lambda: None, body_seconds=0.05)
    path, _, query = path.partition("?")
    lines = Fields([("host", "127.0.0.1:8000"), *fields])
    scope, answer = Scope(path, lines, method="POST", query_string=query), Silent()

    async def ask():
        await asyncio.wait_for(gateway.__rsgi__(scope, answer), 20)
        gateway.__rsgi_del__(asyncio.get_running_loop())

    asyncio.run(ask())

    assert (answer.status, answer.json()["type"]) == (408, "/problems/request-timeout")
    assert [*(shop.settings.data_dir / "uploads").glob("*")] == []


def test_ten_seconds_are_the_time_for_a_body():
    assert BODY_SECONDS == 10


def test_lines_of_one_header_are_joined_as_its_own_rule_says():
    lines = [
        ("cookie", "a=1"),
        ("accept", "text/html"),
        ("cookie", "b=2,3"),
        ("accept", "*/*"),
        ("host", "x"),
    ]

    assert as_one_each(lines) == {"cookie": "a=1; b=2,3", "accept": "text/html,*/*", "host": "x"}


@pytest.mark.parametrize(
    ("path", "is_in_a_hurry"),
    [
        ("/api/v1/bonus-customers", False),
        ("/bonus/customers", False),
        ("/api/v1/campaigns/none/vouchers", False),
        ("/api/v1/bonus-customers/2026/1", True),
    ],
)
def test_lists_rest_for_tills_and_not_for_each_other(shop, monkeypatch, path, is_in_a_hurry):
    gateway = Gateway(shop.app, on_close=lambda: None)
    leisure = shop.services.storage._leisure
    monkeypatch.setattr(leisure, "_hurried_at", before := leisure._hurried_at - 1000)

    async def ask():
        await gateway.__rsgi__(Scope(path, Fields([("host", "127.0.0.1:8000")])), answer := Answer())
        gateway.__rsgi_del__(asyncio.get_running_loop())
        return answer.status

    assert asyncio.run(ask()) in {200, 404}
    assert (leisure._hurried_at > before) is is_in_a_hurry
