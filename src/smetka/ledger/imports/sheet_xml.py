"""What the XML of a sheet tells and python-calamine does not.

Errors (``t="e"``) and formulas that were never calculated, which it reads as empty cells or zeros, and which
rows are hidden. A formula without a stored value has no ``<v>`` (Apache POI, PhpSpreadsheet) or an empty one
(openpyxl). Under ``t="str"`` an empty ``<v>`` is a text of no characters, which Excel and LibreOffice write
where ``=IF(A1>0,A1,"")`` gives one. XlsxWriter and its like write 0 for all, and `fullCalcOnLoad` in the
workbook.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from posixpath import join
from typing import Any
from xml.parsers import expat
from zipfile import ZipFile

from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.spreadsheet_faults import ERRORS, NOT_CALCULATED

MOST_MARKS = 1_000_000
"""Each takes eight bytes in memory, and some ten times that while they are sorted."""

_PIECE = 256 * 1024
_TELLING = (b"<f", b":f", b'"e"', b"'e'", b"hidden", b"&#")
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_TRUE = ("1", "true")
_WIDE, _DEEP = 8, 24


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """Of one sheet.

    Attributes:
        hidden: the numbers of hidden rows that hold something.
        marks: a number for each faulty cell, in the order of rows and columns; see `faults`.
    """

    hidden: tuple[int, ...] = ()
    marks: array[int] | tuple[()] = ()

    def faults(self) -> Iterator[tuple[int, dict[int, str]]]:
        """The faulty cells of each row that has some, by their columns from 0: what is to be read there."""
        for row, marks in groupby(self.marks, lambda mark: mark >> _DEEP):
            yield (
                row,
                {
                    mark >> _WIDE & 0xFFFF: ERRORS[code - 1] if (code := mark & 0xFF) else NOT_CALCULATED
                    for mark in marks
                },
            )


def may_tell(piece: bytes) -> bool:
    """Whether a piece of a sheet has what `sheet_facts` looks for; most sheets have not, which spares it."""
    return any(sign in piece for sign in _TELLING)


def sheet_facts(path: Path, sheet: str, telling: set[str]) -> SheetFacts:
    """Read the XML of a workbook's sheet, whose sizes were checked before.

    Args:
        telling: the parts of the archive that may have something to tell.

    Raises:
        Refused: it is no XML, declares entities, or has an error that python-calamine does not know.
        BadZipFile, zlib.error, …: the archive is damaged.
    """
    with ZipFile(path) as archive:
        book = _Book()
        parse(archive, "xl/workbook.xml", book.start)
        relations = _Relations()
        parse(archive, "xl/_rels/workbook.xml.rels", relations.start)
        # As python-calamine finds it: whatever the case, and however folders are parted.
        wanted = join("/xl", relations.targets.get(book.sheets.get(sheet, ""), "")).casefold()
        for part in archive.namelist():
            if join("/", part.replace("\\", "/")).casefold() == wanted and part in telling:
                reader = _Sheet(calculates=book.calculates)
                parse(archive, part, reader.start, reader)
                return reader.facts()
    return SheetFacts()


def column_number(letters: str) -> int:
    """Which column the letters are, from 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """The letters of a column from 1."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


class _Kinds(dict[str, str]):
    """Names of elements without their prefixes."""

    def __missing__(self, name: str) -> str:
        self[name] = kind = name.rpartition(":")[2]
        return kind


_Start = Callable[[str, dict[str, str]], None]


def parse(archive: ZipFile, part: str, start: _Start, reader: _Sheet | None = None) -> None:
    """Tell `start` the elements of a part as they begin: names with their prefixes, and attributes.

    Raises:
        Refused: it is no XML, or declares entities.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    # No spreadsheet has one, and entities that expand each other are declared there.
    parser.StartDoctypeDeclHandler = _no_doctype
    if reader:
        reader.parser = parser
    try:
        with archive.open(part) as file:
            while piece := file.read(_PIECE):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
    except (expat.ExpatError, KeyError) as error:
        raise Refused(f"is a damaged workbook: {part} cannot be read ({error})") from None


def _no_doctype(*_: Any) -> None:
    raise Refused("is no workbook that a spreadsheet program writes: its XML has a document type")


