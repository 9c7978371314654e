"""How far a sheet reaches, before it is read: python-calamine keeps the rectangle around all its cells."""

from __future__ import annotations

import re
from itertools import chain
from zipfile import ZipFile

from smetka.ledger.imports.sheet_xml import column_number, parse

_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,9})([0-9]{1,18})["']""")
# Nearly all cells begin so: <c r="…. Looking for the others costs little then.
_CELL = re.compile(rb"<c(?! r=)[\s/>][^<>]*")
_PREFIXED = re.compile(rb"<[\w.-]+:c[\s/>][^<>]*")


class Extent:
    """Of one part of a workbook, whose pieces are shown one after the other.

    Attributes:
        columns, rows: of the rectangle; none where there are no cells.
    """

    def __init__(self) -> None:
        self.columns = self.rows = 0
        self._rest = b""
        self._letters: set[bytes] = set()
        self._has_unplaced = False
        self._row = self._cells = self._widest = 0

    def see(self, piece: bytes) -> None:
        """The next piece."""
        text = self._rest + piece
        cut = max(text.rfind(b"<"), 0)  # the last tag may go on
        self._look(text[:cut])
        self._rest = text[cut:]

    def finish(self, archive: ZipFile, part: str) -> None:
        """Count the cells that do not say where they are: at most, they stand behind all that do.

        Raises:
            Refused: the part is no XML.
        """
        self._look(self._rest)
        if self._has_unplaced:
            parse(archive, part, self._count)
            self.columns += self._widest
            self.rows = max(self.rows, self._row)

    def _look(self, tags: bytes) -> None:
        places = _PLACE.findall(tags)
        for letters in {letters for letters, _ in places} - self._letters:
            self._letters.add(letters)
            self.columns = max(self.columns, column_number(letters.decode()))
        self.rows = max(self.rows, max((int(row) for _, row in places), default=0))
        if not self._has_unplaced:
            cells = chain(_CELL.findall(tags), _PREFIXED.findall(tags) if b":c" in tags else ())
            self._has_unplaced = any(_PLACE.search(cell) is None for cell in cells)

    def _count(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "c":
            self._cells += 1
            self._widest = max(self._widest, self._cells)
        elif kind == "row":
            self._row = max(self._row, int(attributes.get("r", self._row + 1)))
            self._cells = 0
