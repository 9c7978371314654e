"""A copied ledger gives the same answers, wherever it goes, whatever ends the copy, and never half of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from itertools import count

import pytest

from smetka.cli import run
from smetka.core.errors import CommandFailed, LedgerUnavailable, WrongUsage
from smetka.ledger import Ledger
from smetka.ledger.copying.copy import Copy
from smetka.ledger.upkeep import create_empty
from tests.ledger.engines import ENGINES, LAYOUTS, SERVED, generated, write
from tests.ledger.servers import PASSWORD, USER, File

BATCH = "smetka.ledger.copying.batches.BATCH_ROWS"

COPYABLE = [
    pytest.param(engine, name, id=f"{engine}, {name}")
    for engine in ENGINES
    for name in LAYOUTS[engine]
    if name != "numeric ids"
]


class Place:
    """Where a test's ledger is copied to, or from."""

    def __init__(self, engine, url, execute):
        self.engine, self.url, self.execute = engine, url, execute

    def rows(self, table):
        return self.execute(f"SELECT count(*) FROM {table}")[0][0]

    def has(self, table):
        catalogue = {
            "sqlite": f"SELECT 1 FROM sqlite_master WHERE name = '{table}'",
            "postgresql": f"SELECT 1 FROM pg_class WHERE relname = '{table}'",
            "clickhouse": f"SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = '{table}'",
        }
        return bool(self.execute(catalogue[self.engine]))


@pytest.fixture
def place(tmp_path, make_database):
    """A function that makes a place of an engine, empty, in which the ledger's user may make tables."""

    numbers = count()

    def make(engine, *options):
        if engine != "sqlite":
            database = make_database(engine, *options)
            if engine == "postgresql":
                database.execute(f"GRANT CREATE ON SCHEMA public TO {USER}")
            made = Place(engine, database.url, database.execute)
            made.database = database
            return made
        path = tmp_path / f"place {next(numbers)}.db"
        return Place(engine, str(path), File(path).execute)

    return make


@pytest.fixture
def in_file(tmp_path):
    """A function that gives the argument for a URL that has a password in it."""
    numbers = count()

    def write(url: str) -> str:
        file = tmp_path / f"{next(numbers)}.url"
        file.write_text(url)
        return f"@{file}"

    return write


