from __future__ import annotations

import zipfile

import pytest

from smetka.ledger.imports import sheet_xml
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.sheet_xml import column_letters, column_number, may_tell, sheet_facts
from smetka.ledger.imports.source import Reading, open_source
from smetka.ledger.imports.spreadsheet_faults import is_fault
from tests.ledger.imports.test_source import MAIN, workbook

STRICT = 'xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"'
STRICT_RELATION = "http://purl.oclc.org/ooxml/officeDocument/relationships"
CALCULATES = '<calcPr calcId="124519" fullCalcOnLoad="1"/>'
HEADER = "".join(
    f'<c r="{at}1" t="inlineStr"><is><t>{name}</t></is></c>'
    for at, name in zip("ABC", ("id", "paid", "back"), strict=True)
)


def sheet(rows, before=""):
    return f'<worksheet {MAIN}>{before}<sheetData><row r="1">{HEADER}</row>{rows}</sheetData></worksheet>'


def facts(path):
    with zipfile.ZipFile(path) as archive:
        return sheet_facts(path, "A", set(archive.namelist()))


@pytest.fixture
def read(tmp_path):
    """The rows of a sheet that has a header, with `None` for a formula without a value."""

    def read(rows, name="a.xlsx", before="", **options):
        source = open_source(workbook(tmp_path / name, A=sheet(rows, before), **options), Reading())
        return [
            (line, [None if cell == "=" and is_fault(cell) else cell for cell in cells])
            for line, cells in source.rows()
        ]

    return read


def row(number, *cells):
    """A row of an id and of cells whose XML is given, with the place of each for {}."""
    places = "".join(cell.replace("{}", f"{chr(66 + at)}{number}") for at, cell in enumerate(cells))
    return f'<row r="{number}"><c r="A{number}"><v>{number}</v></c>{places}</row>'


ERRORS = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("cell", ['<c r="{}" t="e"><v>!</v></c>', '<c r="{}" t="e"><f>NA()</f><v>!</v></c>'])
def test_an_error_is_told_from_an_empty_cell(read, error, cell):
    assert read(row(2, '<c r="{}"><v>1</v></c>', cell.replace("!</v>", f"{error}</v>"))) == [
        (2, ["2", "1", error])
    ]
    assert is_fault(error)


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="{}"><f>B2*2</f></c>',
        '<c r="{}"><f>B2*2</f><v/></c>',
        '<c r="{}"><f>B2*2</f><v></v></c>',
        '<c r="{}" t="n"><f>B2*2</f><v></v></c>',
        '<c r="{}" t="b"><f>B2&gt;2</f><v/></c>',
        '<c r="{}" t="str"><f>B2*2</f></c>',
        '<c r="{}" s="1"><f t="shared" ref="C2:C9" si="0">B2*2</f><v></v></c>',
        '<c r="{}"><f t="shared" si="0"/></c>',
        "<c><f>B2*2</f></c>",
    ],
)
def test_a_formula_without_a_stored_value_is_told_from_an_empty_cell(read, cell):
    assert read(row(2, '<c r="{}"><v>1</v></c>', cell)) == [(2, ["2", "1", None])]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="{}" t="str"><f>IF(B2&gt;5,B2,"")</f><v></v></c>', ""),
        ('<c r="{}" t="str"><f>IF(B2&gt;5,B2,"")</f><v/></c>', ""),
        ('<c r="{}"><f>B2*2</f><v>2</v></c>', "2"),
        ('<c r="{}"><f>B2*0</f><v>0</v></c>', "0"),
        ('<c r="{}"><f t="shared" si="0"/><v>2.5</v></c>', "2.5"),
        ('<c r="{}" t="str"><f>B2&amp;"x"</f><v>1x</v></c>', "1x"),
        ('<c r="{}" t="inlineStr"><f>B2&amp;"x"</f><is><t>1x</t></is></c>', "1x"),
        ('<c r="{}"/>', ""),
        ('<c r="{}" s="1"></c>', ""),
    ],
)
def test_formulas_with_values_and_empty_cells_are_what_they_are(read, cell, text):
    assert read(row(2, '<c r="{}"><v>1</v></c>', cell)) == [(2, ["2", "1", text])]


