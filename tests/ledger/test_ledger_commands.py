from __future__ import annotations

import json

import pytest

from smetka.cli import run


@pytest.fixture
def smetka(capsys):
    """Run a command; its exit status, stdout and stderr."""

    def run_command(*arguments):
        status = run([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return status, output.out, output.err

    return run_command


def test_check_says_what_is_there_and_what_is_odd(smetka, shop):
    status, out, err = smetka("ledger", "check", "--ledger", shop)

    assert (status, err) == (0, "")
    assert "Customers" in out
    assert "age-unknown: 1, for example customer 3" in out
    assert max(len(line) for line in out.splitlines()) < 80


def test_check_answers_programs_in_json(smetka, shop):
    status, out, _ = smetka("ledger", "check", "--ledger", shop, "--json")
    answer = json.loads(out)

    assert status == 0
    assert (answer["customers"], answer["payments"], answer["total_spending"]) == (3, 3, 295.25)
    assert {problem["kind"] for problem in answer["problems"]} == {"age-unknown", "refund", "no-index"}
    assert set(answer["problems"][0]) == {"kind", "count", "example", "meaning", "harmless"}


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["in words", "in JSON"])
@pytest.mark.parametrize(
    ("payment", "status"),
    [
        pytest.param((1, 5, 2026), 0, id="nothing odd"),
        pytest.param((1, -5, 2026), 0, id="a refund is only good to know"),
        pytest.param((7, 5, 2026), 3, id="of nobody"),
        pytest.param((1, None, 2026), 3, id="left out of the figures"),
        pytest.param((1, 5, None), 3, id="in no year"),
    ],
)
def test_check_ends_with_status_3_when_there_is_something_to_look_at(
    smetka, make_ledger, payment, status, how
):
    path = make_ledger([(1, "a", None, 20)], [payment], index=True)

    ended, out, err = smetka("ledger", "check", "--ledger", path, *how)

    assert (ended, err) == (status, "")
    if how:
        assert any(not each["harmless"] for each in json.loads(out)["problems"]) == (status == 3)
    else:
        assert ("Problems: nothing." in out) == (status == 0)


def test_check_uses_the_configured_ledger(smetka, shop, monkeypatch):
    monkeypatch.setenv("SMETKA_LEDGER", str(shop))

    assert smetka("ledger", "check")[0] == 0


def test_a_ledger_that_cannot_be_read_is_a_line_and_status_1(smetka, tmp_path):
    status, out, err = smetka("ledger", "check", "--ledger", tmp_path / "missing.db")

    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "There is no file" in err


@pytest.mark.parametrize("command", ["check", "index"])
def test_no_ledger_named_is_wrong_usage(smetka, command):
    status, out, err = smetka("ledger", command)

    assert (status, out) == (2, "")
    assert "SMETKA_LEDGER" in err


def test_index_makes_the_index_once_and_says_how_long_it_took(smetka, shop):
    assert "was made" in smetka("ledger", "index", shop)[1]
    assert "already" in smetka("ledger", "index", "--ledger", shop)[1]


def test_init_makes_a_ledger_once(smetka, tmp_path):
    path = tmp_path / "new shop.db"

    assert smetka("ledger", "init", path)[0] == 0
    assert smetka("ledger", "check", "--ledger", path)[0] == 0
    status, out, err = smetka("ledger", "init", path)
    assert (status, out) == (1, "")
    assert "exists already" in err
