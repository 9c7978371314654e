"""Vouchers as PDF, read back from the file."""

from __future__ import annotations

import io
import re
import zlib
from datetime import date

import pytest
import segno

from smetka.bonus import pdf as paged
from smetka.bonus.codes import derive
from smetka.bonus.printing import PrintedVoucher, print_vouchers
from smetka.core.errors import CommandFailed
from smetka.core.money import Money

NAMES = (
    "Ана Петрова",
    "",
    "x" * 300,
    "Nobody 😀 Bought\nTwice\x00",
    "مرحبا",
    "=cmd",
    "Ќирил Џамбазовски-Константинов",
)


def voucher(number=1, name="Ана Петрова"):
    return PrintedVoucher(
        derive(b"secret", number), Money(1500_00), name, date(2026, 12, 1), date(2027, 1, 31)
    )


def printed(vouchers, **options):
    output = io.BytesIO()
    chosen = {
        "campaign": "year-end-2026",
        "currency": "MKD",
        "timezone": "Europe/Skopje",
        "language": "en",
        "per_page": 8,
        **options,
    }
    assert print_vouchers(output, vouchers, **chosen) == len(vouchers)
    return output.getvalue()


def pages(pdf):
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def contents(pdf):
    """What is drawn on the pages, as PDF's operators."""
    streams = re.finditer(rb"/FlateDecode[^>]*/Length (\d+)[^>]*>>\s*stream\r?\n", pdf)
    found = [zlib.decompress(pdf[each.end() : each.end() + int(each[1])]) for each in streams]
    return [stream for stream in found if stream.startswith(b"1 0 0 1 0 0 cm")]


@pytest.mark.parametrize(("count", "large", "small"), [(1, 1, 1), (8, 8, 1), (9, 9, 2), (17, 17, 3)])
def test_as_many_pages_as_it_takes(count, large, small):
    vouchers = [voucher(number) for number in range(count)]

    assert pages(printed(vouchers, per_page=1)) == large
    assert pages(printed(vouchers, per_page=8)) == small


def test_nothing_to_print_writes_nothing():
    output = io.BytesIO()

    with pytest.raises(CommandFailed, match="no voucher to print"):
        print_vouchers(
            output,
            [],
            campaign="a",
            currency="MKD",
            timezone="Europe/Skopje",
            language="en",
            per_page=8,
        )
    assert output.getvalue() == b""


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize("per_page", [1, 8])
def test_any_name_is_printed_and_the_same_ones_give_the_same_bytes(language, per_page):
    vouchers = [voucher(number, name) for number, name in enumerate(NAMES)]

    pdf = printed(vouchers, language=language, per_page=per_page)

    assert pdf == printed(vouchers, language=language, per_page=per_page)
    assert pdf.count(b"/FontFile2") >= 2, "the fonts are in it"
    assert b"(year-end-2026)" in pdf


def test_the_symbol_is_the_codes(monkeypatch):
    made = []
    make = segno.make

    def remembered(content, **options):
        made.append(make(content, **options))
        return made[-1]

    monkeypatch.setattr(segno, "make", remembered)
    pdf = printed([voucher()])

    [symbol] = made
    assert symbol.error in {"M", "Q", "H"}, "a scratch does not spoil it"
    dark = sum(sum(row) for row in symbol.matrix)
    [page] = contents(pdf)
    rectangles = re.findall(rb"n?\s*([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re", page)
    # Runs of dark modules of one height; the card itself is drawn once for all pages.
    height = float(rectangles[0][3])
    drawn = sum(round(float(width) / height) for _, _, width, _ in rectangles)
    assert drawn == dark


def test_the_longest_name_that_is_imported_costs_no_more_than_a_line(monkeypatch):
    measured = []
    monkeypatch.setattr(
        "reportlab.pdfgen.canvas.Canvas.stringWidth",
        lambda _sheet, text, _font, size: measured.append(len(text)) or size * len(text) / 2,
    )

    printed([voucher(name="Ж" * 100_000)])

    assert sum(measured) < 1_000_000


@pytest.mark.parametrize("per_page", [1, 8])
def test_a_page_is_in_the_file_before_the_next_is_begun(per_page):
    """So that 100,000 vouchers take the memory of one page."""
    output, begun = io.BytesIO(), []

    def vouchers():
        for number in range(5 * per_page):
            if not number % per_page:
                begun.append(pages(output.getvalue()))
            yield voucher(number)

    print_vouchers(
        output,
        vouchers(),
        campaign="a",
        currency="MKD",
        timezone="Europe/Skopje",
        language="en",
        per_page=per_page,
    )

    # The voucher that begins a page is what ends the page before.
    assert begun == [0, 0, 1, 2, 3]


def test_every_object_stands_where_the_table_says():
    pdf = printed([voucher(number, name) for number, name in enumerate(NAMES)], per_page=1)

    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[1])
    lines = pdf[table:].splitlines(keepends=True)
    assert lines[0] == b"xref\n"
    assert lines[1] == b"0 %d\n" % (lines.index(b"trailer\n") - 2)
    assert lines[2] == b"0000000000 65535 f \n"
    for number, line in enumerate(lines[3 : lines.index(b"trailer\n")], 1):
        assert len(line) == 20
        assert pdf[int(line[:10]) :].startswith(b"%d 0 obj\n" % number)


def test_nothing_of_a_page_is_kept_that_is_in_the_file():
    output = io.BytesIO()
    drawn = paged.sheet(output, (100, 100), "Helvetica")
    kept = []
    for _ in range(40):
        drawn.drawString(1, 1, "x" * 1000)
        drawn.showPage()
        kept.append(len(drawn._doc.idToObject))
    assert len(set(kept[1:])) == 1, "no page is known any more"
