"""Signing in with a key, and out."""

from __future__ import annotations

import re
from typing import Any

from flask import Response

from smetka.keys import ROLES, Key, Permission
from smetka.language.translations import mark
from smetka.web import guards
from smetka.web.pages import declared, forms, render, visit
from smetka.web.parts import parts

_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]{0,2000}")


@declared.get("/sign-in", needs=None)
def sign_in() -> Response:
    """The form for a key."""
    fields = forms.asked("next")
    return render.page("sign_in.html", next=own_path(fields.typed["next"]), fields=fields)


@declared.post("/sign-in", needs=None)
def signed_in() -> Any:
    """Begin a session of a key."""
    fields = forms.posted()
    keys, wish = parts().keys, own_path(fields.typed.get("next", ""))
    key = keys.key_of(fields.typed.get("key", ""))
    if key is None:
        parts().wrong_keys.count(guards.address())
        fields.complain("key", mark("is not a valid key"))
        response = render.page("sign_in.html", 401, next=wish, fields=fields)
        response.headers["WWW-Authenticate"] = 'Bearer realm="smetka"'
        return response
    if (old := visit.known_session()) is not None and old.key is not None:
        parts().sessions.end(old)
    visit.begin_session(parts().sessions.begin(key))
    return visit.go_to(wish if wish != "/" else first_page(key))


@declared.post("/sign-out", needs=None)
def signed_out() -> Any:
    """End the session, or all sessions of its key."""
    fields = forms.posted()
    found = visit.known_session()
    if found is not None:
        parts().sessions.end(found, everywhere=bool(fields.typed.get("everywhere")))
    visit.forget_session()
    return visit.go_to("/sign-in", render.said().gettext("You are signed out."))


def first_page(key: Key) -> str:
    """Where a role's work begins."""
    return "/" if Permission.READ in ROLES[key.role] else "/desk"


def own_path(path: str) -> str:
    """The path when it is one of this server; else that of its first page."""
    return path if _OWN_PATH.fullmatch(path) else "/"
