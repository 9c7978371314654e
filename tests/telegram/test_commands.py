"""What commands and buttons ask for, and what is said to those that ask wrongly."""

from __future__ import annotations

import pytest

from smetka.telegram.access import Asker
from smetka.telegram.commands import answer, pressed
from smetka.telegram.messages import compose
from tests.telegram.conftest import MANAGER, SKOPJE, delivery


@pytest.fixture
def ask(figures):
    """A function that gives the answer to a manager's command."""

    def ask(said):
        name, *words = said.split()
        return answer(name, words, Asker(MANAGER, MANAGER, True, "manager"), figures)

    return ask


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("averages", ("averages", None, None)),
        ("averages 2025 PAYMENT", ("averages", 2025, "payment")),
        ("averages all customer", ("averages", None, "customer")),
        ("averages spender", ("averages", None, "spender")),
        ("total 100", ("customer", 100, None)),
        ("total 100 2025", ("customer", 100, 2025)),
        ("total 100 ALL", ("customer", 100, None)),
        ("due", ("bonus", 2026)),
        ("due 2025", ("bonus", 2025)),
        ("shop", ("shop", None)),
        ("shop 2025", ("shop", 2025)),
    ],
)
def test_commands_ask_what_they_say(ask, figures, said, asked):
    kind = {"averages": "asked", "customer": "customer"}.get(asked[0], asked[0])

    assert ask(said).kind == kind
    assert figures.asked == [asked]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("total", "/total needs a customer's id in plain digits, for example /total 100."),
        ("total 1e3", "/total needs a customer's id"),
        ("total ١٢", "/total needs a customer's id"),
        ("total -1", "/total needs a customer's id"),
        ("total 007", "/total needs a customer's id"),
        ("total 9223372036854775808", "/total needs a customer's id"),
        ("total 100 20.25", "/total takes a year in plain digits, from 1 to 9999"),
        ("averages yesterday", "/averages takes a year"),
        ("averages 2025 spender payment", "/averages has too many words behind it."),
        ("shop 99999", "/shop takes a year"),
        ("language", "/language needs mk or en."),
        ("language de", "/language needs mk or en."),
        ("total 999", "There is no customer 999 in the ledger."),
        ("dance", "I do not know that. Write /help"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(ask, figures, said, sentence):
    found = ask(said)
    (part,) = compose(delivery(found.report, found.kind), "en", SKOPJE, figures)

    assert part.html.startswith(sentence)
    assert figures.asked in ([], [("customer", 999, None)])


def test_buttons_ask_what_they_say(figures):
    assert pressed("averages all customer", figures).kind == "asked"
    assert pressed("averages 2025 spender", figures).kind == "asked"
    assert figures.asked == [("averages", None, "customer"), ("averages", 2025, "spender")]


@pytest.mark.parametrize(
    "data",
    [
        "averages all nonsense",
        "averages 007 spender",
        "averages 99999 spender",
        "averages all",
        "total 100",
        "",
    ],
)
def test_a_button_of_ones_own_making_asks_nothing(figures, data):
    assert pressed(data, figures) is None
    assert figures.asked == []


def test_the_ledger_away_is_said_to_whoever_asks_or_presses(ask, figures):
    figures.away = True

    assert ask("total 100").report == {"say": "ledger-away"}
    assert pressed("averages all spender", figures).report == {"say": "ledger-away"}


def test_without_a_ledger_there_is_nothing_to_ask():
    owner = Asker(MANAGER, MANAGER, True, "owner")

    assert answer("due", [], owner, None).report == {"say": "no-ledger"}
    assert pressed("averages all spender", None) is None
