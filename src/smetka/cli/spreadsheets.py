"""CSV files as spreadsheets open them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from smetka.errors import CommandFailed
from smetka.money import Money

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(
    output: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    excel: bool,
    language: str,
) -> int:
    """Write rows, none of whose texts is taken for a formula. Returns how many there were.

    The file appears when it is complete.

    Args:
        excel: with a byte order mark and semicolons, as Excel opens it by itself where a comma parts
            decimals; in Macedonian, with decimal commas too.

    Raises:
        CommandFailed: the file cannot be written.
    """
    comma = excel and language == "mk"
    written = 0
    with appearing(output) as file:
        file.write(b"\xef\xbb\xbf" if excel else b"")
        writer = csv.writer(_Encoded(file), delimiter=";" if excel else ",", lineterminator="\r\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([_cell(value, comma=comma) for value in row])
            written += 1
    return written


@contextmanager
def appearing(output: Path) -> Iterator[BinaryIO]:
    """A file to write, which stands at its place when the block ends without an error, and not before.

    Raises:
        CommandFailed: it cannot be written.
    """
    # What is no file (/dev/stdout, a pipe) cannot be replaced.
    draft = output.with_name(output.name + ".part") if output.is_file() or not output.exists() else output
    try:
        try:
            with draft.open("wb") as file:
                yield file
            if draft != output:
                draft.replace(output)
        finally:
            if draft != output:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}.") from None


def _cell(value: Any, *, comma: bool) -> str:
    if isinstance(value, Money):
        return str(value).replace(".", ",") if comma else str(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None else str(value)


class _Encoded:
    """What the csv module writes to, in UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))