def test_values_of_zero_by_formulas_that_are_calculated_on_opening_were_never_calculated(read):
    rows = "".join(row(at, '<c r="{}"><v>1</v></c>', '<c r="{}"><f>B2*2</f><v>0</v></c>') for at in (2, 3))
    assert read(rows, after=CALCULATES) == [(2, ["2", "1", None]), (3, ["3", "1", None])]
    assert read(rows, after=CALCULATES.replace('"1"', '"0"')) == [(2, ["2", "1", "0"]), (3, ["3", "1", "0"])]

    # Where one of a column is not zero, somebody calculated it.
    rows += row(4, '<c r="{}"><v>1</v></c>', '<c r="{}"><f>B2*2</f><v>2</v></c>')
    assert [cells[2] for _, cells in read(rows, after=CALCULATES)] == ["0", "0", "2"]
    rows += row(5, '<c r="{}"><f>A5*0</f><v>0.0</v></c>')
    assert [cells[1] for _, cells in read(rows, after=CALCULATES)] == ["1", "1", "1", None]


def test_a_formula_for_an_area_leaves_all_of_it_without_values(read):
    area = '<c r="{}"><f t="array" ref="B2:C3">TRANSPOSE(D2:E3)</f><v>!</v></c>'
    cells = [(2, ["2", None, None]), (3, ["3", None, None]), (4, ["4", "7", ""])]
    last = row(4, '<c r="{}"><v>7</v></c>')

    assert read(row(2, area.replace("!", "")) + row(3) + last) == cells
    zeros = row(2, area.replace("!", "0"), '<c r="{}"><v>0</v></c>') + row(3, *['<c r="{}"><v>0</v></c>'] * 2)
    assert read(zeros + last, after=CALCULATES) == cells


def test_an_area_ends_with_the_sheet(read):
    assert read(row(2, '<c r="{}"><f t="array" ref="B2:B1048576">A2:A9</f></c>')) == [(2, ["2", None, ""])]


def test_errors_are_found_under_prefixes_in_the_strict_format_and_without_places(tmp_path):
    cells = '<c><v>7</v></c><c t="e"><v>#N/A</v></c><c><f>1</f></c>'
    texts = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ("id", "paid", "back"))
    plain = f"<sheetData><row>{texts}</row><row>{cells}</row></sheetData>"
    prefixed = plain.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    for name, made in (
        ("a", workbook(tmp_path / "a.xlsx", A=f"<worksheet {MAIN}>{plain}</worksheet>")),
        ("b", workbook(tmp_path / "b.xlsm", A=f'<x:worksheet {MAIN.replace("xmlns", "xmlns:x")}>{prefixed}</x:worksheet>')),
        ("c", workbook(tmp_path / "c.xlsx", main=STRICT, relation=STRICT_RELATION, A=f"<worksheet {STRICT}>{plain}</worksheet>")),
    ):  # fmt: skip
        assert list(open_source(made, Reading()).rows()) == [(2, ["7", "#N/A", "="])], name


def test_a_part_is_found_as_the_reader_finds_it(tmp_path):
    made = workbook(tmp_path / "a.xlsx", A=sheet(row(2, '<c r="{}" t="e"><v>#N/A</v></c>')))
    for name, changed in {
        "absolute": {"xl/_rels/workbook.xml.rels": ('"worksheets/', '"/xl/worksheets/')},
        "capital": {"xl/worksheets/sheet1.xml": None},
    }.items():
        other = tmp_path / f"{name}.xlsx"
        with zipfile.ZipFile(made) as old, zipfile.ZipFile(other, "w") as new:
            for part in old.namelist():
                text = old.read(part).decode()
                if part in changed and (change := changed[part]):
                    text = text.replace(*change)
                new.writestr(
                    "xl/Worksheets/Sheet1.xml" if part in changed and not changed[part] else part, text
                )
        assert list(open_source(other, Reading()).rows()) == [(2, ["2", "#N/A", ""])], name


def test_rows_of_nothing_but_errors_are_rows_wherever_they_are(read):
    error = '<row r="{}"><c r="B{}" t="e"><v>#REF!</v></c></row>'
    formula = '<row r="{}"><c r="B{}"><f>A1</f><v/></c></row>'
    rows = error.replace("{}", "2") + row(3) + formula.replace("{}", "5") + formula.replace("{}", "9")

    assert read(rows) == [
        (2, ["", "#REF!", ""]),
        (3, ["3", "", ""]),
        (5, ["", None, ""]),
        (9, ["", None, ""]),
    ]


def test_rows_out_of_order_keep_their_faults(read):
    rows = row(7, '<c r="{}" t="e"><v>#N/A</v></c>') + row(4, '<c r="{}"><f>1</f></c>') + row(5)

    assert read(rows) == [(4, ["4", None, ""]), (5, ["5", "", ""]), (7, ["7", "#N/A", ""])]


