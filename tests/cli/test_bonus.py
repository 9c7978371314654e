"""`smetka bonus`, through the command's front door."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from smetka.bonus.records import BonusCustomers
from smetka.core.money import Money


@pytest.fixture(autouse=True)
def _configured(monkeypatch, mongodb_uri, make_ledger):
    customers = [
        (1, "Ана Петрова", "ana@example.com", 30),
        (2, '=HYPERLINK("http://evil")', "+evil@example.com", 40),
        (3, "Nobody", "n@example.com", 50),
    ]
    payments = [(1, 1500.5, 2026), (2, 2500, 2026), (3, 1000, 2026), (3, 5000, 2025)]
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger(customers, payments)))


def test_collect_list_approve_reject_and_remove(smetka):
    status, out, _ = smetka("bonus", "collect", "--year", "2026")
    assert status == 0
    assert "2 customers spent more than 1,000.00 MKD in 2026." in out
    assert "New: 2. Brought up to date: 0. As before: 0." in out
    assert json.loads(smetka("bonus", "collect", "--year", "2026", "--json")[1]) == {
        "year": 2026,
        "threshold": 1000,
        "due": 2,
        "stored": 0,
        "updated": 0,
        "unchanged": 2,
        "flagged": 0,
    }

    noted = json.loads(smetka("audit", "--json")[1])
    assert [(each["action"], each["year"], each["by"]) for each in noted] == [
        ("collect", 2026, "terminal")
    ] * 2

    listed = json.loads(smetka("bonus", "list", "--year", "2026", "--json")[1])
    assert [(one["user_id"], one["total_spending"], one["source"]) for one in listed] == [
        (1, 1500.5, "collected"),
        (2, 2500, "collected"),
    ]
    assert "1500.50" in smetka("bonus", "list", "--year", "2026")[1]
    assert (
        smetka("bonus", "approve", "1", "--year", "2026")[1] == "Customer 1 is approved for the 2026 bonus.\n"
    )
    assert smetka("bonus", "reject", "2", "--year", "2026")[0] == 0
    assert [
        one["user_id"]
        for one in json.loads(smetka("bonus", "list", "--year", "2026", "--review", "rejected", "--json")[1])
    ] == [2]
    assert smetka("bonus", "remove", "2", "--year", "2026")[0] == 0
    assert smetka("bonus", "remove", "2", "--year", "2026") == (
        1,
        "",
        "smetka: Customer 2 is not stored for the 2026 bonus.\n",
    )
    assert smetka("bonus", "approve", "9", "--year", "2026")[0] == 1
    assert json.loads(smetka("bonus", "list", "--year", "1999", "--json")[1]) == []
    assert smetka("bonus", "list", "--year", "1999")[2] == "No stored customer matches these filters.\n"


def test_the_list_tells_totals_of_all_years_from_those_of_the_year(smetka, storage, monkeypatch):
    smetka("bonus", "collect", "--year", "2026")
    assert "all years" not in smetka("bonus", "list", "--year", "2026")[2]
    known, asked = BonusCustomers(storage, lambda: datetime.now(UTC)), Money.parse("6000")
    known.store(3, 2026, asked, threshold=Money(1), ledger_total=asked, year_total=Money.parse("1000"))

    status, out, err = smetka("bonus", "list", "--year", "2026")

    assert status == 0
    assert [line.split()[-2:] for line in out.splitlines()[1:]] == [
        ["2026", "1500.50"],
        ["2026", "2500.00"],
        ["all", "1000.00"],
    ]
    assert err.startswith("A total that was sent without a year covers all years, and is compared with")
    assert "earlier version" not in err
    one = json.loads(smetka("bonus", "list", "--year", "2026", "--json")[1])[-1]
    assert (one["basis_period"], one["ledger_year_total"], one["matches_ledger"]) == ("all", 1000, True)
    with storage.translated():
        storage.collection("bonus_customers").update_one(
            {"user_id": 3}, {"$unset": {"basis_period": "", "ledger_year_total": ""}}
        )
    _, out, err = smetka("bonus", "list", "--year", "2026")
    assert out.splitlines()[-1].split()[-2:] == ["-", "-"]
    assert "earlier version" in err
    monkeypatch.setenv("SMETKA_LANGUAGE", "mk")
    assert "поранешна верзија" in smetka("bonus", "list", "--year", "2026")[2]


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize("excel", [False, True], ids=["plain", "for Excel"])
@pytest.mark.parametrize("names", [False, True], ids=["without names", "with names"])
def test_the_export_is_a_file_that_no_spreadsheet_runs(smetka, tmp_path, monkeypatch, excel, names, language):
    smetka("bonus", "collect", "--year", "2026")
    monkeypatch.setenv("SMETKA_LANGUAGE", language)
    target = tmp_path / "due.csv"
    more = ["--excel"] * excel + ["--names"] * names

    assert smetka("bonus", "export", "--year", "2026", "--output", str(target), *more)[1] == (
        f"2 customers written to {target}.\n"
    )

    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == excel
    separator, point = (";", ",") if excel and language == "mk" else (",", ".")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=separator))
    assert [(row["user_id"], row["total_spending"]) for row in rows] == [
        ("1", f"1500{point}50"),
        ("2", f"2500{point}00"),
    ]
    assert ("name" in rows[0]) == names
    if names:
        assert rows[0]["name"] == "Ана Петрова"
        assert rows[1]["name"] == '\'=HYPERLINK("http://evil")'
        assert rows[1]["email"] == "'+evil@example.com"


def test_the_export_to_stdout_is_that_and_nothing_else(smetka, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    smetka("bonus", "collect", "--year", "2026")
    smetka("bonus", "export", "--year", "2026", "--output", "./-")

    status, out, err = smetka("bonus", "export", "--year", "2026", "--output", "-")

    assert (status, err) == (0, "2 customers written to stdout.\n")
    assert out.encode() == (tmp_path / "-").read_bytes()
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".db"] == ["-"]


@pytest.mark.parametrize(
    ("shell", "status", "said"),
    [
        pytest.param("{} | true; exit ${{PIPESTATUS[0]}}", 1, "", id="nobody reads on"),
        pytest.param("{} >&-", 1, "smetka: There is no stdout to write to.\n", id="closed"),
        pytest.param(
            "{} > /dev/full", 1, "smetka: Stdout cannot be written: No space left on device.\n", id="full"
        ),
    ],
)
def test_a_stdout_that_does_not_take_it_is_no_traceback(smetka, tmp_path, shell, status, said):
    smetka("bonus", "collect", "--year", "2026")
    command = f"sleep 0.2 && {sys.executable} -m smetka bonus export --year 2026 --output -"

    done = subprocess.run(
        ["bash", "-c", shell.format(f"({command})")], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (status, said)


def test_quiet_collecting_says_only_what_somebody_should_look_at(smetka, make_ledger, monkeypatch):
    assert smetka("bonus", "collect", "--year", "2026", "--quiet") == (0, "", "")
    assert smetka("bonus", "collect", "--year", "2026", "--quiet", "--json") == (0, "", "")

    status, out, err = smetka("bonus", "collect", "--year", "2026", "--bonus-threshold", "2000", "--quiet")
    assert (status, err) == (0, "")
    assert out == "1 record not due any more: `smetka bonus list --review pending`.\n"
    monkeypatch.setenv("SMETKA_LEDGER", "/nowhere/shop.db")
    status, out, err = smetka("bonus", "collect", "--year", "2026", "--quiet")
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_a_file_that_cannot_be_written_is_said(smetka, tmp_path):
    status, _, err = smetka(
        "bonus", "export", "--year", "2026", "--output", str(tmp_path / "no" / "file.csv")
    )

    assert status == 1
    assert "cannot be written: No such file or directory." in err
