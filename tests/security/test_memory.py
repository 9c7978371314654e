"""A small file never becomes a large memory: not in the web server's processes, and not beyond a limit in another."""

from __future__ import annotations

import random
import resource
import subprocess
import threading
import time
import tracemalloc
from contextlib import contextmanager
from datetime import date
from zoneinfo import ZoneInfo

import psutil
import pytest
import requests

from smetka.core.processes import python
from smetka.keys import create_key
from smetka.ledger.imports import workbook_apart
from smetka.ledger.imports.columns import find_columns
from smetka.ledger.imports.outcome import FileOutcome, Outcome
from smetka.ledger.imports.plain_rows import PlainRows
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.source import Reading, open_source
from smetka.ledger.imports.workbook import Workbook
from smetka.ledger.imports.workbook_apart import WorkbookApart
from tests.e2e.torture import LONG_SECONDS
from tests.fixtures.ledger import write_ledger
from tests.fixtures.product import make_shop_in
from tests.ledger.imports.test_source import sheet_of, workbook
from tests.security import hostile_files
from tests.security.hostile_files import HEAD, hostile_file

MOST_TIMES = 1.5


@pytest.fixture(scope="module")
def shop(tmp_path_factory, prepared_home):
    """A running shop with an empty ledger, whose owner has a key."""
    folder = tmp_path_factory.mktemp("shop")
    ledger = write_ledger(folder / "shop.db")
    shop = make_shop_in(folder, prepared_home, "--no-worker", ledger=ledger, SMETKA_WORKERS="1")
    shop.key = create_key(shop.data_dir / "keys.json", "the owner", "owner")
    yield shop.start()
    shop.close()


def send(shop, name, kind, content, dry_run="true"):
    return requests.post(
        f"{shop.url}/api/v1/ledger/imports?name={name}&dry_run={dry_run}",
        data=content,
        headers={"Content-Type": kind, "Authorization": f"Bearer {shop.key}"},
        timeout=120,
    )


class Memory:
    """Resident bytes of the web server and its workers: now, and the most while somebody looked."""

    def __init__(self, shop):
        self._processes = [psutil.Process(pid) for pid in shop.web_pids()]
        self.peak = self.now()

    def now(self):
        return sum(each.memory_info().rss for each in self._processes)

    @contextmanager
    def watched(self):
        over = threading.Event()

        def watch():
            while not over.wait(0.02):
                self.peak = max(self.peak, self.now())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def answered_all(shop, numbers):
    """Send hostile files one after the other: how often the memory before its web server has, and has at most."""
    honest = HEAD + "".join(f"{each},1.50,2020\n" for each in range(1, 5000))
    for _ in range(3):
        assert send(shop, "a.csv", "text/csv", honest).status_code == 200
    memory = Memory(shop)
    before = memory.now()
    with memory.watched():
        for number in numbers:
            reply = send(shop, *hostile_file(number))
            assert reply.status_code in {200, 422}, (hostile_file(number)[0], number, reply.text[:500])
    assert send(shop, "a.csv", "text/csv", honest).status_code == 200
    assert sorted(shop.web_pids()) == sorted(each.pid for each in memory._processes)
    return memory.now() / before, memory.peak / before


# --- A workbook is read in a process of its own ------------------------------------------------------

ROWS = [["user_id", "money_spent", "name"], [1, 2.5, "Ана"], ["2", "3.50", "x"], [3, 1, 2, 3], [4, True, ""]]


def readers():
    return [
        each
        for each in psutil.Process().children()
        if "smetka.ledger.imports.workbook_process" in each.cmdline()
    ]


