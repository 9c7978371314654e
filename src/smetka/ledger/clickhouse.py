"""A ledger in ClickHouse, asked over its HTTP interface."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from smetka.core.errors import WrongUsage
from smetka.ledger.layout import COPYING, CUSTOMERS, INDEXED, PAYMENTS, PERSONAL, Layout
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.server import ServerSource, Session, kinds_of
from smetka.ledger.values import Kind
from smetka.settings.ledger_location import Server

try:
    import clickhouse_connect
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.exceptions import ClickHouseError
except ImportError:
    raise WrongUsage(
        "A ledger in ClickHouse needs one more package: pip install 'smetka[clickhouse]'."
    ) from None

T = TypeVar("T")

STATE_SECONDS = 5
"""Nothing cheap tells whether a table changed: what was worked out counts as current this long."""

_FAILURE_SECONDS = 1.0

_SETTINGS: Mapping[str, Any] = {
    "readonly": 2,  # reads and settings only
    "join_use_nulls": 1,  # what an outer join does not find is NULL, as elsewhere
    "prefer_column_name_to_alias": 1,
    "session_timezone": "UTC",
}

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
_KINDS: Mapping[str, Kind] = {"Int": "integer", "UInt": "integer", "Decimal": "decimal", "Float": "float"}
_TEXTS = {"String", "FixedString"}


class ClickHouse(ServerSource):
    """One client of the server's HTTP interface, with a pool of connections in it."""

    FOREIGN_ERRORS = (ClickHouseError, OSError)

    def __init__(self, server: Server, *, even_unfinished: bool = False, limits: Limits = USUAL) -> None:
        super().__init__(server, even_unfinished=even_unfinished, limits=limits)
        self._connecting = threading.Lock()
        # A client waits as long for every answer.
        self._clients: dict[float, Client] = {}
        self._failed: tuple[float, Exception] | None = None

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        with self._connecting:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def client(self, seconds: float) -> Client:
        """A connected client that waits so long for an answer; its errors are of `FOREIGN_ERRORS`."""
        if (client := self._clients.get(seconds)) is not None:
            return client
        with self._connecting:
            if seconds not in self._clients:
                # Those who waited for one who waited in vain do not wait for themselves, too.
                if self._failed is not None and time.monotonic() - self._failed[0] < _FAILURE_SECONDS:
                    raise self._failed[1]
                try:
                    self._clients[seconds] = connect(
                        self._server, seconds=seconds + self._limits.grace, limits=self._limits
                    )
                except self.FOREIGN_ERRORS as error:
                    self._failed = time.monotonic(), error
                    raise
                self._failed = None
            return self._clients[seconds]

    def _session(self, layout: Layout, seconds: float) -> Session:
        return _Session(self.client(seconds), layout, seconds)

    def _read_layout(self) -> Layout:
        seconds = self._limits.connect
        client = self.client(seconds)
        declared = {table: _columns(client, table, seconds) for table in (CUSTOMERS, PAYMENTS)}
        kinds = kinds_of(declared, _kind_of)
        engines = client.query(
            "SELECT sorting_key, engine FROM system.tables WHERE database = currentDatabase() "
            "AND name = {table:String}",
            parameters={"table": PAYMENTS},
            settings=_limits(seconds),
        ).result_rows
        keys = [key for key, _ in engines if key.split(",")[0].strip() == INDEXED[0]]
        return Layout(
            kinds,
            ids_unique=False,
            index=keys[0] if keys else None,
            indexable=any("View" not in engine for _, engine in engines),
            personal=frozenset(PERSONAL & declared[CUSTOMERS].keys()),
            engine="clickhouse",
            is_unfinished=bool(_columns(client, COPYING, seconds)),
        )

    def _read_state(self) -> Hashable:
        seconds = self._limits.connect
        self.client(seconds).query("SELECT 1", settings=_limits(seconds))
        return int(time.monotonic() // STATE_SECONDS)

    def _is_of_declarations(self, error: Exception) -> bool:
        return isinstance(error, ClickHouseError)

    def _explain(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        if "TIMEOUT_EXCEEDED" in text or "timed out" in text.lower():
            return "the answer took too long and was given up."
        if "AUTHENTICATION_FAILED" in text:
            return "the user or the password is wrong."
        if "UNKNOWN_DATABASE" in text:
            return "there is no such database."
        if "ACCESS_DENIED" in text or "Not enough privileges" in text:
            return "the user may not read it; grant SELECT on both tables."
        if "Cannot modify" in text and "readonly" in text:
            return "the user may not change settings of a question; give it the profile setting readonly = 2."
        if isinstance(error, OSError) or "Connection" in text or "connect" in text.lower():
            return "the server cannot be reached."
        return f"{text[:300].rstrip('.')}."


class _Session(Session):
    def __init__(self, client: Client, layout: Layout, seconds: float) -> None:
        super().__init__(layout, seconds)
        self._client = client

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        answer = self._client.query(sql, parameters=dict(parameters), settings=_limits(self.seconds))
        return list(answer.result_rows)

    def fold(self, sql: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Any]], T]) -> T:
        stream = self._client.query_rows_stream(
            sql, parameters=dict(parameters), settings=_limits(self.seconds)
        )
        with stream as rows:
            return take(iter(rows))


def connect(server: Server, *, seconds: float, limits: Limits = USUAL, **settings: Any) -> Client:
    """A client of the server, which threads may share.

    Args:
        seconds: how long to wait for bytes of an answer.
        settings: the server's, of everything that is asked.

    Raises:
        ClickHouseError, OSError: it cannot be reached, or does not let one in.
    """
    parts = urlsplit(f"clickhouse://{server.address}")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    secure = options.get("secure", "").lower() in {"1", "true", "yes"} or parts.port == 8443
    return clickhouse_connect.get_client(
        host=parts.hostname or "localhost",
        port=parts.port or (8443 if secure else 8123),
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or "default",
        secure=secure,
        connect_timeout=limits.connect,
        send_receive_timeout=int(seconds),
        query_retries=0,
        autogenerate_session_id=False,  # a session would let one question in at a time
        settings=settings,
        client_name="smetka",
    )


def _limits(seconds: float) -> dict[str, Any]:
    return {**_SETTINGS, "max_execution_time": int(seconds)}


def _columns(client: Client, table: str, seconds: float) -> dict[str, str]:
    columns = client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        parameters={"table": table},
        settings=_limits(seconds),
    )
    return {name: declared for name, declared in columns.result_rows}  # noqa: C416 - rows are no pairs


def _kind_of(declared: str) -> Kind | None:
    while match := _WRAPPED.fullmatch(declared):
        declared = match[1]
    name = re.split(r"[(\d]", declared, maxsplit=1)[0]
    return "text" if name in _TEXTS else _KINDS.get(name)
