from __future__ import annotations

import csv
import json
import os
import resource
import sqlite3
import stat
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from smetka.ledger.faults import explain
from smetka.ledger.imports.marker import draft, marked, marker
from smetka.ledger.imports.target import writing
from tests.ledger.imports.test_source import workbook

FILES = Path(__file__).parent / "files"
PLAIN = "user_id,money_spent,year\n"


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


def test_unknown_ages_are_counted(smetka, export, tmp_path):
    path = export("user_id,birth_date\n1,1978-03-14\n2,0000-00-00\n3,01.01.1900\n")
    status, out, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db")

    assert (status, err) == (0, "")
    assert "\n  2 rows of unknown age: " in out


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


ORDERS = (
    "order_id,email,date,status,money_spent\n"
    "1,vera@example.com,2025-02-03,paid,800.00\n2,vera@example.com,2025-02-04,paid,900.00\n"
)


def test_orders_that_changed_and_what_has_no_customer_are_told_in_money(smetka, export, tmp_path):
    ledger = tmp_path / "shop.db"
    smetka("ledger", "import", export(ORDERS), "--into", ledger)
    later = export(
        ORDERS.replace("paid,800.00", "cancelled,800.00") + "3,,2025-02-05,paid,1250.50\n", "later.csv"
    )

    for dry in (["--dry-run"], []):
        status, out, err = smetka("ledger", "import", later, "--into", ledger, *dry)
        assert (status, err) == (0, "")
        assert "left out: 1 there already, by the order number: 900.00 MKD" in out
        assert "left out: 1 without a customer: 1,250.50 MKD" in out
        assert out.endswith(
            "Without a customer: 1 order of 1,250.50 MKD. It has no e-mail address, and so no customer: "
            "no total and no average has this money.\n"
            "Changed since they were counted: 1 order.\n"
            "  1 cancelled: -800.00 MKD\n"
            "The ledger still counts it as it was: 800.00 MKD too much in all. "
            "Somebody who qualifies for a bonus by the shop's data may not.\n"
        )
    status, out, _ = smetka("ledger", "import", later, "--into", ledger, "--json", "--dry-run")
    assert json.loads(out)["files"][0]["already"]


def test_a_change_of_another_kind_is_told_by_its_kind(smetka, export, tmp_path):
    ledger = tmp_path / "shop.db"
    smetka("ledger", "import", export(ORDERS), "--into", ledger)
    later = export(ORDERS.replace("800.00", "850.00").replace("2025-02-04", "2024-02-04"), "later.csv")
    _, out, _ = smetka("ledger", "import", later, "--into", ledger)

    assert "  1 with another amount: +50.00 MKD\n  1 in another year\n" in out
    assert "as they were: 50.00 MKD too little in all." in out
    unknown = export(ORDERS.replace("paid,800", "partially_paid,800"), "unknown.csv")
    _, out, _ = smetka("ledger", "import", unknown, "--into", ledger, "--json")
    told = json.loads(out)
    assert told["changed"] == {
        "orders": 1,
        "amount": 0,
        "amount_unknown": 1,
        "reasons": [{"reason": "partly_paid", "orders": 1, "amount": 0, "amount_unknown": 1}],
    }
    assert told["left_out"] == [{"reason": "known", "orders": 1, "amount": 900, "amount_unknown": 0}]


def test_columns_are_mapped_by_option_and_by_file(smetka, export, tmp_path):
    path = export('Customer;"Total, paid";Paid\n7;1.234,50;31.12.2024\n')
    mapping = export('user_id = "Customer"\nmoney_spent = "Nothing"\n', "map.toml")
    status, out, err = smetka(
        *("ledger", "import", path, "--into", tmp_path / "shop.db", "--map-file", mapping),
        *("--map", 'money_spent="Total, paid",date=Paid', "--delimiter", ";", "--json"),
    )

    assert (status, err) == (0, "")
    assert json.loads(out)["total"] == 1234.5


