"""One visit of a page: its language, its session's cookie, and what is told at its next page."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Response, current_app, g, redirect, request
from itsdangerous import BadData, URLSafeTimedSerializer
from markupsafe import Markup, escape
from werkzeug.exceptions import MethodNotAllowed

from smetka.language import LANGUAGES
from smetka.settings import Language
from smetka.web.parts import parts
from smetka.web.sessions import Session

LANGUAGE_COOKIE, NOTICE_COOKIE, SESSION_COOKIE = "smetka_language", "smetka_notice", "smetka_session"
_A_YEAR = 365 * 24 * 3600
_NOTICE_SECONDS = 60
LONGEST_ADDRESS, LONGEST_NOTICE = 2048, 1000


def register(app: Flask) -> None:
    """Write the cookies of every page's answer."""
    app.after_request(_write_cookies)


def language() -> Language:
    """The page's language: as switched to, else the shop's own setting, else the browser's wish."""
    if "language" not in g:
        g.language = _chosen()
    return cast(Language, g.language)


def _chosen() -> Language:
    settings = parts().settings
    for wish in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wish in LANGUAGES:
            return wish
    if "language" in settings.model_fields_set:
        return settings.language
    return cast(Language, request.accept_languages.best_match(LANGUAGES, settings.language))


def session() -> Session:
    """The visit's session, begun if there is none: whoever gets a form has one."""
    found = known_session()
    if found is None:
        found = g.session = parts().sessions.begin(None)
        g.session_is_new = True
    return found


def known_session() -> Session | None:
    """The session that the browser brought along, if it is a valid one."""
    if "session" not in g:
        cookie = request.cookies.get(_session_cookie())
        g.session = parts().sessions.read(cookie) if cookie else None
    return cast("Session | None", g.session)


def begin_session(session: Session) -> None:
    """From now on the browser's visit is of this session, and of no other."""
    g.session, g.session_is_new = session, True


def forget_session() -> None:
    """The browser's visit is nobody's from now on."""
    g.session, g.session_is_new = None, True


def go_to(path: str, notice: str | None = None) -> Any:
    """An answer that leads on to a page of ours, which tells the notice once."""
    # A proxy may refuse longer headers, after the deed was done.
    response = redirect(path if len(path) <= LONGEST_ADDRESS else path.partition("?")[0], 303)
    if notice is not None:
        # Signed, so that nobody else can put words on our pages.
        text = str(notice if isinstance(notice, Markup) else escape(notice[:LONGEST_NOTICE]))
        response.set_cookie(
            NOTICE_COOKIE,
            str(_notices().dumps(text)),
            max_age=_NOTICE_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
    return response


def notice() -> Markup | None:
    """What the page before left to be told; only once."""
    cookie = request.cookies.get(NOTICE_COOKIE)
    if not cookie:
        return None
    g.notice_told = True
    try:
        return Markup(_notices().loads(cookie, max_age=_NOTICE_SECONDS))  # noqa: S704 - signed by us
    except BadData:
        return None


def _notices() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(parts().sessions.secret, salt="smetka notice")


def _session_cookie() -> str:
    # The prefix lets no other host and no plain HTTP set it; browsers take it over HTTPS only.
    return f"__Host-{SESSION_COOKIE}" if request.is_secure else SESSION_COOKIE


def _write_cookies(response: Response) -> Response:
    if request.endpoint not in parts().pages:
        return response
    options: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": request.is_secure}
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language(), max_age=_A_YEAR, **options)
    if g.get("notice_told"):
        response.delete_cookie(NOTICE_COOKIE)
    found: Session | None = g.get("session")
    if found is None:
        if g.get("session_is_new"):
            response.delete_cookie(_session_cookie(), secure=request.is_secure)
        return response
    used = parts().sessions.used(found)
    if g.get("session_is_new") or used is not found:
        response.set_cookie(_session_cookie(), parts().sessions.write(used), **options)
    return response


def is_page() -> bool:
    """Whether the current request is for a page, if perhaps by a method that it does not have."""
    known = current_app.extensions["smetka"].pages
    if not isinstance(request.routing_exception, MethodNotAllowed):
        return request.endpoint in known
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    methods = request.routing_exception.valid_methods or ()
    return any(adapter.match(method=method)[0] in known for method in methods)