@pytest.fixture(params=ENGINES)
def target(request, place):
    return place(request.param)


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """A SQLite ledger with everything that may be in one, and batches so small that it takes many."""
    monkeypatch.setattr(BATCH, 37)
    path = tmp_path / "odd.db"
    customers = [
        (1, "Ана", "ana@example.com", 20),
        ("2", "tab\there", 'new\nline\\N "quoted"', "42.9"),
        (3.0, None, None, None),
        (3, "twice", "", 17),
        (None, "nobody", b"\xff bytes", 30),
        (None, 5, 2.5, "old"),
        (2**63 - 1, "zero\0byte", "\\N", 151),
        (-5, "", "None", 0),
    ]
    amounts = [0.1, "12.34", -5.05, None, "abc", 10**10, -(10**10), 1e300, b"1", "1e3", 7]
    years = [2023, "2024", 2023.0, 2023.5, None, 0, -1, 1970, 2100, 1999, 2**31 - 1, "x"]
    payers = [1, 2, 3, None, "abc", 2.5, 404, 2**63 - 1, -5, 1, 1]
    payments = [
        (payers[number % 11], amounts[number // 11 % 11], years[number // 7 % 12]) for number in range(1000)
    ]
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE user_info (user_id, name, email, age)")
        database.execute("CREATE TABLE user_spending (user_id, money_spent, year)")
        database.executemany("INSERT INTO user_info VALUES (?, ?, ?, ?)", customers)
        database.executemany("INSERT INTO user_spending VALUES (?, ?, ?)", payments)
        database.commit()
    return str(path)


@pytest.fixture
def plain(make_ledger):
    """A ledger of 5 customers and 4,000 payments."""
    return str(
        make_ledger(
            name="plain.db",
            customers=[(number, f"Name {number}", None, 20 + number) for number in range(1, 6)],
            payments=[(number % 6, number / 100, 2015 + number % 9) for number in range(4000)],
        )
    )


def copied(source, target):
    with closing(Copy(source, target)) as copying:
        begun = copying.begin()
        assert not begun.is_finished
        copying.carry_out()
        return copying.verify()


def answers(location):
    """All that is asked of a ledger."""
    with closing(Ledger(location)) as ledger:
        customers = ledger.customers(1000, in_names=True)
        ids = [each.user_id for each in customers] + [-5, 404]
        return {
            "by age": ledger.spending_by_age(),
            "of 2023 by age": ledger.spending_by_age(2023),
            "by year": ledger.spending_by_year(),
            "customers": [(each.user_id, each.age) for each in customers],
            "names": [
                (each.name.replace("\0", "\ufffd"), each.email) for each in customers if each.user_id != 3
            ],
            "by customer": list(ledger.spending_by_customer()),
            "payments": [
                [(each.amount, each.year) for each in ledger.payments(user_id, 1000)] for user_id in ids
            ],
        }


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(("engine", "name"), COPYABLE)
def test_answers_are_the_same_whatever_the_source(place, engine, name):
    layout = LAYOUTS[engine][name]
    source = place(engine, *layout.options)
    customers, payments = generated(layout, 7)
    write(File(source.url) if engine == "sqlite" else source.database, layout, customers, payments)
    target = place("sqlite")

    copied(source.url, target.url)

    before, after = answers(source.url), answers(target.url)
    if layout.twice:  # any of the names will do
        del before["names"], after["names"]
    # Beyond 32 bits there are no years.
    if "by year" in before and any((each.year or 0) > 2**31 for each in before["by year"]):
        del before["by year"], after["by year"], before["payments"], after["payments"]
    assert after == before


def test_answers_are_the_same_whatever_the_target(odd, target):
    sums = copied(odd, target.url)

    assert answers(target.url) == answers(odd)
    assert (sums.customers, sums.payments) == (7, 1000)
    assert target.rows("user_info") == 7
    assert target.rows("user_spending") == 1000
    assert not target.has("smetka_copy")


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_an_empty_ledger_in_utf_16_is_copied_into_like_any(place, encoding):
    source, target = place("sqlite"), place("sqlite")
    layout = LAYOUTS["sqlite"]["natural"]
    write(File(source.url), layout, *generated(layout, 3))
    target.execute(f"PRAGMA encoding = '{encoding}'", *layout.tables)

    copied(source.url, target.url)

    assert target.execute("PRAGMA encoding") == [(encoding,)]
    assert answers(target.url) == answers(source.url)


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(
            [
                "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER) WITHOUT ROWID",
                "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER, id INTEGER PRIMARY KEY) WITHOUT ROWID",
            ],
            id="without row numbers",
        ),
        pytest.param(
            [
                "CREATE TABLE people (id INTEGER PRIMARY KEY, called TEXT)",
                "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER, id INTEGER)",
                "CREATE VIEW user_info AS SELECT id AS user_id, 33 AS age FROM people",
            ],
            id="a view",
        ),
        pytest.param(
            [
                "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, age INTEGER)",
                "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER, _rowid_ TEXT)",
            ],
            id="a column named as row numbers are",
        ),
    ],
)
def test_sqlite_tables_of_every_kind_are_read(place, monkeypatch, tables):
    monkeypatch.setattr(BATCH, 10)
    source, target = place("sqlite"), place("sqlite")
    into = "people (id)" if "people" in tables[0] else "user_info (user_id)"
    last = "_rowid_" if "_rowid_" in tables[1] else "id"
    source.execute(
        *tables,
        f"INSERT INTO {into} VALUES (1), (2), (3)",
        f"""
        INSERT INTO user_spending (user_id, money_spent, year, {last})
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        SELECT CASE WHEN i < 60 THEN 1 ELSE nullif(i % 5, 4) END, i / 8.0, 2020 + i % 3, i FROM n
        """,
    )

    assert copied(source.url, target.url).payments == 100

    assert answers(target.url) == answers(source.url)


