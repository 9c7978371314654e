"""Pages for people: the start page, the API's documentation and what each problem means."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from smetka.errors import NotFound
from smetka.keys import Permission
from smetka.web import guards
from smetka.web.advice import ADVICE
from smetka.web.operations import Operations
from smetka.web.parts import parts
from smetka.web.problems import STATUS

pages = Blueprint("pages", __name__)
contract = Operations("Operations")


@pages.get("/")
def start() -> str:
    """The links that exist; those to data only for those who may follow them."""
    return render_template(
        "start.html", may_read=guards.may(Permission.READ), keys_needed=guards.keys_needed()
    )


@pages.get("/docs")
def docs() -> str:
    """The OpenAPI document, readable and to try out; everything it loads comes from here."""
    return render_template("docs.html")


@pages.get("/problems")
def problems() -> str:
    """Every kind of problem."""
    return render_template("problems.html", kinds=sorted(STATUS.items(), key=lambda item: item[1]))


@pages.get("/problems/<slug>")
def problem(slug: str) -> str:
    """What one kind of problem means and what to do about it."""
    for kind, status in STATUS.items():
        if kind.slug == slug:
            return render_template("problem_kind.html", kind=kind, status=status, advice=ADVICE[kind])
    raise NotFound("There is no problem of this name.")


@contract.get("/openapi.json", needs=None, answers={200: "application/json"})
def openapi_json() -> Any:
    """This document."""
    return Response(parts().openapi, content_type="application/json")
