from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import sqlite3
import tracemalloc
import zipfile
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smetka.ledger.imports.amounts import Plain
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.source import Reading, open_source

CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path, **reading):
    return list(open_source(path, Reading(**reading)).rows())


def refusal(path, **reading):
    with pytest.raises(Refused) as refused:
        read(path, **reading)
    return str(refused.value)


def cell(place, value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, timedelta):  # a moment, since Excel's first day
        return f'<c r="{place}" s="2"><v>{value / timedelta(days=1)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def sheet_of(rows, first=1):
    lines = (
        f'<row r="{number}">'
        + "".join(cell(f"{chr(65 + at)}{number}", value) for at, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, start=first)
    )
    return f"<worksheet {MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"


def workbook(path, *, hidden=(), after="", main=MAIN, relation=RELATION, **sheets):
    """Sheets are lists of rows, or XML as it stands; `after` is XML of the workbook after its sheets."""
    states = ("visible", "hidden")
    names = "".join(
        f'<sheet name="{name}" sheetId="{at}" state="{states[name in hidden]}" r:id="r{at}"/>'
        for at, name in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="r{at}" Type="{relation}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at, _ in enumerate(sheets, 1)
    )
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": f'<Relationships {PACKAGE}><Relationship Id="r1" Type="{relation}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{relation}"><sheets>{names}</sheets>{after}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships {PACKAGE}>{relations}<Relationship Id="r0" '
        f'Type="{relation}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet {main}><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        for at, sheet in enumerate(sheets.values(), 1):
            archive.writestr(
                f"xl/worksheets/sheet{at}.xml", sheet if isinstance(sheet, str) else sheet_of(sheet)
            )
    return path


# --- CSV --------------------------------------------------------------------------------------


