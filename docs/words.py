"""Brings the Macedonian catalogue up to date with what the code says, and compiles it.

Run by `make words`. A message that is new stands in the catalogue untranslated until somebody writes
it; one that nothing says any more is dropped. With --check it writes nothing and tells what is amiss.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from smetka.core.errors import CAUSES
from smetka.settings import Settings
from smetka.web.advice import ADVICE

SOURCE = Path(__file__).parent.parent / "src" / "smetka"
PO = SOURCE / "language" / "mk.po"
MO = PO.with_suffix(".mo")

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "mark": None,
    "ngettext": (1, 2),
    "_n": (1, 2),
    "_p": ((1, "c"), 2),
    "pgettext": ((1, "c"), 2),
}
HEADER = "# What Smetka says in Macedonian; written by `make words`, translated by people.\n"
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}|<(/?\w+)>")


@cache
def extracted() -> list[tuple[Any, str | None]]:
    """Every message of the code and the templates, with its context; read once, which takes seconds."""
    found = extract_from_dir(
        SOURCE, METHODS, options_map={"**.html": {"trimmed": "true", "silent": "false"}}, keywords=KEYWORDS
    )
    in_order = sorted(found, key=lambda each: (each[0], each[1]))
    return [(message, context) for _file, _line, message, _comments, context in in_order]


def said() -> Catalog:
    """Every message: of the code, the templates, and what is said by tables."""
    found = Catalog(locale="mk", charset="utf-8", fuzzy=False)
    for message, context in extracted():
        found.add(message, context=context)
    for setting in Settings.model_fields.values():
        found.add(setting.description)
    for cause in CAUSES.values():
        found.add(cause)
    for kind, advice in ADVICE.items():
        found.add(kind.title)
        found.add(advice)
    return found


def brought_up_to_date() -> Catalog:
    """The catalogue with the messages of the code, and the translations that were there."""
    there, catalog = _read(), said()
    for message in catalog:
        old = there.get(message.id, message.context) if message.id else None
        if old is not None and old.string:
            message.string = old.string
    return catalog


def faults(catalog: Catalog) -> Iterator[str]:
    """What is amiss with a catalogue: untranslated messages, and placeholders that do not match."""
    for message in catalog:
        if not message.id:
            continue
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        targets = message.string if isinstance(message.string, tuple) else (message.string,)
        if not all(targets):
            yield f"not translated: {sources[0]!r}"
            continue
        for target in targets:
            # A plural may leave the number out of its singular.
            allowed = [_placeholders(source) for source in sources]
            if _placeholders(target) not in allowed:
                yield f"other placeholders: {sources[0]!r}"


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as Python's gettext reads it."""
    # Of no moment, so that the same words make the same file.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def written(catalog: Catalog) -> bytes:
    """The catalogue as people read it, without dates and line numbers, which would change all the time."""
    out = io.BytesIO()
    write_po(out, catalog, no_location=True, omit_header=True, width=100)
    plural = (
        f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {PLURALS}\\n"\n\n'
    )
    return (HEADER + plural).encode() + out.getvalue().lstrip()


PLURALS = "nplurals=2; plural=(n%10==1 && n%100!=11 ? 0 : 1);"


def _placeholders(text: str) -> list[str]:
    return sorted(match.group(0) for match in _PLACEHOLDER.finditer(text))


def _read() -> Catalog:
    if not PO.exists():
        return Catalog(locale="mk", charset="utf-8")
    with PO.open("rb") as file:
        return read_po(file, locale="mk")


def main() -> int:
    """Write, or check."""
    catalog = brought_up_to_date()
    po = written(catalog)
    mo = compiled(read_po(io.BytesIO(po), locale="mk"))
    amiss = list(faults(catalog))
    if "--check" in sys.argv:
        amiss += [
            f"{path.name} is out of date: run `make words`"
            for path, content in ((PO, po), (MO, mo))
            if not path.exists() or path.read_bytes() != content
        ]
    else:
        PO.write_bytes(po)
        MO.write_bytes(mo)
    for fault in amiss:
        sys.stderr.write(f"{fault}\n")
    return 1 if amiss and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
