"""What is wrong with the address of a server, as commands say it."""

from __future__ import annotations

import json
import os

import pytest

from smetka.core.errors import CAUSES
from smetka.files.data_directory import DataDirectory, Running
from smetka.settings import masked
from tests.settings.test_mongodb_uri import FORMS, parts_of
from tests.storage import lying


@pytest.mark.parametrize(
    "command",
    [["bonus", "list", "--year", "2026"], pytest.param(["serve", "--port", "0"], marks=pytest.mark.process)],
    ids=["a command", "the server"],
)
@pytest.mark.parametrize("form", [form for form in FORMS if "srv://shop:{}@cluster" not in form])
def test_commands_say_what_is_wrong_with_mongodb_s_in_one_line_with_status_2(
    monkeypatch, tmp_path, make_ledger, smetka, form, command
):
    monkeypatch.setenv("SMETKA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger()))
    monkeypatch.setenv("SMETKA_MONGODB_URI", form.replace("{}", "QX[Z7]8K9"))

    status, out, err = smetka(*command)

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("smetka: SMETKA_MONGODB_URI")
    assert not [part for part in parts_of("QX[Z7]8K9") if part in err]


@pytest.mark.process
def test_the_reason_why_a_server_is_away_comes_with_the_command(monkeypatch, tmp_path, smetka):
    monkeypatch.setenv("SMETKA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SMETKA_MONGODB_URI", "mongodb://shop:QXZ789@127.0.0.1:1/b?timeoutMS=300")

    status, _, err = smetka("bonus", "list", "--year", "2026")

    assert status == 1
    assert "refused" in err
    assert "QXZ7" not in err


# What is left of a URL by a hand that slips; the password has one character that means something there.
LEDGERS = [
    "{}://shop:{}@127.0.0.1:1/b",
    "{}://shop:12{}@127.0.0.1:1/b",
    " {}://shop:{}@127.0.0.1:1/b",
    "'{}://shop:{}@127.0.0.1:1/b'",
    "{}:/shop:{}@127.0.0.1:1/b",
    "{}:shop:{}@127.0.0.1:1/b",
    "{}//shop:{}@127.0.0.1:1/b",
    "jdbc:{}://shop:{}@127.0.0.1:1/b",
    "{}://shop:{}@127.0.0.1:99999/b",
    "{}://shop:{}@[::zz]/b",
]


@pytest.mark.parametrize("scheme", ["postgresql", "clickhousedb", "mysql"])
@pytest.mark.parametrize("form", LEDGERS)
@pytest.mark.parametrize("mark", [*":/?#[]@% "])
def test_no_part_of_a_ledger_s_password_is_told(monkeypatch, smetka, scheme, form, mark):
    password = f"{mark}QXZW7{mark}8K9Q"
    location = form.replace("{}", scheme, 1).replace("{}", password)
    monkeypatch.setenv("SMETKA_LEDGER", location)

    said = [smetka("total", "1"), smetka("settings"), smetka("ledger", "index", "--ledger", location)]

    assert [status for status, _, _ in said] == [2, said[1][0], 2]
    assert not [part for part in parts_of(password) for _, out, err in said if part in out + err]


def test_a_file_of_any_name_that_is_there_is_a_ledger(tmp_path, make_ledger, smetka):
    shop = make_ledger([(1, "Ана", None, 30)], [(1, 5.5, 2026)], name="shop:mail@example.db")

    assert smetka("total", "1", "--ledger", shop)[0] == 0


def test_what_a_server_of_mongodb_s_protocol_lacks_is_said_by_commands(
    monkeypatch, tmp_path, new_mongodb_uri, smetka
):
    server = lying.LyingServer(new_mongodb_uri, lying.drops_validators)
    monkeypatch.setenv("SMETKA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SMETKA_MONGODB_URI", server.uri)

    status, out, err = smetka("bonus", "list", "--year", "2026", "--json")
    server.close()

    assert (status, out, err.count("\n")) == (1, "", 1)
    assert CAUSES["validators"] in err


def test_the_status_says_why_a_server_is_not_ready(monkeypatch, tmp_path, new_mongodb_uri, smetka):
    server = lying.LyingServer(new_mongodb_uri, lying.no_sorting)
    monkeypatch.setenv("SMETKA_MONGODB_URI", server.uri)
    with DataDirectory(tmp_path).hold("serve") as directory:
        running = Running(
            os.getpid(), "serve", url="http://127.0.0.1:1", mongodb_uri=masked(server.uri), pids={}
        )
        directory.publish(running)
        status, out, _ = smetka("status", "--data-dir", tmp_path, "--json")
    server.close()

    assert status == 0
    found = json.loads(out)
    assert found["ready"] is False
    assert CAUSES["sorting"] in found["not_ready"]["mongodb"]
