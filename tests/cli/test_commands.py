"""Commands: results to stdout, messages to stderr, status 0, 1 or 2, and never a traceback."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from smetka.cli import cli


@pytest.fixture
def ledger(make_ledger):
    return make_ledger(
        [(1, "Ана", "a@example.com", 20), (2, "Боб", None, 30), (3, "C", None, None)],
        [(1, 0.1, 2025), (1, 0.2, 2026), (2, 1000, 2026), (3, 5, 2026), (9, 7, 2026), (2, None, 2026)],
    )


def test_total_is_a_sentence_or_json(smetka, ledger):
    assert smetka("total", 1, "--ledger", ledger)[:2] == (
        0,
        "Customer 1 spent 0.30 MKD in all years (2 payments).\n",
    )
    assert (
        smetka("total", 1, "--year", 2026, "--ledger", ledger)[1]
        == "Customer 1 spent 0.20 MKD in 2026 (1 payment).\n"
    )

    status, out, _ = smetka("total", 2, "--ledger", ledger, "--json", "--currency", "EUR")
    assert (status, json.loads(out)) == (
        0,
        {"user_id": 2, "total_spending": 1000, "payments": 1, "year": None, "currency": "EUR"},
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "{} is not over yet: these are its figures so far."), ("mk", "{} година не е завршена")],
)
def test_the_year_that_is_not_over_is_called_that_and_others_are_not(smetka, ledger, language, words):
    this_year = datetime.now(ZoneInfo("Europe/Skopje")).year
    shop = ("--ledger", ledger, "--language", language)
    for year, is_told in ((this_year, True), (this_year + 1, True), (this_year - 1, False)):
        _, total, beside_total = smetka("total", 1, "--year", year, *shop)
        _, averages, _ = smetka("averages", "--year", year, *shop)
        answers = [
            json.loads(smetka(*command, "--year", year, *shop, "--json")[1])
            for command in (("total", 1), ("averages",))
        ]

        assert (words.format(year) in beside_total, words.format(year) in averages) == (is_told, is_told)
        assert words.format(year) not in total
        assert [answer.get("period", {}).get("finished") for answer in answers] == [
            False if is_told else None
        ] * 2
    for command in (("total", 1), ("averages",)):
        _, out, err = smetka(*command, *shop)
        assert words.partition("{}")[2] not in out + err


def test_averages_are_a_table_within_80_columns_or_json(smetka, ledger):
    status, out, _ = smetka("averages", "--ledger", ledger)
    assert status == 0
    assert "per paying customer, MKD" in out
    in_macedonian = smetka("averages", "--ledger", ledger, "--language", "mk")[1]
    assert max(map(len, [*out.splitlines(), *in_macedonian.splitlines()])) <= 80
    assert re.search(r"^age +average +median +customers +paying +payments +total$", out, re.MULTILINE)
    assert re.search(r"^18-24 +0\.30 +0\.30 ", out, re.MULTILINE)
    assert "than a tenth of what a group spent: 18-24 (100.0%), 25-30 (100.0%)." in " ".join(out.split())
    assert "In no group: 1 customer, 5.00 in total." in out
    assert "1 payment without a usable amount, 1 of unknown customers" in out

    answer = json.loads(
        smetka("averages", "--ledger", ledger, "--json", "--basis", "customer", "--year", 2026)[1],
        parse_float=Decimal,
    )
    assert answer["average_spending"] == {
        "18-24": Decimal("0.2"),
        "25-30": 1000,
        "31-36": None,
        "37-47": None,
        ">47": None,
    }
    assert (answer["basis"], answer["year"], "notification" in answer) == ("customer", 2026, False)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(["total", "7"], 1, "no customer 7", id="an unknown customer"),
        pytest.param(["total", "0"], 2, "0 is not in the range", id="an id that cannot be"),
        pytest.param(["total", "x"], 2, "not a valid integer", id="an id that is no number"),
        pytest.param(["total"], 2, "Missing argument", id="no id"),
        pytest.param(["total", "1", "--ledger", "/nowhere.db"], 1, "/nowhere.db", id="no such ledger"),
        pytest.param(["averages", "--basis", "median"], 2, "median", id="an unknown basis"),
        pytest.param(["averages", "--age-groups", "1-5,3-9"], 2, "overlap", id="overlapping groups"),
        pytest.param(["frobnicate"], 2, "No such command", id="an unknown command"),
        pytest.param(["status"], 1, "Nothing runs", id="nothing runs"),
        pytest.param(["key", "revoke", "nobody"], 1, "nobody", id="a key that is not there"),
        pytest.param(["key", "create", "a", "--role", "king"], 2, "king", id="an unknown role"),
        pytest.param(["telegram", "test"], 1, "SMETKA_TELEGRAM_BOT_TOKEN", id="no bot"),
        pytest.param(
            ["serve", "--ledger", "oracle://shop"],
            2,
            "oracle:// is not supported",
            id="a database we do not read",
        ),
        pytest.param(["serve", "--port", "70000"], 2, "SMETKA_PORT", id="an impossible port"),
        pytest.param(["serve", "--currency", "KWD"], 2, "decimals", id="a currency with three decimals"),
    ],
)
def test_mistakes_are_one_message_on_stderr(smetka, ledger, monkeypatch, arguments, status, words):
    monkeypatch.setenv("SMETKA_LEDGER", str(ledger))

    answered, out, err = smetka(*arguments)

    assert (answered, out) == (status, "")
    assert words in err


def test_settings_show_values_and_where_they_came_from_but_no_secret(smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_PORT", "8123")
    monkeypatch.setenv("SMETKA_MONGODB_URI", "mongodb://user:canary@host/shop")

    rows = {row["name"]: row for row in json.loads(smetka("settings", "--json")[1])}
    text = smetka("settings")[1]

    assert (rows["SMETKA_PORT"]["value"], rows["SMETKA_PORT"]["origin"], rows["SMETKA_PORT"]["default"]) == (
        "8123",
        "environment",
        "8000",
    )
    assert rows["SMETKA_MONGODB_URI"]["value"] == "***"
    assert "canary" not in text + str(rows)
    assert all({"name", "value", "origin", "default", "help"} == set(row) for row in rows.values())


def test_a_key_is_shown_once_and_kept_as_a_hash(smetka, tmp_path):
    file = tmp_path / "keys.json"

    status, key, err = smetka("key", "create", "till", "--role", "cashier", "--keys-file", file)
    listed = smetka("key", "list", "--keys-file", file)[1]

    assert status == 0
    assert key.startswith("smk_")
    assert "once" in err
    assert key.strip() not in listed + file.read_text()
    assert "cashier" in listed
    assert smetka("key", "revoke", "till", "--keys-file", file)[0] == 0
    assert json.loads(smetka("key", "list", "--json", "--keys-file", file)[1])[0]["revoked_at"]


def test_every_command_explains_itself(smetka):
    import click

    context = click.Context(cli)
    names = cli.list_commands(context)
    assert {
        "serve",
        "demo",
        "worker",
        "status",
        "settings",
        "total",
        "averages",
        "ledger",
        "telegram",
        "deliveries",
        "key",
        "fake-telegram",
    } <= set(names)
    for name in names:
        command = cli.get_command(context, name)
        commands = [[name], *([name, sub] for sub in getattr(command, "commands", {}))]
        for path in commands:
            status, out, _ = smetka(*path, "--help")
            assert status == 0
            assert out.startswith("Usage:")


def test_secrets_have_no_option(smetka):
    text = smetka("serve", "--help")[1]

    assert "--ledger" in text
    assert "--mongodb-uri" not in text
    assert "--telegram-bot-token" not in text
