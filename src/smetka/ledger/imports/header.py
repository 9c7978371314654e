"""The row of a file that names its columns, each by a name of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count, islice, takewhile
from typing import NamedTuple

from smetka.ledger.imports.mapping import FIELDS
from smetka.ledger.imports.platforms import recognise
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.spreadsheet_faults import is_fault

MOST_COLUMNS = 2_000
LONGEST_NAME = 1_000
"""Of a column, in characters: it is kept, offered, and said again with each row that is rejected."""
MOST_LINES = 9_999_999
"""The last line that can be named as the header's."""
LOOKED_AT = 20
"""Rows among which the header is looked for."""

_MOST_OF_A_TITLE = 2
_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Header(NamedTuple):
    """The row that names the columns.

    Attributes:
        line: where it begins, as an editor or a spreadsheet counts.
        width: of the row as it stands, with columns at its end that have no name.
        is_below: rows stand above it, which are not read.
    """

    line: int
    names: list[str]
    width: int
    is_below: bool = False

    @property
    def found(self) -> tuple[str, ...]:
        """A sentence about where it was found, if not at the beginning."""
        return (f"header on line {self.line}; the lines above it are not read",) if self.is_below else ()


def find_header(rows: Iterable[tuple[int, list[str]]], wanted: int | None, told: frozenset[str]) -> Header:
    """The header of rows that hold anything: on the line that is told, or else the first row.

    Where titles stand above it, it is a later row if that is certain: what is above says nothing of ours,
    and the row has names that are known.

    Args:
        told: names of columns that the file is said to have.

    Raises:
        Refused: it is not where it was told, no header, or not certain; the reason names the likely line.
    """
    begun = iter(rows)
    if wanted is not None:
        found = next((row for row in begun if row[0] >= wanted), None)
        if found is None or found[0] != wanted:
            raise Refused(
                "is not where a row begins; --header-row is the line of the header, as a text editor or a "
                "spreadsheet numbers it",
                line=wanted,
                code="header_row",
            )
        return _header(found)
    line, cells = next(begun, (1, []))
    first = _Row(line, cells, told)
    if first.names and first.known:
        return _header((line, cells))
    above = [first]
    for other in (_Row(*row, told) for row in islice(_readable(begun), LOOKED_AT - 1)):
        if other.is_header_below(above):
            return Header(other.line, other.names, other.width, is_below=True)
        above.append(other)
    for at, other in enumerate(above[1:-1], start=1):
        if other.names and (other.is_ours or all(row.may_be_above(other) for row in above[:at])):
            raise Refused(
                f"begins with a title, it seems, and line {other.line} looks like the header. "
                f"If it is, say --header-row {other.line}",
                code="header_row",
                values=(str(other.line),),
            )
    return _header((line, cells))


def _readable(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Rows up to what cannot be read, which is said when it is reached."""
    try:
        yield from rows
    except Refused:
        return


def _header(row: tuple[int, list[str]]) -> Header:
    line, cells = row
    return Header(line, check_header(_named(cells), line), len(cells))


def _named(cells: list[str]) -> list[str]:
    """Without the cells at the end that are empty: some exports end every line with a separator."""
    empty = sum(1 for _ in takewhile(lambda cell: not cell.strip(), reversed(cells)))
    return cells[: len(cells) - empty]


class _Row:
    """One of the first rows, as a header."""

    def __init__(self, line: int, cells: list[str], told: frozenset[str]) -> None:
        self.line, self.width = line, len(cells)
        cells = cells[: MOST_COLUMNS + 1]  # more are refused, and could be a million
        self.filled = sum(bool(cell.strip()) for cell in cells)
        try:
            self.names = check_header(_named(cells), line)
        except Refused:
            self.names = []
        ours = {*FIELDS, *(name.strip().casefold() for name in told)}
        self.known = len(ours & {cell.strip().casefold() for cell in cells})
        self.is_ours = self.known > 1 or recognise(self.names) is not None
        self._is_data = any(
            pattern.fullmatch(cell.strip()) for cell in cells for pattern in (_NUMBER, _EMAIL)
        )

    def is_header_below(self, above: list[_Row]) -> bool:
        """Whether it certainly is the header, and those above it are not."""
        if not self.names or any(row.known for row in above):
            return False
        titles = all(row.filled <= _MOST_OF_A_TITLE for row in above)
        if self.is_ours:
            return titles or not any(row._is_data for row in above)  # noqa: SLF001 - of this class
        return (
            titles and self.known > 0 and self.filled > max(_MOST_OF_A_TITLE, *(row.filled for row in above))
        )

    def may_be_above(self, other: _Row) -> bool:
        """Whether it may be a title, or names groups of the columns that the other one names."""
        return self.filled < other.filled and (self.filled <= _MOST_OF_A_TITLE or not self.names)


def check_header(cells: list[str], line: int | None) -> list[str]:
    """The names without blanks around them, each different.

    Raises:
        Refused: they are too many, missing, or look like data.
    """
    if len(cells) > MOST_COLUMNS:
        raise Refused(f"has {len(cells):,} columns; {MOST_COLUMNS:,} are the most", line=line)
    if len(max(cells, key=len, default="")) > LONGEST_NAME:
        raise Refused(f"has a column with a name of more than {LONGEST_NAME:,} characters", line=line)
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise Refused("has no header: its first row must name the columns")
    for position, cell in enumerate(cells, start=1):
        if is_fault(cell):
            raise Refused(
                f"has a spreadsheet error instead of the name of column {position}; correct the cell",
                line=line,
            )
    numbers = sum(_NUMBER.fullmatch(name) is not None for name in names)
    if numbers * 2 >= len(names) or any(map(_EMAIL.fullmatch, names)):
        raise Refused("looks like data; the first row must name the columns", line=line)
    if "" in names:
        raise Refused(f"leaves column {names.index('') + 1} without a name", line=line)
    return _told_apart(names)


def _told_apart(names: list[str]) -> list[str]:
    """The same with `Price (2)` for the second column called `Price`, which is a third where that is one."""
    taken, times, told_apart = set(names), Counter[str](), list[str]()
    for name in names:
        times[name] += 1
        told = name
        if times[name] > 1:
            numbers = count(times[name])  # not from 2: a header may be one name two thousand times
            told = next(each for number in numbers if (each := numbered(name, number)) not in taken)
            taken.add(told)
        told_apart.append(told)
    return told_apart


def numbered(name: str, number: int) -> str:
    """What the second or a later column of a name is called."""
    return f"{name} ({number})"
