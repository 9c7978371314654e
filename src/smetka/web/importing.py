"""A file that was sent, imported into the shop's ledger: for the API and for the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import structlog

from smetka.core.errors import CommandFailed, Fault, InvalidValue, LedgerUnavailable, Unavailable, WrongUsage
from smetka.core.progress import Progress, unseen
from smetka.ledger.imports.amounts import Mark
from smetka.ledger.imports.date_notation import Order
from smetka.ledger.imports.failures import failure, overtaken
from smetka.ledger.imports.load import import_files
from smetka.ledger.imports.mapping import Mapped
from smetka.ledger.imports.outcome import Outcome
from smetka.ledger.imports.rules import Rules
from smetka.ledger.imports.source import Reading
from smetka.ledger.imports.states import Told
from smetka.settings import Settings, named_ledger
from smetka.settings.ledger_location import Server, ledger_location
from smetka.shop.services import Services
from smetka.web.refusals import FileRefused, ImportOverlaps, NoRoom, TakesNoImports

MOST_REJECTS = 100
"""Rejected rows in an answer; all are counted."""

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Choices:
    """How a file is to be read and taken; see `import_files`."""

    mapped: Mapped = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    decimal: Mark | None = None
    dates: Order | None = None
    states: Told = field(default_factory=dict)
    skip_rejected: bool = False
    despite_overlap: bool = False


def ledger_file(settings: Settings) -> Path:
    """The file that is imported into.

    Raises:
        TakesNoImports: the ledger is on a server.
    """
    place = ledger_location(named_ledger(settings))
    if isinstance(place, Server):
        raise TakesNoImports(
            "The ledger is on a database server, where Smetka only reads; fill it by that server's own tools."
        )
    return place


def takes_files(settings: Settings) -> bool:
    """Whether the ledger is a file, and so may be imported into."""
    return not isinstance(ledger_location(named_ledger(settings)), Server)


def is_missing(settings: Settings) -> bool:
    """Whether the ledger is a file that is not there yet, or an empty one."""
    place = ledger_location(named_ledger(settings))
    try:
        return isinstance(place, Path) and not place.stat().st_size
    except FileNotFoundError:
        return True
    except OSError:
        return False


def run(
    path: Path,
    choices: Choices,
    services: Services,
    *,
    dry_run: bool,
    by: str,
    progress: Progress = unseen,
) -> Outcome:
    """Import a file, or find out what would happen; the deed is written down in the audit.

    Safe to repeat: no payment is added twice. Rejected rows are told by the outcome.

    Args:
        by: who asks, for the audit.
        progress: told how many of the file's bytes were read.

    Raises:
        TakesNoImports, FileRefused, ImportOverlaps, LedgerUnavailable, NoRoom: nothing was written.
        InvalidValue: a column that was named is not there.
    """
    settings = services.settings
    into = ledger_file(settings)
    sha256 = None if dry_run else _begun(path, services, by)
    asked = partial(
        import_files,
        [path],
        into,
        Rules(
            currency=settings.currency,
            zone=settings.timezone,
            today=services.now().astimezone(settings.timezone).date(),
            decimal=choices.decimal,
            date_order=choices.dates,
            states=choices.states,
        ),
        mapped=choices.mapped,
        reading=choices.reading,
        skip_rejected=choices.skip_rejected,
        despite_overlap=choices.despite_overlap,
        dry_run=dry_run,
        progress=progress,
    )
    try:
        try:
            outcome = asked()
        except CommandFailed as error:
            if not overtaken(error, [path], into):
                raise
            outcome = asked()
    except WrongUsage as error:
        raise InvalidValue([Fault(_as_phrase(error), parameter="map")]) from None
    except CommandFailed as error:
        raise _refusal(error, into) from failure(error).refused
    if sha256 is not None and outcome.written:
        _note(
            services,
            by,
            "imported",
            sha256,
            f"{path.name}: payments {outcome.payments}, new customers {outcome.customers_added}, "
            f"changed customers {outcome.customers_updated}, rejected rows {outcome.rejected}",
        )
    return outcome


def as_json(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    """The outcome for programs, with the first of the rejected rows."""
    told = outcome.as_json()
    del told["rejects_file"]
    return {**told, "dry_run": dry_run, "rejects": rejects(outcome)}


def rejects(outcome: Outcome) -> list[dict[str, Any]]:
    """The first rejected rows: where and why, and nothing of what stands in them about people."""
    return [
        {"line": row.line, "column": row.column or None, "reason": plainly(row.reason)}
        for row in outcome.rejects[:MOST_REJECTS]
    ]


def plainly(text: str) -> str:
    """A sentence of the importer, in which options of its command are those of a request."""
    return _OPTION.sub(lambda option: f"`{option[1].replace('-', '_')}`", text)


def _refusal(error: CommandFailed, into: Path) -> Exception:
    found = failure(error)
    # Paths are for the log and the terminal alone.
    told = plainly(str(error).replace(str(into.resolve()), "the ledger").replace(str(into), "the ledger"))
    told = re.sub("^the ledger", "The ledger", told)
    match found.kind:
        case "file":
            line, column = (refused.line, refused.column) if (refused := found.refused) else (None, None)
            return FileRefused(told, line=line, column=column)
        case "overlap":
            return ImportOverlaps(told)
        case "busy":
            return LedgerUnavailable(str(error))
        case "full":
            return NoRoom("The server's disk has no room for the import; nothing was written.")
        case "ledger":
            return TakesNoImports(told)


def _as_phrase(error: WrongUsage) -> str:
    text = plainly(str(error)).removesuffix(".")
    return f"is not understood: {text[:1].lower()}{text[1:]}"


def _begun(path: Path, services: Services, by: str) -> str:
    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    _note(services, by, "import", sha256, path.name)
    return sha256


def _note(services: Services, by: str, action: str, sha256: str, reason: str) -> None:
    """Write down what is about to be done, or was. The ledger works without MongoDB, so this must too."""
    try:
        services.audit.note(action, by, reference=f"sha256 {sha256}", reason=reason)
    except Unavailable as error:
        log.warning("not in the audit", action=action, by=by, sha256=sha256, reason=error.reason)
