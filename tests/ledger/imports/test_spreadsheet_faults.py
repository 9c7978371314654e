from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import pytest

from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.spreadsheet_faults import is_fault
from tests.ledger.imports.test_source import MAIN, workbook

RULES = Rules(currency="MKD", zone=ZoneInfo("Europe/Skopje"), today=date(2026, 6, 15))
ORDER = {
    "order_id": "7",
    "email": "zoe@example.com",
    "name": "Zoe",
    "age": "30",
    "money_spent": "100.50",
    "refunded": "",
    "cancelled_at": "",
    "status": "paid",
    "currency": "MKD",
    "date": "2026-01-10",
    "margin": "3",
}
OTHER = {**ORDER, "order_id": "8", "money_spent": "2.00"}
NEVER_CALCULATED = "<f>A2</f><v/>"
UNCALCULATED = (
    "is a formula that was never calculated; open the file in Excel or LibreOffice and save it there"
)


def as_xlsx(path, rows):
    """A cell is XML where it begins as that."""

    def cell(at, number, text):
        place = f"{chr(65 + at)}{number}"
        if text.startswith("#"):
            return f'<c r="{place}" t="e"><v>{text}</v></c>'
        if text.startswith("<"):
            return f'<c r="{place}">{text}</c>'
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>' if text else ""

    lines = "".join(
        f'<row r="{number}">{"".join(cell(at, number, text) for at, text in enumerate(row))}</row>'
        for number, row in enumerate([list(rows[0]), *(row.values() for row in rows)], start=1)
    )
    return workbook(
        path.with_suffix(".xlsx"), A=f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>"
    )


def as_csv(path, rows):
    path = path.with_suffix(".csv")
    path.write_text("\n".join(",".join(row) for row in [rows[0], *(row.values() for row in rows)]))
    return path


def as_json(path, rows):
    path = path.with_suffix(".jsonl")
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def load(tmp_path):
    """Import rows as a file of a kind; the outcome, and the payments of the ledger."""

    def load(write, *rows, **options):
        into = tmp_path / "shop.db"
        outcome = import_files([write(tmp_path / "orders", list(rows))], into, RULES, **options)
        if not into.exists():
            return outcome, []
        with closing(sqlite3.connect(into)) as database:
            return outcome, database.execute("SELECT money_spent FROM user_spending").fetchall()

    return load


OPTIONAL = ["refunded", "cancelled_at", "currency", "status", "name", "age"]
FAULTS = [
    (as_xlsx, "#REF!", "is #REF!, a spreadsheet error; correct the cell, or clear it"),
    (as_xlsx, NEVER_CALCULATED, UNCALCULATED),
    (as_csv, "#N/A", "is #N/A, a spreadsheet error; correct the cell, or clear it"),
    (as_csv, " #WERT! ", "is a spreadsheet error; correct the cell, or clear it"),
    (as_json, "#VALUE!", "is #VALUE!, a spreadsheet error; correct the cell, or clear it"),
]


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize(("write", "fault", "reason"), FAULTS)
def test_what_has_no_value_is_never_taken_for_nothing(load, field, write, fault, reason):
    rows = {**ORDER, field: fault}, OTHER
    line = 1 if write is as_json else 2

    outcome, payments = load(write, *rows)
    assert [tuple(row)[1:] for row in outcome.rejects] == [(line, field, reason)]
    assert (payments, outcome.written) == ([], False)

    outcome, payments = load(write, *rows, skip_rejected=True)
    assert (payments, outcome.rejected) == ([(2.0,)], 1)


@pytest.mark.parametrize("field", ["order_id", "email", "money_spent", "date"])
@pytest.mark.parametrize(("write", "fault", "reason"), FAULTS)
def test_what_is_needed_says_so_too_where_it_has_no_value(load, field, write, fault, reason):
    outcome, _ = load(write, {**ORDER, field: fault}, OTHER)

    assert [tuple(row)[2:] for row in outcome.rejects] == [(field, reason)]


@pytest.mark.parametrize(("write", "fault"), [each[:2] for each in FAULTS])
def test_a_column_that_is_not_used_may_be_broken(load, write, fault):
    outcome, payments = load(write, {**ORDER, "margin": fault}, OTHER)

    assert (payments, outcome.rejected) == ([(100.5,), (2.0,)], 0)


@pytest.mark.parametrize(("write", "fault"), [each[:2] for each in FAULTS])
def test_an_error_in_a_column_of_refunds_that_nobody_mapped_is_refused(load, write, fault):
    rows = [
        {"Refund sum" if name == "refunded" else name: text for name, text in row.items()}
        for row in (ORDER, OTHER)
    ]
    outcome, payments = load(write, rows[0] | {"Refund sum": fault}, rows[1], skip_rejected=True)

    assert payments == [(2.0,)]
    assert [(row.column, row.reason[:20]) for row in outcome.rejects] == [
        ("Refund sum", "is mapped to nothing")
    ]


