"""`smetka campaign`, `smetka voucher` and `smetka audit`, through the command's front door."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from smetka.bonus.redemptions import Redemptions
from smetka.core.errors import BonusStoreUnavailable

YEAR_END = ("--year", "2026", "--voucher-value", "300", "--valid-until", "2099-01-31")


@pytest.fixture(autouse=True)
def _configured(monkeypatch, mongodb_uri, make_ledger):
    customers = [
        (1, "Ана Петрова", "ana@example.com", 30),
        (2, '=HYPERLINK("http://evil")', "+evil@example.com", 40),
        (3, "Nobody", "n@example.com", 50),
        (4, "Big Buyer", "big@example.com", 61),
    ]
    payments = [(1, 1500.5, 2026), (2, 2500, 2026), (3, 950, 2026), (3, 5000, 2025), (4, 6000, 2026)]
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger(customers, payments)))


@pytest.fixture
def told(smetka):
    """A command that succeeds, and what it prints as JSON."""

    def told(*arguments):
        status, out, err = smetka(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return told


@pytest.fixture
def codes(smetka, told, tmp_path):
    """Each customer's code, after a campaign was made and issued."""
    told("campaign", "create", "year-end", *YEAR_END, "--tier", "5000:1500")
    told("campaign", "issue", "year-end")
    rows = exported(smetka, tmp_path / "codes.csv", "--columns", "user_id,code")
    return {int(row["user_id"]): row["code"] for row in rows}


def exported(smetka, target, *options, delimiter=","):
    status, _, err = smetka("campaign", "export", "year-end", "--output", str(target), *options)
    assert status == 0, err
    return list(csv.DictReader(io.StringIO(target.read_bytes().decode("utf-8-sig")), delimiter=delimiter))


def test_a_campaign_is_made_looked_at_issued_and_shown(smetka, told):
    assert smetka("campaign", "list") == (0, "", "There is no campaign yet.\n")
    made = smetka("campaign", "create", "year-end", *YEAR_END, "--tier", "5000:1500", "--budget", "2000")
    assert made[:2] == (
        0,
        "Campaign year-end is made.\nSee what it would do: smetka campaign preview year-end\n",
    )
    again = smetka("campaign", "create", "year-end", *YEAR_END, "--tier", "5000:1500", "--budget", "2000")
    assert again[1].startswith("Campaign year-end is there already, with the same rules.\n")

    preview = told("campaign", "preview", "year-end")
    assert (preview["customers_due"], preview["customers_reached"], preview["cost_within_budget"]) == (
        3,
        2,
        1800,
    )
    assert [one["user_id"] for one in preview["near_misses"]["nearest"]] == [3]
    text = smetka("campaign", "preview", "year-end")[1]
    assert "1,800.00 MKD" in text
    assert told("campaign", "show", "year-end")["vouchers"] == {"vouchers": 0, "value": 0}

    assert smetka("campaign", "issue", "year-end")[:2] == (
        0,
        "2 new vouchers, worth 1,800.00 MKD together.\n1 customer due and left out by the campaign's limits.\n",
    )
    assert told("campaign", "issue", "year-end")["vouchers_issued"] == 0
    assert told("campaign", "show", "year-end")["by_status"]["issued"] == {"vouchers": 2, "value": 1800}
    assert "year-end" in smetka("campaign", "show", "year-end")[1]
    assert [each["name"] for each in told("campaign", "list")] == ["year-end"]
    assert "300.00 MKD" in smetka("campaign", "list")[1]


def test_a_campaign_of_the_past_is_made_with_a_warning(smetka):
    status, _, err = smetka(
        "campaign", "create", "late", "--year", "2020", "--voucher-value", "5", "--valid-until", "2021-01-31"
    )

    assert (status, err) == (0, "Its vouchers are not valid any more: the last day was 2021-01-31.\n")


def test_rules_never_change(smetka, told):
    told("campaign", "create", "year-end", *YEAR_END)

    status, out, err = smetka("campaign", "create", "year-end", *YEAR_END, "--budget", "1")

    assert (status, out) == (1, "")
    assert "There is a campaign year-end already" in err
    (kept,) = told("campaign", "list")
    assert (kept["voucher_value"], kept["budget"], kept["tiers"]) == (300, None, [])


@pytest.mark.parametrize("command", ["preview", "issue", "show", "export", "print"])
def test_a_campaign_that_is_not_there_is_said(smetka, tmp_path, command):
    more = ["--output", str(tmp_path / "file")] if command in {"export", "print"} else []

    status, out, err = smetka("campaign", command, "nothing", *more)

    assert (status, out) == (1, "")
    assert "There is no campaign nothing." in err
    assert not (tmp_path / "file").exists()