def test_batches_of_postgresql_are_ranges_of_its_blocks(place, monkeypatch):
    monkeypatch.setattr(BATCH, 500)
    source, target = place("postgresql"), place("sqlite")
    source.execute(
        *LAYOUTS["postgresql"]["natural"].tables,
        "INSERT INTO user_info SELECT n, 'N', 'E', 33 FROM generate_series(1, 900) AS n",
        "INSERT INTO user_spending SELECT n % 1000, n / 4.0, 2020 FROM generate_series(1, 4000) AS n",
        "DELETE FROM user_spending WHERE user_id % 7 = 0",
    )

    with closing(Copy(source.url, target.url)) as copying:
        copying.begin()
        batches = copying._plan.batches
        copying.carry_out()
        copying.verify()

    assert {batch.by for batch in batches} == {"ctid"}
    assert len(batches) > 5
    assert answers(target.url) == answers(source.url)


def test_an_empty_ledger_is_a_copy_of_one_and_can_be_copied_into(tmp_path, plain, target):
    create_empty(tmp_path / "empty.db")
    if target.engine == "sqlite":
        create_empty(target.url)

    assert copied(str(tmp_path / "empty.db"), target.url).payments == 0
    # Tables that are empty are taken for a copy.
    assert copied(plain, target.url).payments == 4000


def deaths(engine):
    """The steps that a copy is about to take when it dies, and which of its kind: each attempt comes further."""
    if engine == "clickhouse":
        return [("http.client.send", number) for number in range(10, 90, 10)]
    of_customers, of_payments = {
        "sqlite": ("INSERT INTO user_info", "INSERT INTO user_spending"),
        "postgresql": ("COPY", "COPY"),
    }[engine]
    return [
        ("CREATE TABLE", 2),
        ("INSERT INTO smetka_copy", 1),  # its plan
        ("COMMIT", 1),
        ("INSERT INTO smetka_copy", 2),  # its first batch
        (of_customers, 1),
        ("COMMIT", 1),
        ("COMMIT", 3),
        (of_payments, 3),
        ("INSERT INTO smetka_copy", 7),
        ("CREATE INDEX", 1),
        ("DROP TABLE", 1),
    ]


def test_killed_at_any_point_it_goes_on_and_no_row_is_lost_or_doubled(plain, target, killed, in_file):
    arguments = ["ledger", "copy", plain, in_file(target.url)]
    for step, which in deaths(target.engine):
        status, _ = killed(arguments, step, which, settings={BATCH: 200})
        assert status == -signal.SIGKILL, (step, which)
        if target.engine == "clickhouse" and not target.has("smetka_copy"):
            continue  # without transactions there are empty tables first
        with closing(Ledger(target.url)) as half, pytest.raises(LedgerUnavailable):
            half.total_spent(1)

    assert killed(arguments, settings={BATCH: 200})[0] == 0
    assert target.rows("user_spending") == 4000
    assert answers(target.url) == answers(plain)
    assert not target.has("smetka_copy")


def test_payments_that_are_all_alike_are_all_copied(make_ledger, target, monkeypatch):
    monkeypatch.setattr(BATCH, 100)
    path = make_ledger(customers=[(1, "A", None, 33)], payments=[(1, 9.99, 2024)] * 1000)

    assert copied(str(path), target.url).payments == 1000
    assert target.rows("user_spending") == 1000


@pytest.mark.skipif("clickhouse" not in ENGINES, reason="needs ClickHouse")
def test_what_clickhouse_took_but_was_not_noted_is_not_taken_twice(odd, place, monkeypatch):
    from smetka.ledger.copying import clickhouse_target

    target, note = place("clickhouse"), clickhouse_target.ClickHouseTarget._note

    def lost(self, number, text):
        if number == 9:
            raise ConnectionResetError
        note(self, number, text)

    monkeypatch.setattr(clickhouse_target.ClickHouseTarget, "_note", lost)
    with pytest.raises(CommandFailed, match=r"was lost.*the same command goes on"):
        copied(odd, target.url)
    taken = target.rows("user_spending")
    monkeypatch.undo()
    monkeypatch.setattr(BATCH, 11)  # the plan that was made stays

    copied(odd, target.url)

    assert target.rows("user_spending") == 1000 > taken > 0
    assert answers(target.url) == answers(odd)


