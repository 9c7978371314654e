"""Whatever is wrong with a server: a sentence without a password, soon, and well again once it is mended."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from urllib.parse import quote

import pytest

from smetka.core.age_groups import parse_age_groups
from smetka.core.errors import LedgerUnavailable, WrongUsage
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.ledger.checkup import check_up
from smetka.ledger.limits import Limits
from tests.fixtures.web import CUSTOMERS, PAYMENTS
from tests.ledger.engines import LAYOUTS, SERVED, write
from tests.ledger.servers import PASSWORD, SERVERS, USER, free_port
from tests.waiting import eventually

SOON_SECONDS = 10.0
"""Until a fault is told that shows when connecting; 5 are promised."""

LIMIT_SECONDS = 30.0
"""Until a question is given up that the server does not answer."""

QUICK = Limits(connect=2, question=1, grace=1, cancel=0.5, table_lock=0.2)
"""Of ledgers that wait in vain; what is promised is in `test_limits`."""

QUESTIONS = {
    "total_spent": lambda ledger: ledger.total_spent(1),
    "spending_by_age": lambda ledger: ledger.spending_by_age(),
    "spending_by_customer": lambda ledger: ledger.spending_by_customer(),
    "spending_by_year": lambda ledger: ledger.spending_by_year(),
    "customers": lambda ledger: ledger.customers(5, text="a", in_names=True),
    "customer": lambda ledger: ledger.customer(1),
    "payments": lambda ledger: ledger.payments(1, 5),
    "person": lambda ledger: ledger.person(1),
    "ping": lambda ledger: ledger.ping(),
    "check_up": lambda ledger: check_up(ledger, parse_age_groups("18-24"), current_year=2026),
}


@pytest.fixture(params=SERVED)
def database(request, make_database):
    """The shop of the web tests on a server."""
    return shop_in(make_database(request.param))


@pytest.fixture(scope="module", params=SERVED)
def unchanged(request, lent_database):
    """The same, for tests that change nothing in it."""
    with lent_database(request.param) as database:
        yield shop_in(database)


@pytest.fixture
def postgresql(make_database):
    return shop_in(make_database("postgresql"))


def shop_in(database):
    write(database, LAYOUTS[database.server.name]["natural"], CUSTOMERS, PAYMENTS)
    return database


def assert_unavailable(ask, *, within=SOON_SECONDS, password=PASSWORD):
    """Asks, and returns the reason why there is no answer."""
    start = time.monotonic()
    with pytest.raises(LedgerUnavailable) as caught:
        ask()
    assert time.monotonic() - start < within
    error = caught.value
    assert_no_password(password, error.reason, str(error), repr(error))
    chain = error
    while chain := chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__):
        assert_no_password(password, str(chain), repr(chain))
    assert error.reason.endswith(".")
    assert "\n" not in error.reason
    assert len(error.reason) < 600
    return error.reason


def assert_no_password(password, *texts):
    for text in texts:
        assert password not in text
        assert quote(password, safe="") not in text
        assert quote(password) not in text


@contextmanager
def silent_server():
    """A port that takes connections, and says nothing."""
    with socket.socket() as listener, ExitStack() as taken:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)

        def take():
            while True:
                try:
                    taken.enter_context(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def rude_server(says):
    """A port that says something else than one expects, and hangs up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)

        def take():
            while True:
                try:
                    taken = listener.accept()[0]
                except OSError:
                    return
                with taken:
                    taken.recv(10)
                    taken.sendall(says)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


