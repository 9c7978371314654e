"""A shop's file, whatever its kind: a header and rows of text, streamed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from smetka.ledger.imports.delimited import Delimited, Row, delimiter_of
from smetka.ledger.imports.encodings import LONGEST_LINE, Survey, hash_of, survey, too_long
from smetka.ledger.imports.json_lines import JsonLines
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.workbook_apart import WorkbookApart

Kind = Literal["csv", "tsv", "xlsx", "jsonl"]

_KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_ZIP = b"PK\x03\x04"
_NO_TEXT = (
    (b"\x1f\x8b", "is compressed by gzip. Unpack it first"),
    (b"BZh", "is compressed by bzip2. Unpack it first"),
    (b"\xfd7zXZ", "is compressed by xz. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed by Zstandard. Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive. Unpack it first"),
    (b"Rar!", "is a RAR archive. Unpack it first"),
    (b"SQLite format 3\0", "is a SQLite database, not an export of one"),
    (b"%PDF-", "is a PDF. Export the data as CSV instead"),
    (
        b"\xd0\xcf\x11\xe0",
        "is an old Excel workbook (.xls) or one with a password. Save it as .xlsx without one",
    ),
    (b"{\\rtf", "is a text with formats (RTF). Export the data as CSV instead"),
    (b"\x89PNG", "is a picture"),
    (b"\xff\xd8\xff", "is a picture"),
)
_WEB_PAGE = (b"<!doctype html", b"<html", b"<table", b"<?xml")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read. None: it is found out, or the file is refused where two ways are possible.

    Attributes:
        header_row: the line of the header, counted from 1.
        columns: names of columns that the file is said to have, which tell its header from titles.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    kind: Kind | None = None
    header_row: int | None = None
    columns: frozenset[str] = frozenset()


class _Content(Protocol):
    header: list[str]
    found: tuple[str, ...]

    @property
    def header_row(self) -> int | None: ...

    @property
    def hidden_rows(self) -> int: ...

    @property
    def typed(self) -> bool: ...

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was looked through once: known by its hash, its text decodable, its header read.

    `delimiter` is for people: ``,`` ``;`` ``|`` ``tab``, or empty where there is none. `encoding` is empty
    for a workbook. `found` holds what was found out about it, a short sentence each. `header_row` is the line
    of the header, None where there is none; `hidden_rows` are those of a sheet, read as well. `typed`: all
    amounts are written with a decimal point and no marks. Elsewhere single ones may be, which are `Plain`.
    """

    path: Path
    kind: Kind
    size: int
    sha256: str
    encoding: str
    delimiter: str
    found: list[str]
    header: list[str]
    header_row: int | None
    hidden_rows: int
    typed: bool
    _content: _Content = field(repr=False)
    _version: tuple[int, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.name

    def rows(
        self,
        advance: Callable[[int], None] | None = None,
        refuse: Callable[[Refused], None] | None = None,
    ) -> Iterator[Row]:
        """Every row that is not empty: the line it begins on, and as many cells as the header has.

        May be asked for again, and begins anew. Lines count as an editor shows them, from 1; in a
        workbook they are its rows. `advance` is told how many bytes were read since it was told last.

        Raises:
            Refused: the file cannot be read on, or a row is faulty by itself (too few cells, say) and
                there is no `refuse` to hand that to; with it, reading goes on with the next row.
        """
        refusals = 0

        def counted(refused: Refused) -> None:
            nonlocal refusals
            refusals += 1
            assert refuse is not None
            refuse(refused)

        try:
            records = self._content.rows(advance, counted if refuse else None)
            first = next(records, None)
            if first is not None:
                yield first
                yield from records
            elif not refusals:
                raise Refused("has a header and no rows")
            if _version(self.path.stat()) != self._version:
                raise Refused("changed while it was read. Read it again")
        except OSError as error:
            raise _unreadable(error) from None


def open_source(path: Path, reading: Reading) -> Source:
    """Look a file through: it is read once, to its end.

    Raises:
        Refused: it cannot be read, or not in one way only.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused("is no file" if not stat.S_ISDIR(status.st_mode) else "is a folder")
        if not status.st_size:
            raise Refused("is empty")
        with path.open("rb") as file:
            head = file.read(LONGEST_LINE + 1)
        kind = reading.kind or _kind_by_name(path, head)
        found, content, delimiter = _open(path, kind, head, reading)
    except OSError as error:
        raise _unreadable(error) from None
    return Source(
        path,
        kind,
        status.st_size,
        found.sha256,
        found.encoding,
        delimiter,
        [*found.found, *content.found],
        content.header,
        content.header_row,
        content.hidden_rows,
        content.typed,
        content,
        _version(status),
    )


def _open(path: Path, kind: Kind, head: bytes, reading: Reading) -> tuple[Survey, _Content, str]:
    if kind == "xlsx":
        if not head.startswith(_ZIP):
            raise Refused("is no workbook, whatever its name says. If it is text, name it .csv")
        workbook = WorkbookApart(path, reading.sheet, reading.header_row, reading.columns)
        return Survey(hash_of(path)), workbook, ""
    _check_text(head, path)
    found = survey(path, reading.encoding)
    if kind == "jsonl":
        if reading.header_row is not None:
            raise Refused("has no line for a header: every line of JSON names its own fields")
        return found, JsonLines(path, found.codec), ""
    delimiter = "\t" if kind == "tsv" else None
    if reading.delimiter is not None:
        delimiter = delimiter_of(reading.delimiter)
    delimited = Delimited(path, found.codec, delimiter, reading.header_row, reading.columns)
    return found, delimited, delimited.shown_delimiter


def _kind_by_name(path: Path, head: bytes) -> Kind:
    suffix = path.suffix.lower()
    if suffix in _KINDS:
        return _KINDS[suffix]
    if suffix == ".json":
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            raise Refused(
                "is one JSON list. Write it as JSON Lines: an object on each line, without [ ] and commas"
            )
        return "jsonl"
    raise Refused("has a name that ends in none of .csv .tsv .xlsx .jsonl. Say what it is with --kind")


def _check_text(head: bytes, path: Path) -> None:
    """Refuse at once what is no text, and what is one line without end, before all of it is read."""
    if head.startswith((_ZIP, b"PK\x05\x06")):
        if b"xl/workbook.xml" in head or b"xl/workbook.xml" in _end(path):
            raise Refused("is an Excel workbook. Rename it to .xlsx")
        raise Refused("is a zip archive. Unpack it first")
    for beginning, reason in _NO_TEXT:
        if head.startswith(beginning):
            raise Refused(reason)
    if head[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        raise Refused("is a web page or XML, not an export; was a page to sign in on saved in its place?")
    if len(head) > LONGEST_LINE and b"\n" not in head and b"\r" not in head:
        raise too_long(1)


def _end(path: Path) -> bytes:
    """Where a zip archive names its files; of very many, the last ones. All would be a list in memory."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - LONGEST_LINE, 0))
        return file.read()


def _version(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _unreadable(error: OSError) -> Refused:
    return Refused(f"cannot be read: {error.strerror or error}")
