"""Every refusal as an answer: its status, its headers and its body (RFC 9457). The only such place."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, request
from werkzeug import exceptions as http

from smetka.bonus import errors as bonus
from smetka.core import errors, exact_json
from smetka.core.errors import Fault, InvalidValue, Refusal
from smetka.web import refusals
from smetka.web.advice import ADVICE
from smetka.web.pages import render, visit
from smetka.web.request_ids import request_id

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100
"""Faults listed in one answer; what exceeds them is counted, so that a small body has no huge answer."""
LONGEST_INSTANCE = 2048

STATUS: dict[type[Refusal], int] = {
    refusals.BadRequest: 400,
    refusals.InvalidJson: 400,
    refusals.KeyNeeded: 401,
    refusals.NoKeyYet: 401,
    refusals.NotAllowed: 403,
    refusals.CrossSite: 403,
    refusals.FormExpired: 403,
    errors.NotFound: 404,
    errors.UnknownCustomer: 404,
    refusals.MethodNotAllowed: 405,
    refusals.RequestTimeout: 408,
    bonus.MistypedCode: 404,
    bonus.UnknownCode: 404,
    errors.TotalMismatch: 409,
    errors.WrongState: 409,
    errors.Changed: 409,
    bonus.CampaignExists: 409,
    bonus.NotYetValid: 409,
    bonus.Voided: 409,
    bonus.AlreadyRedeemed: 409,
    bonus.Reserved: 409,
    bonus.OtherCustomer: 409,
    bonus.InProgress: 409,
    refusals.ImportOverlaps: 409,
    refusals.TakesNoImports: 409,
    bonus.Expired: 410,
    refusals.TooLarge: 413,
    refusals.UriTooLong: 414,
    refusals.UnsupportedMediaType: 415,
    refusals.RangeNotSatisfiable: 416,
    refusals.WrongHost: 421,
    errors.InvalidValue: 422,
    errors.BelowThreshold: 422,
    bonus.KeyReused: 422,
    refusals.FileRefused: 422,
    refusals.TooManyRequests: 429,
    refusals.HeadersTooLarge: 431,
    refusals.InternalError: 500,
    refusals.Overloaded: 503,
    refusals.NotReady: 503,
    errors.LedgerUnavailable: 503,
    errors.BonusStoreUnavailable: 503,
    errors.BonusStoreLate: 503,
    errors.BonusStoreUnusable: 503,
    refusals.NoRoom: 507,
}

RETRY_AFTER_SECONDS: dict[type[Refusal], int] = {
    refusals.Overloaded: 1,
    refusals.NotReady: 2,
    errors.LedgerUnavailable: 2,
    errors.BonusStoreUnavailable: 2,
    errors.BonusStoreLate: 5,
}


def register(app: Flask) -> None:
    """Answer every exception of the application as a problem."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The answer to an exception: ours, the framework's or one nobody foresaw."""
    refusal = error if isinstance(error, Refusal) else _translated(error)
    problem = as_json(refusal)
    if _prefers_page():
        if isinstance(refusal, refusals.KeyNeeded):
            return _to_sign_in()
        response = render.page(
            "problem.html", STATUS[type(refusal)], problem=problem, advice=ADVICE[type(refusal)]
        )
    else:
        response = Response(exact_json.dumps(problem) + "\n", STATUS[type(refusal)], content_type=MEDIA_TYPE)
    response.headers.update(_headers(refusal))
    if reason := getattr(refusal, "reason", None):
        log.warning("unavailable", slug=refusal.slug, reason=reason)
    return response


def _to_sign_in() -> Response:
    """People are asked for a key by a form; where they wanted to is where it leads."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    response: Response = visit.go_to(
        f"/sign-in?next={quote(wanted, safe='/')}" if wanted != "/" else "/sign-in"
    )
    return response


def as_json(refusal: Refusal) -> dict[str, Any]:
    """The body of a refusal's answer to the current request."""
    problem: dict[str, Any] = {
        "type": f"/problems/{refusal.slug}",
        "title": refusal.title,
        "status": STATUS[type(refusal)],
        "detail": str(refusal),
        "instance": instance(),
        "request_id": request_id(),
    }
    if isinstance(refusal, InvalidValue):
        problem["detail"], problem["errors"] = _faults(refusal)
    return {**problem, **refusal.members}


def instance() -> str:
    """The path that was asked, percent-encoded, without the query; cut when it is very long."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
    if raw.startswith("/"):
        path = quote(raw.partition("?")[0], safe="/%:@!$&'()*+,;=~-._")
    else:
        path = quote(request.environ.get("PATH_INFO", "").encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
    return re.sub("^/{2,}", "/", path)[:LONGEST_INSTANCE] or "/"


def _faults(refusal: InvalidValue) -> tuple[str, list[dict[str, str]]]:
    shown, more = refusal.faults[:MOST_FAULTS], len(refusal.faults) - MOST_FAULTS
    listed = [_fault(fault) for fault in shown]
    if more > 0:
        listed.append({"pointer": "", "detail": f"has {more} more faults that are not listed"})
    if len(refusal.faults) > 5:
        return f"{len(refusal.faults)} values break a rule; `errors` lists them.", listed
    return str(refusal), listed


def _fault(fault: Fault) -> dict[str, str]:
    if fault.parameter is not None:
        return {"parameter": fault.parameter, "detail": fault.detail}
    return {"pointer": fault.pointer or "", "detail": fault.detail}


def _headers(refusal: Refusal) -> dict[str, str]:
    match refusal:
        case refusals.MethodNotAllowed():
            return {"Allow": ", ".join(refusal.allowed)}
        case refusals.KeyNeeded() | refusals.NoKeyYet():
            return {"WWW-Authenticate": 'Bearer realm="smetka"'}
        case refusals.TooManyRequests():
            return {"Retry-After": str(refusal.retry_after)}
        case _ if type(refusal) in RETRY_AFTER_SECONDS:
            return {"Retry-After": str(RETRY_AFTER_SECONDS[type(refusal)])}
        case _:
            return {}


def _translated(error: Exception) -> Refusal:
    """The framework's exceptions in our words; anything else is a fault of ours and is logged."""
    match error:
        case http.NotFound():
            return errors.NotFound("There is nothing at this path.")
        case http.MethodNotAllowed():
            return refusals.MethodNotAllowed(tuple(sorted(error.valid_methods or ())))
        case http.RequestedRangeNotSatisfiable():
            return refusals.RangeNotSatisfiable("The file does not have the part that was asked for.")
        case http.RequestEntityTooLarge():
            return refusals.TooLarge("The body is longer than any that is read.")
        case http.HTTPException() if (error.code or 500) < 500:
            return refusals.BadRequest("The request is malformed.")
        case _:
            log.error("internal-error", exc_info=getattr(error, "original_exception", None) or error)
            return refusals.InternalError()


def _prefers_page() -> bool:
    """Whether a person's browser asked for a page."""
    if not visit.is_page():
        return False
    accepted = request.accept_mimetypes
    return accepted["text/html"] > max(accepted["application/json"], accepted[MEDIA_TYPE])
