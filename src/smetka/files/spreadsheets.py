"""CSV files as spreadsheets open them."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import mkstemp
from typing import Any, BinaryIO, Final, Literal

from smetka.core.errors import CommandFailed
from smetka.core.money import Money
from smetka.files.ownership import MOST_LINKS, trusted

STDOUT: Final = "-"
"""Instead of a file: what is written goes to whoever reads this command's output."""

Output = Path | Literal["-"]

LONGEST_NUMBER = 10
"""Digits of what no descriptor has."""

_DEVICES, _STREAMS = "/dev", {"stdin": 0, "stdout": 1, "stderr": 2}

# Excel parts lines as its country does, whatever the file's separator is: what follows any of them, or a
# line's end, may begin a cell. LibreOffice leaves zero characters out as it reads a line; what else cannot
# be seen is no reason to trust what follows it.
_BEFORE_SIGNS = r"[\s\"\x00-\x1f\x7f-\x9f\u200b\u2060\ufeff']*"
# Also each that Unicode calls another form of one (NFKC), as the full-width ones, which Excel calculates in
# East Asia; and the minus of mathematics.
_SIGNS = (
    r"[=+\-@\u2212\u207a-\u207c\u208a-\u208c\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d"
    r"\uff20]"
)


def _where_formulas_begin(guard: str) -> re.Pattern[str]:
    """Wherever a formula could begin, with apostrophes or without: so that one more can be told from them."""
    return re.compile(rf"(?:^|(?<=[,;|\t\r\n])){guard}(?={_BEFORE_SIGNS}{_SIGNS})|^{guard}(?='*[\t\r])")


_FORMULA = _where_formulas_begin("")
GUARD = _where_formulas_begin("'")
"""What `csv_lines` puts before formulas, and an import takes away."""


def csv_lines(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, excel: bool, language: str
) -> Iterator[bytes]:
    """Rows as lines of a CSV file in UTF-8; no text in them is taken for a formula.

    Args:
        excel: as the language's Excel opens it by itself: with a byte order mark; in English with commas and
            decimal points, in Macedonian with semicolons and decimal commas.
    """
    comma = excel and language == "mk"
    line = io.StringIO()
    writer = csv.writer(line, delimiter=";" if comma else ",", lineterminator="\r\n")
    if excel:
        yield b"\xef\xbb\xbf"
    for row in chain((header,), rows):
        writer.writerow([_cell(value, comma=comma) for value in row])
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()


def write_csv(
    output: Output,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    excel: bool,
    language: str,
) -> int:
    """Write rows to a file or to stdout, as `csv_lines` says. Returns how many there were.

    A file appears when it is complete.

    Raises:
        CommandFailed: it cannot be written.
        BrokenPipeError: nobody reads stdout any more.
    """
    written = -2 if excel else -1  # the mark and the header are no rows
    with appearing(output) as file:
        for line in csv_lines(header, rows, excel=excel, language=language):
            file.write(line)
            written += 1
    return written


@contextmanager
def appearing(output: Output) -> Iterator[BinaryIO]:
    """A file to write, which stands at its place when the block ends without an error, and not before.

    It is its owner's alone (0600): codes, names and addresses stand in it. A link at that place is replaced
    by the file, and so is another user's pipe; what a link points to stays as it is. Stdout is written to as
    it comes, by any of its names, and so is a pipe or a terminal of one's own.

    Raises:
        CommandFailed: it cannot be written, or others may read the pipe.
        BrokenPipeError: nobody reads stdout any more.
    """
    if output == STDOUT:
        with _stdout() as file:
            yield file
        return
    try:
        if (descriptor := _open_already(output)) is None:
            descriptor = _open_stream(output)
        if descriptor is not None:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open
                yield file
            return
        # A new file that nobody else may read, of a name that nobody knows before.
        descriptor, draft = mkstemp(prefix=f"{output.name[:80]}.", suffix=".part", dir=output.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            Path(draft).replace(output)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}.") from None


def _open_already(output: Path) -> int | None:
    """What is open under /dev/stdout, /dev/fd/3 and the like, reached by any way.

    Raises:
        CommandFailed: it was not open when this program began, or is a place for devices, and no device.
        OSError: it is not open.
    """
    if (number := _descriptor(output)) is None:
        return None
    was_closed = number < len(_STREAMS) and (sys.stdin, sys.stdout, sys.stderr)[number] is None
    # What this program opened by itself, the ledger for one, is not inherited by others either.
    if was_closed or not os.get_inheritable(number):
        raise CommandFailed(f"{output} is not open.")
    return os.dup(number)


def _descriptor(output: Path) -> int | None:
    """The number of the descriptor that a name leads to, by links too; None where it leads elsewhere."""
    place = output
    for _ in range(MOST_LINKS):
        folder, name = os.path.realpath(place.parent), place.name
        if folder == _DEVICES and name in _STREAMS:
            return _STREAMS[name]
        if name.isascii() and name.isdecimal() and len(name) < LONGEST_NUMBER and _has_ours(folder):
            return int(name)
        if folder == _DEVICES and (place.is_dir() or not place.exists()):
            raise CommandFailed(f"{output} would be a file among devices; name another folder.")
        if not place.is_symlink():
            return None
        place = Path(folder) / place.readlink()
    return None


def _has_ours(folder: str) -> bool:
    of_threads = rf"/proc/{os.getpid()}(?:/task/[0-9]+)?/fd"
    return folder == os.path.realpath("/dev/fd") or re.fullmatch(of_threads, folder) is not None


def _open_stream(output: Path) -> int | None:
    """What is no file and cannot be replaced by one, open; None where a file belongs."""
    try:
        link, found = output.lstat(), output.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
        return None
    if not {link.st_uid, found.st_uid} <= trusted():
        if stat.S_ISFIFO(found.st_mode):
            return None
        raise CommandFailed(f"{output} is no file, and belongs to another user.")
    _check_stream(output, found)
    descriptor = os.open(output, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    if not os.path.samestat(found, os.fstat(descriptor)):
        os.close(descriptor)
        raise CommandFailed(f"{output} was another a moment ago; try again.")
    return descriptor


def _check_stream(output: Path, found: os.stat_result) -> None:
    if not (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        raise CommandFailed(f"{output} is no file, pipe or terminal.")
    if stat.S_ISFIFO(found.st_mode) and found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise CommandFailed(
            f"{output} is a pipe that others may open (mode {mode:04o}); run `chmod 600 {output}`."
        )


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    if sys.stdout is None:  # closed by whoever started us
        raise CommandFailed("There is no stdout to write to.")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_the_rest()
        raise CommandFailed(f"Stdout cannot be written: {error.strerror}.") from None


def _drop_the_rest() -> None:
    """Have Python's own last flush fail no more: it would end the command with another status."""
    with suppress(OSError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _cell(value: Any, *, comma: bool) -> str:
    if isinstance(value, Money):
        return str(value).replace(".", ",") if comma else str(value)
    if isinstance(value, str):
        return _FORMULA.sub("'", value)
    return "" if value is None else str(value)
