"""Long commands tell how far they are, to whoever looks, and write as they read."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from smetka.bonus.records import BonusCustomers
from smetka.cli.options import print_json_list, print_table
from smetka.cli.progress import progress
from smetka.core.errors import BonusStoreUnavailable

BUYERS = 3


@pytest.fixture(autouse=True)
def _configured(monkeypatch, mongodb_uri, make_ledger):
    customers = [(number, f"Customer {number}", "", 30) for number in range(1, BUYERS + 1)]
    payments = [(number, 2000 + number, 2026) for number in range(1, BUYERS + 1)]
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger(customers, payments)))


@pytest.fixture
def is_seen(monkeypatch):
    """Have a terminal be where a stream goes."""

    def is_seen(name):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True)

    return is_seen


@pytest.fixture
def commands(smetka, tmp_path, make_ledger, monkeypatch, new_mongodb_uri):
    """Long commands in an order in which each finds something to do: name, label, and what runs it."""
    payments = tmp_path / "payments.csv"
    payments.write_text("user_id,money_spent,year\n1,5.00,2026\n")
    year = ("--year", 2026)
    until = ("--voucher-value", 300, "--valid-until", "2099-01-31")

    def run(*arguments, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        status, _, err = smetka(*arguments)
        assert status == 0, err
        return err

    def made(what, *arguments):
        run("campaign", "create", "c", *year, *until)
        return run("campaign", what, "c", *arguments)

    return (
        ("Customers", lambda: run("bonus", "collect", *year)),
        ("Customers", lambda: run("bonus", "list", *year)),
        ("Customers", lambda: run("bonus", "list", "--json", *year)),
        ("Customers", lambda: run("bonus", "export", "--output", tmp_path / "a.csv", *year)),
        ("Looked at", lambda: made("preview")),
        ("Vouchers", lambda: made("issue", "--yes")),
        ("Vouchers", lambda: made("export", "--output", tmp_path / "b.csv")),
        ("Vouchers", lambda: made("print", "--output", tmp_path / "c.pdf")),
        ("Records", lambda: run("backup", tmp_path / "backup")),
        ("Records", lambda: run("restore", tmp_path / "backup", SMETKA_MONGODB_URI=new_mongodb_uri)),
        ("Reading", lambda: run("ledger", "import", payments, "--into", tmp_path / "ledger.db")),
        (
            "Copying",
            lambda: run(
                "ledger", "copy", make_ledger([(1, "A", "", 1)], name="source.db"), tmp_path / "d.db"
            ),
        ),
    )


def test_a_script_hears_nothing(commands):
    for label, run in commands:
        assert label not in run()


def test_who_looks_sees_how_far_each_is(commands, is_seen):
    is_seen("stderr")

    for label, run in commands:
        assert f"{label}  [" in run().replace("\x1b[?25l", ""), label


def test_what_is_seen_being_written_needs_no_bar(smetka, is_seen):
    smetka("bonus", "collect", "--year", 2026)
    is_seen("stderr")
    is_seen("stdout")

    assert "Customers" not in smetka("bonus", "list", "--json", "--year", 2026)[2]
    assert "Customers  [" not in smetka("bonus", "export", "--output", "-", "--year", 2026)[2]


def test_on_a_terminal_the_numbers_stand_beside_the_bar(tmp_path):
    """A terminal as the kernel makes it."""
    shown, terminal = pty.openpty()
    code = (
        "from smetka.cli.progress import progress\n"
        "with progress('Vouchers') as tell:\n"
        "    tell(100, 0)\n"
        "    tell(200, 1000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=terminal, stdout=subprocess.PIPE, check=True, timeout=60
    )
    os.close(terminal)
    text = os.read(shown, 10_000).decode()
    os.close(shown)

    assert done.stdout == b""
    assert "Vouchers  [" in text
    assert "100" in text
    assert "200/1000" in text


def test_quiet_is_quiet_for_everybody(is_seen, capsys):
    is_seen("stderr")

    with progress("Vouchers", quiet=True) as tell:
        tell(1, 2)

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("many", [0, 1, 499, 500, 501, 1001])
def test_a_list_that_is_written_as_it_comes_is_what_it_would_be_whole(capsys, many):
    values = [{"number": number, "list": [1, {"a": []}], "empty": {}} for number in range(many)]

    print_json_list(iter(values))

    assert capsys.readouterr().out == json.dumps(values, indent=2) + "\n"


def test_a_table_is_written_as_it_comes_and_widens(capsys):
    held = []

    def rows():
        yield "id", "name"
        for number in range(1000):
            held.append(capsys.readouterr().out.count("\n"))
            yield str(number), "x"
        yield "1000", "a long name"

    print_table(rows(), right=frozenset({0}))

    assert max(held) >= 500, "the first rows were there before the last were read"
    assert capsys.readouterr().out.splitlines()[-1] == "1000  a long name"


@pytest.mark.parametrize("arguments", [("list", "--json"), ("list",), ("export", "--output", "-")])
def test_a_list_that_cannot_be_read_to_its_end_does_not_look_whole(smetka, monkeypatch, arguments):
    smetka("bonus", "collect", "--year", 2026)
    whole = smetka("bonus", "list", "--json", "--year", 2026)[1]
    every = BonusCustomers.listed

    def breaks(*given, **options):
        found = every(*given, **options)
        yield next(found)
        raise BonusStoreUnavailable("gone")

    monkeypatch.setattr(BonusCustomers, "listed", breaks)
    status, out, err = smetka("bonus", *arguments, "--year", 2026)

    assert status == 1
    assert "gone" in err
    assert out != whole
    with pytest.raises(json.JSONDecodeError):
        json.loads(out or "[")


def test_a_long_list_that_breaks_off_is_no_json(capsys):
    def values():
        yield from range(700)
        raise BonusStoreUnavailable("gone")

    with pytest.raises(BonusStoreUnavailable):
        print_json_list(values())

    with pytest.raises(json.JSONDecodeError):
        json.loads(capsys.readouterr().out)