@pytest.mark.skipif("clickhouse" not in ENGINES, reason="needs ClickHouse")
def test_tables_in_clickhouse_are_ready_for_a_shop(odd, place):
    target = place("clickhouse")

    copied(odd, target.url)

    # Years that no shop has are in one partition.
    partitions = target.execute(
        "SELECT DISTINCT partition FROM system.parts "
        "WHERE database = currentDatabase() AND table = 'user_spending' AND active"
    )
    assert {partition for (partition,) in partitions} == {"0", "2023", "2024"}
    # What is written twice is twice there.
    for _ in range(2):
        target.execute("INSERT INTO user_spending VALUES (1, 5, 2024)")
    assert target.rows("user_spending") == 1002


def test_a_source_that_changed_meanwhile_is_noticed(plain, target, monkeypatch):
    monkeypatch.setattr(BATCH, 500)

    class Stop(Exception):
        pass

    def stop(_rows):
        raise Stop

    with closing(Copy(plain, target.url)) as copying:
        copying.begin()
        with pytest.raises(Stop):
            copying.carry_out(stop)
    with closing(sqlite3.connect(plain)) as database:
        database.execute("UPDATE user_info SET age = 99 WHERE user_id = 2")
        database.commit()

    with pytest.raises(CommandFailed) as caught:
        copied(plain, target.url)

    assert "customers of age 22: none in the source, 1, 1 of them with" in str(caught.value)
    assert "customers of age 99: 1, 1 of them with" in str(caught.value)
    assert "copy again" in str(caught.value)