def test_days_of_customers_that_are_passed_over_are_named(smetka, export, tmp_path):
    path = export("email,name,dob,created_at\nana@example.com,Ана,1990-02-03,2020-01-01\n")
    asked = ("ledger", "import", path, "--into", tmp_path / "shop.db")

    assert "dates passed over: 'dob', 'created_at'; an age is taken" in smetka(*asked, "--dry-run")[1]
    _, out, _ = smetka(*asked, "--map", "birth_date=dob", "--json")
    assert json.loads(out)["files"][0]["dates_unused"] == ["created_at"]


def test_states_of_the_shop_s_own_are_told_by_option(smetka, export, tmp_path):
    path = export("user_id,order_id,money_spent,year,status\n1,11,5.00,2023,held\n2,12,6.00,2023,packed up\n")
    asked = ("ledger", "import", path, "--into", tmp_path / "shop.db")

    _, out, _ = smetka(*asked, "--dry-run")
    assert "unknown states: 'held' (1: 5.00 MKD), 'packed up' (1: 6.00 MKD)" in out
    assert "--state WORD=paid" in out
    status, _, err = smetka(*asked, "--state", "held=maybe")
    assert (status, "--state is WORD=paid" in err) == (2, True)
    told = ("--state", "held=unpaid,Packed-Up=paid", "--state", "Спремна=paid")
    status, out, _ = smetka(*asked, *told)
    assert (status, "1 payment of 6.00" in out) == (0, True)
    assert "No row has a state that --state names: 'спремна'." in out


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


@pytest.mark.parametrize("there", [True, False], ids=["a ledger that is there", "a new ledger"])
@pytest.mark.parametrize("end", ["", "-wal", "-journal", "-shm", ".smetka-import", ".smetka-import.new"])
def test_rejected_rows_are_never_written_over_the_ledger_and_what_is_beside_it(
    smetka, export, make_ledger, tmp_path, there, end
):
    path = export(PLAIN + "x,1.00,2023\n")
    ledger = make_ledger([(1, "Ana", None, 30)], []) if there else tmp_path / "new.db"
    before = ledger.read_bytes() if there else None
    rejects = ledger.with_name(ledger.name + end)
    status, out, err = smetka("ledger", "import", path, "--into", ledger, "--rejects", rejects)

    assert (status, out) == (2, "")
    assert f"would be written over {rejects}" in err
    assert ledger.exists() == there
    assert not there or ledger.read_bytes() == before


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_rejected_rows_are_never_written_over_what_is_read_nor_by_a_link(smetka, export, tmp_path, link):
    path = export("file,line,column,reason\n1,2,3,4\n")
    link(tmp_path / "link.csv", path)
    for rejects in (path, tmp_path / "link.csv", tmp_path / "sub" / ".." / "export.csv"):
        status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "a.db", "--rejects", rejects)
        assert (status, "would be written over" in err) == (2, True)
    part = export(PLAIN + "x,1.00,2023\n", "bad.csv.part")
    smetka(
        *("ledger", "import", part, "--kind", "csv", "--into", tmp_path / "a.db"),
        *("--rejects", tmp_path / "bad.csv"),
    )
    assert "x,1.00" in part.read_text()


@pytest.mark.parametrize("named", [True, False], ids=["named", "by default"])
@pytest.mark.parametrize("text", ["", "notes\n", "file,line,column,reason,mine\n"])
def test_rejected_rows_are_never_written_over_another_file(smetka, export, tmp_path, named, text):
    path, other = export(PLAIN + "x,1.00,2023\n"), export(text, "shop.db.rejects.csv")
    options = ("--rejects", other) if named else ()
    status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", *options)

    assert status == 2
    assert f"{other}, where something else stands" in err
    assert other.read_text() == text


def test_a_list_of_rejected_rows_is_replaced_and_goes_with_what_was_wrong(smetka, export, tmp_path):
    ledger, rejects = tmp_path / "shop.db", tmp_path / "shop.db.rejects.csv"
    for rows in (3, 1):
        path = export(PLAIN + "x,1.00,2023\n" * rows)
        assert smetka("ledger", "import", path, "--into", ledger)[0] == 1
        assert len(rejects.read_text().splitlines()) == rows + 1
    path = export(PLAIN + "1,1.00,2023\n")
    smetka("ledger", "import", path, "--into", ledger, "--dry-run")
    assert rejects.exists()

    assert smetka("ledger", "import", path, "--into", ledger)[0] == 0
    assert not rejects.exists()


