"""Ledgers on database servers: averages computed afresh, and the total of one customer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from typing import Any

import psycopg

from bench import rivals
from bench.contest import Contestant, best
from bench.databases import Database, fill, has_clickhouse, pay, serving
from bench.figures import Figure
from bench.ledgers import GROUPS, random_ids
from bench.load import Load, WrongAnswer
from bench.rows.averages import PATH, counted
from bench.rows.sizes import Sizes, count
from bench.rows.totals import is_total
from bench.servers import Server, smetka
from smetka.ledger import Ledger
from smetka.ledger.clickhouse import STATE_SECONDS, _limits
from smetka.ledger.group_statements import spending_by_group
from smetka.ledger.limits import USUAL
from smetka.ledger.server import MOST_REMEMBERED_SECONDS

_IDS = 20_000
_MARGIN_SECONDS = 0.5

Ask = Callable[[str], Any]
Bare = Callable[[Database], AbstractContextManager[Ask]]


def engines(sizes: Sizes) -> list[Figure]:
    """Averages on PostgreSQL and ClickHouse, and `/total_spent/<id>` on PostgreSQL."""
    figures = []
    with serving("postgresql", sizes.folder) as server:
        figures.append(
            _averages(sizes, server.make_database(), "PostgreSQL", "psycopg's own cursor", _bare_postgresql)
        )
        figures.append(_totals(sizes, server.make_database()))
    if has_clickhouse():
        with serving("clickhouse", sizes.folder) as server:
            figures.append(
                _averages(
                    sizes,
                    server.make_database(),
                    "ClickHouse",
                    "clickhouse-connect's own `query`",
                    _bare_clickhouse,
                )
            )
    return figures


def _averages(sizes: Sizes, database: Database, engine: str, client: str, bare: Bare) -> Figure:
    payments = _many(sizes)
    fill(database, payments)
    ours, theirs = [], []
    with closing(Ledger(database.url)) as ledger:
        same = spending_by_group(ledger.read(lambda opened: opened.layout), GROUPS, by_year=False).sql
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", database.url) as server,
        bare(database) as ask,
    ):
        took = _asked(server, payments)
        for number in range(1, sizes.rounds + 1):
            pay(database)
            # What was worked out counts as current for so long.
            time.sleep(min(max(STATE_SECONDS, 5 * took), MOST_REMEMBERED_SECONDS) + _MARGIN_SECONDS)
            if number % 2:
                theirs.append(_seconds(lambda: ask(same)))
            took = _asked(server, payments + number)
            ours.append(took)
            if not number % 2:
                theirs.append(_seconds(lambda: ask(same)))
    mine, others = min(ours), min(theirs)
    return Figure(
        f"averages computed afresh on {engine}, {count(payments)} payments",
        f"the same statement by {client}",
        f"{mine:.3f} s",
        f"{others:.3f} s",
        mine / others,
        1.2,
        at_least=False,
    )


def _many(sizes: Sizes) -> int:
    return sizes.many_payments or sizes.payments


def _asked(server: Server, payments: int) -> float:
    """Ask over HTTP; the answer must be made of so many payments, so that it is no remembered one."""
    began = time.perf_counter()
    status, body = server.ask(PATH)
    took = time.perf_counter() - began
    if status != 200 or counted(json.loads(body)) != payments:
        raise WrongAnswer(f"of {payments:,} payments {server.name} answered {status} with {body[:300]!r}")
    return took


def _seconds(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


@contextmanager
def _bare_postgresql(database: Database) -> Iterator[Ask]:
    address = database.url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        yield lambda sql: connection.execute(sql, {}).fetchall()


@contextmanager
def _bare_clickhouse(database: Database) -> Iterator[Ask]:
    with closing(database.server.connect(database.name)) as client:
        yield lambda sql: client.query(sql, settings=_limits(USUAL.long_question)).result_rows


def _totals(sizes: Sizes, database: Database) -> Figure:
    fill(database, sizes.payments)
    ids = random_ids(sizes.payments, _IDS)
    right = float(
        database.execute(f"SELECT sum(money_spent) FROM user_spending WHERE user_id = {ids[0]}")[0][0]
    )
    load = partial(Load, "/total_spent/{id}", ids=ids, seconds=sizes.seconds)
    with ExitStack() as stack:
        folder = stack.enter_context(sizes.workplace())
        ours = Contestant(
            stack.enter_context(smetka(folder / "smetka", database.url)),
            load(holds='"total_spending"'),
            lambda answer: answer["total_spending"] == right,
        )
        environment = {"BENCH_LEDGER": database.url}
        others = [
            Contestant(
                stack.enter_context(
                    rivals.on_granian(
                        "pooled", folder, environment, threads=threads, ready_path="/total_spent/1"
                    )
                ),
                load(holds='"total"'),
                partial(is_total, right),
            )
            for threads in rivals.THREADS
        ]
        mine, one, four = (answers.rate for answers in best([ours, *others], sizes.rounds))
    faster, threads = max(one, four), 1 if one >= four else 4
    return Figure(
        f"`/total_spent/<id>` on PostgreSQL, {count(sizes.payments)} payments",
        f"a bare Flask view with one Core SELECT, the same pool, {threads} thread(s)",
        f"{mine:,.0f}/s",
        f"{faster:,.0f}/s",
        mine / faster,
        0.8,
        at_least=True,
    )
