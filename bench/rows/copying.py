"""Moving a ledger to a database server."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.commands import run
from bench.databases import Database, Server, count_and_sum, has_clickhouse, serving
from bench.figures import Figure
from bench.ledgers import ledger
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count
from smetka.ledger.copying.batches import BATCH_ROWS
from tests.ledger.servers import USER

_MOST_ROUNDS = 2
_TABLES = {"user_info": "user_id, name, email, age", "user_spending": "user_id, money_spent, year"}

_VACUUM = [f"VACUUM (ANALYZE) bare.{table}" for table in _TABLES]

Bare = Callable[[Path, Database], float]


def copying(sizes: Sizes) -> list[Figure]:
    """`smetka ledger copy` beside a bare cursor and the client's own bulk insert of the same rows."""
    figures = []
    if has_clickhouse():
        mine, bare = _measured(sizes, "clickhouse", _into_clickhouse)
        beside = "a bare sqlite3 cursor and clickhouse-connect's `insert` into the same tables"
        figures.append(_figure(sizes, "ClickHouse", beside, mine, bare, target=1.5))
    mine, bare = _measured(sizes, "postgresql", _into_postgresql)
    beside = "a bare sqlite3 cursor and psycopg's COPY into the same tables, then the same indexes and VACUUM"
    return [*figures, _figure(sizes, "PostgreSQL", beside, mine, bare, target=None)]


def _figure(
    sizes: Sizes, engine: str, beside: str, mine: float, bare: float, *, target: float | None
) -> Figure:
    return Figure(
        f"`smetka ledger copy` of {count(_payments(sizes))} payments to {engine}",
        beside,
        f"{mine:.1f} s",
        f"{bare:.1f} s",
        mine / bare,
        target,
        at_least=False,
    )


def _payments(sizes: Sizes) -> int:
    return sizes.many_payments or sizes.payments


def _measured(sizes: Sizes, engine: str, bare: Bare) -> tuple[float, float]:
    """The shortest copy and the shortest bare one, each into an empty database."""
    source = ledger(sizes.folder, _payments(sizes))
    ours, theirs = [], []
    with serving(engine, sizes.folder) as server, sizes.workplace() as folder:
        for _ in range(min(sizes.rounds, _MOST_ROUNDS)):
            database = _empty(server)
            url = folder / "target.url"
            url.write_text(database.url)
            command = [sys.executable, "-m", "smetka", "ledger", "copy", str(source), f"@{url}"]
            ours.append(run("smetka ledger copy", command, folder).seconds)
            _prove(source, database)
            theirs.append(bare(source, database))
            _prove(source, database)
            server.drop_database(database.name)
    return min(ours), min(theirs)


def _empty(server: Server) -> Database:
    database = server.make_database()
    if server.name == "postgresql":
        # Who copies makes tables; the tests' user only reads.
        server.execute("postgres", f"ALTER DATABASE {database.name} OWNER TO {USER}")
    return database


def _into_clickhouse(source: Path, database: Database) -> float:
    """Into tables declared as the copied ones, which they replace. Seconds, without making the tables."""
    for table in _TABLES:
        database.execute(f"CREATE TABLE bare_{table} AS {table}")
    began = time.perf_counter()
    with closing(database.server.connect(database.name)) as client:
        for table, columns in _TABLES.items():
            for rows in _batches(source, table, columns):
                client.insert(f"bare_{table}", rows, column_names=columns.split(", "))
    took = time.perf_counter() - began
    for table in _TABLES:
        database.execute(f"DROP TABLE {table} SYNC", f"RENAME TABLE bare_{table} TO {table}")
    return took


def _into_postgresql(source: Path, database: Database) -> float:
    """Into tables declared as the copied ones, which they replace. Seconds, without making the tables."""
    indexes = database.execute(
        "SELECT replace(indexdef, ' ON public.', ' ON bare.') FROM pg_indexes "
        "WHERE schemaname = 'public' AND tablename IN ('user_info', 'user_spending')"
    )
    database.execute(
        "CREATE SCHEMA bare", *(f"CREATE TABLE bare.{table} (LIKE public.{table})" for table in _TABLES)
    )
    began = time.perf_counter()
    with closing(database.server.connect(database.name)) as connection, connection.cursor() as cursor:
        for table, columns in _TABLES.items():
            with cursor.copy(f"COPY bare.{table} ({columns}) FROM STDIN") as copy:
                for rows in _batches(source, table, columns):
                    for row in rows:
                        copy.write_row(row)
        for statement in (*(definition for (definition,) in indexes), *_VACUUM):
            cursor.execute(statement)
    took = time.perf_counter() - began
    for table in _TABLES:
        database.execute(f"DROP TABLE public.{table}", f"ALTER TABLE bare.{table} SET SCHEMA public")
    return took


def _batches(source: Path, table: str, columns: str) -> Iterator[list[Any]]:
    with closing(sqlite3.connect(source)) as bare:
        cursor = bare.execute(f"SELECT {columns} FROM {table}")
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield rows


def _prove(source: Path, database: Database) -> None:
    """Every payment is there, to the cent."""
    with closing(sqlite3.connect(source)) as bare:
        question = "SELECT COUNT(*), SUM(CAST(ROUND(money_spent * 100) AS INTEGER)) FROM user_spending"
        payments, cents = bare.execute(question).fetchone()
    found, total = count_and_sum(database)
    if (found, int(total * 100)) != (payments, cents):
        raise WrongAnswer(f"{found} payments of {total} were copied, not {payments} of {cents} cents")
