"""A workbook, read in a process of its own: what it unpacks to is never in the memory of ours.

A file of some hundred kilobytes can unpack to gigabytes: one long text that thousands of cells name, a
rectangle of empty cells; or keep a core busy for days: a large sheet that the workbook names a thousand
times. The process has limits, and gives everything back when it ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from smetka.core.processes import python
from smetka.ledger.imports.amounts import Plain
from smetka.ledger.imports.delimited import Row
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.spreadsheet_faults import NOT_CALCULATED

MEMORY = 1024 * 1024 * 1024
"""Of the address space of the process: a sheet of `MOST_CELLS` numbers takes less."""

SECONDS = 120
"""Of processor time: of the largest workbook that is taken, some thirty."""

NO_MEMORY = 3
"""The status of the process when Python had none; Rust aborts then."""

_Answer = dict[str, Any]


class WorkbookApart:
    """As `Workbook`. Each look into it is a process, which ends with that."""

    typed = False

    def __init__(self, path: Path, sheet: str | None, header_row: int | None, told: frozenset[str]) -> None:
        self._path, self._size = path, path.stat().st_size
        self._asked = {
            "path": str(path.absolute()),
            "sheet": sheet,
            "header_row": header_row,
            "told": sorted(told),
            "parent": os.getpid(),
            "memory": MEMORY,
            "seconds": SECONDS,
        }
        with _answers({**self._asked, "rows": False}) as answers:
            found = next(answers)
        self.header: list[str] = found["header"]
        self.header_row: int = found["header_row"]
        self.hidden_rows: int = found["hidden_rows"]
        self.found: tuple[str, ...] = tuple(found["found"])

    def rows(
        self, advance: Callable[[int], None] | None, refuse: Callable[[Refused], None] | None
    ) -> Iterator[Row]:
        """As `Workbook.rows`."""
        with _answers({**self._asked, "rows": True}) as answers:
            next(answers)
            if advance:
                advance(self._size)
            for answer in answers:
                for line, cells, reason, column in answer["rows"]:
                    if reason is None:
                        yield line, [cell if type(cell) is str else _typed(cell) for cell in cells]
                        continue
                    refused = Refused(reason, line=line, column=column)
                    if refuse is None:
                        raise refused
                    refuse(refused)


def _typed(cell: list[str] | None) -> str:
    return NOT_CALCULATED if cell is None else Plain(cell[0])


@contextmanager
def _answers(asked: dict[str, Any]) -> Iterator[Iterator[_Answer]]:
    """What a process of its own answers, up to the end; it is gone when the block ends.

    Raises, from its iterator:
        Refused: the workbook cannot be read, or not in so much memory.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        python("-m", "smetka.ledger.imports.workbook_process"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where Rust says that it has no memory
    )
    assert process.stdin
    assert process.stdout
    try:
        yield _told(process, process.stdin, process.stdout, json.dumps(asked).encode())
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):  # not all of the question was read
                pipe.close()


def _told(process: subprocess.Popen[bytes], to: IO[bytes], of: IO[bytes], asked: bytes) -> Iterator[_Answer]:
    with suppress(BrokenPipeError):  # why it ended is found out below
        to.write(asked)
        to.close()
    for line in of:
        answer: _Answer = json.loads(line)
        if "refused" in answer:
            refused = answer["refused"]
            raise Refused(**{**refused, "values": tuple(refused["values"])})
        if "end" in answer:
            return
        yield answer
    status = process.wait()
    if status in {-signal.SIGABRT, NO_MEMORY}:
        raise Refused(
            f"takes more than {MEMORY // 1024 // 1024} MiB of memory when it is read. Save it as CSV"
        )
    if status == -signal.SIGXCPU:
        raise Refused(f"takes more than {SECONDS} seconds to read. Save it as CSV")
    raise Refused(f"cannot be read: the process that reads workbooks ended with status {status}")
