"""Answers on the event loop: the same as Flask's to the last header, and never older or freer than those."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from smetka.keys import revoke_key
from smetka.web.at_once import MOST_ADMITTED
from smetka.web.gateway import Gateway
from tests.fixtures.web import BOT

TOTAL, AVERAGES = "/total_spent/1", "/average_spending_by_age"


class Fields:
    """Request headers as Granian hands them over."""

    def __init__(self, fields):
        self._fields = fields

    def items(self):
        return list(self._fields)

    def get(self, name):
        return next((value for key, value in self._fields if key == name), None)


@dataclass
class Scope:
    path: str
    headers: Fields
    method: str = "GET"
    query_string: str = ""
    client: str = "127.0.0.1:50000"
    server: str = "127.0.0.1:8000"
    scheme: str = "http"
    http_version: str = "1.1"
    authority: str | None = None


@dataclass
class Answer:
    """What the gateway sends, and whether Flask was asked for it."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    by_flask: bool = False

    def response_bytes(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}
        assert len(self.headers) == len(headers)

    def response_empty(self, status, headers):
        self.response_bytes(status, headers, b"")

    async def __call__(self):
        return b""

    async def __aiter__(self):
        yield b""

    def json(self):
        return json.loads(self.body)


class Visitor:
    """Asks a gateway as Granian does, on one event loop."""

    def __init__(self, shop):
        self.asked_flask = 0
        flask = shop.app.wsgi_app

        def counted(environ, start_response):
            self.asked_flask += 1
            return flask(environ, start_response)

        shop.app.wsgi_app = counted
        self.gateway = Gateway(shop.app, on_close=lambda: None)
        self.loop = asyncio.new_event_loop()

    def get(self, path, *, method="GET", client="127.0.0.1:50000", **headers):
        path, _, query = path.partition("?")
        fields = {"host": "127.0.0.1:8000"} | {n.replace("_", "-"): v for n, v in headers.items()}
        scope = Scope(path, Fields(fields.items()), method, query, client)
        answer, before = Answer(), self.asked_flask
        self.loop.run_until_complete(self.gateway.__rsgi__(scope, answer))
        self.loop.run_until_complete(asyncio.sleep(0))  # the turn of the loop ends
        answer.by_flask = self.asked_flask > before
        return answer

    def twice(self, path, **headers):
        """The first answer is Flask's; the second is given at once, if it can be."""
        return self.get(path, **headers), self.get(path, **headers)


@pytest.fixture
def visit(make_shop):
    """A function that opens a shop and returns it with a visitor."""
    visitors = []

    def visit(**settings):
        shop = make_shop(**settings)
        visitors.append(Visitor(shop))
        return shop, visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.gateway.__rsgi_del__(visitor.loop)
        visitor.loop.close()


@pytest.fixture
def visitor(visit):
    return visit()[1]


def pay(shop, user_id, amount, year=2026):
    with sqlite3.connect(shop.services.ledger.path) as ledger:
        ledger.execute("INSERT INTO user_spending VALUES (?, ?, ?)", (user_id, amount, year))
    ledger.close()


@pytest.mark.parametrize(
    "path",
    [
        TOTAL,
        "/total_spent/2",
        "/total_spent/1?year=2025",
        "/total_spent/9223372036854775807",
        AVERAGES,
        AVERAGES + "?year=2025&basis=payment&notify=false",
        AVERAGES + "?year=1999",
    ],
)
def test_it_is_flasks_answer_to_the_last_header(visitor, path):
    flasks, at_once = visitor.twice(path)

    assert (flasks.by_flask, at_once.by_flask) == (True, False)
    assert (at_once.status, at_once.body) == (flasks.status, flasks.body)
    own = {"x-request-id": None, "content-length": None}  # Granian writes the length
    assert at_once.headers | own == flasks.headers | own


@pytest.mark.parametrize("path", ["/total_spent/1?year=2026", AVERAGES + "?year=2026"])
def test_a_year_is_over_at_the_shops_own_midnight(visit, clock, path):
    """The ledger stays as it is; only the clock moves on, and what was remembered does not outlive the day."""
    _, visitor = visit()
    whole = {"from": "2026-01-01", "finished": False}
    for time, period in (
        (datetime(2026, 12, 30, 22, 59, 59, tzinfo=UTC), {**whole, "to": "2026-12-30"}),
        (datetime(2026, 12, 30, 23, 0, 0, tzinfo=UTC), {**whole, "to": "2026-12-31"}),
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), {**whole, "to": "2026-12-31"}),
        (datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), None),
    ):
        clock.time = time
        answers = [visitor.get(path) for _ in range(3)]

        assert [answer.json().get("period") for answer in answers] == [period] * 3
        assert not answers[-1].by_flask


@pytest.mark.parametrize("year", ["", "?year=2025", "?year=1"])
def test_answers_of_what_is_over_are_as_they_were(visitor, year):
    for path in (TOTAL, AVERAGES):
        assert all("period" not in answer.json() for answer in visitor.twice(path + year))


