"""CSV files as spreadsheets open them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from smetka.errors import CommandFailed
from smetka.money import Money

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, excel: bool, language: str
) -> Iterator[bytes]:
    """Rows as lines of a CSV file in UTF-8; no text in them is taken for a formula.

    Args:
        excel: with a byte order mark and semicolons, as Excel opens it by itself where a comma parts
            decimals; in Macedonian, with decimal commas too.
    """
    comma = excel and language == "mk"
    line = io.StringIO()
    writer = csv.writer(line, delimiter=";" if excel else ",", lineterminator="\r\n")
    if excel:
        yield b"\xef\xbb\xbf"
    for row in chain((header,), rows):
        writer.writerow([_cell(value, comma=comma) for value in row])
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()


def write_csv(
    output: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    excel: bool,
    language: str,
) -> int:
    """Write rows to a file, as `csv_lines` says. Returns how many there were.

    The file appears when it is complete.

    Raises:
        CommandFailed: the file cannot be written.
    """
    written = -2 if excel else -1  # the mark and the header are no rows
    with appearing(output) as file:
        for line in csv_lines(header, rows, excel=excel, language=language):
            file.write(line)
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
