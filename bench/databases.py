"""Ledgers on database servers: the servers of the tests, filled by the formula of `bench.ledgers`."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from bench.ledgers import customers
from tests.ledger.servers import SERVERS, Database, Server

# As one sets up a server of a few gigabytes; the tests' own has next to nothing.
_POSTGRESQL_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
}

# Tables as `smetka ledger copy` makes them.
_FILL = {
    "postgresql": """
        CREATE TABLE user_info (user_id bigint PRIMARY KEY, name text, email text, age integer);
        CREATE TABLE user_spending (user_id bigint, money_spent numeric(14, 2), year integer);
        INSERT INTO user_info
        SELECT i, 'Customer ' || i, 'customer' || i || '@example.com', 15 + i * 2654435761 % 4294967296 % 71
        FROM generate_series(1::bigint, {customers}) AS n (i);
        INSERT INTO user_spending
        SELECT 1 + i * 2654435761 % 4294967296 % {customers},
               (i * 2246822519 % 4294967296 % 500000 + 1) / 100.0, 2023 + i / 7 % 4
        FROM generate_series(1::bigint, {payments}) AS n (i);
        CREATE INDEX payments_of_customer ON user_spending (user_id, year, money_spent);
        VACUUM (ANALYZE) user_info;
        VACUUM (ANALYZE) user_spending
    """,
    "clickhouse": """
        CREATE TABLE user_info (user_id Int64, name String, email String, age Nullable(Int16))
        ENGINE = MergeTree ORDER BY user_id;
        CREATE TABLE user_spending (
            user_id Nullable(Int64), money_spent Nullable(Decimal(14, 2)), year Nullable(Int32)
        )
        ENGINE = MergeTree
        PARTITION BY ifNull(if(year BETWEEN 2000 AND 2079, year, 0), 0) ORDER BY (user_id, year)
        SETTINGS allow_nullable_key = 1;
        INSERT INTO user_info
        SELECT number, 'Customer ' || toString(number), 'customer' || toString(number) || '@example.com',
               15 + number * 2654435761 % 4294967296 % 71
        FROM numbers(1, {customers});
        INSERT INTO user_spending
        SELECT 1 + number * 2654435761 % 4294967296 % {customers},
               toDecimal64(number * 2246822519 % 4294967296 % 500000 + 1, 2) / 100,
               2023 + intDiv(number, 7) % 4
        FROM numbers(1, {payments});
        OPTIMIZE TABLE user_info FINAL;
        OPTIMIZE TABLE user_spending FINAL
    """,
}

_SIZE = {
    "postgresql": "SELECT pg_total_relation_size('user_info') + pg_total_relation_size('user_spending')",
    "clickhouse": "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()",
}


def has_clickhouse() -> bool:
    """ClickHouse's engine is installed; if not, stderr is told what is left out."""
    if importlib.util.find_spec("chdb"):
        return True
    print("ClickHouse is left out: its engine is not installed (make .venv/clickhouse).", file=sys.stderr)
    return False


@contextmanager
def serving(engine: str, folder: Path) -> Iterator[Server]:
    """A server of that engine, its data in `folder` until it is stopped.

    Run by root, PostgreSQL runs as somebody else, who may not get into the folder: then its data is in
    the system's folder for temporary files.
    """
    if engine == "postgresql" and os.geteuid() == 0 and not _open_to_all(folder):
        folder = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=f"smetka-{engine}-", ignore_cleanup_errors=True
    ) as home:
        server = SERVERS[engine](Path(home))
        try:
            if engine == "postgresql":
                changes = (f"ALTER SYSTEM SET {name} = '{to}'" for name, to in _POSTGRESQL_SETTINGS.items())
                server.execute("postgres", *changes)
                server.stop()
                server.start()
            yield server
        finally:
            server.stop()


def fill(database: Database, payments: int) -> None:
    """Make the ledger of so many payments in an empty database, indexed and analysed."""
    script = _FILL[database.server.name].format(payments=payments, customers=customers(payments))
    database.execute(*script.split(";"))


def pay(database: Database) -> None:
    """Commit one more payment, as the shop would."""
    database.insert("user_spending", [(1, Decimal("12.34"), 2026)])


def count_and_sum(database: Database) -> tuple[int, Decimal]:
    """All payments, and what they come to."""
    [(count, total)] = database.execute("SELECT count(*), sum(money_spent) FROM user_spending")
    return count, total


def bytes_on_disk(database: Database) -> int:
    """What the ledger takes, indexes included."""
    return int(database.execute(_SIZE[database.server.name])[0][0])


def _open_to_all(folder: Path) -> bool:
    whole = folder.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (whole, *whole.parents))