WRONG = {
    "port": lambda url, name: url(name, port=free_port()),
    "host": lambda url, name: url(name, host="127.254.254.254"),
    "name of a host": lambda url, name: url(name, host="no-such-host.invalid"),
    "user": lambda url, name: url(name, user="nobody"),
    "database": lambda url, name: url("no_such_database"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_in_the_url_is_told_soon(unchanged, wrong):
    location = WRONG[wrong](unchanged.server.url, unchanged.name)

    for question in ("total_spent", "spending_by_age", "ping", "check_up"):
        with closing(Ledger(location)) as ledger:
            assert_unavailable(lambda ask=QUESTIONS[question], ledger=ledger: ask(ledger))


@pytest.mark.parametrize(
    "password", ["wrong", "wr%41ong@/:?#", "%", "пароль", "a b+c&d=e", "sslmode=disable"]
)
def test_a_wrong_password_is_told_and_never_shown(unchanged, password):
    with closing(Ledger(unchanged.server.url(unchanged.name, password=password))) as ledger:
        reason = assert_unavailable(ledger.ping, password=password if len(password) > 3 else PASSWORD)

    assert "password" in reason
    assert repr(ledger).count(password) == 0 or len(password) < 3


@pytest.mark.parametrize("of_url", ["{name}", "{name}?connect_timeout=3"])
def test_a_password_is_in_no_repr_of_a_ledger(unchanged, of_url):
    location = unchanged.server.url(of_url.format(name=unchanged.name))
    try:
        with closing(Ledger(location)) as ledger:
            assert_no_password(PASSWORD, repr(ledger), str(ledger), str(vars(ledger)))
    except WrongUsage as error:
        assert_no_password(PASSWORD, str(error))


@pytest.mark.parametrize(
    "location",
    [
        "{scheme}://smetka:s3cr%41et@127.0.0.1:notaport/shop",
        "{scheme}://smetka:s3cr%41et@127.0.0.1:99999/shop",
        "{scheme}://smetka:s3cr%41et@/",
        "{scheme}://smetka:s3cr%41et@[::1/shop",
        "{scheme}://smetka:s3cr%4/:et@127.0.0.1:5432/shop",
        "{scheme}://smetka:s3cr@et@127.0.0.1:5432/shop?sslmode=nonsense",
        "mysql://smetka:s3cr%41et@127.0.0.1/shop",
        "oracle+thing://smetka:s3cr%41et@127.0.0.1/shop",
    ],
)
@pytest.mark.process
@pytest.mark.parametrize("engine", SERVED)
def test_a_url_that_makes_no_sense_is_told_without_its_password(engine, location):
    location = location.format(scheme=SERVERS[engine].scheme)

    with pytest.raises((WrongUsage, LedgerUnavailable)) as caught, closing(Ledger(location)) as ledger:
        ledger.ping()

    for said in (str(caught.value), getattr(caught.value, "reason", ""), repr(caught.value)):
        assert "s3cr" not in said
        assert "et@" not in said


@pytest.mark.parametrize("missing", ["user_info", "user_spending"])
def test_a_missing_table_is_named(database, missing):
    database.execute(f"DROP TABLE {missing}")

    with closing(Ledger(database.url)) as ledger:
        for ask in QUESTIONS.values():
            assert f"no table {missing}" in assert_unavailable(lambda ask=ask: ask(ledger))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("user_info", "user_id"),
        ("user_info", "age"),
        ("user_spending", "user_id"),
        ("user_spending", "money_spent"),
        ("user_spending", "year"),
    ],
)
def test_a_missing_column_is_named(database, table, column):
    is_postgresql = database.server.name == "postgresql"
    database.execute(
        f"ALTER TABLE {table} RENAME TO whole" if is_postgresql else f"RENAME TABLE {table} TO whole",
        f"CREATE TABLE {table} {'' if is_postgresql else 'ENGINE = MergeTree ORDER BY tuple()'} AS SELECT * FROM whole",
        f"ALTER TABLE {table} RENAME COLUMN {column} TO other",
    )

    with closing(Ledger(database.url)) as ledger:
        reason = assert_unavailable(ledger.ping)

    assert f"{table} has no column {column}" in reason


@pytest.mark.parametrize("table", ["user_info", "user_spending"])
def test_a_missing_right_is_told_with_what_to_grant(postgresql, table):
    postgresql.execute(f"REVOKE SELECT ON {table} FROM {USER}")

    with closing(Ledger(postgresql.url)) as ledger:
        for question in ("spending_by_age", "total_spent", "check_up"):
            reason = assert_unavailable(lambda question=question: QUESTIONS[question](ledger))
            assert table in reason
            assert "grant" in reason.lower()
        postgresql.execute(f"GRANT SELECT ON {table} TO {USER}")
        assert ledger.total_spent(1).payments == 2


def test_a_missing_right_is_told_by_ping(postgresql):
    """Or else a server would start, say that it is ready, and answer nothing."""
    postgresql.execute(f"REVOKE SELECT ON user_spending FROM {USER}")

    with closing(Ledger(postgresql.url)) as ledger:
        assert "user_spending" in assert_unavailable(ledger.ping)


