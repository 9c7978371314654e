"""The harness of `make bench` runs, and no wrong answer becomes a figure."""

from __future__ import annotations

import csv
import re
import sqlite3
import sys
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from bench import databases, figures
from bench.__main__ import main
from bench.commands import run
from bench.contest import Contestant, prove
from bench.figures import Figure
from bench.growth import AVERAGES, Curve, Measure, Point
from bench.ledgers import customers, ledger, random_ids
from bench.load import Load, WrongAnswer, fire
from bench.rows.importing import importing, payments_file
from bench.rows.sizes import Sizes
from bench.servers import NotStarted, Server

from smetka.ledger import Ledger
from tests.ledger.servers import has_clickhouse


@contextmanager
def answering(reply, protocol="HTTP/1.1"):
    """A server on this machine, in which `reply` writes the answer to each request; all paths asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_GET(self):
            asked.append(self.path)
            reply(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Server("the other", server.server_port, None), asked
        server.shutdown()


def say(body=b'{"total": 1}', *, status=200, headers=None):
    def reply(handler):
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} if headers is None else headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.mark.process
@pytest.mark.parametrize(
    ("reply", "protocol"),
    [
        pytest.param(say(), "HTTP/1.1", id="kept alive"),
        pytest.param(say(headers={"Connection": "close"}), "HTTP/1.1", id="until it closes"),
        pytest.param(
            say(headers={"Content-Length": "12", "Connection": "close"}), "HTTP/1.1", id="length, then closed"
        ),
        pytest.param(
            say(b'c\r\n{"total": 1}\r\n0\r\n\r\n', headers={"transfer-encoding": "chunked"}),
            "HTTP/1.1",
            id="in chunks",
        ),
    ],
)
def test_every_id_is_asked_for_once_and_every_answer_counted(reply, protocol):
    with answering(reply, protocol) as (server, asked):
        load = Load("/total/{id}", list(range(40)), holds='"total"', clients=3, seconds=None)
        answers = fire(server, load)

    assert answers.count == 40
    assert sorted(asked) == sorted(f"/total/{number}" for number in range(40))
    assert 0 < answers.median <= answers.p95


@pytest.mark.process
def test_a_timed_load_counts_what_was_answered_within_its_time():
    with answering(say()) as (server, asked):
        answers = fire(server, Load("/", clients=2, seconds=0.4, warm_seconds=0.1))

    assert 2 <= answers.count < len(asked)
    assert answers.rate == pytest.approx(sum(answers.rates) / len(answers.rates))
    assert answers.rate * 0.4 <= answers.count


@pytest.mark.process
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(say(status=500), "500", id="another status"),
        pytest.param(say(b'{"error": 1}'), "error", id="another body"),
        pytest.param(
            say(headers={"Content-Length": "99", "Connection": "close"}), "in the middle", id="cut short"
        ),
    ],
)
def test_a_wrong_answer_is_no_figure(reply, told):
    with answering(reply) as (server, _), pytest.raises(WrongAnswer, match=told):
        fire(server, Load("/", [1, 2, 3], holds='"total"', clients=1, seconds=None))


@pytest.mark.process
def test_one_wrong_answer_among_many_is_enough():
    def reply(handler):
        say(status=500 if handler.path == "/37" else 200)(handler)

    with answering(reply) as (server, _), pytest.raises(WrongAnswer, match="500"):
        fire(server, Load("/{id}", list(range(40)), clients=4, seconds=None))


@pytest.mark.process
def test_a_contestant_with_another_total_is_not_measured():
    with answering(say()) as (server, _), pytest.raises(WrongAnswer, match="total"):
        prove(Contestant(server, Load("/"), lambda answer: answer["total"] == 2))


def test_the_ledger_is_the_same_each_time_and_its_customers_are_in_it(tmp_path):
    path = ledger(tmp_path, 2000)

    assert path == ledger(tmp_path, 2000)
    assert set(random_ids(2000, 500)) <= set(range(1, customers(2000) + 1))
    assert random_ids(2000, 50) == random_ids(2000, 50)


@pytest.mark.parametrize(
    ("value", "at_least", "verdict"),
    [
        (1.1, True, "reached"),
        (1.0, True, "missed by 9.1%"),
        (1.1, False, "reached"),
        (1.21, False, "missed by 10.0%"),
    ],
)
def test_a_figure_says_whether_it_reached_its_target(value, at_least, verdict):
    assert Figure("a", "b", "1", "2", value, 1.1, at_least).cells[-1] == verdict


def test_a_figure_without_a_target_is_not_judged():
    assert Figure("a", "b", "1", "2", 0.5, None, at_least=False).cells[-3:] == ["0.50", "", ""]


def test_the_file_to_import_holds_the_ledgers_payments(tmp_path):
    with closing(sqlite3.connect(ledger(tmp_path, 2000))) as database:
        stored = database.execute("SELECT user_id, money_spent, year FROM user_spending").fetchall()
    with payments_file(tmp_path, 2000).open() as file:
        header, *rows = csv.reader(file)

    assert header == ["user_id", "money_spent", "year"]
    assert rows == [[str(user_id), f"{amount:.2f}", str(year)] for user_id, amount, year in stored]


@pytest.mark.process
@pytest.mark.parametrize("engine", ["postgresql", *["clickhouse"] * has_clickhouse()])
def test_servers_are_filled_with_the_same_ledger(tmp_path, engine):
    with closing(Ledger(str(ledger(tmp_path, 2000)))) as file, databases.serving(engine, tmp_path) as server:
        database = server.make_database()
        databases.fill(database, 2000)
        databases.pay(database)
        with closing(Ledger(database.url)) as served:
            assert served.total_spent(1).payments == file.total_spent(1).payments + 1
            assert list(served.spending_by_customer())[1:] == list(file.spending_by_customer())[1:]
            ours, theirs = (
                [(each.amount, each.year) for each in opened.payments(2, 50)] for opened in (served, file)
            )
            assert ours == theirs
            assert served.person(7) == file.person(7)
            assert served.customers(100) == file.customers(100)
        assert databases.count_and_sum(database)[0] == 2001
        assert databases.bytes_on_disk(database) > 10_000


def test_nothing_is_imported_without_somebody_to_compare_with(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NotStarted, match="sqlite3 shell"):
        importing(Sizes(tmp_path))


def test_it_is_said_that_clickhouse_is_left_out(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "chdb", None)

    assert not databases.has_clickhouse()
    assert "ClickHouse is left out" in capsys.readouterr().err


@pytest.mark.process
def test_a_command_is_measured_to_its_end(tmp_path):
    code = "import time; held = b'x' * 60_000_000; time.sleep(0.3); print('done')"
    done = run("python", [sys.executable, "-c", code], tmp_path)

    assert done.printed == "done\n"
    assert done.seconds >= 0.3
    assert done.megabytes >= 60


@pytest.mark.process
def test_a_command_that_fails_is_no_figure(tmp_path):
    with pytest.raises(WrongAnswer, match="python ended with 3: what went wrong"):
        run(
            "python",
            [sys.executable, "-c", "import sys; print('what went wrong', file=sys.stderr); sys.exit(3)"],
            tmp_path,
        )


def test_a_curve_goes_on_as_it_began():
    line = Curve([(n, 0.5 + n * 2e-7) for n in (10**5, 10**6, 10**7)])
    square = Curve([(n, n**2 / 1e12) for n in (10**5, 10**6, 10**7)])
    search = Curve([(n, 0.001 * digits) for digits, n in ((5, 10**5), (6, 10**6), (7, 10**7))])

    assert line.line == pytest.approx((0.5, 2e-7))
    assert line.at(10**9) == pytest.approx(200.5)
    assert (square.slope, square.at(10**8)) == pytest.approx((2, 10_000))
    assert search.at_logarithm(10**9) == pytest.approx(0.009)


def test_what_was_given_up_is_in_no_curve():
    points = [Point(n, seconds, 1, 1, 1, None) for n, seconds in ((10, 1.0), (20, 2.0), (30, None))]

    assert AVERAGES.curve(points).points == [(10, 1.0), (20, 2.0)]
    assert AVERAGES.curve(points[1:]) is None
    assert AVERAGES.shown(points[-1].averages) == "given up"
    assert [Measure("", None, is_size=True).shown(size) for size in (12, 3.5e6)] == ["12 bytes", "3.5 MB"]


def test_the_table_goes_between_the_markers_of_the_page(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text(figures.PAGE.read_text())
    before, after = re.split(f"{figures.BEGIN}.*{figures.END}", page.read_text(), flags=re.DOTALL)
    figures.write("one", page)
    figures.write("two", page)

    assert page.read_text() == f"{before}{figures.BEGIN}\ntwo\n{figures.END}{after}"


def test_a_row_that_cannot_be_measured_fails_the_run_and_leaves_the_page(monkeypatch, capsys):
    def row(_sizes):
        raise WrongAnswer("it answered 500")

    before = figures.PAGE.read_text()
    monkeypatch.setattr("bench.__main__.ROWS", {"one": row})
    monkeypatch.setattr("sys.argv", ["bench", "--write"])

    assert main() == 1
    assert "one could not be measured: it answered 500" in capsys.readouterr().err
    assert figures.PAGE.read_text() == before


@pytest.mark.process
def test_a_row_is_measured_from_its_start_to_the_table(tmp_path, monkeypatch, capsys):
    sizes = ["--quick", "--payments", "2000", "--seconds", "0.2", "--rounds", "1"]
    monkeypatch.setattr("sys.argv", ["bench", *sizes, "--only", "fresh", "--folder", str(tmp_path)])

    status, shown = main(), capsys.readouterr()

    assert status == 0, shown.err
    rows = [line for line in shown.out.splitlines() if line.startswith("| averages computed afresh")]
    assert len(rows) == 2
    assert all(re.search(r"\| \d+\.\d\d \| ≤ 1\.?2? \| (reached|missed by)", row) for row in rows)