def test_a_file_is_known_by_its_bytes_and_told_as_it_was_found(file):
    content = "\ufeff id ;Име; total\r\n1;Ана;5,50\r\n".encode()
    source = open_source(file("Orders.CSV", content), Reading())

    assert (source.name, source.kind, source.size) == ("Orders.CSV", "csv", len(content))
    assert source.sha256 == hashlib.sha256(content).hexdigest()
    assert (source.encoding, source.delimiter, source.typed) == ("utf-8", ";", False)
    assert source.found == ["UTF-8, by its byte order mark", "separated by ;"]
    assert source.header == ["id", "Име", "total"]
    assert list(source.rows()) == list(source.rows()) == [(2, ["1", "Ана", "5,50"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_does(file, end):
    text = end.join(["id,name", "1,A", "", '2,"B', 'and C"', ",", "3,D"])

    assert [line for line, _ in read(file("a.csv", text))] == [2, 4, 7]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    rows=st.lists(st.tuples(st.integers(0, 9).map(str), NAMES, NAMES), min_size=1, max_size=10),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    piece=st.integers(1, 64),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_the_csv_module_writes_is_read_back(tmp_path, monkeypatch, rows, delimiter, encoding, piece):
    monkeypatch.setattr("smetka.ledger.imports.encodings.PIECE", piece)
    path = tmp_path / "a.csv"
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([("id", "name", "note"), *rows])

    source = open_source(
        path, Reading(delimiter=delimiter, encoding=None if encoding != "utf-8" else "utf-8")
    )

    assert [cells for _, cells in source.rows()] == [list(row) for row in rows]


@pytest.mark.parametrize(("delimiter", "shown"), [(",", ","), (";", ";"), ("\t", "tab"), ("|", "|")])
def test_the_delimiter_is_found_and_said(file, delimiter, shown):
    rows = [["id", "name", "total"], ["1", "A-B", "5.50"], ["2", "C D", "6"]]
    source = open_source(file("a.csv", "\n".join(delimiter.join(row) for row in rows)), Reading())

    assert (source.delimiter, source.found) == (shown, [f"separated by {shown}"])
    assert [cells for _, cells in source.rows()] == rows[1:]


def test_two_delimiters_that_fit_are_never_guessed(file):
    path = file("a.csv", "id;name, first;total\n1;A, B;5\n2;C, D;6\n")

    assert "separated by , or ;. Say which with --delimiter" in refusal(path)
    assert read(path, delimiter=";")[0] == (2, ["1", "A, B", "5"])


def test_decimal_commas_do_not_hide_the_semicolons(file):
    assert read(file("a.csv", "id;total\n1;5,50\n2;6,00\n"))[0] == (2, ["1", "5,50"])


def test_what_excel_says_of_the_separator_is_understood(file):
    source = open_source(file("a.csv", b"sep=;\r\nid;a,b,c\r\n1;x,y,z\r\n"), Reading())

    assert (source.header, list(source.rows())) == (["id", "a,b,c"], [(3, ["1", "x,y,z"])])


def test_a_separator_at_the_end_of_every_line_is_no_column(file):
    source = open_source(file("a.csv", b"id;paid;;\n1;2;;\n3;4;;5\n6;7;;\n"), Reading())
    refused = []

    assert source.header == ["id", "paid"]
    assert list(source.rows(refuse=refused.append)) == [(2, ["1", "2"]), (4, ["6", "7"])]
    assert [(each.line, "beyond the last column" in str(each)) for each in refused] == [(3, True)]


def test_tsv_is_separated_by_tabs_whatever_else_it_holds(file):
    source = open_source(file("a.tsv", "id\tname\n1\tA,B;C\n"), Reading())

    assert (source.kind, source.delimiter, list(source.rows())) == ("tsv", "tab", [(2, ["1", "A,B;C"])])


# --- encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "shown"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("cp1251", "windows-1251"),
    ],
)
def test_the_encoding_is_found_and_said(file, codec, shown):
    source = open_source(file("a.csv", "id,name,city\n1,Марија и Ана,Skopje\n".encode(codec)), Reading())

    assert source.encoding == shown
    assert list(source.rows()) == [(2, ["1", "Марија и Ана", "Skopje"])]
    assert any(shown in found.lower() for found in source.found) == (codec != "utf-8")


def test_windows_1251_is_shown_by_a_word(file):
    source = open_source(file("a.csv", "id,name\n1,„Ѓорѓи“ – Љупка №5\n".encode("cp1251")), Reading())

    assert source.found[0] == "Windows-1251, for example 'Ѓорѓи'"


@pytest.mark.parametrize(
    ("name", "codec"),
    [("José", "cp1252"), ("Müller", "cp1252"), ("Đoković Žika", "cp1250"), ("Ана", "koi8-r"), ("Ана", "cp866"),
     ("Ана", "iso8859-5"), ("Μαρία", "cp1253"), ("ΜΑΡΙΑ", "cp1253"), ("à", "cp1252")],
)  # fmt: skip
def test_what_may_be_another_encoding_is_never_guessed(file, name, codec):
    path = file("a.csv", f"id,name\n1,x\n2,{name}\n".encode(codec))

    assert "--encoding" in refusal(path)
    assert read(path, encoding=codec)[1] == (3, ["2", name])


def test_an_odd_word_is_shown_in_both_readings(file):
    assert refusal(file("a.csv", "id,name\n1,José\n".encode("cp1252"))) == (
        "Line 2 is not UTF-8. It has 'Josй' in windows-1251 and 'José' in windows-1252: "
        "say which it is with --encoding."
    )


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_windows_1250_is_proposed_and_never_guessed(file, name):
    # The first name has no letter that Windows-1252 reads otherwise.
    rows = {"a.csv": "id,name\n1,Živko\n2,Đorđe\n", "a.jsonl": '{"name": "Živko"}\n\n{"name": "Đorđe"}\n'}
    path = file(name, rows[name].encode("cp1250"))

    assert refusal(path) == (
        "Line 3 is not UTF-8. It has 'Đorđe' in windows-1250, 'Рorрe' in windows-1251 and 'Ðorðe' in "
        "windows-1252: say which it is with --encoding."
    )
    assert read(path, encoding="windows-1250")[-1][1][-1] == "Đorđe"


def test_an_encoding_that_lacks_a_byte_of_the_file_is_not_proposed(file):
    told = refusal(file("a.csv", "id,name\n1,Čech\n2,Ťapák\n".encode("cp1250")))

    assert "'Čech' in windows-1250 and 'Иech' in windows-1251" in told
    assert "windows-1252" not in told


def test_utf_8_with_one_wrong_byte_is_said_with_its_line(file):
    path = file("a.csv", "id,name\n1,Ана\n2,".encode() + b"\xd0\n3,x\n")

    assert refusal(path) == "Line 3 is not valid utf-8."
    assert refusal(path, encoding="UTF-8") == "Line 3 is not valid utf-8."


@pytest.mark.parametrize("encoding", ["klingon", "base64", "cp037", "idna", "utf-7", "\0", ""])
def test_an_encoding_that_is_none_is_refused(file, encoding):
    path = file("a.csv", "id,name\n1,x\n")

    if encoding:
        assert "there is no such encoding for --encoding" in refusal(path, encoding=encoding)
    else:
        assert read(path, encoding=encoding)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "The file is empty."),
        ("\n\n\n", "The file has no header"),
        ("id,name\n", "The file has a header and no rows."),
        ("id,name\n\n,\n", "The file has a header and no rows."),
        ("1,Ana,34\n2,Eva,35\n", "Line 1 looks like data"),
        ("Ana,ana@example.org\nEva,eva@example.org\n", "Line 1 looks like data"),
        ("id,,total\n1,2,3\n", "Line 1 leaves column 2 without a name."),
        ("id,total\n1,2\n3\n4,5\n", "Line 3 has 1 cell where the header has 2."),
        ("id,total\n1,2\n3,4,5\n", "Line 3 has 3 cells where the header has 2."),
        ('id,total\n1,"2\n', 'Line 2 has a quote (") that is never closed.'),
        ('id,total\n1,"2" x\n', "Line 2 has text after a closing quote"),
        ("id,total\n1,2\n3,\0\n", "Line 3 holds a zero byte"),
        ("id,total\n1," + "9" * 100_001 + "\n", "Line 2 has a cell of more than 100,000 characters"),
        ('id,total\n1,"2\n' + "9\n" * 60_000, "Line 2 has a cell of more than 100,000 characters"),
        ("id,total\n1" + ',"a\nb"' * 400_000, 'Line 2 begins a row of more than 1 MiB; is a quote (") not closed?'),
        ("id,total\n1,2\n" + "9," * 1_000_000, "Line 3 is longer than 1 MiB"),
        ("c" * 1_100_000, "Line 1 is longer than 1 MiB"),
        (",".join(f"c{at}" for at in range(2001)) + "\n", "Line 1 has 2,001 columns; 2,000 are the most."),
        (b"\xff\xfe\x00\x00", "The file is in UTF-32"),
        (gzip.compress(b"id,name", mtime=0), "The file is compressed by gzip. Unpack it first."),
        (b"%PDF-1.7", "The file is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "The file is an old Excel workbook"),
        (b"\x00\x01\x02\x03\xff", "Line 1 "),
        ("<!DOCTYPE html><p>Sign in", "The file is a web page"),
    ],
)  # fmt: skip
def test_bad_text_is_refused_with_its_place_and_rule(file, content, sentence):
    assert refusal(file("a.csv", content)).startswith(sentence)