def test_rejected_rows_can_be_listed_on_the_terminal_or_in_a_pipe(smetka, export, tmp_path):
    path = export(PLAIN + "x,1.00,2023\n")
    status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", "--rejects", os.devnull)
    assert (status, "1 row rejected" in err) == (1, True)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


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


def test_what_to_do_with_rows_that_were_rejected_is_said_when_their_file_comes_again(
    smetka, export, tmp_path
):
    path, ledger = export("user_id,money_spent,date,status\n1,1.00,2023-01-05,paid\n"), tmp_path / "shop.db"
    path.write_text(path.read_text() + "2,1.00,2023-01-05,at the door\n")
    smetka("ledger", "import", path, "--into", ledger, "--skip-rejected")
    paid = ("--state", "at the door=paid", "--despite-overlap")
    status, out, _ = smetka("ledger", "import", path, "--into", ledger, *paid)

    assert status == 0
    assert "nothing of it was added. Rows of it were rejected then: put them into a file of their own." in out
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


def test_folders_are_named(smetka, export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, folder = export(PLAIN + "1,1.00,2023\n"), tmp_path / "folder"
    folder.mkdir()
    for name in (".", "folder"):
        status, _, err = smetka("ledger", "import", path, name, "--into", "shop.db")
        assert (status, err.count(f"{name} is a folder; name the files in it")) == (1, 1)
    status, _, err = smetka("ledger", "import", path, "--into", folder)
    assert (status, err.count(f"{folder} is a folder; a ledger is a file")) == (1, 1)
    status, _, err = smetka("ledger", "import", path, "--into", os.devnull, "--rejects", "bad.csv")
    assert (status, "is no file" in err) == (1, True)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_header_below_titles_is_told_and_a_total_is_listed(smetka, export, tmp_path):
    text = "Report\n\nNumber;Buyer;Paid;Day\n1;zoe@example.com;5,50;10.01.2025\nTotal;;5,50;\n"
    file, ledger = export(text), tmp_path / "shop.db"
    mapped = ("--map", "order_id=Number,email=Buyer,money_spent=Paid,date=Day", "--skip-rejected")

    status, _, err = smetka("ledger", "import", file, "--into", ledger)
    assert (status, "line 3 looks like the header. If it is, say --header-row 3." in err) == (1, True)
    status, out, _ = smetka("ledger", "import", file, "--into", ledger, *mapped, "--dry-run")
    assert (status, "  header on line 3; the lines above it are not read" in out.splitlines()) == (0, True)
    assert smetka("ledger", "import", file, "--into", ledger, *mapped, "--header-row", "3")[0] == 0
    assert count(ledger) == 1
    listed = ledger.with_name("shop.db.rejects.csv").read_text().splitlines()
    assert listed[1:] == ["export.csv,5,Paid,looks like the total of the rows above; remove this row"]
    assert smetka("ledger", "import", file, "--into", ledger, "--header-row", "0")[0] == 2


@pytest.mark.parametrize("options", [(), ("--decimal", ",")])
def test_amounts_that_a_workbook_has_as_texts_are_read_as_those_of_a_text_file(smetka, tmp_path, options):
    head = ["user_id", "money_spent", "year"]
    rows = [[1, "12,50", 2024], [2, "3,00", 2024], [3, 0.1, 2024], [4, "1.234,00", 2024], [5, 7, 2024]]
    path = workbook(tmp_path / "a.xlsx", A=[head, *rows])
    status, out, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db", "--json", *options)

    assert (status, err) == (0, "")
    assert json.loads(out)["total"] == 1256.6


def test_amounts_as_texts_in_two_readings_are_not_guessed_in_a_workbook_either(smetka, tmp_path):
    rows = [["user_id", "email", "money_spent", "year"], [1, "a@b.mk", "1.234", 2024], [2, "", 12.5, 2024]]
    path = workbook(tmp_path / "a.xlsx", A=rows)
    status, _, err = smetka("ledger", "import", path, "--into", tmp_path / "shop.db")
    assert (status, "amounts like 1.234" in err) == (1, True)
    status, out, _ = smetka(
        "ledger", "import", path, "--into", tmp_path / "shop.db", "--decimal", ",", "--json"
    )
    assert (status, json.loads(out)["total"]) == (0, 1246.5)


@pytest.mark.parametrize("text", [PLAIN + "1,1.00,2023\n", "order_id," + PLAIN + "a,1,1.00,2023\n"])
def test_the_same_file_twice_at_once_is_added_once(smetka, export, tmp_path, text):
    path, ledger, overtaking = export(text), tmp_path / "shop.db", pytest.MonkeyPatch()
    command = ("ledger", "import", path, "--into", ledger)

    def overtaken(*arguments):
        """Another one is quicker, when this one has looked and comes to write."""
        overtaking.undo()
        assert smetka(*command)[0] == 0
        return marked(*arguments)

    overtaking.setattr("smetka.ledger.imports.target.marked", overtaken)
    status, out, err = smetka(*command)

    assert (status, err) == (0, "")
    assert "was imported on 20" in out
    assert count(ledger) == 1


@pytest.mark.parametrize("table", ["smetka_imports", "smetka_import_years", "smetka_orders"])
@pytest.mark.parametrize("kind", ["TABLE {} (id, file)", "VIEW {} AS SELECT 1 AS id"])
def test_a_table_of_the_name_of_ours_is_told(smetka, export, make_ledger, table, kind):
    ledger = make_ledger([(1, "Ana", None, 30)], [])
    with closing(sqlite3.connect(ledger)) as database:
        database.execute(f"CREATE {kind.format(table)}")
    before = ledger.read_bytes()
    status, _, err = smetka("ledger", "import", export(PLAIN + "1,1.00,2023\n"), "--into", ledger)

    assert status == 1
    assert f"has a table {table} that is none of Smetka's" in err
    assert ledger.read_bytes() == before


@contextmanager
def no_file_longer_than(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("there", [True, False], ids=["a ledger that is there", "a new ledger"])
def test_a_ledger_that_cannot_grow_is_told_as_one_that_cannot_be_written(
    smetka, export, make_ledger, tmp_path, there
):
    path = export(PLAIN + "".join(f"{number},1.00,2023\n" for number in range(1, 20_000)))
    ledger = make_ledger([(1, "Ana", None, 30)], []) if there else tmp_path / "new.db"
    with no_file_longer_than(100_000):
        status, _, err = smetka("ledger", "import", path, "--into", ledger)

    assert status == 1
    assert "cannot be written" in err
    assert "cannot be read" not in err
    assert ledger.exists() == there


def test_a_full_disk_is_told_as_one_that_cannot_be_written(tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            database.executescript("CREATE TABLE a (b); CREATE TABLE c (d); CREATE TABLE e (f);")
    assert explain(full.value, Path("shop.db")) == "shop.db cannot be written: its disk is full."
    with pytest.raises(OSError, match="space") as full, Path("/dev/full").open("w") as file:  # noqa: PT012
        file.write("a")
        file.flush()
    assert explain(full.value, Path("shop.db")) == "shop.db cannot be written: its disk is full."


def test_what_an_import_leaves_when_it_is_killed_is_for_nobody_else_to_read(smetka, export, tmp_path):
    ledger = tmp_path / "shop.db"
    new = draft(ledger)
    with writing(ledger) as (path, _):
        assert path == new
        assert [stat.S_IMODE(each.stat().st_mode) for each in (new, marker(ledger))] == [0o600, 0o600]
        left = new.read_bytes()
    plain = export("", "plain")
    assert ledger.stat().st_mode == plain.stat().st_mode
    new.write_bytes(left)
    assert smetka("ledger", "import", export(PLAIN + "1,1.00,2023\n"), "--into", ledger)[0] == 0

    assert sorted(file.name for file in tmp_path.iterdir()) == ["export.csv", "plain", "shop.db"]