def test_other_customers_follow_the_first(visitor):
    visitor.get(TOTAL)

    assert (visitor.get("/total_spent/3").by_flask, visitor.get("/total_spent/3").json()["user_id"]) == (
        False,
        3,
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [("/total_spent/4", 404), ("/total_spent/01", 422), ("/total_spent/", 404), ("/total_spent/1/2", 404)],
)
def test_a_refusal_is_flasks(visitor, path, status):
    visitor.twice(TOTAL)
    answers = visitor.twice(path)

    assert [(a.status, a.by_flask) for a in answers] == [(status, True)] * 2


def test_a_payment_is_in_the_next_answer(visit):
    shop, visitor = visit()
    for path in (TOTAL, AVERAGES):
        visitor.twice(path)
    pay(shop, 1, 0.5)

    assert visitor.get(TOTAL).json()["total_spending"] == 1835
    groups = visitor.get(AVERAGES).json()["age_groups"]
    assert groups[1]["total_spending"] == 1835


def test_a_payment_in_the_write_ahead_log_is_in_the_next_answer(visit):
    shop, visitor = visit()
    writer = sqlite3.connect(shop.services.ledger.path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    for path in (TOTAL, AVERAGES):
        visitor.twice(path)
    writer.execute("INSERT INTO user_spending VALUES (1, 0.5, 2026)")

    assert visitor.get(TOTAL).json()["total_spending"] == 1835
    assert visitor.get(AVERAGES).json()["age_groups"][1]["total_spending"] == 1835
    writer.close()


def test_a_replaced_ledger_is_seen(visit, make_ledger):
    shop, visitor = visit()
    visitor.twice(TOTAL)
    make_ledger([(1, "Another", None, 20)], [(1, 7, 2026)], name="next.db").replace(shop.services.ledger.path)

    assert visitor.get(TOTAL).json()["total_spending"] == 7


def test_a_ledger_that_is_gone_is_503_and_well_again(visit, tmp_path):
    shop, visitor = visit()
    visitor.twice(TOTAL)
    path = shop.services.ledger.path
    path.rename(tmp_path / "away")

    assert [a.status for a in visitor.twice(TOTAL)] == [503, 503]

    (tmp_path / "away").rename(path)
    assert [a.status for a in visitor.twice(TOTAL)] == [200, 200]


def test_a_locked_ledger_is_waited_for_by_a_thread(visit):
    shop, visitor = visit()
    visitor.twice(TOTAL)
    writer = sqlite3.connect(shop.services.ledger.path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.2, writer.rollback)
    timer.start()
    answer = visitor.get(TOTAL)

    assert (answer.status, answer.by_flask) == (200, True)
    timer.join()
    writer.close()


def test_a_long_look_is_left_to_a_thread(visit):
    shop, visitor = visit()
    with sqlite3.connect(shop.services.ledger.path) as ledger:
        ledger.executemany("INSERT INTO user_spending VALUES (2, 1, ?)", [(2026,)] * 20_000)
    ledger.close()
    first, second = visitor.twice("/total_spent/2")

    assert (first.by_flask, second.by_flask) == (True, True)
    assert second.json()["total_spending"] == 20_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": ""}, 400),
        ({"content_length": "nonsense"}, 400),
        ({"transfer_encoding": "gzip"}, 400),
    ],
)
def test_what_a_guard_refuses_is_never_answered_at_once(visitor, headers, status):
    visitor.twice(TOTAL)

    assert [a.status for a in visitor.twice(TOTAL, **headers)] == [status] * 2


def test_other_headers_pass_the_guards_themselves(visitor):
    visitor.twice(TOTAL)

    assert visitor.get(TOTAL, user_agent="another").by_flask
    assert visitor.get(TOTAL, client="10.0.0.1:50000").by_flask
    assert not visitor.get(TOTAL, client="127.0.0.1:50001").by_flask


def test_ids_that_flask_does_not_take_as_they_are_are_flasks_matter(visitor):
    visitor.twice(TOTAL)
    assert not visitor.get(TOTAL, x_request_id="a" * 64).by_flask

    assert visitor.get(TOTAL, x_request_id="a" * 65).by_flask
    assert [a.status for a in visitor.twice(TOTAL, x_request_id="a" * 100_000)] == [431, 431]
    two = at_the_same_time(visitor, TOTAL, fields=[("x-request-id", "a"), ("x-request-id", "b")])[0]
    assert two.headers["x-request-id"] not in {"a", "b"}


def test_long_addresses_and_headers_are_flasks_matter(visitor):
    assert not visitor.twice(TOTAL + "?year=2025" + "&" * 900)[1].by_flask
    assert not visitor.twice(TOTAL, x_requested_with="a" * 8000)[1].by_flask

    almost = "?year=2025" + "&" * (8192 - len(TOTAL + "?year=2025"))
    assert [a.status for a in visitor.twice(TOTAL + almost)] == [200, 200]
    assert visitor.get("/total_spent/9223372036854775807" + almost).status == 414
    assert visitor.twice(TOTAL, x_requested_with="a" * 8200)[1].by_flask


def test_only_a_get_is_answered_at_once(visitor):
    visitor.twice(TOTAL)
    head = visitor.get(TOTAL, method="HEAD")

    assert (head.status, head.body, head.by_flask) == (200, b"", True)
    assert visitor.get(TOTAL, method="POST").status == 405