def test_a_database_named_csv_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (x)")
    database.close()

    assert refusal(path).startswith("The file is a SQLite database")


def test_an_archive_named_csv_is_told_from_a_workbook(tmp_path):
    archive = tmp_path / "a.csv"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("orders.csv", "id,name")

    assert refusal(archive) == "The file is a zip archive. Unpack it first."
    assert (
        refusal(workbook(tmp_path / "b.csv", A=[["id"], [1]]))
        == "The file is an Excel workbook. Rename it to .xlsx."
    )


def test_what_is_no_readable_file_is_refused(tmp_path, file):
    os.mkfifo(tmp_path / "fifo.csv")

    assert refusal(tmp_path / "none.csv") == "The file cannot be read: No such file or directory."
    assert refusal(tmp_path) == "The file is a folder."
    assert refusal(tmp_path / "fifo.csv") == "The file is no file."
    assert "--kind" in refusal(file("orders.dat", "id,name\n1,x\n"))
    assert read(tmp_path / "orders.dat", kind="csv") == [(2, ["1", "x"])]
    assert "--delimiter is one of" in refusal(file("a.csv", "id,name\n1,x\n"), delimiter="ab")


def test_a_file_that_changes_while_it_is_read_is_refused(file):
    path = file("a.csv", "id,name\n1,x\n")
    source = open_source(path, Reading())
    path.write_text("id,name\n1,x\n2,y\n")

    with pytest.raises(Refused, match="changed while it was read"):
        list(source.rows())


