"""Rows parted by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from itertools import chain, islice
from pathlib import Path

from smetka.ledger.imports.encodings import LONGEST_LINE, pieces
from smetka.ledger.imports.header import LOOKED_AT, find_header
from smetka.ledger.imports.refused import SHOWN, Refused

LONGEST_CELL = 100_000
DELIMITERS = {",": ",", ";": ";", "\t": "tab", "|": "|"}
_SAMPLE = 50
_SAYS = re.compile(r"sep=(.)\r?\n?")
"""What Excel writes into the first line, and understands there."""

# It is the whole process's limit: nothing else here reads CSV. It also ends a quote that is never closed.
csv.field_size_limit(LONGEST_CELL)

Row = tuple[int, list[str]]


class Delimited:
    """A file whose encoding and delimiter are known, and its header checked."""

    typed = False

    hidden_rows = 0

    def __init__(
        self, path: Path, codec: str, delimiter: str | None, header_row: int | None, told: frozenset[str]
    ) -> None:
        self._path, self._codec = path, codec
        self.found: tuple[str, ...] = ()
        if delimiter is None:
            delimiter = self._find_delimiter()
            if delimiter:
                self.found = (f"separated by {DELIMITERS[delimiter]}",)
        self._delimiter = delimiter or ","
        self.shown_delimiter = DELIMITERS.get(delimiter, delimiter)
        header = find_header(self._records(self._delimiter), header_row, told)
        self.header, self.header_row, self._width = header.names, header.line, header.width
        self.found += header.found

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]:
        """As `Source.rows`."""
        records = self._records(self._delimiter, advance, self._width, refuse)
        return records if self._width == len(self.header) else self._named(records, refuse)

    def _named(self, records: Iterator[Row], refuse: Callable[[Refused], None] | None) -> Iterator[Row]:
        """Without the columns at the end that have no name, which must be empty."""
        names = len(self.header)
        for line, cells in records:
            if any(cells[names:]):
                refused = Refused(
                    f"has text beyond the last column with a name, {self.header[-1][:SHOWN]}", line=line
                )
                if refuse is None:
                    raise refused
                refuse(refused)
            else:
                yield line, cells[:names]

    def _records(
        self,
        delimiter: str,
        advance: Callable[[int], None] | None = None,
        width: int | None = None,
        refuse: Callable[[Refused], None] | None = None,
    ) -> Iterator[Row]:
        """Every record that is not empty, and the line it begins on.

        With a `width`, those below the header, of so many cells.
        """
        end = 0
        last = 0 if width is None else self.header_row

        def bounded() -> Iterator[StringIO]:
            # A record whose quotes go on over line ends could fill the memory, cell by cell.
            begun, unfinished = 0, 0
            for piece in pieces(self._path, self._codec, advance):
                if end != begun:
                    begun, unfinished = end, 0
                unfinished += len(piece)
                yield StringIO(piece, newline="")
                if end == begun and unfinished > LONGEST_LINE:
                    raise Refused('begins a row of more than 1 MiB; is a quote (") not closed?', line=end + 1)

        reader = csv.reader(chain.from_iterable(bounded()), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                line = end + 1
                end = reader.line_num
                if line <= last or (line == 1 and _SAYS.fullmatch(delimiter.join(cells))):
                    continue
                if width is None or len(cells) == width:
                    if cells and (cells[0] or any(cells)):
                        yield line, cells
                elif any(cells):
                    refused = Refused(f"has {_cells(len(cells))} where the header has {width}", line=line)
                    if refuse is None:
                        raise refused
                    refuse(refused)
        except csv.Error as error:
            raise Refused(_reason(str(error)), line=end + 1) from None

    def _find_delimiter(self) -> str:
        """The one that parts the header and most of the first rows alike; "" if none parts the header."""
        if said := _SAYS.match(next(iter(pieces(self._path, self._codec, None)), "")):
            return delimiter_of(said[1])
        fits = {delimiter: self._fit(delimiter) for delimiter in DELIMITERS}
        if max(fits.values()) < 1:
            # The first row may be a title, which shows nothing about the rows below it.
            below = {delimiter: self._fit(delimiter, below_titles=True) for delimiter in DELIMITERS}
            fits = below if max(below.values()) > 0 else fits
        best = max(fits.values())
        if best < 0:
            return ""
        among = [delimiter for delimiter, fit in fits.items() if fit == best]
        if len(among) > 1:
            names = " or ".join(DELIMITERS[delimiter] for delimiter in among)
            raise Refused(f"can be read as separated by {names}. Say which with --delimiter")
        return among[0]

    def _fit(self, delimiter: str, *, below_titles: bool = False) -> int:
        """How many of the first rows have as many cells as the header; -1 if that is one cell only.

        The header is the first row, or the widest among the first.
        """
        widths: list[int] = []
        # Wrong quotes under a wrong delimiter; under the right one, reading the rows says it.
        with suppress(Refused):
            for _, cells in islice(self._records(delimiter), _SAMPLE):
                widths.append(len(cells))
        if not widths:
            return -1
        header = widths.index(max(widths[:LOOKED_AT])) if below_titles else 0
        return widths[header + 1 :].count(widths[header]) if widths[header] > 1 else -1


def delimiter_of(text: str) -> str:
    """The character that `--delimiter` names.

    Raises:
        Refused: it is not one that can part cells.
    """
    delimiter = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n\0':
        raise Refused(f"cannot be read as separated by {text!r}; --delimiter is one of , ; tab |")
    return delimiter


def _reason(error: str) -> str:
    if "field limit" in error:
        return f'has a cell of more than {LONGEST_CELL:,} characters; is a quote (") not closed?'
    if "end of data" in error:
        return 'has a quote (") that is never closed'
    if "expected after" in error:
        return 'has text after a closing quote; a quote within quotes is written twice ("")'
    return f"is not CSV: {error}"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
