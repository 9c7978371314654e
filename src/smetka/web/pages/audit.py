"""Who did what."""

from __future__ import annotations

from flask import Response

from smetka.bonus.audit import Entry
from smetka.bonus.codes import read_code
from smetka.bonus.errors import MistypedCode
from smetka.core.errors import BonusStoreUnavailable
from smetka.keys import Permission
from smetka.language.translations import mark
from smetka.web.pages import declared, forms, render
from smetka.web.parts import services
from smetka.web.values import read_audit_cursor

ENTRIES = 50


@declared.get("/settings/audit", needs=Permission.OWN, reads_all=True)
def settings_audit() -> Response:
    """Who did what, the newest first; the only page that shows the codes of all vouchers in full."""
    fields = forms.asked("code", "cursor")
    cursor = fields.place("cursor", read_audit_cursor)
    fields.check()
    code = None
    try:
        code = read_code(fields.typed["code"]) if fields.typed["code"] else None
    except MistypedCode:
        fields.complain("code", mark("is mistyped: compare it with the voucher, symbol by symbol"))
    found: list[Entry] | None = []
    status = 422 if fields.faults else 200
    if not fields.faults:
        try:
            found = services().audit.page(ENTRIES + 1, after=cursor, code=code)
        except BonusStoreUnavailable:
            found, status = None, 503
    return render.page(
        "settings_audit.html",
        status,
        fields=fields,
        entries=None if found is None else found[:ENTRIES],
        next=found[ENTRIES - 1].id if found and len(found) > ENTRIES else None,
        is_first=cursor is None,
    )