def test_faulty_rows_are_handed_over_and_the_rest_is_read(file):
    refused = []
    source = open_source(file("a.csv", "id,total\n1\n2,3\n4,5,6\n7,8\n"), Reading())

    assert list(source.rows(refuse=refused.append)) == [(3, ["2", "3"]), (5, ["7", "8"])]
    assert [fault.line for fault in refused] == [2, 4]


def test_only_faulty_rows_are_no_reason_to_say_that_there_are_none(file):
    refused = []

    assert list(open_source(file("a.csv", "id,total\n1\n"), Reading()).rows(refuse=refused.append)) == []
    assert len(refused) == 1


def test_progress_adds_up_to_the_size(file, monkeypatch):
    monkeypatch.setattr("smetka.ledger.imports.encodings.PIECE", 4096)
    told = []
    path = file("a.csv", "id,name\n" + "1,x\n" * 5000)
    list(open_source(path, Reading()).rows(told.append))

    assert sum(told) == path.stat().st_size
    assert len(told) > 3


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize(
    "begin", [b"", b'{"id": 1}\n{"id": "', b'id,name\n1,x\n2,"'], ids=["", "json", "csv"]
)
def test_memory_is_bounded_by_a_line_that_never_ends(tmp_path, name, begin):
    path = tmp_path / name
    with path.open("wb") as out:
        out.write(begin)
        for _ in range(20):
            out.write(b"a" * 1024 * 1024)
    tracemalloc.start()
    try:
        sentence = refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12 * 1024 * 1024, sentence


# --- JSON Lines -------------------------------------------------------------------------------


def test_json_numbers_are_taken_as_they_are_written(file):
    lines = '{"id": 7, "total": 12345678901234567890.10}\n\n{"name": "А\\nБ", "id": null, "paid": true}\n'
    source = open_source(file("a.jsonl", lines), Reading())

    assert (source.header, source.typed, source.delimiter) == (["id", "total", "name", "paid"], True, "")
    assert list(source.rows()) == [
        (1, ["7", "12345678901234567890.10", "", ""]),
        (3, ["", "", "А\nБ", "true"]),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"id": NaN}', "Line 2 has NaN or Infinity"),
        ('{"id": 1, "id": 2}', "Line 2 has a key twice."),
        ('{"id": [1]}', "Line 2, column id holds a list or an object"),
        ('{"id": {"a": 1}}', "Line 2, column id holds a list or an object"),
        ("[1]", "Line 2 is no JSON object"),
        ("{", "Line 2 is no JSON."),
        ("[" * 100_000, "Line 2 is no JSON."),
        ('{"id": "\\u0000"}', "Line 2 holds a zero byte"),
        ('{"id": "\\ud800"}', "Line 2 holds a zero byte or half a character"),
        ('{"id": "' + "a" * 100_001 + '"}', "Line 2, column id has more than 100,000 characters."),
        ('{"id": 1, "late": 2}', "Line 2, column late has a key"),
    ],
)
def test_a_faulty_line_of_json_is_refused_and_the_next_one_read(file, monkeypatch, line, sentence):
    monkeypatch.setattr("smetka.ledger.imports.json_lines._SAMPLE", 1)
    path = file("a.jsonl", f'{{"id": 1}}\n{line}\n{{"id": 3}}\n')
    refused = []

    assert list(open_source(path, Reading()).rows(refuse=refused.append)) == [(1, ["1"]), (3, ["3"])]
    assert [str(fault).startswith(sentence) for fault in refused] == [True], refused
    assert refusal(path).startswith(sentence)


def test_a_json_list_is_told_what_to_be(file):
    assert "Write it as JSON Lines" in refusal(file("a.json", '[{"id": 1}]'))
    assert read(file("b.json", '{"id": 1}')) == [(1, ["1"])]
    assert refusal(file("a.jsonl", "[1]\n")) == "The file has no JSON object on any of its first lines."


def test_a_key_can_come_late_among_the_first_thousand_lines(file):
    lines = "\n".join(json.dumps({"id": at} | ({"late": "x"} if at == 999 else {})) for at in range(1, 1002))

    rows = read(file("a.ndjson", lines))

    assert (rows[0], rows[998], len(rows)) == ((1, ["1", ""]), (999, ["999", "x"]), 1001)


