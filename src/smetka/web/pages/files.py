"""Lists as files to keep, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

from flask import Response

from smetka.bonus.exports import PERSONAL_COLUMNS
from smetka.files.spreadsheets import csv_lines
from smetka.web.pages import visit
from smetka.web.pages.people import person_of


def file(
    columns: Sequence[str], rows: Iterable[tuple[int, Sequence[Any]]], name: str, *, excel: bool
) -> Response:
    """Rows about customers as CSV, with names and e-mails behind them for those who may see them.

    Args:
        rows: each with the id of the customer it is about.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: they cannot be read to their end.
    """
    find = person_of()
    whole = ([*row, *(astuple(find(user_id)) if find else ())] for user_id, row in rows)
    header = [*columns, *(PERSONAL_COLUMNS if find else ())]
    return Response(
        # Whole, before the answer begins: what goes wrong on the way must not look like the end.
        b"".join(csv_lines(header, whole, excel=excel, language=visit.language())),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