def test_a_right_on_some_columns_is_enough(postgresql):
    postgresql.execute(
        f"REVOKE SELECT ON user_info, user_spending FROM {USER}",
        f"GRANT SELECT (user_id, age) ON user_info TO {USER}",
        f"GRANT SELECT (user_id, money_spent, year) ON user_spending TO {USER}",
    )

    with closing(Ledger(postgresql.url)) as ledger:
        assert ledger.total_spent(1).payments == 2
        assert ledger.spending_by_age().orphan_payments == 0
        assert [customer.user_id for customer in ledger.customers(2)] == [1, 2]


def test_a_server_that_says_nothing_is_given_up(unchanged):
    def ask(question):
        assert_unavailable(lambda: QUESTIONS[question](ledger), within=LIMIT_SECONDS)

    with silent_server() as port, ThreadPoolExecutor(3) as threads:
        location = unchanged.server.url(unchanged.name, port=port)
        with closing(Ledger(location, limits=QUICK)) as ledger:
            list(threads.map(ask, ["total_spent", "ping", "spending_by_age"]))


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"\0" * 1000,
        b"E\0\0\0\x08boo\0",
        b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["nothing", "a web page", "zeros", "an error", "a gateway's error"],
)
def test_a_server_of_another_kind_is_told(unchanged, says):
    with rude_server(says) as port:
        location = unchanged.server.url(unchanged.name, port=port)
        with closing(Ledger(location, limits=QUICK)) as ledger:
            assert_unavailable(ledger.ping, within=LIMIT_SECONDS)


def test_a_server_that_falls_silent_is_given_up_and_answers_when_it_wakes(database):
    with closing(Ledger(database.url, limits=QUICK)) as ledger:
        assert ledger.total_spent(1).payments == 2
        database.server.pause()
        try:
            assert_unavailable(lambda: ledger.total_spent(1), within=LIMIT_SECONDS)
        finally:
            database.server.resume()
        assert ledger.total_spent(1).payments == 2
        assert ledger.spending_by_age().orphan_payments == 0


def test_a_server_that_was_started_anew_answers_the_next_question_whichever_it_is(database):
    with ledgers_that_were_asked(database) as ledgers:
        expected = [QUESTIONS["payments"](ledger) for ledger in ledgers.values()]
        database.server.stop(signal.SIGQUIT)
        database.server.start()

        for question, ledger in ledgers.items():
            QUESTIONS[question](ledger)
        assert [QUESTIONS["payments"](ledger) for ledger in ledgers.values()] == expected


@contextmanager
def ledgers_that_were_asked(database):
    """A ledger for each question, on which all of them were asked."""
    with ExitStack() as stack:
        ledgers = {question: stack.enter_context(closing(Ledger(database.url))) for question in QUESTIONS}
        for ledger in ledgers.values():
            for ask in QUESTIONS.values():
                ask(ledger)
        yield ledgers


def test_a_server_that_is_away_is_told_soon_and_answers_when_it_is_back(database):
    with closing(Ledger(database.url)) as ledger:
        assert ledger.total_spent(1).payments == 2
        database.server.stop(signal.SIGQUIT)
        for question in ("total_spent", "spending_by_age", "ping", "check_up"):
            assert_unavailable(lambda question=question: QUESTIONS[question](ledger))
        # What was worked out may count as current for a moment.
        eventually(lambda: assert_unavailable(ledger.version))
        database.server.start()

        assert ledger.total_spent(1).payments == 2
        ledger.ping()


def smetkas_connections(postgresql):
    (row,) = postgresql.execute(
        f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}' AND datname = '{postgresql.name}'"
    )
    return row[0]


def terminate(postgresql):
    return postgresql.execute(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{USER}' AND datname = '{postgresql.name}'"
    )


def test_connections_that_were_terminated_between_questions_do_not_matter(postgresql):
    with ledgers_that_were_asked(postgresql) as ledgers:
        assert len(terminate(postgresql)) >= len(QUESTIONS)

        for question, ledger in ledgers.items():
            QUESTIONS[question](ledger)


def test_many_idle_connections_that_were_terminated_do_not_matter(postgresql):
    with closing(Ledger(postgresql.url)) as ledger, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: ledger.spending_by_year(), range(32)))
        assert terminate(postgresql)

        assert {total.payments for total in threads.map(lambda _: ledger.total_spent(1), range(32))} == {2}


