"""Workbooks of Excel: .xlsx, which is a zip archive of XML."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from smetka.ledger.imports.amounts import Plain
from smetka.ledger.imports.delimited import LONGEST_CELL, Row
from smetka.ledger.imports.header import MOST_COLUMNS, check_header
from smetka.ledger.imports.refused import Refused

LARGEST = 128 * 1024 * 1024
"""Of all parts together, unpacked. A single text as long would take three times that in memory."""

MOST_TAGS = 16_000_000
"""Of all parts together: the smallest cell or text has a few, and each takes 70 bytes in memory."""

MOST_CELLS = 5_000_000
"""In the rectangle around all that a sheet holds: all of it is kept in memory, empty cells too."""

_PIECE = 1024 * 1024
_EXACT = 2**53
_CELL = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_TAIL = 32


class Workbook:
    """One sheet, the only one with data or the one that was named."""

    typed = False  # its texts are as in any file; its numbers are `Plain`
    found: tuple[str, ...] = ()

    def __init__(self, path: Path, sheet: str | None) -> None:
        self._path, self._size = path, path.stat().st_size
        _check_parts(path)
        with self._opened() as workbook:
            self._sheet, among = _choose(workbook, sheet)
            if sheet is None and len(workbook.sheet_names) > 1:
                self.found = (f"sheet {self._sheet!r}, the only {among}one with data",)
            line, header = next(_filled(workbook, self._sheet), (1, []))
        while header and header[-1] == "":
            header.pop()
        texts = [_text(value) for value in header]
        self.header = check_header(texts, line)

    @staticmethod
    def is_one(path: Path) -> bool:
        """A zip archive is a workbook."""
        try:
            with ZipFile(path) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except (BadZipFile, NotImplementedError, ValueError):
            return False

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]:
        """As `Source.rows`. All is read at once, so `advance` is told only once."""
        with self._opened() as workbook:
            if advance:
                advance(self._size)
            filled = _filled(workbook, self._sheet)
            next(filled)
            for line, values in filled:
                try:
                    cells = self._cells(values)
                except Refused as refused:
                    refused.line = line
                    if refuse is None:
                        raise
                    refuse(refused)
                    continue
                yield line, cells

    def _cells(self, values: list[Any]) -> list[str]:
        width = len(self.header)
        if any(value != "" for value in values[width:]):
            raise Refused("has a cell to the right of the last column that the header names")
        cells = []
        for column, value in zip(self.header, values, strict=False):
            try:
                cells.append(_text(value))
            except Refused as refused:
                refused.column = column
                raise
        return cells + [""] * (width - len(cells))

    def _opened(self) -> CalamineWorkbook:
        try:
            return CalamineWorkbook.from_path(str(self._path))
        except CalamineError as error:
            raise _damaged(error) from None


def _check_parts(path: Path) -> None:
    """Unpack every part once, piece by piece, before all of it is taken into memory."""
    try:
        with ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise Refused("is a zip archive, but no .xlsx workbook")
            left, tags, run = LARGEST, MOST_TAGS, 0
            if sum(part.file_size for part in archive.infolist()) > left:
                raise _too_large()
            for part in archive.infolist():
                part.file_size = LARGEST + 1  # what the directory says may be untrue; this reads to the end
                columns, rows, tail = {b"A"}, 1, b""
                with archive.open(part) as file:
                    while piece := file.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise _too_large()
                        tags -= piece.count(b"<")
                        if tags < 0:
                            raise Refused(
                                f"has more than {MOST_TAGS:,} XML tags when unpacked. Save it as CSV"
                            )
                        first = piece.find(b"<")
                        if run + (len(piece) if first < 0 else first) > _PIECE:
                            raise Refused(
                                f"has more than {_PIECE:,} bytes without an XML tag, a cell too long"
                            )
                        run = run + len(piece) if first < 0 else len(piece) - piece.rfind(b"<")
                        # In every part: a workbook says itself which of them are sheets.
                        places = _CELL.findall(tail + piece)
                        columns.update({letters for letters, _ in places})
                        rows = max(rows, max((int(row) for _, row in places), default=1))
                        tail = piece[-_TAIL:]
                _check_extent(max(map(_column_number, columns)), rows)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(error) from None


def _check_extent(columns: int, rows: int) -> None:
    if columns > MOST_COLUMNS:
        raise Refused(f"has a sheet of {columns:,} columns; {MOST_COLUMNS:,} are the most")
    if columns * rows > MOST_CELLS:
        raise Refused(
            f"has a sheet of {rows:,} rows and {columns:,} columns; {MOST_CELLS:,} cells are the most. "
            "Save it as CSV"
        )


def _damaged(error: Exception) -> Refused:
    return Refused(f"is a damaged workbook, or one with a password: {str(error)[:200]}")


def _too_large() -> Refused:
    return Refused(f"is larger than {LARGEST // 1024 // 1024} MiB when unpacked. Save it as CSV")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _choose(workbook: CalamineWorkbook, wanted: str | None) -> tuple[str, str]:
    """A sheet, and what kind of sheets it was chosen among: hidden ones count where no other has data."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets]
    if wanted is not None:
        if wanted not in names:
            raise Refused(f"has no sheet {wanted!r}; it has {_listed(names)}")
        return wanted, ""
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    hidden = [name for name in names if name not in visible]
    filled, among = _with_data(workbook, visible), "visible " * bool(hidden)
    if not filled:
        filled, among = _with_data(workbook, hidden), ""
    if not filled:
        raise Refused("is an empty workbook")
    if len(filled) > 1:
        raise Refused(f"has several sheets with data: {_listed(filled)}. Name one with --sheet")
    return filled[0], among


def _with_data(workbook: CalamineWorkbook, names: list[str]) -> list[str]:
    return [name for name in names if next(_filled(workbook, name), None)]


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name[:50]) for name in names[:10]) + (" and more" if len(names) > 10 else "")


def _filled(workbook: CalamineWorkbook, name: str) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet that hold anything, with their numbers."""
    try:
        sheet = workbook.get_sheet_by_name(name)
    except CalamineError as error:
        raise _damaged(error) from None
    for number, values in enumerate(sheet.iter_rows(), start=1):
        if any(value != "" for value in values):
            yield number, values


def _text(value: Any) -> str:
    """A cell as text: exactly the number that Excel shows, which has 15 digits, not the one it stores."""
    match value:
        case str():
            if len(value) > LONGEST_CELL:
                raise Refused(f"has more than {LONGEST_CELL:,} characters")
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            if not abs(value) < _EXACT:  # NaN too
                raise Refused(
                    "is a number of more than 15 digits, which Excel does not keep; store it as text"
                )
            if value == int(value):
                return Plain(int(value))
            return Plain(f"{Decimal(f'{value:.15g}'):f}")
        case datetime():
            midnight = value.time() == time()
            return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case time() | timedelta():
            return str(value)
        case _:
            raise Refused("holds a kind of value that is not understood")