def test_a_finished_copy_is_left_alone(plain, target, capsys, in_file):
    assert run(["ledger", "copy", plain, in_file(target.url)]) == 0
    said = capsys.readouterr().out
    assert "about 5 customers and 4,000 payments" in said
    assert "Copied 4,005 rows in" in said
    assert "Verified: 5 customers, 4,000 payments" in said

    assert run(["ledger", "copy", plain, in_file(target.url)]) == 0
    assert "already; nothing was changed" in capsys.readouterr().out

    assert run(["ledger", "copy", plain, in_file(target.url), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 0
    assert target.rows("user_spending") == 4000


def test_json_holds_what_was_verified(plain, place, capsys):
    assert run(["ledger", "copy", plain, place("sqlite").url, "--json"]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["source"] == plain
    assert (answer["customers"], answer["payments"], answer["orphan_payments"]) == (5, 4000, 667)
    assert (answer["ignored_payments"], answer["rows"]) == (0, 4005)
    with closing(Ledger(plain)) as ledger:
        total = sum(row.total.cents for row in ledger.spending_by_age().rows)
    assert round(answer["total"] * 100) == total


def test_a_target_with_rows_of_its_own_is_refused(plain, shop, target):
    copied(str(shop), target.url)

    with pytest.raises(CommandFailed, match="holds customers or payments already"):
        copied(plain, target.url)

    assert answers(target.url) == answers(str(shop))


def test_an_unfinished_copy_of_another_ledger_is_refused(plain, shop, target):
    with closing(Copy(str(shop), target.url)) as copying:
        copying.begin()

    with pytest.raises(CommandFailed, match=f"unfinished copy of {shop}"):
        copied(plain, target.url)


def test_two_copies_into_one_target_cannot_double_a_row(plain, target):
    with closing(Copy(plain, target.url)) as one, closing(Copy(plain, target.url)) as other:
        one.begin()
        other.begin()
        one.carry_out()
        with pytest.raises(CommandFailed, match=r"[Aa]nother copy into .* is running"):
            other.carry_out()
        one.verify()

    assert target.rows("user_spending") == 4000


def test_a_table_of_another_shape_is_refused(plain, target):
    engine = "ENGINE = MergeTree ORDER BY user_id" if target.engine == "clickhouse" else ""
    target.execute(f"CREATE TABLE user_spending (user_id BIGINT, money_spent INTEGER, year INTEGER) {engine}")
    if target.engine == "postgresql":
        target.execute(f"GRANT ALL ON user_spending TO {USER}")

    with pytest.raises(CommandFailed, match="user_spending that is declared otherwise than a copy needs it"):
        copied(plain, target.url)

    assert not target.has("smetka_copy")


def test_ids_that_are_no_whole_numbers_are_refused_before_anything_is_written(make_ledger, target):
    path = make_ledger(
        schema="CREATE TABLE user_info (user_id, name, email, age);"
        "CREATE TABLE user_spending (user_id, money_spent, year);",
        customers=[("abc", None, None, 1), (2.5, None, None, 1), (1, None, None, 1)],
        payments=[],
    )

    with pytest.raises(CommandFailed, match=r"^2 rows of user_info have a user_id that is no whole number"):
        copied(str(path), target.url)

    assert not target.has("user_info")


def test_a_source_that_cannot_be_read_leaves_no_target(tmp_path, target, capsys, in_file):
    assert run(["ledger", "copy", str(tmp_path / "missing.db"), in_file(target.url)]) == 1

    assert "There is no file" in capsys.readouterr().err
    assert target.engine != "sqlite" or not os.path.exists(target.url)  # noqa: PTH110 - a URL elsewhere
    assert not target.has("user_info")


def test_both_must_differ(plain, tmp_path):
    (tmp_path / "link.db").symlink_to(plain)
    for other in (plain, f"sqlite:///{plain}", str(tmp_path / "link.db")):
        with pytest.raises(WrongUsage, match="the same ledger"):
            Copy(plain, other)


def test_a_file_that_cannot_be_written_is_told(plain, tmp_path):
    (tmp_path / "text.db").write_text("no database " * 100)
    for path, reason in [
        (tmp_path / "nowhere" / "shop.db", "There is no folder"),
        (tmp_path / "text.db", "is not a SQLite database"),
        (tmp_path, "cannot be opened"),
    ]:
        with pytest.raises(CommandFailed, match=reason):
            copied(plain, str(path))


def test_another_programs_lock_is_told_and_what_was_copied_is_kept(plain, place, monkeypatch):
    monkeypatch.setattr(BATCH, 500)
    monkeypatch.setattr("smetka.ledger.copying.sqlite_target._BUSY_SECONDS", 0)
    target = place("sqlite")
    with closing(sqlite3.connect(target.url, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")

        with closing(Copy(plain, target.url)) as copying:
            copying.begin()
            with pytest.raises(CommandFailed, match=r"locked.*the same command goes on from there"):
                copying.carry_out(lambda _: other.in_transaction or other.execute("BEGIN IMMEDIATE"))
        other.execute("ROLLBACK")

    copied(plain, target.url)
    assert target.rows("user_spending") == 4000


@pytest.mark.parametrize("engine", SERVED)
def test_a_server_lost_midway_is_told_and_the_copy_goes_on_later(plain, place, engine, monkeypatch):
    monkeypatch.setattr(BATCH, 500)
    target = place(engine)
    server = target.database.server

    def lose(_rows):
        if server.runs:
            server.stop(signal.SIGQUIT if engine == "postgresql" else signal.SIGKILL)

    with closing(Copy(plain, target.url)) as copying:
        copying.begin()
        with pytest.raises(CommandFailed, match="the same command goes on from there") as caught:
            copying.carry_out(lose)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(CommandFailed):
        copied(plain, target.url)
    server.start()

    copied(plain, target.url)

    assert answers(target.url) == answers(plain)


@pytest.mark.parametrize("engine", SERVED)
def test_no_message_holds_the_password(plain, place, engine, capfd, in_file):
    target = place(engine)
    server = target.database.server
    for url in (
        server.url(target.database.name, password="wr0ng:s3cret"),
        server.url("missing", password=PASSWORD),
        server.url(target.database.name, port=1),
    ):
        assert run(["ledger", "copy", plain, in_file(url)]) == 1

    said = "".join(capfd.readouterr())
    assert said.count("smetka: ") == 3
    assert "Traceback" not in said
    for secret in ("wr0ng", PASSWORD, "s3cret"):
        assert secret not in said


def test_a_user_without_rights_is_told_what_to_grant(plain, make_database):
    target = make_database("postgresql")

    with pytest.raises(CommandFailed, match=r"may not write there .* grant CREATE on the schema"):
        copied(plain, target.url)