@pytest.mark.process
def test_a_workbook_is_the_same_in_a_process_of_its_own(tmp_path):
    formula = '<row r="9"><c r="A9"><f>1+1</f></c><c r="B9"><v>1</v></c></row></sheetData>'
    sheet = sheet_of(ROWS).replace("</sheetData>", formula)
    path = workbook(tmp_path / "a.xlsx", Orders=sheet)
    here, apart = Workbook(path, None, None, frozenset()), open_source(path, Reading())
    refused = [], []

    rows = [
        list(each.rows(None, several.append)) for each, several in zip((here, apart), refused, strict=True)
    ]

    assert rows[0] == rows[1]
    kinds = [[type(cell) for _, cells in several for cell in cells] for several in rows]
    assert kinds[0] == kinds[1]
    assert len(set(kinds[0])) == 3
    assert [*map(str, refused[0])] == [*map(str, refused[1])] != []
    assert (apart.header, apart.header_row, tuple(apart.found)) == (here.header, here.header_row, here.found)
    assert readers() == []


@pytest.mark.process
def test_what_is_wrong_with_a_workbook_is_told_from_there(tmp_path):
    path = workbook(tmp_path / "a.xlsx", A=[["user_id"]], B=[["user_id"]])

    with pytest.raises(Refused) as told:
        open_source(path, Reading())

    assert str(told.value) == "The file has several sheets with data: 'A', 'B'. Name one with --sheet."
    assert readers() == []


@pytest.mark.process
@pytest.mark.parametrize(
    "kind",
    [hostile_files.one_text_in_many_cells, hostile_files.a_text_of_many_runs],
    ids=lambda kind: kind.__name__,
)
def test_a_workbook_that_takes_too_much_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(workbook_apart, "MEMORY", 192 * 1024 * 1024)
    path = tmp_path / "a.xlsx"
    path.write_bytes(kind(random.Random(1))[2])

    with pytest.raises(Refused, match="takes more than 192 MiB of memory when it is read"):
        open_source(path, Reading())

    assert readers() == []


@pytest.mark.process
def test_a_workbook_that_takes_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_apart, "SECONDS", 1)
    path = tmp_path / "a.xlsx"
    path.write_bytes(hostile_files.one_sheet_of_many_names(random.Random(1))[2])

    with pytest.raises(Refused, match="takes more than 1 seconds to read"):
        open_source(path, Reading())

    assert readers() == []


