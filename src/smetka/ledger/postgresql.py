"""A ledger in PostgreSQL 13 or later."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy.pool import QueuePool

from smetka.core.errors import WrongUsage
from smetka.ledger.layout import COPYING, CUSTOMERS, INDEXED, PAYMENTS, PERSONAL, Layout
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.server import ServerSource, Session, kinds_of
from smetka.ledger.values import Kind
from smetka.settings.ledger_location import Server

try:
    import psycopg
    from psycopg.abc import RV, PQGen
    from psycopg.types.numeric import NumericLoader
except ImportError:
    raise WrongUsage(
        "A ledger in PostgreSQL needs one more package: pip install 'smetka[postgresql]'."
    ) from None

T = TypeVar("T")

_CONNECTIONS_KEPT = 4
_ROWS_AT_A_TIME = 1000

_INTEGERS, _FLOATS = {"int2", "int4", "int8"}, {"float4", "float8"}
_TEXTS = {"text", "varchar", "bpchar", "citext", "name"}
_OTHERS: Mapping[str, Kind] = {"numeric": "decimal", "money": "money"}

_DECLARED = """
    SELECT attribute.attname, base.typname
    FROM pg_attribute AS attribute
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    JOIN pg_type AS base ON base.oid = coalesce(nullif(type.typbasetype, 0), type.oid)
    WHERE attribute.attrelid = to_regclass(%(table)s) AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""

_INDEXES = """
    SELECT class.relname, index.indisunique, index.indnkeyatts, ARRAY(
        SELECT coalesce(attribute.attname, '')
        FROM unnest(index.indkey::int2[]) WITH ORDINALITY AS key (number, place)
        LEFT JOIN pg_attribute AS attribute
            ON attribute.attrelid = index.indrelid AND attribute.attnum = key.number AND key.number > 0
        ORDER BY key.place)
    FROM pg_index AS index JOIN pg_class AS class ON class.oid = index.indexrelid
    WHERE index.indrelid = to_regclass(%(table)s) AND index.indpred IS NULL AND index.indisvalid
"""

_IS_THERE = "SELECT to_regclass(%(table)s) IS NOT NULL"
_IS_TABLE = "SELECT relkind IN ('r', 'p', 'm') FROM pg_class WHERE oid = to_regclass(%(table)s)"

# Fail where the user may not.
_MAY_READ = (
    "SELECT user_id, age FROM user_info LIMIT 0",
    "SELECT user_id, year, money_spent FROM user_spending LIMIT 0",
)

# One set of rows that anybody sees has one snapshot; it also changes when others of the server write.
_STATE = "SELECT pg_current_snapshot()::text"

_SESSION = """
    SELECT set_config('default_transaction_read_only', %(read_only)s, false),
           set_config('statement_timeout', %(statement)s, false),
           set_config('lock_timeout', %(lock)s, false),
           set_config('application_name', %(name)s, false)
"""


class PostgreSQL(ServerSource):
    """Connections in a pool, on which every statement is a read-only transaction of its own."""

    FOREIGN_ERRORS = (psycopg.Error, OSError)

    def __init__(self, server: Server, *, even_unfinished: bool = False, limits: Limits = USUAL) -> None:
        super().__init__(server, even_unfinished=even_unfinished, limits=limits)
        opens: Any = self._connect
        # A pool without an engine: its bookkeeping would double the time of a question.
        self._pool = QueuePool(
            opens, pool_size=_CONNECTIONS_KEPT, max_overflow=-1, use_lifo=True, reset_on_return=None
        )

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        self._pool.dispose()

    @contextmanager
    def connection(self, seconds: float) -> Iterator[Connection]:
        """A connection of the pool; one that breaks takes the idle ones with it, which are as old."""
        pooled = self._pool.connect()
        connection: Any = pooled.dbapi_connection
        try:
            connection.seconds = seconds
            yield connection
        except BaseException:
            if connection.closed:
                pooled.invalidate()
                self._pool.dispose()
            raise
        finally:
            pooled.close()

    def ask(self, seconds: float, do: Callable[[Connection], T]) -> T:
        """Use a connection; when an idle one turns out to be broken, another one."""
        while True:
            with self.connection(seconds) as connection:
                is_new, connection.is_new = connection.is_new, False
                try:
                    return do(connection)
                except psycopg.OperationalError:
                    if is_new or not connection.closed or connection.timed_out:
                        raise
            # Nothing was written, so that asking twice is asking once.
            self._pool.dispose()

    def _session(self, layout: Layout, seconds: float) -> Session:
        return _Session(self, layout, seconds + self._limits.grace)

    def _connect(self) -> Connection:
        connection = connect(self._server, self._limits, read_only=True, name="smetka")
        connection.adapters.register_loader("numeric", _WholeNumericLoader)
        return connection

    def _read_layout(self) -> Layout:
        return self.ask(self._limits.connect, _layout)

    def _read_state(self) -> Hashable:
        return self.ask(self._limits.connect, lambda connection: connection.execute(_STATE).fetchone())

    def _is_of_declarations(self, error: Exception) -> bool:
        return isinstance(error, psycopg.ProgrammingError | psycopg.DataError | psycopg.NotSupportedError)

    def _explain(self, error: Exception) -> str:
        state = getattr(error, "sqlstate", None)
        if isinstance(error, psycopg.ProgrammingError) and state is None:
            # libpq's own words about a URL may hold a part of the password.
            return (
                "the URL cannot be read; @ : / # ? and % in a password are written %40 %3A %2F %23 %3F %25."
            )
        match state:
            case "57014":
                return "the answer took too long and was given up."
            case "55P03":
                return "a table is locked by another program."
            case "42501":
                return f"the user may not read it ({first_line(error)}); grant SELECT on both tables."
            case _:
                return f"{first_line(error)}."


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up on a server which does not answer.

    Attributes:
        seconds: how long the next answer may take.
        limits: of what else it waits for.
        is_new: nothing was asked on it yet.
        timed_out: it gave up, and closed itself.
    """

    seconds: float = USUAL.connect
    limits = USUAL
    is_new = True
    timed_out = False

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg's, within the limit."""
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - it has no other name
            if timeout is not None:
                raise
            self.timed_out = True
            with suppress(psycopg.Error, OSError):
                self.cancel_safe(timeout=self.limits.cancel)
            self.close()
            raise psycopg.OperationalError("the server did not answer in time") from None


