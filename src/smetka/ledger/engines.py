"""The database engines a ledger can be in: how each writes its values and its SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import CompoundSelect

from smetka.ledger.layout import Engine
from smetka.ledger.server_values import ClickHouseValues, PostgreSQLValues
from smetka.ledger.sqlite_values import SQLiteValues
from smetka.ledger.values import Values

VALUES: dict[Engine, Values] = {
    "sqlite": SQLiteValues(),
    "postgresql": PostgreSQLValues(),
    "clickhouse": ClickHouseValues(),
}

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::\w+)?|\{(\w+):[^}]*\}|(?<!:):([a-z_]+)\b")


_NEEDED: dict[Engine, str] = {"clickhouse": "\nSETTINGS join_use_nulls = 1"}
"""What who runs a statement says besides, and a person has to say, too."""


class _ClickHouseCompiler(SQLCompiler):
    """Standard SQL, with parameters as ClickHouse's server takes them: each has its type beside it."""

    def bindparam_string(self, name: str, *_: Any, **__: Any) -> str:
        if name.startswith("pattern"):
            return f"{{{name}:String}}"
        # NULL stands for what no column could hold.
        types = dict.fromkeys(("year", "user_id"), "Nullable(Int64)") | {"user_ids": "Array(Int64)"}
        return f"{{{name}:{types.get(name, 'Int64')}}}"


class _ClickHouseDialect(DefaultDialect):
    statement_compiler = _ClickHouseCompiler


@cache
def _dialect(engine: Engine) -> Dialect:
    # Imported when asked for: PostgreSQL's takes a tenth of a command's start, and most ledgers are a file.
    match engine:
        case "sqlite":
            from sqlalchemy.dialects.sqlite import dialect as sqlite

            return sqlite(paramstyle="named")
        case "postgresql":
            from sqlalchemy.dialects.postgresql.psycopg import dialect as postgresql

            return postgresql()  # type: ignore[no-untyped-call]
        case "clickhouse":
            return _ClickHouseDialect()


def sql_of(
    statement: Select[*tuple[Any, ...]] | CompoundSelect[Any], engine: Engine, *, literal: bool = False
) -> str:
    """A statement as an engine's SQL, its parameters as who runs it takes them.

    Args:
        literal: no parameters; values of the code's own stand in it.
    """
    options = {"literal_binds": True} if literal else {}
    return str(statement.compile(dialect=_dialect(engine), compile_kwargs=options))


def as_shown(sql: str, engine: Engine, values: Mapping[str, int]) -> str:
    """The same for people: with the values of parameters in their places, others as `:name`.

    With all of them it can be run as it stands. They are whole numbers, which need no quotes.
    """

    def value(name: str) -> str:
        return str(int(values[name])) if name in values else f":{name}"

    shown = _PARAMETER.sub(lambda found: value(found[1] or found[2] or found[3]), sql).replace("%%", "%")
    return shown + _NEEDED.get(engine, "")
