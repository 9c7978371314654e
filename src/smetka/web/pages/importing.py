"""The shop's own files into its ledger: sent, looked at, asked about, and imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from flask import Response, request

from smetka.core.progress import Progress, unseen
from smetka.files.spreadsheets import csv_lines
from smetka.keys import Permission
from smetka.language.translations import mark
from smetka.ledger.imports.amounts import Mark
from smetka.ledger.imports.columns import Columns, find_columns
from smetka.ledger.imports.date_notation import Order
from smetka.ledger.imports.header import MOST_LINES
from smetka.ledger.imports.mapping import FIELDS
from smetka.ledger.imports.outcome import Orders, Outcome
from smetka.ledger.imports.refused import Code, Refused
from smetka.ledger.imports.source import Kind, Reading, Source, open_source
from smetka.ledger.imports.states import MEANINGS, plain
from smetka.shop.services import Services
from smetka.web import bodies, guards, importing
from smetka.web.multipart import SentFile
from smetka.web.pages import declared, forms, import_words, render, visit
from smetka.web.pages.import_reasons import plain_reason, reason
from smetka.web.parts import parts, services
from smetka.web.refusals import FileRefused, ImportOverlaps
from smetka.web.works import IMPORTS

COLUMNS_OFFERED = 100
"""Columns that can be chosen on the page: more would make it too long to send."""

STATES_OFFERED = 20
"""States of orders that can be told on the page what they mean."""

_STATES = tuple((f"word{number}", f"means{number}") for number in range(1, STATES_OFFERED + 1))
ASKED = (
    *("file", "kind", "encoding", "delimiter", "sheet", "header_row", "decimal", "dates"),
    *FIELDS,
    *(name for pair in _STATES for name in pair),
)
_NONE = "-"
_GONE = mark("The file is not here any more: it is kept for half an hour only. Choose it again.")

_OPTION = re.compile(r"--(decimal|dates|encoding|delimiter|sheet|kind|map)(?: (user_id|money_spent|date)=)?")
_EXAMPLE = re.compile(r"like (.+), which can be read in two ways")


@dataclass
class Look:
    """A file as it was looked at, with what was chosen.

    Attributes:
        question: the choice that has to be made before it can be imported.
        missing: the field that no column is known for.
        asked: what is to be said about the columns, and words of the file in it.
        example: a value that can be read in two ways, or the line of a likely header.
        readings: encodings that the file may be in, each with a word as it is read in it.
        fault: what else stands in the way.
        overlap: why its payments may be in the ledger already.
    """

    name: str
    size: int
    source: Source | None = None
    columns: Columns | None = None
    outcome: Outcome | None = None
    question: str | None = None
    missing: str | None = None
    asked: tuple[Code, tuple[str, ...]] | None = None
    example: tuple[str, ...] = ()
    readings: list[tuple[str, str]] = field(default_factory=list)
    fault: str | None = None
    overlap: str | None = None
    header: list[str] = field(default_factory=list)

    def refuse(self, refused: Refused) -> None:
        """Ask what would help, or say what is wrong."""
        text = str(refused)
        if refused.code == "encodings":
            self.question = "encoding"
            self.readings = list(zip(refused.values[::2], refused.values[1::2], strict=True))
        elif refused.code == "header_row":
            self.question, self.example = refused.code, refused.values
        elif refused.code in import_words.ASKED:
            self.asked = (refused.code, refused.values)
        elif option := _OPTION.search(refused.reason):
            self.question, self.missing = option[1], option[2]
        else:
            self.fault = importing.plainly(text)
        if found := _EXAMPLE.search(text):
            self.example = tuple(found.groups())
        elif self.question in {"sheet", "delimiter"}:
            self.example = (importing.plainly(text),)


@declared.get("/import", needs=Permission.OWN)
def import_page() -> Response:
    """Choose a file."""
    return _choose(forms.asked())


def _choose(fields: forms.Fields, status: int = 200) -> Response:
    settings = services().settings
    return render.page(
        "import.html",
        status,
        fields=fields,
        takes_files=importing.takes_files(settings),
        is_missing=importing.is_missing(settings),
        most=bodies.MAX_UPLOAD_BYTES // 1024 // 1024,
        under_way=parts().works.running(IMPORTS),
        upload_token=parts().sessions.token(visit.session(), forms.UPLOAD),
    )


@declared.upload("/import", needs=Permission.OWN)
def import_sent() -> Any:
    """Take the file, and show what is in it."""
    forms.check_upload()
    importing.ledger_file(services().settings)
    boundary = request.mimetype_params["boundary"]
    uploads = parts().uploads
    with uploads.turn():
        sent = SentFile(uploads.until_another_waits(bodies.upload(request)), boundary, "file")
        if not sent.name:
            for _ in sent.pieces():
                pass  # a browser hears the answer when it has sent all
            fields = forms.Fields({}, visit.language())
            fields.complain("file", mark("must be chosen first"))
            return _choose(fields, 422)
        with uploads.received(sent.name, sent.pieces()) as path:
            id_ = uploads.keep(path, seal())
    return visit.go_to(f"/import/look?file={id_}")


@declared.get("/import/look", needs=Permission.OWN, reads_all=True)
def import_look() -> Any:
    """What was found in the file, what would be added, and what must be said before."""
    fields = forms.asked(*ASKED)
    path = kept(fields)
    if path is None:
        return gone()
    choices = choices_of(fields)
    with parts().uploads.turn():
        look = _looked(path, fields, choices)
    return render.page(
        "import_look.html",
        422 if fields.faults else 200,
        fields=fields,
        look=look,
        imported=look.outcome.files[0] if look.outcome else None,
        chosen={name: text for name, text in fields.typed.items() if text},
        query=urlencode({name: text for name, text in fields.typed.items() if text}),
        rejects=look.outcome.rejects[: importing.MOST_REJECTS] if look.outcome else [],
        reason=reason,
        offered=list(enumerate(look.header[:COLUMNS_OFFERED])),
        words=import_words,
        states=_states(fields, look.outcome),
        options={
            name: [(key, render.said().gettext(shown)) for key, shown in named.items()]
            for name, named in (
                ("kind", import_words.KINDS),
                ("encoding", import_words.ENCODINGS),
                ("delimiter", import_words.DELIMITERS),
                ("meaning", import_words.MEANINGS),
            )
        },
    )


def _looked(path: Path, fields: forms.Fields, choices: importing.Choices) -> Look:
    look = Look(path.name, path.stat().st_size)
    try:
        look.source = open_source(path, choices.reading)
        look.header = look.source.header
        choices = _with_columns(choices, fields, look.header)
        look.columns = find_columns(look.header, choices.mapped)
    except Refused as refused:
        look.refuse(refused)
        return look
    try:
        look.outcome = importing.run(path, choices, services(), dry_run=True, by=guards.caller())
    except ImportOverlaps as overlap:
        look.overlap = str(overlap)
        choices = replace(choices, despite_overlap=True)
        look.outcome = importing.run(path, choices, services(), dry_run=True, by=guards.caller())
    except FileRefused as refusal:
        look.refuse(cast(Refused, refusal.__cause__))
    return look


@declared.get("/import/rejects.csv", needs=Permission.OWN, reads_all=True)
def import_rejects() -> Any:
    """The rows that cannot be taken, for whoever corrects the file."""
    fields = forms.asked(*ASKED)
    path = kept(fields)
    if path is None:
        return gone()
    with parts().uploads.turn():
        choices = replace(choices_of(fields), despite_overlap=True)
        outcome = run(path, fields, choices, services(), guards.caller(), dry_run=True)
    return Response(
        b"".join(
            csv_lines(
                ("file", "line", "column", "reason"),
                [(*row[:3], plain_reason(row.reason)) for row in outcome.rejects],
                excel=False,
                language=visit.language(),
            )
        ),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
    )


def run(
    path: Path,
    fields: forms.Fields,
    choices: importing.Choices,
    shop: Services,
    by: str,
    *,
    dry_run: bool,
    progress: Progress = unseen,
) -> Outcome:
    """Import a file as its fields say, or find out what would happen; see `importing.run`."""
    try:
        header = open_source(path, choices.reading).header
    except Refused as refused:
        raise FileRefused(str(refused)) from None
    choices = _with_columns(choices, fields, header)
    return importing.run(path, choices, shop, dry_run=dry_run, by=by, progress=progress)


def choices_of(fields: forms.Fields) -> importing.Choices:
    """What is chosen beside the columns, which are known by their places in the header."""
    return importing.Choices(
        reading=Reading(
            encoding=fields.one_of("encoding", [*import_words.ENCODINGS]),
            delimiter=fields.one_of("delimiter", [*import_words.DELIMITERS]),
            sheet=fields.text("sheet"),
            kind=cast("Kind | None", fields.one_of("kind", [*import_words.KINDS])),
            header_row=fields.whole("header_row", most=MOST_LINES),
        ),
        decimal=cast("Mark | None", fields.one_of("decimal", (".", ","))),
        dates=cast("Order | None", fields.one_of("dates", ("dmy", "mdy"))),
        states={
            plain(text): meaning
            for word, means in _STATES
            if (text := fields.text(word)) and (meaning := fields.one_of(means, MEANINGS))
        },
    )


def _states(fields: forms.Fields, outcome: Outcome | None) -> list[tuple[str, str, str, Orders]]:
    """States whose meaning is to be chosen: names of the two fields, the word, and the orders that have it.

    Those that were told come first, and can be told otherwise.
    """
    kept = [(*pair, fields.typed[pair[0]], Orders()) for pair in _STATES if fields.typed.get(pair[1])]
    free = [pair for pair in _STATES if not fields.typed.get(pair[1])]
    unknown = outcome.files[0].unknown_state_orders if outcome else {}
    new = [word for word in unknown if word]
    return kept + [(*pair, word, unknown[word]) for pair, word in zip(free, new, strict=False)]


def _with_columns(choices: importing.Choices, fields: forms.Fields, header: list[str]) -> importing.Choices:
    mapped: dict[str, list[str]] = {}
    for name in FIELDS:
        text = fields.typed.get(name, "")
        if text == _NONE:
            mapped[name] = []
        elif re.fullmatch("[0-9]{1,4}", text) and int(text) < len(header):
            mapped[name] = [header[int(text)]]
        elif text:
            fields.complain(name, mark("must be one of the columns"))
    return replace(choices, mapped=mapped)


def seal() -> Callable[[str], str]:
    """Makes of a file's id what only this visit knows; it may be asked when the request is over."""
    session, sessions = visit.session(), parts().sessions
    return lambda id_: sessions.token(session, f"import {id_}")


def kept(fields: forms.Fields) -> Path | None:
    """The file that fields are about, if this visit sent it and it is still here."""
    if visit.known_session() is None:
        return None
    return parts().uploads.kept(fields.typed.get("file", ""), seal())


def gone() -> Any:
    """An answer that leads on to where a file is chosen."""
    return visit.go_to("/import", render.said().gettext(_GONE))
