"""The API's documentation and what each problem means."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template

from smetka.core.errors import NotFound
from smetka.web.advice import ADVICE
from smetka.web.operations import Operations
from smetka.web.pages import declared
from smetka.web.parts import parts
from smetka.web.problems import STATUS

contract = Operations("Operations")


@declared.get("/docs", needs=None)
def docs() -> str:
    """The OpenAPI document, readable and to try out; everything it loads comes from here."""
    return render_template("docs.html")


@declared.get("/problems", needs=None)
def problems() -> str:
    """Every kind of problem."""
    return render_template("problems.html", kinds=sorted(STATUS.items(), key=lambda item: item[1]))


@declared.get("/problems/<slug>", needs=None)
def problem(slug: str) -> str:
    """What one kind of problem means and what to do about it."""
    for kind, status in STATUS.items():
        if kind.slug == slug:
            return render_template("problem_kind.html", kind=kind, status=status, advice=ADVICE[kind])
    raise NotFound("There is no problem of this name.")


@contract.get("/openapi.json", needs=None, answers={200: "application/json"})
def openapi_json() -> Any:
    """This document."""
    return Response(parts().openapi(), content_type="application/json")