# --- workbooks --------------------------------------------------------------------------------


def test_a_workbook_gives_its_cells_as_exact_text(tmp_path):
    moment = timedelta(days=45292, hours=23, minutes=59, seconds=59)
    rows = [
        ["id", "total", "day", "at", "name", "paid"],
        [7.0, 12.300000000000001, date(2024, 2, 29), moment, "Ана", True],
        [],
        [2**53 - 1, 0.1 + 0.2, None, timedelta(days=45292), "1.234", None],
        [-3, 1e-07, None, None, None, None],
    ]
    path = workbook(tmp_path / "a.xlsx", Orders=rows)
    source = open_source(path, Reading())

    assert (source.kind, source.typed, source.encoding, source.delimiter) == ("xlsx", False, "", "")
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(source.rows()) == [
        (2, ["7", "12.3", "2024-02-29", "2024-01-01 23:59:59", "Ана", "true"]),
        (4, ["9007199254740991", "0.3", "", "2024-01-01", "1.234", ""]),
        (5, ["-3", "0.0000001", "", "", "", ""]),
    ]
    assert [isinstance(text, Plain) for text in next(source.rows())[1][:5]] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
def test_money_in_a_workbook_is_exact(tmp_path, cents):
    rows = read(workbook(tmp_path / "a.xlsx", A=[["id", "total"], *[[1, each / 100] for each in cents]]))

    assert [round(float(total) * 100) for _, (_, total) in rows] == cents
    assert all(len(total.partition(".")[2]) <= 2 for _, (_, total) in rows)


def test_rows_of_a_sheet_keep_their_numbers_though_it_begins_late(tmp_path):
    path = workbook(tmp_path / "a.xlsx", A=sheet_of([["id", "name"], [1, "x"]], first=4))

    assert read(path) == [(5, ["1", "x"])]


def test_only_one_sheet_with_data_is_taken_without_its_name(tmp_path):
    data = [["id"], [1]]
    path = workbook(tmp_path / "a.xlsx", Empty=[], Orders=data)
    assert open_source(path, Reading()).found == ["sheet 'Orders', the only one with data"]

    path = workbook(tmp_path / "b.xlsx", Orders=data, Older=[["id"], [2]])
    assert refusal(path) == "The file has several sheets with data: 'Orders', 'Older'. Name one with --sheet."
    assert read(path, sheet="Older") == [(2, ["2"])]
    assert "has no sheet 'None'; it has 'Orders', 'Older'" in refusal(path, sheet="None")


def test_hidden_sheets_count_only_where_no_other_has_data(tmp_path):
    orders, lists = [["id"], [1]], [["country"], ["MK"]]
    path = workbook(tmp_path / "a.xlsx", Orders=orders, Lists=lists, hidden=["Lists"])
    source = open_source(path, Reading())
    assert source.found == ["sheet 'Orders', the only visible one with data"]
    assert list(source.rows()) == [(2, ["1"])]
    assert read(path, sheet="Lists") == [(2, ["MK"])]

    path = workbook(tmp_path / "b.xlsx", Cover=[], Orders=orders, hidden=["Orders"])
    assert open_source(path, Reading()).found == ["sheet 'Orders', the only one with data"]
    path = workbook(tmp_path / "c.xlsx", Cover=[], Orders=orders, Lists=lists, hidden=["Orders", "Lists"])
    assert "several sheets with data: 'Orders', 'Lists'" in refusal(path)


@pytest.mark.parametrize(
    ("text", "length", "is_taken"),
    [("a" * 2**20, 2**20, False), ("a" * 2**21, 2**21, False), ("a" * 90_000, 90_000, True)],
    ids=["just too long", "longer than a piece", "as long as a cell may be"],
)
def test_a_text_without_an_end_is_refused_before_it_is_taken_into_memory(tmp_path, text, length, is_taken):
    path = workbook(tmp_path / "a.xlsx", A=[["id"], [text]])
    if is_taken:
        assert len(read(path)[0][1][0]) == length
    else:
        assert refusal(path) == "The file has more than 1,048,576 bytes without an XML tag, a cell too long."