def test_the_export_has_the_columns_that_were_chosen(smetka, codes, tmp_path):
    rows = exported(smetka, tmp_path / "a.csv")
    assert set(rows[0]) >= {"user_id", "total_spending", "code", "value", "currency", "status"}
    assert not {"name", "email"} & set(rows[0])
    assert [(row["user_id"], row["value"], row["status"]) for row in rows] == [
        ("1", "300.00", "issued"),
        ("2", "300.00", "issued"),
        ("4", "1500.00", "issued"),
    ]

    chosen = exported(smetka, tmp_path / "b.csv", "--columns", "code, user_id", "--names")
    assert [list(row.values()) for row in chosen] == [
        [codes[1], "1", "Ана Петрова", "ana@example.com"],
        [codes[2], "2", '\'=HYPERLINK("http://evil")', "'+evil@example.com"],
        [codes[4], "4", "Big Buyer", "big@example.com"],
    ]
    refused = smetka(
        "campaign", "export", "year-end", "--output", str(tmp_path / "c.csv"), "--columns", "age"
    )
    assert refused[0] == 2
    assert "There is no column 'age'" in refused[2]
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.parametrize(("language", "amount"), [("en", "1500.50"), ("mk", "1500,50")])
@pytest.mark.usefixtures("codes")
def test_the_export_for_excel_is_one_that_excel_opens_by_itself(
    smetka, tmp_path, monkeypatch, language, amount
):
    monkeypatch.setenv("SMETKA_LANGUAGE", language)
    options = ("--excel", "--columns", "user_id,total_spending", "--names")

    rows = exported(smetka, tmp_path / "a.csv", *options, delimiter=";" if language == "mk" else ",")

    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (rows[0]["total_spending"], rows[0]["name"]) == (amount, "Ана Петрова")


def test_quiet_issuing_says_only_who_was_left_out(smetka, told):
    told("campaign", "create", "year-end", *YEAR_END)
    told("campaign", "create", "small", *YEAR_END, "--budget", "600")

    assert smetka("campaign", "issue", "year-end", "--quiet") == (0, "", "")
    assert told("campaign", "preview", "year-end")["already_issued"]["customers"] == 3
    assert smetka("campaign", "issue", "year-end", "--quiet", "--json") == (0, "", "")
    assert smetka("campaign", "issue", "small", "--quiet") == (
        0,
        "1 customer due and left out by the campaign's limits.\n",
        "",
    )
    assert smetka("campaign", "issue", "nobody's", "--quiet")[:2] == (1, "")


@pytest.mark.usefixtures("codes")
def test_stdout_takes_what_a_file_would(smetka, tmp_path):
    name = tmp_path / "a file"
    assert smetka("campaign", "export", "year-end", "--output", name)[0] == 0

    done = subprocess.run(
        [sys.executable, "-m", "smetka", "campaign", "export", "year-end", "--output", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == (name.read_bytes(), b"3 vouchers written to stdout.\n")


@pytest.mark.usefixtures("codes")
def test_stdout_takes_vouchers_to_print_as_a_file_would(smetka, tmp_path, monkeypatch):
    name, taken = tmp_path / "a file", io.BytesIO()
    assert smetka("campaign", "print", "year-end", "--output", name)[0] == 0
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(taken))

    status, _, err = smetka("campaign", "print", "year-end", "--output", "-")

    assert (status, err) == (0, "3 vouchers written to stdout.\n")
    assert taken.getvalue() == name.read_bytes()


def test_a_voucher_lives_through_the_terminal(smetka, told, codes, tmp_path):
    code = codes[1]
    assert told("voucher", "show", code.lower().replace("-", " "))["status"] == "issued"
    reserved = told("voucher", "reserve", code, "--reference", "order 7", "--minutes", "30")
    until = datetime.fromisoformat(reserved["reserved_until"])
    assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)
    status, out, err = smetka("voucher", "redeem", code, "--reference", "order 8")
    assert (status, out) == (1, "")
    assert "reserved" in err

    redeemed = told("voucher", "redeem", code, "--reference", "order 7", "--user-id", "1", "--key", "k7")
    assert (
        told("voucher", "redeem", code, "--reference", "order 7", "--user-id", "1", "--key", "k7") == redeemed
    )
    status, _, err = smetka("voucher", "redeem", code)
    assert status == 1
    assert "redeemed" in err
    assert told("voucher", "reverse", code, "--reason", "sent back")["status"] == "issued"
    assert smetka("voucher", "redeem", code)[:2] == (0, f"{code} is redeemed: 300.00 MKD, customer 1.\n")

    assert told("voucher", "void", codes[2], "--reason", "a mistake")["status"] == "void"
    assert smetka("voucher", "redeem", codes[2])[0] == 1
    shown = told("voucher", "show", code)
    assert [event["action"] for event in shown["history"]] == [
        "issue",
        "reserve",
        "redeem",
        "reverse",
        "redeem",
    ]
    assert {event.get("by", "terminal") for event in shown["history"]} == {"terminal"}
    assert "sent back" in smetka("voucher", "show", code)[1]
    assert [row["code"] for row in exported(smetka, tmp_path / "r.csv", "--status", "redeemed")] == [code]

    entries = told("audit", "--code", code)
    assert [(each["action"], each["happened"]) for each in entries] == [
        ("redeem", True),
        ("reverse", True),
        ("redeem", True),
        ("reserve", True),
    ]
    everything = smetka("audit")[1]
    assert [each["action"] for each in told("audit", "--limit", "2")] == ["export", "void"]
    assert "create-campaign" in everything
    assert "a mistake" in everything


