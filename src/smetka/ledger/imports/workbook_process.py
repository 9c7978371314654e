"""The process that reads one workbook: asked on stdin, answers on stdout, a JSON object a line.

Run as ``python -m smetka.ledger.imports.workbook_process``. Its memory has a limit; beyond it Rust aborts,
and Python ends with `NO_MEMORY`. So has its time; beyond it the kernel ends it.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smetka.core.processes import die_with
from smetka.ledger.imports.amounts import Plain
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.spreadsheet_faults import NOT_CALCULATED
from smetka.ledger.imports.workbook import Workbook
from smetka.ledger.imports.workbook_apart import NO_MEMORY

_ROWS, _CHARACTERS = 500, 256 * 1024
"""Of one answer, at most, or a single row."""

_OF_A_CELL = 20
"""What one takes in memory beside its text, in characters of such answers."""


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    die_with(asked["parent"])
    _limit(resource.RLIMIT_AS, asked["memory"])
    _limit(resource.RLIMIT_CPU, asked["seconds"])
    _limit(resource.RLIMIT_CORE, 0)  # it would hold what the file says about people
    try:
        workbook = Workbook(
            Path(asked["path"]), asked["sheet"], asked["header_row"], frozenset(asked["told"])
        )
        _say(
            header=workbook.header,
            header_row=workbook.header_row,
            hidden_rows=workbook.hidden_rows,
            found=workbook.found,
        )
        if asked["rows"]:
            for rows in _together(workbook):
                _say(rows=rows)
    except Refused as refused:
        _say(refused=_as_json(refused))
    except OSError as error:
        _say(refused=_as_json(Refused(f"cannot be read: {error.strerror or error}")))
    except MemoryError:
        raise SystemExit(NO_MEMORY) from None
    else:
        _say(end=True)


def _limit(of: int, most: int) -> None:
    """Have no more than so much; a lower limit that the system set stays, and cannot be raised."""
    # The hard limit stays: where both are the same, the kernel kills without saying why.
    hard = resource.getrlimit(of)[1]
    resource.setrlimit(of, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _together(workbook: Workbook) -> Iterator[list[Any]]:
    """The rows and what is said against some, many at a time, in their order."""
    rows: list[Any] = []
    characters = 0

    def refuse(refused: Refused) -> None:
        rows.append([refused.line, None, refused.reason, refused.column])

    for line, cells in workbook.rows(None, refuse):
        rows.append([line, list(map(_typed, cells)), None, None])
        characters += sum(map(len, cells)) + _OF_A_CELL * len(cells)
        if len(rows) >= _ROWS or characters >= _CHARACTERS:
            yield rows
            rows.clear()
            characters = 0
    yield rows


def _typed(cell: str) -> Any:
    """Numbers and formulas without a value so that they can be told from texts."""
    if type(cell) is str:
        return cell
    return None if cell is NOT_CALCULATED else [cell] if isinstance(cell, Plain) else str(cell)


def _as_json(refused: Refused) -> dict[str, Any]:
    return {
        "reason": refused.reason,
        "line": refused.line,
        "column": refused.column,
        "code": refused.code,
        "values": refused.values,
    }


def _say(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer, ensure_ascii=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
