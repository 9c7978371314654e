"""Files into the ledger, under /api/v1/ledger/imports."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import request

from smetka.core.errors import LedgerUnavailable
from smetka.keys import Permission
from smetka.ledger.imports.outcome import Outcome
from smetka.ledger.imports.source import Kind, Reading
from smetka.shop.services import Services
from smetka.web import importing
from smetka.web.guards import caller
from smetka.web.import_schemas import ImportOutcome, ImportQuery
from smetka.web.operations import Operations
from smetka.web.parts import parts
from smetka.web.refusals import FileRefused, ImportOverlaps, NoRoom, TakesNoImports
from smetka.web.works import import_work

imports = Operations("Ledger")

MEDIA_TYPES: dict[str, Kind | None] = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/octet-stream": None,
}


@imports.post(
    "/api/v1/ledger/imports",
    needs=Permission.OWN,
    query=ImportQuery,
    answers={200: ImportOutcome, 201: ImportOutcome},
    refuses=(FileRefused, ImportOverlaps, TakesNoImports, LedgerUnavailable, NoRoom),
    takes_file=tuple(MEDIA_TYPES),
)
def import_file(query: ImportQuery, pieces: Iterator[bytes], services: Services) -> Any:
    """Import a file of customers or payments into the ledger: all of its rows, or none.

    The body is the file itself: CSV, tab-separated values, an Excel workbook or JSON Lines, of at most
    200 MiB. Order exports of Shopify and WooCommerce are known by their columns; others are named by
    `map`. 201 when something was written, 200 for a dry run and for a file that was imported before. When
    rows break rules nothing is written: 422 lists them, of a dry run too, unless `skip_rejected` takes the
    others. Safe to repeat: the same bytes add nothing, but for rows that were rejected, which can be taken
    later where order numbers keep the others from counting twice.
    """
    choices = importing.Choices(
        mapped=query.map,
        reading=Reading(
            encoding=query.encoding,
            delimiter=query.delimiter,
            sheet=query.sheet,
            kind=MEDIA_TYPES[request.mimetype],
            header_row=query.header_row,
        ),
        decimal=query.decimal,
        dates=query.dates,
        states=query.state,
        skip_rejected=query.skip_rejected,
        despite_overlap=query.despite_overlap,
    )
    importing.ledger_file(services.settings)
    uploads, works = parts().uploads, parts().works
    with uploads.turn(), uploads.received(query.name, pieces) as path, works.awaited(import_work()) as tell:
        outcome = importing.run(path, choices, services, dry_run=query.dry_run, by=caller(), progress=tell)
    told = importing.as_json(outcome, dry_run=query.dry_run)
    if outcome.rejected and not query.skip_rejected:
        raise FileRefused(_rejected(outcome), rejects=told.pop("rejects"), outcome=told)
    return told, HTTPStatus.CREATED if outcome.written else HTTPStatus.OK


def _rejected(outcome: Outcome) -> str:
    first = outcome.rejects[0]
    column = f", column {first.column}" if first.column else ""
    where = f"line {first.line}{column}, which {importing.plainly(first.reason)}. Nothing was written."
    if outcome.rejected == 1:
        return f"{first.file}: One row breaks a rule: {where}"
    return f"{first.file}: {outcome.rejected:,} rows break rules, the first on {where}"