def test_a_connection_that_is_terminated_during_a_question_is_told(postgresql):
    """Or the question is asked again: nothing was written."""
    with (
        closing(Ledger(postgresql.url)) as ledger,
        closing(postgresql.server.connect(postgresql.name)) as other,
    ):
        ledger.ping()
        with other.transaction(), ThreadPoolExecutor(1) as thread:
            other.execute("LOCK TABLE user_spending IN ACCESS EXCLUSIVE MODE")
            answer = thread.submit(ledger.total_spent, 1)
            until_it_waits_for_a_lock(postgresql)
            terminate(postgresql)
            assert_unavailable(lambda: answer.result(LIMIT_SECONDS), within=LIMIT_SECONDS)
        assert ledger.total_spent(1).payments == 2


def until_it_waits_for_a_lock(postgresql):
    waits = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{postgresql.name}' AND wait_event_type = 'Lock'"
    eventually(lambda: postgresql.execute(waits))


def test_a_table_that_stays_locked_is_told(postgresql):
    with (
        closing(Ledger(postgresql.url, limits=QUICK)) as ledger,
        closing(postgresql.server.connect(postgresql.name)) as other,
    ):
        ledger.ping()
        with other.transaction():
            other.execute("LOCK TABLE user_spending IN ACCESS EXCLUSIVE MODE")
            for question in QUESTIONS.keys() - {"ping", "customers", "person"}:
                reason = assert_unavailable(lambda ask=QUESTIONS[question]: ask(ledger), within=LIMIT_SECONDS)
                assert "lock" in reason, question
        assert ledger.total_spent(1).payments == 2


def test_a_table_that_is_locked_for_a_moment_is_waited_for(postgresql):
    with (
        closing(Ledger(postgresql.url)) as ledger,
        closing(postgresql.server.connect(postgresql.name)) as other,
    ):
        ledger.ping()
        with ThreadPoolExecutor(1) as thread:
            with other.transaction():
                other.execute("LOCK TABLE user_spending IN ACCESS EXCLUSIVE MODE")
                answer = thread.submit(ledger.total_spent, 1)
                until_it_waits_for_a_lock(postgresql)
            assert answer.result(LIMIT_SECONDS).payments == 2


SLOW = {
    "postgresql": "CREATE VIEW user_spending AS SELECT 1::bigint AS user_id, 1.00 AS money_spent, 2023 AS year"
    " FROM (SELECT pg_sleep(40)) AS slept",
    "clickhouse": "CREATE VIEW user_spending AS SELECT toInt64(1) AS user_id, toDecimal64(sleepEachRow(1), 2) AS money_spent,"
    " toInt32(2023) AS year FROM system.numbers LIMIT 40 SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 50000000",
}


def test_a_question_that_takes_too_long_is_given_up_at_the_server_too(database):
    database.execute("DROP TABLE user_spending", SLOW[database.server.name])

    with closing(Ledger(database.url, limits=QUICK)) as ledger:
        reason = assert_unavailable(lambda: ledger.total_spent(1), within=LIMIT_SECONDS)
        assert "too long" in reason or "in time" in reason
        if database.server.name == "postgresql":
            eventually(lambda: not works(database))


def works(postgresql):
    return postgresql.execute(
        f"SELECT 1 FROM pg_stat_activity WHERE usename = '{USER}' AND datname = '{postgresql.name}' AND state = 'active'"
    )


WRITES = {
    "postgresql": [
        "INSERT INTO user_info VALUES (50)",
        "DELETE FROM user_spending",
        "CREATE TEMP TABLE t (i int)",
    ],
    "clickhouse": ["INSERT INTO user_info SELECT 50, '', '', 1", "TRUNCATE TABLE user_spending"],
}


def test_nothing_can_be_written_through_a_ledgers_connection(database):
    """Not even by a user who may."""
    if database.server.name == "postgresql":
        database.execute(f"GRANT ALL ON user_info, user_spending TO {USER}")

    with closing(Ledger(database.url)) as ledger:
        for statement in WRITES[database.server.name]:
            assert_unavailable(
                lambda statement=statement: ledger.read(lambda opened: opened.rows(statement, {}))
            )
        assert ledger.total_spent(1).payments == 2
    assert list(map(tuple, database.execute("SELECT count(*) FROM user_spending"))) == [(4,)]