def test_a_workbook_of_too_many_parts_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", A=[["id"], *[[1]] * 200])
    assert len(read(path)) == 200
    monkeypatch.setattr("smetka.ledger.imports.workbook.MOST_TAGS", 1000)

    assert refusal(path) == "The file has more than 1,000 XML tags when unpacked. Save it as CSV."


def test_a_long_number_and_a_cell_beyond_the_header_are_refused_by_row(tmp_path):
    path = workbook(tmp_path / "a.xlsx", A=[["id", "x"], [2**53, 1], [1, 2, 3], [4, 5]])
    refused = []

    assert list(open_source(path, Reading()).rows(refuse=refused.append)) == [(4, ["4", "5"])]
    assert [str(fault).partition(" is ")[0].partition(" has ")[0] for fault in refused] == [
        "Line 2, column id",
        "Line 3",
    ]


@pytest.mark.parametrize(
    ("sheet", "sentence"),
    [
        ([], "The file is an empty workbook."),
        ([["id"]], "The file has a header and no rows."),
        ([["id", None, "x"], [1, 2, 3]], "Line 1 leaves column 2 without a name."),
        (f'<worksheet {MAIN}><sheetData><row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>', "The file has a sheet of 16,384 columns"),
        (f'<worksheet {MAIN}><sheetData><row r="1"><c r="T1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>', "The file has a sheet of 1,048,576 rows and 20 columns"),
        (f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B99999999"><v>1</v></c></row></sheetData></worksheet>', "The file has a sheet of 99,999,999 rows and 2 columns"),
        (f'<worksheet {MAIN}><sheetData><row r="1"><c r="AAAA1"><v>1</v></c></row></sheetData></worksheet>', "The file has a sheet of 18,279 columns"),
        (f'<worksheet {MAIN}><sheetData><row r="9999999"><c><v>1</v></c></row></sheetData></worksheet>', "The file has a sheet of 9,999,999 rows and 1 column;"),
        (f"<x:worksheet {MAIN.replace('xmlns', 'xmlns:x')}><x:sheetData><x:row>{'<x:c/>' * 1900}</x:row>{'<x:row><x:c/></x:row>' * 3000}</x:sheetData></x:worksheet>", "The file has a sheet of 3,001 rows and 1,900 columns"),
        (f"<worksheet {MAIN}>{' ' * (5 * 1024 * 1024)}</worksheet>", "The file is larger than 4 MiB when unpacked"),
        (f"<worksheet {MAIN}><sheetData><row", "The file "),
    ],
    ids=["empty", "header only", "nameless", "wide", "tall", "taller", "wider", "tall by itself", "without places", "bomb", "broken"],
)  # fmt: skip
def test_a_bad_workbook_is_refused(tmp_path, monkeypatch, sheet, sentence):
    monkeypatch.setattr("smetka.ledger.imports.workbook.LARGEST", 4 * 1024 * 1024)
    assert refusal(workbook(tmp_path / "a.xlsx", A=sheet)).startswith(sentence)


def test_a_directory_that_lies_about_sizes_does_not_help_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("smetka.ledger.imports.workbook.LARGEST", 4 * 1024 * 1024)
    honest = workbook(
        tmp_path / "a.xlsx", A=f"<worksheet {MAIN}>{'<row/>' * 1024 * 1024}</worksheet>"
    ).read_bytes()
    size = next(
        info for info in zipfile.ZipFile(io.BytesIO(honest)).infolist() if "sheet1" in info.filename
    ).file_size
    path = tmp_path / "b.xlsx"
    path.write_bytes(honest.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little")))

    assert refusal(path).startswith("The file is larger than 4 MiB when unpacked")


@pytest.mark.parametrize("cut", [10, 100, 600, -30])
def test_a_damaged_workbook_is_refused(tmp_path, cut):
    whole = workbook(tmp_path / "a.xlsx", A=[["id"], [1]]).read_bytes()
    path = Path(tmp_path / "b.xlsx")
    path.write_bytes(whole[:cut])

    assert refusal(path).startswith("The file is a damaged workbook")


def test_what_is_no_workbook_is_refused(file, tmp_path):
    assert "If it is text, name it .csv" in refusal(file("a.xlsx", "id,name\n1,x\n"))
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as out:
        out.writestr("orders.csv", "id,name")
    assert refusal(tmp_path / "b.xlsx") == "The file is a zip archive, but no .xlsx workbook."
