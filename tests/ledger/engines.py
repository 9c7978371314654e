"""Ledgers as each engine naturally holds them, generated, and the same ones as the oracle reads them."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.ledger.servers import has_clickhouse

ENGINES = ["sqlite", "postgresql", *(["clickhouse"] if has_clickhouse() else [])]
SERVED = ENGINES[1:]

LARGEST = 2**63 - 1
NAN, INFINITE = float("nan"), math.inf
NAMES = (
    "Ана Петровска",
    "АНА",
    "ана-марија",
    "Bob Anaheim",
    "100% Off",
    "under_score",
    "back\\slash",
    'O\'Brien "Bo"',
    "<script>alert(1)</script>",
    "{user_id} %(year)s :limit ?",
    "",
    None,
    "42",
)
SEARCHES = ["", "ана", "Ана", "АНА", "ana", "%", "_", "\\", "'", '"', "<SCRIPT>", "7", "42", "007", "b", "100%", "{u", ":limit", "nobody", "日本"]  # fmt: skip
DATED = (2023, 2023, 2024, 2025, 1900, 2027, None)
ODD_TEXTS = (None, "abc", "", "1e3", ".5", "5.", "+5.25", "-3.10", "--5", "1.2.3", "12,50", "12.50 ", "٣", "NaN", "Infinity", "10000000000.01", "9" * 30)  # fmt: skip


def exact(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def real(cents: int) -> float:
    return cents / 100


def text(cents: int) -> str:
    return f"{exact(cents):.2f}"


def whole(cents: int) -> int:
    return cents // 100


def small(cents: int) -> Decimal:
    return exact(cents % 10**9)


def with_birth(user_id, name, email, age) -> tuple:
    return user_id, name, email, None if age is None else 2026 - age


def with_date(user_id, amount, year) -> tuple:
    return (
        user_id,
        None if amount is None else int(amount * 100),
        None if year is None else date(year, 12, 31),
    )


def both_tables(columns: str, engine: str = "") -> list[str]:
    tables = zip(("user_info", "user_spending"), columns.split("|"), strict=True)
    return [f"CREATE TABLE {table} ({declared.strip()}) {engine}" for table, declared in tables]


def merge_tree(columns: str, key: str = "user_id") -> list[str]:
    return both_tables(columns, f"ENGINE = MergeTree ORDER BY {key}")


@dataclass(frozen=True)
class Layout:
    """How tables are declared, and what can stand in them.

    Attributes:
        tables: the statements that make them.
        stored: cents as the column of amounts holds them.
        ids: of customers; those who pay are among them, and among `payers`.
        twice: an id can stand there twice, or be missing.
        nameless: there are no columns `name` and `email`.
        into: the two tables that are written into.
        customer, payment: what a row is there, when those are other tables.
        options: of the database.
    """

    tables: Sequence[str]
    stored: Callable[[int], Any] = exact
    amounts: Sequence[Any] = (None,)
    ages: Sequence[Any] = (None, None, 0, 17, 18, 24, 25, 33, 47, 48, 99, 150, 151, -1)
    years: Sequence[Any] = (2023, 2023, 2024, 2025, 1899, 2027, 0, -1, None)
    ids: Sequence[Any] = (*range(1, 40), 0, -5, 2**31 - 1, 2**53 + 1, LARGEST)
    payers: Sequence[Any] = (None, 100, 101, -7)
    names: Sequence[Any] = NAMES
    twice: bool = False
    nameless: bool = False
    customer: Callable[..., tuple] = lambda *row: row
    payment: Callable[..., tuple] = lambda *row: row
    into: tuple[str, str] = ("user_info", "user_spending")
    options: Sequence[str] = field(default=())


NATURAL = Layout(
    both_tables(
        "user_id bigint PRIMARY KEY, name text, email text, age integer | user_id bigint, money_spent numeric(14,2), year integer"
    )
)
POSTGRESQL = {
    "natural": NATURAL,
    "real numbers": Layout(
        both_tables(
            "user_id bigint PRIMARY KEY, name varchar(99), email varchar(99), age double precision"
            " | user_id bigint, money_spent double precision, year double precision"
        ),
        stored=real,
        amounts=(None, NAN, INFINITE, -INFINITE, 1e300, 10000000000.01, 0.1, 0.2, 0.7),
        ages=(None, 17.9, 18.0, 30.5, 150.9, 151.0, -0.5, NAN, INFINITE, 1e300),
        years=(2023.0, 2024.0, 2023.5, None, NAN, INFINITE, 1e300),
    ),
    "no key, numbers of any size": Layout(
        both_tables(
            "user_id bigint, name text, email text, age numeric | user_id bigint, money_spent numeric, year numeric"
        ),
        amounts=(None, Decimal("NaN"), Decimal("Infinity"), Decimal("1e300"), Decimal("10000000000.01"), 7),
        ages=(None, 20, Decimal("17.9"), Decimal("150.9"), 151, Decimal("NaN"), Decimal("Infinity"), 10**40),
        years=(2023, 2024, Decimal("2023.5"), None, Decimal("NaN"), Decimal("Infinity"), 10**30),
        twice=True,
    ),
    "whole amounts": Layout(
        both_tables(
            "user_id integer UNIQUE, name text, email text, age smallint | user_id integer, money_spent bigint, year smallint"
        ),
        stored=whole,
        amounts=(None, 10**10, 10**10 + 1, LARGEST, -LARGEST - 1),
        ids=(*range(1, 40), 0, -5, 2**31 - 1),
        twice=False,
    ),
    "texts": Layout(
        both_tables(
            "user_id integer, name text, email char(30), age text | user_id bigint, money_spent text, year varchar(9)"
        ),
        stored=text,
        amounts=ODD_TEXTS,
        ages=(None, "20", "42.7", "x", "", "151", "-1", "+33", "1e1", "9" * 30),
        years=("2023", "2024", "02024", "2023.5", "2024.0", "x", "", None, "-1"),
        ids=(*range(1, 40), 0, -5, 2**31 - 1),
        twice=True,
    ),
    "money": Layout(
        both_tables(
            "user_id bigint PRIMARY KEY, name text, email text, age integer | user_id bigint, money_spent money, year integer"
        ),
        amounts=(None, Decimal("10000000000.01")),
    ),
    "numeric ids": Layout(
        both_tables(
            "user_id numeric UNIQUE, name text, email text, age integer | user_id numeric, money_spent numeric(20,4), year integer"
        ),
        ids=(*range(1, 30), 0, -5, LARGEST, Decimal("2.5"), Decimal("0.1")),
    ),
    "views": Layout(
        [
            "CREATE SCHEMA shop",
            "CREATE TABLE shop.people (id integer, name text, mail text, born integer)",
            "CREATE TABLE shop.orders (who bigint, price integer, paid date)",
            "CREATE VIEW user_info AS SELECT id AS user_id, name, mail AS email, 2026 - born AS age FROM shop.people",
            "CREATE VIEW user_spending AS SELECT who AS user_id, price / 100.0 AS money_spent, extract(year FROM paid) AS year FROM shop.orders",
        ],
        stored=small,
        years=DATED,
        into=("shop.people", "shop.orders"),
        customer=with_birth,
        payment=with_date,
        ids=(*range(1, 40), 0, -5, 2**31 - 1),
        twice=True,
    ),
    "another schema": Layout(
        [
            "CREATE SCHEMA shop",
            *(
                statement.replace("TABLE ", "TABLE shop.")
                for statement in both_tables(
                    "user_id bigint PRIMARY KEY, extra text, called text, age integer"
                    " | user_id bigint, money_spent numeric(14,2), year integer"
                )
            ),
            "CREATE TABLE public.user_info (nothing text)",
            "ALTER ROLE smetka IN DATABASE {database} SET search_path = shop, public",
        ],
        into=("shop.user_info", "shop.user_spending"),
        nameless=True,
    ),
    "partitions and domains": Layout(
        [
            "CREATE DOMAIN customer AS bigint CHECK (VALUE > -10)",
            "CREATE DOMAIN price AS numeric(14,2)",
            "CREATE TABLE user_info (user_id customer PRIMARY KEY, name text, email text, age integer)",
            "CREATE TABLE user_spending (user_id customer, money_spent price, year integer) PARTITION BY LIST (year)",
            "CREATE TABLE user_spending_2023 PARTITION OF user_spending FOR VALUES IN (2023)",
            "CREATE TABLE user_spending_others PARTITION OF user_spending DEFAULT",
        ]
    ),
    "old encoding": replace(NATURAL, options=("ENCODING 'WIN1251' LOCALE 'C'",)),
}
CLICKHOUSE = {
    "natural": Layout(
        merge_tree(
            "user_id Int64, name Nullable(String), email Nullable(String), age Nullable(Int16)"
            " | user_id Int64, money_spent Decimal(18, 2), year Nullable(Int16)"
        ),
        amounts=(Decimal("10000000000.01"),),
        payers=(100, 101, -7),
        twice=True,  # ClickHouse's primary keys are not unique
    ),
    "real numbers": Layout(
        merge_tree(
            "user_id Nullable(Int64), name Nullable(String), email Nullable(String), age Nullable(Float64)"
            " | user_id Nullable(Int64), money_spent Nullable(Float64), year Nullable(Float64)",
            "tuple()",
        ),
        stored=real,
        amounts=(None, NAN, INFINITE, -INFINITE, 1e300, 10000000000.01, 0.1, 0.2, 0.7),
        ages=(None, 17.9, 18.0, 30.5, 150.9, 151.0, -0.5, NAN, INFINITE, 1e300),
        years=(2023.0, 2024.0, 2023.5, None, NAN, INFINITE, 1e300),
        twice=True,
    ),
    "low cardinality, wide amounts": Layout(
        merge_tree(
            "user_id Int32, name LowCardinality(String), email LowCardinality(String), age UInt8"
            " | user_id Int32, money_spent Decimal(38, 4), year UInt16"
        ),
        amounts=(Decimal("10000000000.01"), Decimal("1e30"), Decimal("-1e30")),
        ages=(0, 17, 18, 24, 25, 47, 48, 150, 151, 255),
        years=(2023, 2023, 2024, 2025, 1899, 2027, 0),
        ids=(*range(1, 40), 0, -5, 2**31 - 1),
        payers=(100, 101, -7),
        names=tuple(name for name in NAMES if name is not None),
        twice=True,
    ),
    "texts": Layout(
        merge_tree(
            "user_id UInt64, name String, email FixedString(40), age String"
            " | user_id UInt32, money_spent Nullable(String), year LowCardinality(String)"
        ),
        stored=text,
        amounts=(*ODD_TEXTS, "5\0"),
        ages=("20", "42.7", "x", "", "151", "-1", "+33", "1e1", "9" * 30),
        years=("2023", "2024", "02024", "2023.5", "2024.0", "x", "", "-1"),
        ids=(*range(1, 40), 0, 2**31 - 1),
        payers=(100, 101),
        names=tuple(name for name in NAMES if name is not None),
        twice=True,
    ),
    "ids that can be missing": Layout(
        merge_tree(
            "user_id Nullable(Int64), name Nullable(String), email Nullable(String), age Nullable(Int32)"
            " | user_id Nullable(Int64), money_spent Nullable(Decimal(18, 2)), year Nullable(Int32)",
            "tuple()",
        ),
        twice=True,
    ),
    "whole amounts": Layout(
        merge_tree(
            "user_id Int64, called String, post String, age Int8 | user_id Int64, money_spent Nullable(Int64), year Int64"
        ),
        stored=whole,
        amounts=(None, 10**10, 10**10 + 1, LARGEST, -LARGEST - 1),
        ages=(0, 17, 18, 24, 25, 47, 48, 99, -1),
        years=(2023, 2023, 2024, 2025, 1899, 2027, 0, LARGEST),
        nameless=True,
        payers=(100, 101, -7),
        names=tuple(name for name in NAMES if name is not None),
        twice=True,
    ),
    "views": Layout(
        [
            "CREATE TABLE people (id UInt32, name String, mail String, born UInt16) ENGINE = MergeTree ORDER BY id",
            "CREATE TABLE orders (who Int64, price Int64, paid Date32) ENGINE = Log",
            "CREATE VIEW user_info AS SELECT id AS user_id, name, mail AS email, 2026 - born AS age FROM people",
            "CREATE VIEW user_spending AS SELECT who AS user_id, toDecimal64(price, 2) / 100 AS money_spent, toYear(paid) AS year FROM orders",
        ],
        stored=small,
        amounts=(Decimal(5),),
        ages=(0, 17, 18, 24, 25, 47, 48, 150, 151),
        years=DATED[:-1],
        into=("people", "orders"),
        customer=with_birth,
        payment=with_date,
        ids=range(1, 40),
        payers=(100, 101, -7),
        names=tuple(name for name in NAMES if name is not None),
        twice=True,
    ),
}
SQLITE = {
    "natural": Layout(
        both_tables(
            "user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER"
        ),
        stored=real,
    ),
    "texts": Layout(
        both_tables(
            "user_id INTEGER, name TEXT, email TEXT, age TEXT | user_id INTEGER, money_spent TEXT, year TEXT"
        ),
        stored=text,
        amounts=(*ODD_TEXTS, "5\0", "5\x006"),
        ages=(*POSTGRESQL["texts"].ages, "20\0"),
        years=POSTGRESQL["texts"].years,
        twice=True,
    ),
}
SQLITE |= {
    f"{name} in {encoding}": replace(
        SQLITE[name], tables=(f"PRAGMA encoding = '{encoding}'", *SQLITE[name].tables)
    )
    for name, encoding in [("texts", "UTF-16le"), ("texts", "UTF-16be"), ("natural", "UTF-16le")]
}
LAYOUTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "clickhouse": CLICKHOUSE}


def generated(layout: Layout, seed: int) -> tuple[list[tuple], list[tuple]]:
    """Customers and payments: some of nobody, some without sense; some customers have none."""
    chance = random.Random(seed)
    ids = chance.sample(layout.ids, k=len(layout.ids) * 4 // 5)
    payers = [*layout.payers, *chance.sample(layout.ids, k=len(layout.ids) * 2 // 3)]
    if layout.twice:
        ids += chance.choices(ids, k=8)
        ids += [None] * 2 * (None in layout.payers)
    customers = [
        (user_id, chance.choice(layout.names), chance.choice(layout.names), chance.choice(layout.ages))
        for user_id in ids
    ]
    payments = [
        (chance.choice(payers), _amount(layout, chance), chance.choice(layout.years)) for _ in range(300)
    ]
    return customers, payments


def _amount(layout: Layout, chance: random.Random) -> Any:
    if chance.random() < 0.3:
        return chance.choice(layout.amounts)
    largest = 10**12
    return layout.stored(
        chance.choice(
            [0, 1, -1, 50, largest, -largest, -(10**4), *(chance.randint(-(10**5), 10**7) for _ in range(15))]
        )
    )


def write(database, layout: Layout, customers, payments) -> None:
    """Make the tables and write a generated ledger into them."""
    database.execute(*(statement.replace("{database}", database.name) for statement in layout.tables))
    database.insert(layout.into[0], [layout.customer(*row) for row in customers])
    database.insert(layout.into[1], [layout.payment(*row) for row in payments])


def write_for_oracle(path, layout: Layout, customers, payments) -> None:
    """Write it into SQLite's columns without types, which keep every value as it is."""
    names = (lambda *_: (None, None)) if layout.nameless else (lambda *both: both)
    rows_of = {
        "user_info": [(user_id, *names(name, email), age) for user_id, name, email, age in customers],
        "user_spending": [(user_id, amount, _year(year)) for user_id, amount, year in payments],
    }
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "PRAGMA synchronous = OFF;"
            "CREATE TABLE user_info (user_id, name, email, age);"
            "CREATE TABLE user_spending (user_id, money_spent, year);"
        )
        for table, rows in rows_of.items():
            places = ", ".join("?" * len(rows[0]))
            database.executemany(
                f"INSERT INTO {table} VALUES ({places})", [tuple(map(_kept, row)) for row in rows]
            )
        database.commit()


def _year(year: Any) -> Any:
    """What is beyond 64 bits is no year: SQLite would not hold it as a whole number."""
    beyond = isinstance(year, int | float | Decimal) and math.isfinite(year) and abs(year) >= 2**63
    return "beyond" if beyond else year


def _kept(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else float(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value