def test_areas_of_formulas_that_are_none_take_no_time(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(hostile_files.areas_from_right_to_left(random.Random(1))[2])

    begun = time.process_time()
    Workbook(path, None, None, frozenset())

    assert time.process_time() - begun < 5


@pytest.mark.process
@pytest.mark.parametrize("kind", [resource.RLIMIT_AS, resource.RLIMIT_CPU], ids=["memory", "time"])
def test_a_workbook_is_read_where_the_system_allows_less(tmp_path, kind):
    path = workbook(tmp_path / "a.xlsx", A=[["user_id", "name"], [1, "Ana"]])
    lower = {resource.RLIMIT_AS: 900 * 1024 * 1024, resource.RLIMIT_CPU: 60}[kind]
    script = (
        f"import resource\nfrom pathlib import Path\nresource.setrlimit({kind}, ({lower}, {lower}))\n"
        "from smetka.ledger.imports.source import Reading, open_source\n"
        f"print(*open_source(Path({str(path)!r}), Reading()).rows())"
    )

    told = subprocess.run(python("-c", script), capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "(2, ['1', 'Ana'])"


@pytest.mark.process
def test_a_process_is_gone_when_nobody_reads_on(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", A=[["user_id", "name"], *[[each, "x" * 100] for each in range(1, 5000)]]
    )
    rows = open_source(path, Reading()).rows()
    next(rows)
    assert len(readers()) == 1

    rows.close()

    assert readers() == []


# --- What of a file is kept has an end -----------------------------------------------------------------


def refusal(path, content):
    path.write_bytes(content)
    with pytest.raises(Refused) as told:
        open_source(path, Reading())
    return str(told.value)


def test_a_name_of_a_column_has_an_end(tmp_path):
    head = f"user_id,money_spent,{'n' * 1000}"
    (tmp_path / "a.csv").write_text(f"{head}\n1,2,3\n")
    assert len(open_source(tmp_path / "a.csv", Reading()).header[2]) == 1000

    sentence = "Line 1 has a column with a name of more than 1,000 characters."
    assert refusal(tmp_path / "b.csv", f"{head}n\n1,2,3\n".encode()) == sentence


def test_keys_of_json_are_not_gathered_without_end(tmp_path):
    name, _, content = hostile_files.keys_in_every_line(random.Random(1))
    path = tmp_path / name
    path.write_bytes(content)

    tracemalloc.start()
    try:
        assert refusal(path, content) == "The file has a column with a name of more than 1,000 characters."
        assert tracemalloc.get_traced_memory()[1] < len(content)
    finally:
        tracemalloc.stop()


def test_the_name_beside_a_rejected_row_is_short():
    outcome = Outcome([FileOutcome("a.csv")])

    outcome.reject(outcome.files[0], 1, "n" * 1000, "is empty")

    assert outcome.rejects[0].column == "n" * 100
    assert str(Refused("is empty", line=1, column="n" * 1000)) == f"Line 1, column {'n' * 100} is empty."


def test_what_rejected_rows_say_is_kept_once():
    outcome = Outcome([FileOutcome("a.csv")])

    for line in (1, 2):
        outcome.reject(outcome.files[0], line, "n" * 1000, str(b"is empty", "ascii"))

    first, second = outcome.rejects
    assert (first.column, first.reason) == ("n" * 100, "is empty")
    assert first.column is second.column
    assert first.reason is second.reason


@pytest.mark.process
def test_answers_about_a_workbook_have_few_cells(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(hostile_files.narrow_cells_of_a_workbook(None, rows=40)[2])
    asked = WorkbookApart(path, None, None, frozenset())._asked

    with workbook_apart._answers({**asked, "rows": True}) as answers:
        next(answers)
        cells = [sum(len(row[1]) for row in answer["rows"]) for answer in answers]

    assert sum(cells) == 40 * 2_000
    assert max(cells) < 20_000


def test_rows_of_many_columns_are_taken_a_few_at_a_time(tmp_path):
    path = tmp_path / "a.csv"
    others = [f"c{at}" for at in range(1_997)]
    rows = ["user_id,money_spent,year," + ",".join(others), *["1,2.50,2020" + ",x" * 1_997] * 60]
    path.write_text("\n".join(rows))
    source = open_source(path, Reading())
    outcome = Outcome([FileOutcome("a.csv")])
    rules = Rules(currency="MKD", zone=ZoneInfo("Europe/Skopje"), today=date(2026, 12, 1))
    plain = PlainRows(source, find_columns(source.header, {}), rules, outcome, 0)

    together = [len(values) // 3 for _, values in plain.plain(None)]

    assert together == [25, 25, 10]


def test_a_row_of_a_workbook_has_an_end(tmp_path):
    name, _, content = hostile_files.one_text_across_a_row(random.Random(1), columns=40)
    (tmp_path / name).write_bytes(content)
    refused = []

    rows = list(Workbook(tmp_path / name, None, None, frozenset()).rows(None, refused.append))

    assert rows == []
    assert [*map(str, refused)] == [
        f"Line {line} has more than 1,048,576 characters in all." for line in (2, 3, 4)
    ]


def test_the_list_of_a_zip_archive_is_not_read(tmp_path):
    archive = hostile_files.zipped(dict.fromkeys(map(str, range(20_000)), ""))

    tracemalloc.start()
    try:
        assert refusal(tmp_path / "a.csv", archive) == "The file is a zip archive. Unpack it first."
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


# --- All of it, through the web server ----------------------------------------------------------------


@pytest.mark.process
def test_files_that_could_become_large_do_not_in_the_web_server(shop):
    kinds = len(hostile_files.KINDS)
    in_the_server = hostile_files.KINDS.index(
        hostile_files.a_million_columns
    )  # workbooks are read in another

    after, peak = answered_all(shop, [*range(kinds), *range(kinds + in_the_server, 2 * kinds)])

    assert (after <= MOST_TIMES, peak <= MOST_TIMES) == (True, True), (after, peak)


@pytest.mark.process
@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
def test_two_thousand_files_that_could_become_large_do_not_in_the_web_server(shop):
    after, peak = answered_all(shop, random.Random(20).sample(range(100_000), 2000))

    assert (after <= MOST_TIMES, peak <= MOST_TIMES) == (True, True), (after, peak)
