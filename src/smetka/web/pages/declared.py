"""How a page is declared: its path, and what its visitor must be allowed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

from smetka.keys import Permission

pages = Blueprint("pages", __name__)

NEEDS: dict[str, Permission | None] = {}
"""What each page needs, by its endpoint; None is open to all."""

READ_ALL: set[tuple[str, str]] = set()
"""Methods and paths that may read all of the ledger or of a collection: seconds, when that is huge."""

UPLOADS: dict[str, str] = {}
"""Paths and endpoints of pages that a file is sent to: its body is not read before its view does so."""

V = TypeVar("V", bound=Callable[..., Any])


def get(route: str, *, needs: Permission | None, reads_all: bool = False) -> Callable[[V], V]:
    """Declare a page that is looked at."""
    return _declared("GET", route, needs, reads_all=reads_all)


def post(route: str, *, needs: Permission | None, reads_all: bool = False) -> Callable[[V], V]:
    """Declare what a page's form is sent to; its view looks at nothing before `forms.posted`."""
    return _declared("POST", route, needs, reads_all=reads_all)


def upload(route: str, *, needs: Permission | None) -> Callable[[V], V]:
    """Declare what a page's form with a file is sent to; its view calls `forms.check_upload` first."""

    def declare(view: V) -> V:
        UPLOADS[route] = f"{pages.name}.{view.__name__}"
        return _declared("POST", route, needs, reads_all=False)(view)

    return declare


def _declared(method: str, route: str, needs: Permission | None, *, reads_all: bool) -> Callable[[V], V]:
    def declare(view: V) -> V:
        pages.add_url_rule(route, endpoint=view.__name__, view_func=view, methods=[method])
        NEEDS[f"{pages.name}.{view.__name__}"] = needs
        if reads_all:
            READ_ALL.add((method, route))
        return view

    return declare