def test_a_function_in_a_view_cannot_write(postgresql):
    postgresql.execute(
        f"GRANT ALL ON user_info, user_spending TO {USER}",
        "ALTER TABLE user_spending RENAME TO paid",
        "CREATE FUNCTION meddle() RETURNS bigint LANGUAGE sql VOLATILE AS 'INSERT INTO paid VALUES (1, 1, 2023); SELECT 1::bigint'",
        "CREATE VIEW user_spending AS SELECT meddle() AS user_id, money_spent, year FROM paid",
    )

    with closing(Ledger(postgresql.url)) as ledger:
        assert_unavailable(lambda: ledger.spending_by_age())
    assert postgresql.execute("SELECT count(*) FROM paid") == [(4,)]


def test_many_threads_ask_at_once(unchanged):
    with closing(Ledger(unchanged.url)) as ledger, ThreadPoolExecutor(24) as threads:
        totals = threads.map(lambda _: ledger.total_spent(1).total, range(150))
        ages = threads.map(lambda _: ledger.spending_by_age(), range(20))

        assert set(totals) == {Money.parse("1834.50")}
        assert len({str(spending) for spending in ages}) == 1


def test_many_threads_while_the_server_is_started_anew(database):
    """Each gets the answer or is told that there is none, and all get it afterwards."""
    done, answered, told = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    def ask(ledger):
        answers = set()
        while not done.is_set():
            try:
                answers.add(ledger.total_spent(1).total)
                answered.release()
            except LedgerUnavailable as error:
                assert_no_password(PASSWORD, error.reason)
                told.release()
                time.sleep(0.01)
        return answers

    def wait_for(whom):
        while whom.acquire(blocking=False):
            pass
        for _ in range(20):
            assert whom.acquire(timeout=LIMIT_SECONDS)

    with closing(Ledger(database.url)) as ledger, ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask, ledger) for _ in range(8)]
        try:
            for _ in range(2):
                wait_for(answered)
                database.server.stop(signal.SIGQUIT)
                wait_for(told)
                database.server.start()
            wait_for(answered)
        finally:
            done.set()
        assert all(answer.result(LIMIT_SECONDS) == {Money.parse("1834.50")} for answer in asked)
        assert set(threads.map(lambda _: ledger.total_spent(1).payments, range(16))) == {2}


def test_no_connection_is_left_open(postgresql):
    with closing(Ledger(postgresql.url)) as ledger, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: ledger.total_spent(1), range(64)))
        assert 1 <= smetkas_connections(postgresql) <= 16
        # What is kept between questions is little.
        eventually(lambda: smetkas_connections(postgresql) <= 4)
    eventually(lambda: not smetkas_connections(postgresql))

    ledger.ping()  # asking again opens it again
    ledger.close()


def test_no_connection_waits_inside_a_transaction(postgresql):
    """It would keep the shop's server from tidying up."""
    with closing(Ledger(postgresql.url)) as ledger:
        for ask in QUESTIONS.values():
            ask(ledger)
        found = postgresql.execute(
            f"SELECT state FROM pg_stat_activity WHERE usename = '{USER}' AND datname = '{postgresql.name}'"
        )

    assert found
    assert {state for (state,) in found} == {"idle"}


def test_more_questions_than_the_server_has_connections_are_answered_or_told(postgresql):
    postgresql.execute(f"ALTER ROLE {USER} CONNECTION LIMIT 2")
    try:
        with closing(Ledger(postgresql.url)) as ledger, ThreadPoolExecutor(12) as threads:

            def ask(_):
                try:
                    return ledger.total_spent(1).payments
                except LedgerUnavailable as error:
                    return error.reason

            answers = set(threads.map(ask, range(60)))

            assert 2 in answers
            assert all("connections" in answer for answer in answers - {2})
            assert ledger.total_spent(1).payments == 2
    finally:
        postgresql.execute(f"ALTER ROLE {USER} CONNECTION LIMIT -1")


# --- over HTTP ------------------------------------------------------------------------------


def test_the_web_answers_as_over_a_file(unchanged, make_shop, exact):
    shop, of_file = make_shop(ledger=unchanged.url), make_shop()

    for path in (
        "/total_spent/1",
        "/total_spent/1?year=2025",
        "/total_spent/2",
        "/total_spent/9223372036854775807",
        "/total_spent/4",
        "/average_spending_by_age",
        "/average_spending_by_age?year=2026",
        "/average_spending_by_age?basis=customer",
    ):
        here, there = shop.get(path), of_file.get(path)
        answer, expected = exact(here), exact(there)
        for told in (answer, expected):
            told.pop("request_id", None)
        assert (here.status_code, answer) == (there.status_code, expected), path