class _Relations:
    """Where the parts of a workbook stand, from its folder."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def start(self, _: str, attributes: dict[str, str]) -> None:
        self.targets[attributes.get("Id", "")] = attributes.get("Target", "").removeprefix("/xl/")


class _Book:
    """Which part each sheet is, and whether formulas are to be calculated when the workbook is opened."""

    def __init__(self) -> None:
        self.sheets: dict[str, str] = {}
        self.calculates = False
        self._kinds = _Kinds()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._kinds[name]
        if kind == "sheet":
            relation = next((text for key, text in attributes.items() if key.endswith(":id")), "")
            self.sheets.setdefault(attributes.get("name", ""), relation)
        elif kind == "calcPr":
            self.calculates = attributes.get("fullCalcOnLoad") in _TRUE


class _Sheet:
    """Takes the elements of a sheet as they begin. A cell is judged when the next one does."""

    parser: expat.XMLParserType

    def __init__(self, *, calculates: bool) -> None:
        self._calculates = calculates
        self._kinds = _Kinds()
        self._row = self._last_row = 0
        self._hidden_row = False
        self._hidden: list[int] = []
        self._marks = array("Q")
        self._zeros = array("Q")
        self._areas: list[tuple[array[int], tuple[int, int, int, int]]] = []
        self._calculated: set[int] = set()
        # The cell: its own reference or the last one before, and how many cells came since.
        self._reference, self._since = "", -1
        self._type: str | None = None
        self._area = ""
        self._is_open = self._has_formula = self._has_value = False
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._kinds[name]
        if kind == "c":
            if self._is_open:
                self._close()
            self._has_value = False
            self._type = attributes.get("t")
            self._is_open = self._type == "e"
            if reference := attributes.get("r"):
                self._reference, self._since = reference, 0
            else:
                self._since += 1
        elif kind == "v":
            self._has_value = True
            if self._is_open:
                self.parser.CharacterDataHandler = self._text.append
            self._see_hidden()
        elif kind == "f":
            self._is_open = self._has_formula = True
            self._area = attributes.get("ref", "") if attributes.get("t") in ("array", "dataTable") else ""
        elif kind == "row":
            self._begin_row(attributes)
        elif kind == "is":
            self._see_hidden()
            if self._is_open:
                self._text.append(kind)  # a text, whatever it says

    def _begin_row(self, attributes: dict[str, str]) -> None:
        if self._is_open:
            self._close()
        number = attributes.get("r", "")
        self._row = int(number) if number.isdecimal() else self._row + 1
        self._last_row = max(self._last_row, self._row)
        self._reference, self._since = "", -1
        self._hidden_row = attributes.get("hidden") in _TRUE

    def _see_hidden(self) -> None:
        if self._hidden_row:
            self._hidden.append(self._row)
            self._hidden_row = False

    def _close(self) -> None:
        """Judge the cell that is open."""
        value = "".join(self._text).strip()
        row, column = self._place()
        if self._type == "e":
            self._mark(row, column, _error(value, row, column))
        elif not value:
            if self._type != "str" or not self._has_value:
                self._mark(row, column, 0)
        elif self._calculates and self._type in {None, "n"} and not value.strip("0."):
            self._mark(row, column, 0, maybe=True)
        else:
            self._calculated.add(column)
        self.parser.CharacterDataHandler = None
        self._text.clear()
        self._is_open, self._area = False, ""

    def _place(self) -> tuple[int, int]:
        """The row, and the column from 0."""
        if not self._reference:
            return self._row, self._since
        found = _REFERENCE.fullmatch(self._reference)
        if not found:
            raise Refused("is a damaged workbook: it has a cell without a place")
        return int(found[2]), column_number(found[1]) - 1 + self._since

    def _mark(self, row: int, column: int, code: int, *, maybe: bool = False) -> None:
        marks = self._zeros if maybe else self._marks
        marks.append(row << _DEEP | column << _WIDE | code)
        if area := _RANGE.fullmatch(self._area):
            first, last = column_number(area[1]) - 1, column_number(area[3]) - 1
            self._areas.append((marks, (int(area[2]), int(area[4]), first, last)))
        self._check_number()

    def _check_number(self) -> None:
        if len(self._marks) + len(self._zeros) + len(self._areas) > MOST_MARKS:
            raise Refused(
                f"has more than {MOST_MARKS:,} cells with errors or formulas that were never calculated. "
                "Open it in Excel or LibreOffice and save it there"
            )

    def facts(self) -> SheetFacts:
        """What was found, when all was read."""
        if self._is_open:
            self._close()
        # A formula for an area stands in its first cell; the others have nothing, or zeros.
        for marks, (top, bottom, left, right) in self._areas:
            if right < left:  # nothing that is counted would end its rows
                continue
            for row in range(top, min(bottom, self._last_row) + 1):
                marks.extend(row << _DEEP | column << _WIDE for column in range(left, right + 1))
                self._check_number()
        self._areas.clear()
        # Formulas whose values are all zeros were not calculated; where some are not, they were.
        self._marks.extend(mark for mark in self._zeros if mark >> _WIDE & 0xFFFF not in self._calculated)
        return SheetFacts(tuple(self._hidden), array("Q", sorted(self._marks)))


def _error(value: str, row: int, column: int) -> int:
    if value not in ERRORS:
        raise Refused(
            f"has an error that workbooks do not have in column {column_letters(column + 1)}; "
            "correct the cell, or clear it",
            line=row,
        )
    return ERRORS.index(value) + 1