def test_keys_made_later_count_from_the_next_request(visit):
    shop, visitor = visit()
    visitor.twice(TOTAL)
    key = shop.key("reader", "till")["Authorization"]

    assert visitor.get(TOTAL).status == 401
    assert [a.status for a in visitor.twice(TOTAL, authorization=key)] == [200, 200]
    assert visitor.get(TOTAL, authorization=key[:-1] + "~").status == 401

    revoke_key(shop.settings.effective_keys_file, "till")
    assert visitor.get(TOTAL, authorization=key).status == 401


def test_a_role_that_may_not_is_never_admitted(visit):
    shop, visitor = visit()
    reader = shop.key("reader")["Authorization"]
    assert not visitor.twice(TOTAL, authorization=reader)[1].by_flask
    cashier = shop.key("cashier")["Authorization"]

    assert [a.status for a in visitor.twice(TOTAL, authorization=cashier)] == [403, 403]


def test_each_request_has_an_id_a_line_and_a_place_in_the_metrics(visit, capsys):
    _, visitor = visit()
    ids = {visitor.get(TOTAL).headers["x-request-id"] for _ in range(5)}
    own = visitor.get(TOTAL, x_request_id="mine-1")

    assert (len(ids), own.headers["x-request-id"], own.by_flask) == (5, "mine-1", False)
    counted = visitor.get("/metrics").body.decode()
    assert 'smetka_requests_total{method="GET",route="/total_spent/<user_id>",status="200"} 6.0' in counted
    lines = [line for line in capsys.readouterr().out.splitlines() if "/total_spent/<user_id>" in line]
    assert len(lines) == 6
    assert sum("mine-1" in line for line in lines) == 1


def test_a_purpose_in_two_lines_is_read_as_flask_reads_it(visit):
    _, visitor = visit(**BOT)
    visitor.twice(AVERAGES)  # told once: from now on others could be answered at once
    fields = [("sec-purpose", "other"), ("sec-purpose", "prefetch")]
    answers = [at_the_same_time(visitor, AVERAGES, fields=fields)[0] for _ in range(2)]

    assert [a.json()["notification"]["status"] for a in answers] == ["suppressed"] * 2


def test_nobody_is_told_of_a_prefetch(visit):
    shop, visitor = visit(**BOT)
    answers = visitor.twice(AVERAGES, sec_purpose="prefetch")

    assert [a.json()["notification"]["status"] for a in answers] == ["suppressed"] * 2
    assert shop.count("deliveries") == 0

    statuses = [a.json()["notification"]["status"] for a in visitor.twice(AVERAGES)]
    assert (statuses, shop.count("deliveries")) == (["queued", "already_sent"], 2)


def test_what_is_remembered_of_strangers_is_bounded(visitor):
    for number in range(MOST_ADMITTED + 1):
        visitor.get(TOTAL, user_agent=str(number))

    assert visitor.get(TOTAL, user_agent="0").by_flask
    assert not visitor.get(TOTAL, user_agent=str(MOST_ADMITTED)).by_flask


def at_the_same_time(visitor, *paths, fields=()):
    """The answers to requests that are all there before the loop's turn begins."""
    answers = [Answer() for _ in paths]
    scopes = [Scope(path, Fields([("host", "127.0.0.1:8000"), *fields])) for path in paths]

    async def ask():
        both = zip(scopes, answers, strict=True)
        await asyncio.gather(*(visitor.gateway.__rsgi__(scope, answer) for scope, answer in both))

    visitor.loop.run_until_complete(ask())
    return answers


def test_requests_of_one_turn_are_of_one_look(visit, monkeypatch):
    shop, visitor = visit()
    visitor.twice(TOTAL)
    looks = []
    glance = shop.services.ledger.glance
    monkeypatch.setattr(type(shop.services.ledger), "glance", lambda _: looks.append(1) or glance())

    assert [a.status for a in at_the_same_time(visitor, *[TOTAL] * 5)] == [200] * 5
    assert len(looks) == 1


def test_customers_of_one_turn_are_told_apart(visitor):
    visitor.twice(TOTAL)
    paths = [TOTAL, "/total_spent/2", TOTAL, "/total_spent/3"]

    assert [a.json()["user_id"] for a in at_the_same_time(visitor, *paths)] == [1, 2, 1, 3]


def test_what_is_asked_alike_in_one_turn_is_answered_alike_with_ids_of_their_own(visit, monkeypatch):
    shop, visitor = visit()
    expected = visitor.twice(AVERAGES)[0].body
    asked = []
    average_spending = type(shop.services).average_spending
    monkeypatch.setattr(
        type(shop.services), "average_spending", lambda *of: asked.append(1) or average_spending(*of)
    )
    answers = at_the_same_time(visitor, *[AVERAGES] * 5)

    assert [a.body for a in answers] == [expected] * 5
    assert len({a.headers["x-request-id"] for a in answers}) == 5
    assert len(asked) == 1
    assert at_the_same_time(visitor, AVERAGES)[0].body == expected
    assert len(asked) == 2
