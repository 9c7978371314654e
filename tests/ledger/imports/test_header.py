from __future__ import annotations

import pytest

from smetka.ledger.imports.header import check_header, find_header
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.source import Reading, open_source
from tests.ledger.imports.test_source import workbook

SHOPIFY = ["Name", "Email", "Financial Status", "Total", "Lineitem name"]
DATA = ["7", "zoe@example.com", "5.50", "2026-01-10"]


def rows_of(*rows):
    """Rows with their lines; an empty one only counts."""
    return [(line, list(row)) for line, row in enumerate(rows, start=1) if any(row)]


def find(*rows, wanted=None, told=()):
    return find_header(rows_of(*rows), wanted, frozenset(told))


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([["order_id", "email", "amount"], DATA[:3]], 1),
        ([["Report"], [], ["order_id", "email", "money_spent"], DATA[:3]], 3),
        ([["Report", "", ""], ["", "", ""], ["Order_ID", "Email", "paid"], DATA[:3]], 3),
        ([["Report", ""], ["From", "1.1.2026"], ["email", "money_spent", "date"], DATA[1:]], 3),
        ([["Order", "Buyer", "Paid"], ["order_id", "email", "money_spent"], DATA[:3]], 2),
        ([["Order", "", "Buyer", ""], ["order_id", "x", "email", "paid"], DATA], 2),
        ([["Orders of my shop"], SHOPIFY, ["#1", "a@example.com", "paid", "5", "Tea"]], 2),
        ([["Made by", "a@example.com"], SHOPIFY, ["#1", "a@example.com", "paid", "5", "Tea"]], 2),
        # What is said of a file goes on being so, whatever stands below.
        ([["Email", "Note"], ["email", "name"]], 1),
        ([["email"], ["zoe@example.com"]], 1),
    ],
)
def test_the_header_is_found_below_titles_where_that_is_certain(rows, line):
    header = find(*rows)

    assert header.line == line
    assert header.names == [name for name in rows[line - 1] if name]
    assert header.found == ((f"header on line {line}; the lines above it are not read",) if line > 1 else ())


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([["Извештај"], [], ["број", "купувач", "износ"], ["7", "Зое", "5"]], 3),
        ([["Report", "2026"], ["number", "who", "paid"], ["7", "Zoe", "5"]], 2),
        # What is above may be data, and is not passed over in silence.
        ([["a", "b", "c"], ["zoe@example.com", "7", "3"], ["email", "name", "age"], DATA[:3]], 3),
        ([["Period", "1", "31"], ["email", "name", "age", "x"], DATA], 2),
        ([["Order", "", "Buyer", "", "Sum"], ["no", "day", "who", "where", "paid"], ["7", "x", "y", "z", "5"]], 2),
    ],
)  # fmt: skip
def test_where_the_header_is_not_certain_the_likely_line_is_asked_about(rows, line):
    with pytest.raises(Refused) as refused:
        find(*rows)

    assert str(refused.value) == (
        f"The file begins with a title, it seems, and line {line} looks like the header. "
        f"If it is, say --header-row {line}."
    )
    assert find(*rows, wanted=line).line == line


def test_columns_that_were_told_make_the_header_certain():
    rows = [["Извештај"], ["број", "купувач", "износ"], ["7", "zoe@example.com", "5"]]

    assert find(*rows, told=["Број", "износ"]).line == 2
    assert find(["број", "купувач"], ["email", "name"], told=["купувач"]).line == 1


@pytest.mark.parametrize(
    "rows",
    [
        [["број", "купувач", "износ"], ["7", "Зое", "5"]],
        [["број", "купувач"], ["Report", "Зое"], ["a", "b"]],
        # Rows of data that hold a word of ours.
        [["a", "b", "c"], ["1", "email", "3"], ["2", "x", "4"]],
    ],
)
def test_otherwise_the_first_row_is_the_header(rows):
    header = find(*rows)

    assert (header.line, header.names, header.found) == (1, rows[0], ())


def test_a_header_far_below_is_not_looked_for():
    titles = [["Report"]] * 20

    assert find(*titles[:19], ["email", "name", "age"], ["a@example.com", "A", "3"]).line == 20
    assert find(*titles, ["email", "name", "age"], ["a@example.com", "A", "3"]).line == 1


@pytest.mark.parametrize("line", [2, 5])
def test_a_line_where_no_row_begins_is_no_header(line):
    with pytest.raises(Refused) as refused:
        find(["Report"], [], ["email", "name"], DATA, wanted=line)

    assert str(refused.value).startswith(f"Line {line} is not where a row begins; --header-row is the line")


def test_a_line_that_is_told_is_looked_at_like_any_header():
    with pytest.raises(Refused, match="Line 2 looks like data"):
        find(["email", "name"], ["zoe@example.com", "Zoe"], ["a@example.com", "A"], wanted=2)


# --- in files ---------------------------------------------------------------------------------

LINES = "{t}\nFrom 1 to 31, all{d}{d}\n\nid{d}email{d}paid\n7{d}a@example.com{d}5\n8{d}b@example.com{d}6\n"


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("title", ["Report", "Report{d}{d}", '"Report\nof January"{d}{d}'])
def test_titles_of_a_text_file_are_passed_over_and_lines_count_on(tmp_path, delimiter, title):
    path = tmp_path / "a.csv"
    text = LINES.replace("{t}", title).replace("{d}", delimiter)
    path.write_text(text.replace("31, all", "31"))
    source = open_source(path, Reading())
    before = 4 + (title[0] == '"')

    assert (source.header, source.header_row, source.hidden_rows) == (["id", "email", "paid"], before, 0)
    assert f"header on line {before}; the lines above it are not read" in source.found
    assert list(source.rows()) == [
        (before + 1, ["7", "a@example.com", "5"]),
        (before + 2, ["8", "b@example.com", "6"]),
    ]
    assert list(open_source(path, Reading(header_row=before)).rows()) == list(source.rows())


def test_marks_in_a_title_do_not_part_the_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Report, of January, all\nid;email;paid\n7;a@example.com;5,00\n8;b@example.com;6,00\n")
    source = open_source(path, Reading())

    assert (source.delimiter, source.header) == (";", ["id", "email", "paid"])
    assert [cells for _, cells in source.rows()] == [
        ["7", "a@example.com", "5,00"],
        ["8", "b@example.com", "6,00"],
    ]


def test_titles_of_a_sheet_are_passed_over_and_lines_are_its_rows(tmp_path):
    rows = [["Report"], [], ["id", "email", "paid", None], [7, "a@example.com", 5, None]]
    path = workbook(tmp_path / "a.xlsx", A=rows)
    source = open_source(path, Reading())

    assert (source.header, source.header_row) == (["id", "email", "paid"], 3)
    assert source.found == ["header on line 3; the lines above it are not read"]
    assert list(source.rows()) == [(4, ["7", "a@example.com", "5"])]
    assert open_source(path, Reading(header_row=1)).header == ["Report"]


def test_json_has_no_line_for_a_header(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n')

    assert open_source(path, Reading()).header_row is None
    with pytest.raises(Refused, match="has no line for a header"):
        open_source(path, Reading(header_row=1))


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["id", "total", " id"], ["id", "total", "id (2)"]),
        (["a", "a", "a"], ["a", "a (2)", "a (3)"]),
        (["a", "a (2)", "a"], ["a", "a (2)", "a (3)"]),
    ],
)
def test_columns_of_one_name_are_told_apart_by_their_place(cells, names):
    assert check_header(cells, 1) == names