def connect(server: Server, limits: Limits, *, read_only: bool, name: str) -> Connection:
    """A connection on which every statement is a transaction of its own, with limits.

    Args:
        name: what the server calls it.

    Raises:
        psycopg.Error, OSError: the server cannot be reached, or does not let one in.
    """
    connection = Connection.connect(
        f"postgresql://{server.address}",
        autocommit=True,
        connect_timeout=limits.connect,
        client_encoding="utf-8",
    )
    connection.seconds, connection.limits = limits.connect, limits
    session = {
        "read_only": "on" if read_only else "off",
        "name": name,
        "statement": f"{limits.long_question}s",
        "lock": f"{limits.table_lock * 1000:.0f}ms",
    }
    try:
        connection.execute(_SESSION, session)
    except BaseException:
        connection.close()
        raise
    return connection


class _Session(Session):
    def __init__(self, source: PostgreSQL, layout: Layout, seconds: float) -> None:
        super().__init__(layout, seconds)
        self._source = source

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        try:
            return self._source.ask(
                self.seconds,
                lambda connection: connection.execute(sql, parameters).fetchall(),
            )
        except psycopg.errors.UntranslatableCharacter:
            return []  # what is looked for has letters that this database cannot hold

    def fold(self, sql: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Any]], T]) -> T:
        def stream(connection: Connection) -> T:
            with connection.cursor() as cursor:
                rows: Any = cursor.stream(sql, parameters, size=_ROWS_AT_A_TIME)
                with closing(rows):  # cancels what was not taken
                    return take(rows)

        return self._source.ask(self.seconds, stream)


class _WholeNumericLoader(NumericLoader):
    """Sums of whole cents are numeric, and whole."""

    def load(self, data: Any) -> Any:
        text = bytes(data)
        return super().load(data) if b"." in text or not text.strip(b"-+").isdigit() else int(text)


def _layout(connection: Connection) -> Layout:
    declared = {
        table: dict(connection.execute(_DECLARED, {"table": table}).fetchall())
        for table in (CUSTOMERS, PAYMENTS)
    }
    kinds = kinds_of(declared, _kind_of)
    for statement in _MAY_READ:
        connection.execute(statement)
    ids_unique, index = False, None
    for _, unique, keys, columns in connection.execute(_INDEXES, {"table": CUSTOMERS}).fetchall():
        ids_unique = ids_unique or (unique and columns[:keys] == ["user_id"])
    for name, _, _, columns in connection.execute(_INDEXES, {"table": PAYMENTS}).fetchall():
        index = name if columns[:1] == [INDEXED[0]] else index
    found = connection.execute(_IS_TABLE, {"table": PAYMENTS}).fetchone()
    [(is_unfinished,)] = connection.execute(_IS_THERE, {"table": COPYING}).fetchall()
    return Layout(
        kinds,
        ids_unique,
        index,
        indexable=bool(found and found[0]),
        personal=frozenset(PERSONAL & declared[CUSTOMERS].keys()),
        engine="postgresql",
        is_unfinished=is_unfinished,
    )


def _kind_of(declared: str) -> Kind | None:
    if declared in _INTEGERS:
        return "integer"
    if declared in _FLOATS:
        return "float"
    if declared in _TEXTS:
        return "text"
    return _OTHERS.get(declared)


def first_line(error: Exception) -> str:
    """What a server said, without where and why in its code."""
    return (str(error).strip().splitlines() or ["no reason was given"])[0].rstrip(".")