def test_the_web_stores_a_bonus_customer_over_a_server(unchanged, make_shop):
    shop = make_shop(ledger=unchanged.url)

    reply = shop.post({"user_id": 1, "total_spending": 1834.5})

    assert (reply.status_code, reply.get_json()["matches_ledger"]) == (201, True)
    assert shop.post({"user_id": 4, "total_spending": 2000}).status_code == 404


def test_the_web_says_that_the_ledger_is_away_and_no_more(database, make_shop, assert_problem):
    shop = make_shop(ledger=database.url)
    assert shop.get("/total_spent/1").status_code == 200
    assert (
        shop.get("/readyz").get_json()["parts"]["ledger"] == "ready" or shop.get("/readyz").status_code == 200
    )

    database.server.stop(signal.SIGQUIT)
    replies = [
        shop.get("/total_spent/1"),
        shop.get("/total_spent/3?year=2026"),
        shop.post({"user_id": 1, "total_spending": 1834.5}),
    ]
    ready = shop.get("/readyz")
    database.server.start()

    for reply in replies:
        body = assert_problem(reply, 503, "ledger-unavailable")
        assert "Retry-After" in reply.headers
        assert_says_nothing(database, json.dumps(body) + str(reply.headers))
    assert ready.status_code == 503
    assert not ready.get_json()["ready"]
    assert ready.get_json()["parts"]["ledger"] != shop.get("/readyz").get_json()["parts"]["ledger"]
    assert_no_password(PASSWORD, ready.get_data(as_text=True))
    assert shop.get("/total_spent/1").status_code == 200
    assert shop.get("/readyz").status_code == 200


def assert_says_nothing(database, text):
    assert_no_password(PASSWORD, text)
    for inside in (
        "127.0.0.1",
        str(database.server.port),
        f"{USER}:",
        f"{USER}@",
        f'"{USER}"',
        database.name,
        "psycopg",
        "clickhouse",
        "SELECT",
    ):
        assert inside not in text


def test_pages_name_neither_host_nor_password(unchanged, make_shop):
    shop = make_shop(ledger=unchanged.url)
    for path in ("/", "/customers", "/customers/1", "/settings"):
        page = shop.get(path, headers={"Accept": "text/html"})
        assert page.status_code in {200, 302, 303, 404}
        assert_no_password(PASSWORD, page.get_data(as_text=True))


# --- in the terminal ------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_settings_mask_the_password(unchanged, options, smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_LEDGER", unchanged.url)

    status, out, err = smetka("settings", *options)

    assert status == 0
    assert_no_password(PASSWORD, out, err)
    assert "127.0.0.1" in out
    assert unchanged.name in out


def test_the_terminal_answers_over_a_server(unchanged, smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_LEDGER", unchanged.url)

    status, out, _ = smetka("total", 1, "--json")

    assert (status, json.loads(out)["total_spending"]) == (0, 1834.5)


@pytest.mark.parametrize("command", [["total", "1"], ["averages"], ["ledger", "check"]])
def test_the_terminal_says_what_is_wrong_without_the_password(unchanged, command, smetka, monkeypatch):
    wrong = f"wrong%4@{PASSWORD}"
    monkeypatch.setenv("SMETKA_LEDGER", unchanged.server.url(unchanged.name, password=wrong))

    status, out, err = smetka(*command)

    assert status == 1
    assert_no_password(PASSWORD, out, err)
    assert_no_password(wrong, out, err)
    assert "password" in err


def test_a_check_in_the_terminal_reads_a_server(unchanged, smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_LEDGER", unchanged.url)

    status, out, _ = smetka("ledger", "check", "--json")

    found = json.loads(out, parse_float=Decimal)
    assert (status, found["customers"], found["payments"]) == (0, 4, 4)
    assert found["total_spending"] == Decimal("11839.49")


def test_a_servers_index_is_no_business_of_ours(unchanged, smetka, monkeypatch):
    """The ledger is read, never written."""
    monkeypatch.setenv("SMETKA_LEDGER", unchanged.url)

    status, out, err = smetka("ledger", "index")

    assert status in {1, 2}
    assert out == ""
    assert_no_password(PASSWORD, err)
