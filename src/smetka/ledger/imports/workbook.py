"""Workbooks of Excel: .xlsx, which is a zip archive of XML."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from smetka.ledger.imports.amounts import Plain
from smetka.ledger.imports.delimited import LONGEST_CELL, Row
from smetka.ledger.imports.encodings import LONGEST_LINE
from smetka.ledger.imports.header import MOST_COLUMNS, find_header
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.sheet_extent import Extent
from smetka.ledger.imports.sheet_xml import SheetFacts, may_tell, sheet_facts
from smetka.ledger.imports.spreadsheet_faults import is_fault

LARGEST = 128 * 1024 * 1024
"""Of all parts together, unpacked. A single text as long would take three times that in memory."""

MOST_TAGS = 16_000_000
"""Of all parts together: the smallest cell or text has a few, and each takes 70 bytes in memory."""

MOST_CELLS = 5_000_000
"""In the rectangle around all that a sheet holds: all of it is kept in memory, empty cells too."""

_PIECE = 1024 * 1024
_EXACT = 2**53
_TAIL = 32
_DAMAGES = (
    CalamineError, BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError
)  # fmt: skip
_NO_FAULTS: tuple[int, dict[int, str]] = (0, {})
_Read = TypeVar("_Read")
_Facts = Callable[[str], SheetFacts]


class Workbook:
    """One sheet, the only one with data or the one that was named."""

    typed = False  # its texts are as in any file; its numbers are `Plain`

    def __init__(self, path: Path, sheet: str | None, header_row: int | None, told: frozenset[str]) -> None:
        self._path, self._size = path, path.stat().st_size
        telling = _check_parts(path)
        with self._opened() as workbook:
            facts = partial(_whole, partial(sheet_facts, path, telling=telling))
            self.sheet, among = _choose(workbook, sheet, facts)
            several = len(workbook.sheet_names) > 1
            self._facts = facts(self.sheet)
            rows = ((line, [_shown(value) for value in values]) for line, values in self._rows(workbook))
            header = find_header(rows, header_row, told)
        self.header, self.header_row = header.names, header.line
        self.hidden_rows = sum(row > header.line for row in self._facts.hidden)
        self.found = (
            *(
                (f"sheet {self.sheet[:50]!r}, the only {among}one with data",)
                if sheet is None and several
                else ()
            ),
            *header.found,
            *((f"{_hidden(self.hidden_rows)} like the others",) if self.hidden_rows else ()),
        )

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]:
        """As `Source.rows`. All is read at once, so `advance` is told only once."""
        with self._opened() as workbook:
            if advance:
                advance(self._size)
            for line, values in self._rows(workbook):
                if line <= self.header_row:
                    continue
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
        if any(value != "" and not _is_fault(value) for value in values[width:]):
            raise Refused("has a cell to the right of the last column that the header names")
        cells = []
        for column, value in zip(self.header, values, strict=False):
            try:
                cells.append(_text(value))
            except Refused as refused:
                refused.column = column
                raise
        # A text that the workbook has once is here as often as cells name it.
        if sum(map(len, cells)) > LONGEST_LINE:
            raise Refused(f"has more than {LONGEST_LINE:,} characters in all")
        return cells + [""] * (width - len(cells))

    def _rows(self, workbook: CalamineWorkbook) -> Iterator[tuple[int, list[Any]]]:
        """Every row that holds anything, with its number; faulty cells are such as `is_fault` knows."""
        sheet = _whole(workbook.get_sheet_by_name, self.sheet)
        before = sheet.start[1] if sheet.start else 0  # empty columns that are not in the rows
        faults = self._facts.faults()
        faulty_line, faulty = next(faults, _NO_FAULTS)
        for line, values in enumerate(chain(sheet.iter_rows(), repeat(())), start=1):
            if line > sheet.total_height + 1 and not faulty_line:
                return
            cells = list(values)
            if line == faulty_line:
                cells += [""] * (max(faulty) - before + 1 - len(cells))
                for column, fault in faulty.items():
                    if column >= before:
                        cells[column - before] = fault
                faulty_line, faulty = next(faults, _NO_FAULTS)
            if any(value != "" for value in cells):
                yield line, cells

    def _opened(self) -> CalamineWorkbook:
        return _whole(CalamineWorkbook.from_path, str(self._path))


def _check_parts(path: Path) -> set[str]:
    """Unpack every part once, piece by piece, before all of it is taken into memory.

    Returns those that `may_tell` something.
    """
    telling = set()
    try:
        with ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise Refused("is a zip archive, but no .xlsx workbook")
            left, tags, run = LARGEST, MOST_TAGS, 0
            if sum(part.file_size for part in archive.infolist()) > left:
                raise _too_large()
            for part in archive.infolist():
                part.file_size = LARGEST + 1  # what the directory says may be untrue; this reads to the end
                extent, tail = Extent(), b""
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
                        extent.see(piece)
                        if part.filename not in telling and may_tell(tail + piece):
                            telling.add(part.filename)
                        tail = piece[-_TAIL:]
                extent.finish(archive, part.filename)
                _check_extent(extent)
    except _DAMAGES as error:
        raise _damaged(error) from None
    return telling


def _whole(read: Callable[[str], _Read], name: str) -> _Read:
    """What reads a part of a workbook, with what says that it is damaged as the refusal that it is."""
    try:
        return read(name)
    except _DAMAGES as error:
        raise _damaged(error) from None


def _check_extent(extent: Extent) -> None:
    columns, rows = extent.columns, extent.rows
    if columns > MOST_COLUMNS:
        raise Refused(f"has a sheet of {columns:,} columns; {MOST_COLUMNS:,} are the most")
    if columns * rows > MOST_CELLS:
        raise Refused(
            f"has a sheet of {rows:,} rows and {columns:,} column{'s' * (columns > 1)}; "
            f"{MOST_CELLS:,} cells are the most. "
            "Save it as CSV"
        )


def _damaged(error: Exception) -> Refused:
    return Refused(f"is a damaged workbook, or one with a password: {str(error)[:200]}")


def _too_large() -> Refused:
    return Refused(f"is larger than {LARGEST // 1024 // 1024} MiB when unpacked. Save it as CSV")


def _choose(workbook: CalamineWorkbook, wanted: str | None, facts: _Facts) -> tuple[str, str]:
    """A sheet, and what kind of sheets it was chosen among: hidden ones count where no other has data."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets]
    if wanted is not None:
        if wanted not in names:
            raise Refused(f"has no sheet {wanted!r}; it has {_listed(names)}")
        return wanted, ""
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    hidden = [name for name in names if name not in visible]
    filled, among = _with_data(workbook, visible, facts), "visible " * bool(hidden)
    if not filled:
        filled, among = _with_data(workbook, hidden, facts), ""
    if not filled:
        raise Refused("is an empty workbook")
    if len(filled) > 1:
        raise Refused(f"has several sheets with data: {_listed(filled)}. Name one with --sheet")
    return filled[0], among


def _with_data(workbook: CalamineWorkbook, names: list[str], facts: _Facts) -> list[str]:
    filled = []
    for name in names:
        try:
            if next(_filled(workbook, name), None):
                filled.append(name)
        except Refused:
            facts(name)  # which knows the place of an error that python-calamine does not know
            raise
    return filled


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name[:50]) for name in names[:10]) + (" and more" if len(names) > 10 else "")


def _filled(workbook: CalamineWorkbook, name: str) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet that hold anything, with their numbers."""
    sheet = _whole(workbook.get_sheet_by_name, name)
    for number, values in enumerate(sheet.iter_rows(), start=1):
        if any(value != "" for value in values):
            yield number, values


def _shown(value: Any) -> str:
    """A cell as text, where it need not be a value that can be taken."""
    try:
        return _text(value)
    except Refused:
        return str(value)[:LONGEST_CELL]


def _is_fault(value: Any) -> bool:
    return isinstance(value, str) and is_fault(value)


def _hidden(rows: int) -> str:
    return "1 hidden row is read" if rows == 1 else f"{rows:,} hidden rows are read"


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
