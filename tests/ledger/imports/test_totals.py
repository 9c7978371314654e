from __future__ import annotations

from types import SimpleNamespace

import pytest

from smetka.ledger.imports.amounts import Amounts
from smetka.ledger.imports.totals import Totals

AT = {"order_id": (0,), "email": (1,), "money_spent": (2,), "date": (3,)}


@pytest.fixture
def totals():
    made = Totals(SimpleNamespace(at=AT), Amounts(None, "MKD"))
    made.above = 15_000
    return made


@pytest.mark.parametrize(
    "word",
    ["Total", "TOTAL:", "Grand total", "Subtotal", "Sum", "Вкупно", "ВКУПНО:", "Вкупно за јануари", "Vkupno",
     "Ukupno", "Gesamt", "Gesamtsumme", "Summe:", "Сума", "Итого", "Σ", "  total  "],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1])
def test_a_row_of_nobody_that_says_so_is_a_total(totals, word, place):
    cells = ["", "", "99.00", ""]
    cells[place] = word

    assert totals.has(cells, 0)


@pytest.mark.parametrize(("amount", "taken"), [("150.00", 0), ("150,00 ден", 0), ("120", 12_000)])
def test_a_row_of_nobody_with_the_sum_and_no_day_is_a_total(totals, amount, taken):
    """Of what is taken, or of all amounts above."""
    assert totals.has(["", "", amount, ""], taken)


@pytest.mark.parametrize(
    "cells",
    [
        ["7", "", "150.00", ""],
        ["", "zoe@example.com", "150.00", ""],
        ["Total", "zoe@example.com", "150.00", ""],
        ["", "", "150.00", "2026-01-31"],
        ["", "", "149.99", ""],
        ["", "", "", ""],
        ["", "", "nothing", ""],
        ["", "", "5", "Total"],
        ["Totally", "", "150.00", ""],
    ],
)
def test_other_rows_are_none(totals, cells):
    assert not totals.has(cells, 15_000)


def test_nothing_is_not_the_sum_of_nothing(totals):
    totals.above = 0

    assert not totals.has(["", "", "0.00", ""], 0)


def test_customers_have_no_totals():
    assert not Totals(SimpleNamespace(at={"email": (0,)}), Amounts(None, "MKD")).has(["Total"], 0)