def test_columns_that_begin_late_keep_their_faults(tmp_path):
    cells = HEADER.replace('r="A', 'r="D').replace('r="B', 'r="E').replace('r="C', 'r="F')
    made = workbook(
        tmp_path / "a.xlsx",
        A=f'<worksheet {MAIN}><sheetData><row r="3">{cells}</row><row r="4"><c r="A4"><f>1</f><v/></c>'
        '<c r="D4"><v>1</v></c><c r="F4" t="e"><v>#N/A</v></c></row></sheetData></worksheet>',
    )

    assert list(open_source(made, Reading()).rows()) == [(4, ["1", "", "#N/A"])]


def test_an_error_beside_the_named_columns_is_passed_over(read):
    assert read(row(2, "", "", '<c r="{}" t="e"><v>#N/A</v></c>')) == [(2, ["2", "", ""])]


def test_hidden_rows_are_read_and_told(tmp_path):
    rows = row(2) + "".join(row(at).replace("<row", '<row hidden="1"') for at in (3, 5))
    rows += '<row r="6" hidden="true"/><row r="7" hidden="0"><c r="A7"><v>7</v></c></row>'
    source = open_source(workbook(tmp_path / "a.xlsx", A=sheet(rows)), Reading())

    assert (source.hidden_rows, source.found) == (2, ["2 hidden rows are read like the others"])
    assert [line for line, _ in source.rows()] == [2, 3, 5, 7]

    source = open_source(workbook(tmp_path / "b.xlsx", A=sheet(row(2))), Reading())
    assert (source.hidden_rows, source.found) == (0, [])


def test_an_error_in_the_header_is_no_name(tmp_path):
    for last in ('<c r="C1" t="e"><v>#REF!</v></c>', '<c r="C1"><f>A1</f><v/></c>'):
        rows = sheet(row(2)).replace(HEADER, HEADER[: HEADER.index('<c r="C1"')] + last)
        with pytest.raises(Refused, match="Line 1 has a spreadsheet error instead of the name of column 3"):
            open_source(workbook(tmp_path / "a.xlsx", A=rows), Reading())


def test_an_error_that_the_reader_does_not_know_is_refused_with_its_place(tmp_path):
    made = workbook(tmp_path / "a.xlsx", A=sheet(row(2) + row(3, '<c r="{}" t="e"><v>#SPILL!</v></c>')))

    for named in (None, "A"):
        with pytest.raises(Refused, match=r"^Line 3 has an error that workbooks do not have in column B"):
            open_source(made, Reading(sheet=named))


@pytest.mark.parametrize(
    "declared",
    ["<!DOCTYPE worksheet>", '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'],
)
def test_entities_are_never_expanded(tmp_path, declared):
    made = workbook(tmp_path / "a.xlsx", A=declared + sheet(row(2, '<c r="{}" t="e"><v>#N/A</v></c>')))

    with pytest.raises(Refused, match="its XML has a document type"):
        facts(made)


def test_a_sheet_that_ends_early_is_damaged(tmp_path):
    made = workbook(tmp_path / "a.xlsx", A=sheet(row(2, '<c r="{}"><f>1</f></c>'))[:-30])

    with pytest.raises(Refused, match="damaged workbook"):
        facts(made)


def test_faults_beyond_all_measure_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_xml, "MOST_MARKS", 10)
    many = workbook(
        tmp_path / "a.xlsx", A=sheet("".join(row(at, '<c r="{}"><f>1</f></c>') for at in range(2, 13)))
    )
    wide = '<c r="{}"><f t="array" ref="B2:ZZ2">1</f></c>'
    for made in (many, workbook(tmp_path / "b.xlsx", A=sheet(row(2, wide)))):
        with pytest.raises(Refused, match="more than 10 cells with errors or formulas that were never"):
            facts(made)


def test_a_sheet_with_nothing_to_tell_is_not_parsed(tmp_path):
    made = workbook(tmp_path / "a.xlsx", A="no XML at all")

    assert list(sheet_facts(made, "A", set()).faults()) == []
    assert not may_tell(sheet(row(2, '<c r="{}" t="s"><v>5</v></c>')).encode())
    for telling in ('<c t="e">', "<c t='e'>", "<f>", "<f/>", "<x:f t='shared'", '<row hidden="1">', "&#101;"):
        assert may_tell(telling.encode())


def test_letters_and_numbers_of_columns_are_one():
    for letters, number in (("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16_384), ("ZZZ", 18_278)):
        assert (column_number(letters), column_letters(number)) == (number, letters)
