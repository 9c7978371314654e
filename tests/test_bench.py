"""The harness of `make bench` runs, and no wrong answer becomes a figure."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from bench import figures
from bench.__main__ import main
from bench.contest import Contestant, prove
from bench.figures import Figure
from bench.ledgers import customers, ledger, random_ids
from bench.load import Load, WrongAnswer, fire
from bench.servers import REPOSITORY, Server


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
        Thread(target=server.serve_forever, daemon=True).start()
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


def test_a_timed_load_counts_what_was_answered_within_its_time():
    with answering(say()) as (server, asked):
        answers = fire(server, Load("/", clients=2, seconds=0.4, warm_seconds=0.1))

    assert 2 <= answers.count < len(asked)
    assert answers.rate == pytest.approx(sum(answers.rates) / len(answers.rates))
    assert answers.rate * 0.4 <= answers.count


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


def test_one_wrong_answer_among_many_is_enough():
    def reply(handler):
        say(status=500 if handler.path == "/37" else 200)(handler)

    with answering(reply) as (server, _), pytest.raises(WrongAnswer, match="500"):
        fire(server, Load("/{id}", list(range(40)), clients=4, seconds=None))


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


def test_a_row_is_measured_from_its_start_to_the_table(tmp_path):
    sizes = ["--quick", "--payments", "2000", "--seconds", "0.2", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *sizes, "--only", "fresh", "--folder", tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| averages computed afresh")]
    assert len(rows) == 2
    assert all(re.search(r"\| \d+\.\d\d \| ≤ 1\.?2? \| (reached|missed by)", row) for row in rows)
