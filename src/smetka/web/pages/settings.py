"""Settings: whether all parts work, who has a key, and what is configured."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import structlog
from flask import Response

from smetka.core.errors import (
    CAUSES,
    CommandFailed,
    NotFound,
    Unavailable,
    WrongUsage,
)
from smetka.keys import ROLES, Key, Permission, create_key, is_deceptive, list_keys, revoke_key
from smetka.language import terms
from smetka.language.translations import mark
from smetka.ledger.checkup import check_up
from smetka.settings import Settings, as_shown, as_text, variable
from smetka.web import guards, importing
from smetka.web.pages import declared, forms, message_texts, render, visit
from smetka.web.parts import parts, services
from smetka.web.probes import Finding

log = structlog.get_logger(__name__)

LONGEST_NAME = 64
MOST_YEARS = 20

ROLE_RIGHTS = {
    "reader": mark("reader: looks at figures, customers and vouchers"),
    "cashier": mark("cashier: redeems vouchers at the cash desk, and sees nothing else"),
    "manager": mark("manager: looks at everything, decides on bonuses, campaigns and messages"),
    "owner": mark("owner: all of it, and keys, settings and who did what"),
}


@declared.get("/settings", needs=Permission.READ)
def settings() -> Response:
    """How the shop's parts are, keys, settings, language and signing out."""
    return _page(forms.asked())


def _page(fields: forms.Fields, status: int = 200, failed: str | None = None) -> Response:
    """The page; `failed` says why a key could not be made."""
    may_own = guards.may(Permission.OWN)
    roles = tuple(ROLES) if guards.keys_needed() else ("owner",)
    keys = None
    if may_own:
        try:
            keys = list_keys(parts().keys.path)
        except CommandFailed as error:
            failed = failed or str(error)
    return render.page(
        "settings.html",
        status,
        fields=fields,
        health=_health(),
        takes_files=importing.takes_files(parts().settings),
        versions={"Smetka": version("smetka"), "Python": platform.python_version()},
        keys=keys,
        failed=failed,
        role_names=terms.ROLES,
        role_options=[(role, render.said().gettext(ROLE_RIGHTS[role])) for role in roles],
        rows=[_row(parts().settings, field) for field in Settings.model_fields] if may_own else [],
    )


def _health() -> list[tuple[str, bool | None, str]]:
    """The parts as `/readyz` finds them: the name, whether it is ready, and what is said if it is not.

    None where nothing can be known, since what would tell is away, or there is nothing to tell.
    """
    found, state = parts().probes.findings(), services().worker_and_telegram()
    worker = state.worker.ok if found["mongodb"].ready else None
    telegram = state.telegram.ok if worker and parts().settings.recipients else None
    return [
        *((name, finding.ready, _said(finding)) for name, finding in found.items()),
        ("worker", worker, message_texts.tell(state.worker.detail)),
        ("telegram", telegram, message_texts.tell(state.telegram.detail)),
    ]


def _said(finding: Finding) -> str:
    if finding.ready:
        return ""
    if not finding.causes:
        return message_texts.tell(finding.detail)
    causes = "; ".join(render.said().gettext(CAUSES[cause]) for cause in finding.causes)
    return f"MongoDB: {causes}."


def _row(configured: Settings, field: str) -> dict[str, Any]:
    """A setting as `smetka settings` shows it."""
    return {
        "name": variable(field),
        "value": as_shown(configured, field),
        "origin": configured.origin(field),
        "default": as_text(Settings.model_fields[field].get_default(call_default_factory=True)),
        "help": Settings.model_fields[field].description,
    }


@declared.get("/settings/ledger", needs=Permission.READ, reads_all=True)
def settings_ledger() -> Response:
    """What is in the ledger, and everything odd about it."""
    forms.asked()
    found = check_up(
        services().ledger, parts().settings.age_groups, current_year=services().bonus_rules.current_year
    )
    return render.page(
        "settings_ledger.html",
        found=found,
        years=list(found.years.items())[-MOST_YEARS:],
        odd=[problem for problem in found.problems if not problem.harmless],
        harmless=[problem for problem in found.problems if problem.harmless],
        # It names a folder of the server.
        for_owners={"folder-not-writable"},
    )


@declared.get("/settings/keys", needs=Permission.OWN)
def settings_keys() -> Any:
    """Where the form is that is sent here: whoever reloads its answer by the address gets there."""
    forms.asked()
    return visit.go_to("/settings")


@declared.post("/settings/keys", needs=Permission.OWN)
def key_made() -> Response:
    """Make a key and show it, in this answer and never again."""
    fields = forms.posted()
    is_first = not guards.keys_needed()
    name = fields.text("name", most=LONGEST_NAME, needed=True)
    fields.needed("role")
    role = fields.one_of("role", ROLES)
    if name and is_deceptive(name):
        fields.complain("name", mark("has characters that cannot be seen"))
    elif name and parts().keys.active(name):
        fields.complain("name", mark("is the name of another key; revoke that first, or choose another name"))
    if is_first and role and role != "owner":
        fields.complain("role", mark("must be an owner: else nobody could make the next key here"))
    if fields.faults or not name or not role:
        return _page(fields, 422)
    _note("create-key", name)
    try:
        new_key = create_key(parts().keys.path, name, role)
    except (CommandFailed, WrongUsage) as error:
        return _page(fields, 503, str(error))
    key = parts().keys.key_of(new_key)
    if is_first and key is not None:
        # The door has just closed behind whoever made it.
        visit.begin_session(parts().sessions.begin(key))
    return render.page(
        "settings_key.html",
        new_key=new_key,
        name=name,
        role=role,
        role_rights=ROLE_RIGHTS,
        is_first=is_first,
    )


@declared.get("/settings/keys/revoke", needs=Permission.OWN)
def revoke_asked() -> Response:
    """Ask whether a key is really to be revoked."""
    return _revoke_page(_active(forms.asked("name").typed["name"]))


@declared.post("/settings/keys/revoke", needs=Permission.OWN)
def key_revoked() -> Any:
    """Make a key useless, and with it all that it signed in."""
    target = _active(forms.posted().typed.get("name", ""))
    own = guards.signed_in_key()
    _note("revoke-key", target.name)
    try:
        revoke_key(parts().keys.path, target.name)
    except CommandFailed as error:
        return _revoke_page(target, 503, str(error))
    notice = render.said().gettext("The key {name} is revoked.").format(name=target.name)
    if own is not None and own.hash == target.hash:
        visit.forget_session()
        return visit.go_to("/sign-in", notice)
    return visit.go_to("/settings", notice)


def _revoke_page(target: Key, status: int = 200, failed: str | None = None) -> Response:
    own = guards.signed_in_key()
    owners = [k for k in list_keys(parts().keys.path) if k.role == "owner" and k.revoked_at is None]
    return render.page(
        "settings_revoke.html",
        status,
        target=target,
        role_names=terms.ROLES,
        is_own=own is not None and own.hash == target.hash,
        is_last_owner=[owner.hash for owner in owners] == [target.hash],
        failed=failed,
    )


def _active(name: str) -> Key:
    key = parts().keys.active(name)
    if key is None:
        raise NotFound("There is no key of this name that could be revoked.")
    return key


def _note(action: str, name: str) -> None:
    """Write down what is about to be done to a key. Keys work without MongoDB, so this must too."""
    try:
        services().audit.note(action, guards.caller(), reason=name)
    except Unavailable as error:
        log.warning("not in the audit", action=action, by=guards.caller(), name=name, reason=error.reason)
