"""Wrong usage is status 2 and said in one sentence, before MongoDB is asked for anything."""

from __future__ import annotations

import pytest

YEAR_END = ("campaign", "create", "year-end", "--year", "2026", "--voucher-value", "300")
YEAR_END += ("--valid-until", "2099-01-31")


@pytest.fixture(autouse=True)
def _without_mongodb(monkeypatch, make_ledger):
    monkeypatch.setenv("SMETKA_MONGODB_URI", "mongodb://127.0.0.1:1/nowhere?timeoutMS=100")
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger()))


@pytest.mark.process
def test_what_is_no_wrong_usage_does_ask_for_it(smetka):
    assert smetka(*YEAR_END)[:2] == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("bonus", "approve", "0"),
        ("bonus", "approve", "x"),
        ("bonus", "list", "--year", "0"),
        ("bonus", "list", "--review", "x"),
        ("voucher", "void", "X"),
        ("voucher", "reserve", "X", "--minutes", "0"),
        ("voucher", "redeem", "X", "--user-id", "0"),
        ("campaign", "create", "x"),
        ("campaign", "print", "year-end"),
        ("audit", "--limit", "0"),
        ("fake-telegram", "--token", "bad"),
    ],
)
def test_what_an_option_cannot_be_is_refused(smetka, arguments):
    assert smetka(*arguments)[:2] == (2, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--valid-until", "2026-W04-7"), "must be a day such as 2027-01-31"),
        (("--valid-until", "20270131"), "must be a day such as 2027-01-31"),
        (("--valid-until", "2027-02-29"), "must be a day such as 2027-01-31"),
        (("--valid-from", "2099-02-01"), "valid_until must not be before valid_from"),
        (("--voucher-value", "1.005"), "at most two decimals"),
        (("--voucher-value", "0"), "voucher_value must be more than 0"),
        (("--tier", "5000"), "must be a total and a value, such as 5000:1500"),
        (("--tier", "900:10"), "tiers"),
        (("--most-vouchers", "0"), "0 is not in the range"),
        (("--year", "0"), "0 is not in the range"),
    ],
)
def test_rules_that_cannot_be_are_named(smetka, changes, said):
    status, out, err = smetka(*YEAR_END, *changes)

    assert (status, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("name", ["", "Year End", "-x", "../x", "x" * 65])
def test_a_name_that_is_none_is_refused(smetka, name):
    status, _, err = smetka("campaign", "create", *YEAR_END[3:], "--", name)

    assert status == 2
    assert err.startswith("smetka: name must be")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["averages", "--cron", "0 9 * *"], "five fields are needed"),
        (["averages", "--cron", "0 9 32 FEB *"], "its day-of-month cannot be read"),
        (["averages", "--cron", "0 9 30 2 *"], "'0 9 30 2 *' never comes: no month that it names has"),
        (["pigeons", "--cron", "0 9 * * *"], "'pigeons' is not one of"),
        (["averages", "--cron", "0 9 * * *", "--year", "soon"], "must be all, current, previous or a year"),
        (["averages", "--cron", "0 9 * * *", "--chats", "me"], "neither a chat id"),
        (["averages"], "Missing option '--cron'"),
        (["averages", "--cron", "0 9 * * *", "--name", "a/b"], "1 to 60 characters and no slash"),
        (["averages", "--cron", "0 9 * * *", "--name", " "], "1 to 60 characters and no slash"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(smetka, arguments, sentence):
    status, _, err = smetka("schedule", "add", *arguments)

    assert status == 2
    assert sentence in err
