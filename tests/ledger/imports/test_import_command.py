from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smetka.cli import run

FILES = Path(__file__).parent / "files"
PLAIN = "user_id,money_spent,year\n"


@pytest.fixture
def smetka(capsys):
    """Run a command; its exit status, stdout and stderr."""

    def run_command(*arguments):
        status = run([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return status, shown.out, shown.err

    return run_command


@pytest.fixture
def export(tmp_path):
    def export(text, name="export.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return export


def count(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT count(*) FROM user_spending").fetchone()[0]


def test_from_an_export_to_the_averages(smetka, tmp_path):
    ledger = tmp_path / "shop.db"
    status, out, err = smetka("ledger", "import", FILES / "woocommerce_orders.csv", "--into", ledger)

    assert (status, err) == (0, "")
    assert "WooCommerce orders" in out
    assert "left out: 1 not paid (on hold)" in out
    assert "3 payments of 2,460.00 MKD, 2 customers" in out
    status, out, _ = smetka("averages", "--ledger", ledger, "--year", 2024, "--json")
    assert json.loads(out)["outside"]["total_spending"] == 2460


def test_programs_get_json_with_exact_amounts(smetka, export, tmp_path):
    path = export(PLAIN + "1,0.10,2023\n1,0.20,2023\n")
    status, out, _ = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", "--json")
    answer = json.loads(out)

    assert status == 0
    assert (answer["payments"], answer["total"], answer["written"]) == (2, 0.3, True)
    assert answer["files"][0]["mapping"] == {
        "user_id": "user_id",
        "money_spent": "money_spent",
        "year": "year",
    }
    assert (answer["files"][0]["kind"], answer["files"][0]["encoding"]) == ("csv", "utf-8")


def test_columns_are_mapped_by_option_and_by_file(smetka, export, tmp_path):
    path = export('Customer;"Total, paid";Paid\n7;1.234,50;31.12.2024\n')
    mapping = export('user_id = "Customer"\nmoney_spent = "Nothing"\n', "map.toml")
    status, out, err = smetka(
        *("ledger", "import", path, "--into", tmp_path / "shop.db", "--map-file", mapping),
        *("--map", 'money_spent="Total, paid",date=Paid', "--delimiter", ";", "--json"),
    )

    assert (status, err) == (0, "")
    assert json.loads(out)["total"] == 1234.5


def test_rejected_rows_stop_everything_and_are_listed_beside_the_ledger(smetka, export, tmp_path):
    path, ledger = export(PLAIN + "1,1.00,2023\nana@example.com,2.00,2023\n"), tmp_path / "shop.db"
    status, _, err = smetka("ledger", "import", path, "--into", ledger)

    assert status == 1
    assert "1 row rejected; nothing was written" in err
    assert not ledger.exists()
    with (tmp_path / "shop.db.rejects.csv").open(newline="") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["file", "line", "column", "reason"]
    assert listed[1][:3] == ["export.csv", "3", "user_id"]
    assert "ana@example.com" not in str(listed)


def test_the_others_are_taken_and_the_rejected_listed_where_told(smetka, export, tmp_path):
    path, ledger = export(PLAIN + "1,1.00,2023\nx,2.00,2023\n"), tmp_path / "shop.db"
    rejects = tmp_path / "bad.csv"
    status, out, _ = smetka(
        "ledger", "import", path, "--into", ledger, "--skip-rejected", "--rejects", rejects
    )

    assert status == 0
    assert str(rejects) in out
    assert count(ledger) == 1
    assert len(rejects.read_text().splitlines()) == 2


def test_a_list_of_rejected_rows_has_an_end(smetka, export, tmp_path, monkeypatch):
    monkeypatch.setattr("smetka.ledger.imports.outcome.MOST_REJECTS", 10)
    path = export(PLAIN + "x,1.00,2023\n" * 25)
    status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db")

    assert status == 1
    assert "25 rows" in err
    listed = (tmp_path / "shop.db.rejects.csv").read_text().splitlines()
    assert len(listed) == 12
    assert "and 15 more" in listed[-1]


def test_a_dry_run_shows_what_is_wrong_and_leaves_no_file(smetka, export, tmp_path):
    path = export(PLAIN + "x,1.00,2023\n" * 30)
    status, out, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", "--dry-run")

    assert status == 1
    assert "nothing would be written" in err
    assert "export.csv, line 2, user_id: is no whole number" in out
    assert out.count(": is no whole number") == 20
    assert "and 10 more" in out
    assert [file.name for file in tmp_path.iterdir()] == ["export.csv"]


def test_a_dry_run_says_what_would_be(smetka, export, tmp_path):
    path = export(PLAIN + "1,1.00,2023\n")
    status, out, _ = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", "--dry-run")

    assert status == 0
    assert "Would be added" in out
    assert not (tmp_path / "shop.db").exists()


def test_the_same_file_again_is_done_already(smetka, export, tmp_path):
    path, ledger = export(PLAIN + "1,1.00,2023\n"), tmp_path / "shop.db"
    smetka("ledger", "import", path, "--into", ledger)
    status, out, err = smetka("ledger", "import", path, "--into", ledger)

    assert (status, err) == (0, "")
    assert "was imported on 20" in out
    assert count(ledger) == 1


@pytest.mark.parametrize(
    ("text", "options", "status", "says"),
    [
        ("", (), 1, "export.csv"),
        (PLAIN, (), 1, "export.csv"),
        ("a,b\n1,2\n", (), 1, "who the customer is"),
        (PLAIN + "1,1.00,2023\n", ("--map", "user_id=Nobody"), 2, "no column 'Nobody'"),
        (PLAIN + "1,1.00,2023\n", ("--map", "age"), 2, "FIELD=COLUMN"),
        (PLAIN + "1,1.00,2023\n", ("--currency", "XXX"), 2, "ISO 4217"),
        ((FILES / "woocommerce_analytics.csv").read_text(), (), 1, "no e-mail addresses"),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_nothing_written(
    smetka, export, tmp_path, text, options, status, says
):
    found, out, err = smetka("ledger", "import", export(text), "--into", tmp_path / "shop.db", *options)

    assert (found, out) == (status, "")
    assert says in err
    assert err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["export.csv"]


def test_a_missing_file_and_a_missing_folder_are_told(smetka, export, tmp_path):
    ledger = tmp_path / "shop.db"
    status, _, err = smetka("ledger", "import", tmp_path / "missing.csv", "--into", ledger)
    assert status == 1
    assert "missing.csv" in err

    path = export(PLAIN + "1,1.00,2023\n")
    status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "no" / "shop.db")
    assert status == 1
    assert "nothing was written" in err
