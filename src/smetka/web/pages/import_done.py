"""A file that was looked at, imported: at once, or while its page tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from smetka.core.errors import InvalidValue
from smetka.core.progress import Progress
from smetka.keys import Permission
from smetka.ledger.imports.outcome import Outcome
from smetka.web import guards
from smetka.web.pages import declared, forms, import_words, render, visit
from smetka.web.pages.importing import ASKED, choices_of, gone, kept, run, seal
from smetka.web.parts import parts, services
from smetka.web.refusals import FileRefused, ImportOverlaps
from smetka.web.works import Work, import_work


@declared.post("/import/done", needs=Permission.OWN)
def import_done() -> Any:
    """Import the file as it was looked at, and say what was done, or how far it is when that takes long."""
    fields = forms.posted()
    path, works, name = kept(fields), parts().works, _name(fields)
    if path is not None:
        works.begin(name, _importing(path, fields))
    work = works.end_of(name)
    if work is not None and work.is_running:
        return visit.go_to(f"/import/done?{urlencode({'file': fields.typed['file']})}")
    return _told(work)


@declared.get("/import/done", needs=Permission.OWN)
def import_under_way() -> Any:
    """How far an import is, and what was done in the end, for the visit that sent the file."""
    return _told(parts().works.get(_name(forms.asked("file"))))


def _importing(path: Path, fields: forms.Fields) -> Callable[[Progress], str | Outcome]:
    """What imports, while this request may be over: the outcome, or the page that says what is wrong."""
    choices = replace(
        choices_of(fields),
        skip_rejected=fields.typed.get("skip_rejected") == "yes",
        despite_overlap=fields.typed.get("despite_overlap") == "yes",
    )
    again = f"/import/look?{urlencode({name: fields.typed.get(name, '') for name in ASKED})}"
    shop, by, uploads, sealed = services(), guards.caller(), parts().uploads, seal()

    def imported(tell: Progress) -> str | Outcome:
        try:
            with uploads.turn():
                outcome = run(path, fields, choices, shop, by, dry_run=False, progress=tell)
        except (FileRefused, ImportOverlaps, InvalidValue):
            return again
        if outcome.rejected and not choices.skip_rejected:
            return again
        uploads.forget(fields.typed["file"], sealed)
        outcome.rejects.clear()  # they were seen, and may be many
        return outcome

    return imported


def _told(work: Work | None) -> Any:
    """What became of an import."""
    if work is None:
        return gone()
    if work.is_running:
        return render.page("import_running.html", work=work)
    if work.failure is not None:
        raise work.failure
    if isinstance(work.result, str):
        return visit.go_to(work.result)
    outcome = cast(Outcome, work.result)
    return render.page("import_done.html", outcome=outcome, imported=outcome.files[0], words=import_words)


def _name(fields: forms.Fields) -> str:
    """Of the import among what is worked on: no other visit's."""
    return import_work(seal()(fields.typed.get("file", "")))
