"""Cells of a spreadsheet that have no value: an error, or a formula that nobody calculated."""

from __future__ import annotations

import re

from smetka.ledger.imports.refused import Refused

ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
"""Those of workbooks, by ECMA-376, 18.17.3; newer ones, as #SPILL!, stand there as #VALUE!."""

# Saved as text, errors are in the reader's language (#NV, #WERT!, #¡REF!); LibreOffice has Err:502 too.
_ERROR = re.compile(r"#[¡¿]?[^\W\d_][\w/]*[!?]|#[^\W\d_]{1,3}/[^\W\d_]{1,3}|#NV|#GETTING_DATA|Err:[0-9]{3}")


BEGINNINGS = frozenset("#=E")
"""How the texts of faults begin; others need no further look."""


class _NotCalculated(str):
    """A formula without a value. As a text it is not empty, and no value of any column."""

    __slots__ = ()


NOT_CALCULATED = _NotCalculated("=")


def is_fault(cell: str) -> bool:
    """Whether a cell has no value, though something stands in it."""
    if isinstance(cell, _NotCalculated):
        return True
    text = cell.strip()
    return (
        text[:1] in {"#", "E"} and _ERROR.fullmatch(text) is not None and (text[0] == "E" or text.isupper())
    )


def check_value(cell: str, column: str) -> None:
    """See that a cell which is used has a value, or is empty.

    Raises:
        Refused: it is an error, or a formula without a value.
    """
    if isinstance(cell, _NotCalculated):
        raise Refused(
            "is a formula that was never calculated; open the file in Excel or LibreOffice and save it there",
            column=column,
        )
    if is_fault(cell):
        # Not in every language, as a reason holds nothing that may be somebody's name.
        shown = f"{cell.strip()}, " if cell.strip() in ERRORS else ""
        raise Refused(f"is {shown}a spreadsheet error; correct the cell, or clear it", column=column)