def test_a_voucher_that_was_redeemed_is_told_so_though_mongodb_is_away_then(smetka, codes, monkeypatch):
    carry_out = Redemptions.carry_out

    def and_then_away(*arguments):
        answer = carry_out(*arguments)
        monkeypatch.setattr("smetka.bonus.vouchers.find", fail)
        return answer

    def fail(*_):
        raise BonusStoreUnavailable("away")

    monkeypatch.setattr(Redemptions, "carry_out", and_then_away)

    assert smetka("voucher", "redeem", codes[1])[:2] == (
        0,
        f"{codes[1]} is redeemed: 300.00 MKD, customer 1.\n",
    )


def test_around_the_last_midnight_the_terminal_says_what_holds_and_until_when(smetka, codes, monkeypatch):
    now = [datetime(2099, 1, 31, 22, 30, tzinfo=UTC)]  # Skopje: 23:30
    monkeypatch.setattr("smetka.cli.vouchers._now", lambda: now[0])
    held, sent_back = codes[1], codes[2]
    reserved = smetka("voucher", "reserve", held, "--reference", "order 7", "--minutes", "60")
    smetka("voucher", "redeem", sent_back)
    now[0] += timedelta(minutes=45)

    assert reserved[1] == (
        f"{held} is reserved: 300.00 MKD, customer 1.\nReserved until 2099-02-01 00:30 (Europe/Skopje)\n"
    )
    assert "Reserved until 2099-02-01 00:30 (Europe/Skopje)\n" in smetka("voucher", "show", held)[1]
    monkeypatch.setenv("SMETKA_LANGUAGE", "mk")
    assert "Резервиран до 01.02.2099 00:30 (Europe/Skopje)\n" in smetka("voucher", "show", held)[1]
    monkeypatch.setenv("SMETKA_LANGUAGE", "en")
    reversed_ = smetka("voucher", "reverse", sent_back, "--reason", "sent back")
    assert reversed_[1] == (
        f"{sent_back} is expired: 300.00 MKD, customer 2.\n"
        "It was taken back after its last day, 2099-01-31 (Europe/Skopje): it cannot be redeemed again.\n"
    )
    assert smetka("voucher", "show", sent_back)[1].startswith(f"{sent_back}: expired, ")
    assert "order 7" in smetka("voucher", "show", held)[1]
    assert smetka("voucher", "redeem", held, "--reference", "order 8")[0] == 1
    assert smetka("voucher", "redeem", held, "--reference", "order 7")[:2] == (
        0,
        f"{held} is redeemed: 300.00 MKD, customer 1.\n",
    )


@pytest.mark.parametrize("action", ["show", "redeem", "reserve", "void", "reverse"])
def test_a_mistyped_code_and_one_that_nobody_has_are_told_apart(smetka, codes, action):
    more = ["--reason", "x"] if action == "void" else []
    symbol = "2" if codes[1][-1] != "2" else "3"

    mistyped = smetka("voucher", action, codes[1][:-1] + symbol, *more)
    smetka("voucher", "void", codes[1], "--reason", "x")
    other_customer = smetka("voucher", "redeem", codes[2], "--user-id", "1")

    assert mistyped[0] == 1
    assert "mistyped" in mistyped[2]
    assert other_customer[0] == 1
    assert "customer 1" in other_customer[2]


def test_without_a_ledger_vouchers_are_redeemed_and_names_are_not_shown(smetka, codes, tmp_path, monkeypatch):
    monkeypatch.delenv("SMETKA_LEDGER")

    assert smetka("voucher", "redeem", codes[1])[0] == 0
    assert len(exported(smetka, tmp_path / "a.csv")) == 3
    status, _, err = smetka("campaign", "export", "year-end", "--names", "--output", str(tmp_path / "b.csv"))
    assert status == 2
    assert "SMETKA_LEDGER" in err
    assert not (tmp_path / "b.csv").exists()


@pytest.mark.parametrize("per_page", ["1", "8"])
@pytest.mark.usefixtures("codes")
def test_vouchers_are_printed(smetka, tmp_path, per_page):
    target = tmp_path / "vouchers.pdf"

    status, out, err = smetka(
        "campaign", "print", "year-end", "--output", str(target), "--per-page", per_page
    )

    assert (status, out) == (0, f"3 vouchers written to {target}.\n"), err
    assert target.read_bytes().startswith(b"%PDF-")
