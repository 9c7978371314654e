from __future__ import annotations

import io
import zipfile

import pytest

from smetka.ledger.imports import sheet_extent
from smetka.ledger.imports.sheet_extent import Extent


def extent(xml, size):
    """Of a part that is shown in pieces of a size."""
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    archive.writestr("sheet.xml", xml)
    found = Extent()
    for begin in range(0, len(xml), size):
        found.see(xml[begin : begin + size].encode())
    found.finish(archive, "sheet.xml")
    return found.columns, found.rows


@pytest.mark.parametrize("size", [1, 7, 64, 100, 10_000])
@pytest.mark.parametrize(
    ("rows", "columns_and_rows"),
    [
        ("", (0, 0)),
        ('<row r="1"><c r="A1"/><c r="C1"/></row><row r="7"><c r="B7"><v>1</v></c></row>', (3, 7)),
        ('<row r="1"><c s="1" t="n" r="C9"/></row>', (3, 9)),
        ("<row><c r = 'AA12'/></row>", (27, 12)),
        ('<row r="1048576" hidden="1"/><row r="2"><c r="B2"/></row>', (2, 2)),
        ("<row><c/><c><v>1</v></c></row><row/><row><c s='1'/></row>", (2, 3)),
        ('<row r="5"><c/></row><row><c/></row>', (1, 6)),
        ('<row r="5"><c r="B5"/><c/></row>', (4, 5)),
    ],
)
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_the_rectangle_around_all_cells_is_told_and_never_too_small(rows, columns_and_rows, size, prefix):
    xml = f"<sheet><sheetData>{rows}</sheetData></sheet>"
    if prefix:
        xml = xml.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")

    assert extent(xml.replace("<x:sheet>", '<x:sheet xmlns:x="x">'), size) == columns_and_rows


def test_a_sheet_whose_cells_say_where_they_are_is_not_parsed(monkeypatch):
    def parse(*_):
        raise AssertionError

    monkeypatch.setattr(sheet_extent, "parse", parse)
    cells = "".join(f'<row r="{row}"><c r="A{row}" s="12"><v>1</v></c></row>' for row in range(1, 500))

    for size in range(30, 100):
        assert extent(f"<sheet>{cells}</sheet>", size) == (1, 499)