def test_of_an_order_that_does_not_count_nothing_more_is_looked_at(load):
    outcome, payments = load(as_csv, {**ORDER, "status": "pending", "refunded": "#N/A"}, OTHER)

    assert (payments, outcome.files[0].left_out) == ([(2.0,)], {"not paid (pending)": 1})


@pytest.mark.parametrize(("write", "fault"), [each[:2] for each in FAULTS])
def test_rows_with_nothing_but_errors_where_nothing_is_used_are_told_and_passed_over(load, write, fault):
    nothing = dict.fromkeys(ORDER, "")
    outcome, payments = load(write, ORDER, {**nothing, "margin": fault}, {**nothing, "margin": fault})

    assert payments == [(100.5,)]
    assert outcome.files[0].left_out == {"with nothing but spreadsheet errors": 2}


@pytest.mark.parametrize("field", ["money_spent", "name"])
def test_rows_of_nothing_but_errors_are_refused_where_they_are_used(load, field):
    outcome, _ = load(as_xlsx, ORDER, {**dict.fromkeys(ORDER, ""), field: "#REF!"})

    assert [row.line for row in outcome.rejects] == [3]


def test_of_columns_that_stand_for_each_other_an_error_in_the_first_is_not_passed_over(load):
    order = {"Name": "#7", "Email": "zoe@example.com", "Financial Status": "paid", "Paid at": "#N/A",
             "Created at": "2026-01-10", "Total": "5.00", "Refunded Amount": "0", "Outstanding Balance": "0",
             "Currency": "MKD", "Cancelled at": "", "Lineitem name": "Tea"}  # fmt: skip
    outcome, _ = load(as_csv, order)

    assert [row.column for row in outcome.rejects] == ["Paid at"]


@pytest.mark.parametrize("field", ["user_id", "money_spent", "year"])
def test_payments_and_nothing_else_are_told_in_the_same_words(load, field):
    payment = {"user_id": "7", "money_spent": "5.00", "year": "2025", "margin": "1"}
    empty = {"user_id": "", "money_spent": "", "year": "", "margin": "#DIV/0!"}
    total = {"user_id": "Вкупно", "money_spent": "10.00", "year": "", "margin": ""}
    sum_ = {**total, "user_id": ""}
    outcome, payments = load(
        as_csv, payment, payment, {**payment, field: "#N/A"}, empty, total, sum_, skip_rejected=True
    )

    assert [(row.line, row.column, row.reason.partition(";")[0]) for row in outcome.rejects] == [
        (4, field, "is #N/A, a spreadsheet error"),
        (6, "money_spent", "looks like the total of the rows above"),
        (7, "money_spent", "looks like the total of the rows above"),
    ]
    assert (len(payments), outcome.files[0].left_out) == (2, {"with nothing but spreadsheet errors": 1})


@pytest.mark.parametrize("write", [as_xlsx, as_csv])
@pytest.mark.parametrize(
    "total",
    [
        {"order_id": "Total", "money_spent": "102.50"},
        {"email": "Вкупно", "money_spent": "102.50"},
        {"money_spent": "102.50"},
        {"order_id": "Total", "money_spent": "102.50", "date": "2026-01-31", "status": "paid"},
    ],
)
def test_a_total_at_the_end_is_named_and_never_a_payment(load, write, total):
    outcome, payments = load(write, ORDER, OTHER, {**dict.fromkeys(ORDER, ""), **total}, skip_rejected=True)

    assert [tuple(row)[1:] for row in outcome.rejects] == [
        (4, "money_spent", "looks like the total of the rows above; remove this row")
    ]
    assert (payments, outcome.files[0].left_out) == ([(100.5,), (2.0,)], {})


def test_a_guests_order_is_no_total_though_it_costs_as_much_as_all_above(load):
    guest = {**OTHER, "email": "", "name": "", "money_spent": "100.50"}
    outcome, _ = load(as_csv, ORDER, guest)

    assert (outcome.rejected, outcome.files[0].left_out) == (0, {"without a customer": 1})


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("#N/A", True), ("#DIV/0!", True), ("#¡DIV/0!", True), ("#¿NOMBRE?", True), ("#Н/Д", True),
     ("#ССЫЛКА!", True), ("#NV", True), ("#SPILL!", True), ("#GETTING_DATA", True), ("Err:502", True),
     ("", False), ("#", False), ("#1001", False), ("#N-1", False), ("#12/3", False), ("#winner!", False),
     ("Ana", False), ("Eva", False), ("=B2", False), ("N/A", False), ("#NVX", False), ("#N/A x", False)],
)  # fmt: skip
def test_errors_are_known_in_every_language_and_order_numbers_are_none(text, is_one):
    assert is_fault(text) is is_one
