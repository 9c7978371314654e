"""JSON Lines: an object on each line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from smetka.ledger.imports.delimited import LONGEST_CELL, Row
from smetka.ledger.imports.encodings import pieces
from smetka.ledger.imports.header import LONGEST_NAME, MOST_COLUMNS, check_header
from smetka.ledger.imports.refused import Refused

_SAMPLE = 1_000


class JsonLines:
    """A file whose encoding is known; its header is every key of the first 1,000 objects."""

    typed = True
    header_row = None
    hidden_rows = 0
    found: tuple[str, ...] = ()

    def __init__(self, path: Path, codec: str) -> None:
        self._path, self._codec = path, codec
        keys: dict[str, None] = {}
        for _, line in islice(self._lines(None), _SAMPLE):
            try:
                keys.update(dict.fromkeys(_object(line)))
            except Refused:
                continue  # said with its line when the rows are read
            if len(keys) > MOST_COLUMNS or len(max(keys, key=len, default="")) > LONGEST_NAME:
                break  # said by `check_header`
        if not keys:
            raise Refused("has no JSON object on any of its first lines")
        self._keys = list(keys)
        self.header = check_header(self._keys, None)

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]:
        """As `Source.rows`."""
        for number, line in self._lines(advance):
            try:
                cells = self._cells(line)
            except Refused as refused:
                refused.line = number
                if refuse is None:
                    raise
                refuse(refused)
                continue
            if any(cells):
                yield number, cells

    def _cells(self, line: str) -> list[str]:
        cells = dict.fromkeys(self._keys, "")
        for key, value in _object(line).items():
            if key not in cells:
                raise Refused(f"has a key that none of the first {_SAMPLE:,} lines has", column=key[:100])
            cells[key] = _text(key, value)
        return list(cells.values())

    def _lines(self, advance: Callable[[int], None] | None) -> Iterator[tuple[int, str]]:
        number = 0
        for piece in pieces(self._path, self._codec, advance):
            for line in StringIO(piece, newline=""):
                number += 1
                if not line.isspace():
                    yield number, line


def _object(line: str) -> dict[str, Any]:
    """The object on a line; its numbers are left as they are written."""
    try:
        value = _DECODER.decode(line.strip())
    except (json.JSONDecodeError, RecursionError):
        raise Refused("is no JSON") from None
    if not isinstance(value, dict):
        raise Refused("is no JSON object; each line must be one")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Refused("has a key twice")
    for key in values:
        _check_characters(key)
    return values


def _no_number(_: str) -> NoReturn:
    raise Refused("has NaN or Infinity, which are no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=str, parse_int=str, parse_constant=_no_number
)


def _check_characters(text: str) -> None:
    """JSON can escape what no text has."""
    if "\0" in text or not (text.isascii() or text.isprintable() or _encodes(text)):
        raise Refused("holds a zero byte or half a character, which no text does")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        if len(value) > LONGEST_CELL:
            raise Refused(f"has more than {LONGEST_CELL:,} characters", column=key)
        _check_characters(value)
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    raise Refused("holds a list or an object; only texts and numbers can be read", column=key)
