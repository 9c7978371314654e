"""The API layer: an operation declares what it reads and answers, and is held to it.

A view gets its path, query and body as validated models, with the services and how it is asked,
each by its name, and returns the answer's JSON. Faults of all three are found together.
`openapi.py` describes the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from flask import Flask, Request, Response, request
from pydantic import BaseModel
from werkzeug.datastructures import Headers, MultiDict

from smetka.core import exact_json
from smetka.core.errors import Fault, InvalidValue, Refusal
from smetka.keys import Permission
from smetka.ledger import Glance
from smetka.web import bodies, reading
from smetka.web.parts import parts, services
from smetka.web.refusals import UnsupportedMediaType
from smetka.web.schemas import Input, NoPath, NoQuery

View = Callable[..., Any]
V = TypeVar("V", bound=View)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a view is asked."""

    by_a_person: bool
    """Not by a HEAD, a prefetch or another site's page: nobody sees what is answered to those."""
    glance: Glance | None = None
    """On the event loop, what the ledger's questions are put to: NotAtOnce is an answer there."""
    idempotency_key: str | None = None

    @property
    def may_wait(self) -> bool:
        """Whether the answer is worth waiting for; else it is asked again, with patience."""
        return self.glance is None


def by_a_person(method: str, headers: Headers) -> bool:
    """Whether a person, or a program on purpose, stands behind a request."""
    purposes = (headers.get("Sec-Purpose", ""), headers.get("Purpose", ""), headers.get("X-Moz", ""))
    return not (
        method == "HEAD"
        or any("prefetch" in purpose.lower() for purpose in purposes)
        or headers.get("Sec-Fetch-Site") == "cross-site"
    )


@dataclass(frozen=True)
class Operation:
    """One method on one path, everything that is promised about it, and its view."""

    method: str
    path: str
    view: View
    needs: Permission | None
    path_model: type[Input]
    query_model: type[Input]
    body_model: type[Input] | None
    answers: Mapping[int, type[BaseModel] | str]
    """What each good status answers: a model, or the media type of what is not JSON."""
    refuses: tuple[type[Refusal], ...]
    """Refusals of the feature itself; those that any request may meet are known."""
    tag: str
    at_once: bool
    """Whether the view can be asked not to wait: a GET that costs microseconds when nothing changed."""
    reads_all: bool
    """Whether the view may read all of the ledger or of a collection: seconds, when that is huge."""
    links: Mapping[str, Mapping[str, str]]
    """Operations that go on from a good answer, each with where in its body their parameters are."""
    has_location: bool
    """Whether the answer's header `Location` leads to the first of the links."""
    takes_key: bool
    """Whether the request may carry an Idempotency-Key."""
    takes_file: tuple[str, ...] = ()
    """Media types of the file that the body is; the view gets its `pieces`, and nothing was read before."""

    @property
    def body_needed(self) -> bool:
        """Whether there must be a body: one of its fields has no default."""
        return self.body_model is not None and any(
            field.is_required() for field in self.body_model.model_fields.values()
        )

    @property
    def name(self) -> str:
        """The Flask endpoint and the OpenAPI `operationId`; clients rely on it."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (self.view.__doc__ or "").strip().partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of the view's docstring."""
        return "\n".join(line.strip() for line in (self.view.__doc__ or "").strip().split("\n")[1:]).strip()

    def __call__(self, **path_values: str) -> Response:
        """Answer the current request.

        Raises:
            UnsupportedMediaType, InvalidJson: before any value is looked at.
            InvalidValue: with every fault of path, query and body.
        """
        if self.takes_file and request.mimetype not in self.takes_file:
            raise UnsupportedMediaType(f"Send the file as one of {', '.join(self.takes_file)}.")
        body = bodies.json_body(optional=not self.body_needed) if self.body_model else None
        arguments = self.read(request, path_values, body)
        if self.takes_file:
            arguments["pieces"] = parts().uploads.until_another_waits(bodies.upload(request))
        return _response(self.ask(services=services(), **arguments))

    def read(self, request: Request, path_values: dict[str, str], body: Any = None) -> dict[str, Any]:
        """What a request gives a view, each by its name.

        Args:
            body: the JSON value; only where one is declared.

        Raises:
            InvalidValue: with every fault of path, query, body and headers.
        """
        faults: list[Fault] = []
        arguments: dict[str, Any] = {
            "path": reading.path(self.path_model, path_values, faults),
            "query": reading.query(self.query_model, request.args, faults),
        }
        if self.body_model:
            arguments["body"] = reading.body(self.body_model, body, faults)
        key = reading.idempotency_key(request.headers, faults) if self.takes_key else None
        if faults:
            raise InvalidValue(faults)
        asked = Asked(by_a_person(request.method, request.headers), idempotency_key=key)
        return {"asked": asked, **arguments}

    def read_path(self, values: dict[str, str]) -> Input:
        """The path's variable parts, as the view gets them.

        Raises:
            InvalidValue: with every fault.
        """
        faults: list[Fault] = []
        path = reading.path(self.path_model, values, faults)
        if path is None:
            raise InvalidValue(faults)
        return path

    def read_query(self, args: MultiDict[str, str]) -> Input:
        """The query's parameters, as the view gets them.

        Raises:
            InvalidValue: with every fault.
        """
        faults: list[Fault] = []
        query = reading.query(self.query_model, args, faults)
        if faults or query is None:
            raise InvalidValue(faults)
        return query

    def ask(self, **arguments: Any) -> Any:
        """What the view answers, given those of the arguments that it names."""
        return self.view(**{name: arguments[name] for name in self._wanted})

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        code = self.view.__code__
        return code.co_varnames[: code.co_argcount]


class Operations:
    """Operations that belong together, under one tag of the documentation."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Operation] = []

    def get(self, route: str, **promised: Any) -> Callable[[V], V]:
        """Declare a view to answer GET and HEAD; see `Operation` for what is promised."""
        return self._operation("GET", route, **promised)

    def post(self, route: str, **promised: Any) -> Callable[[V], V]:
        """Declare a view to answer POST."""
        return self._operation("POST", route, **promised)

    def delete(self, route: str, **promised: Any) -> Callable[[V], V]:
        """Declare a view to answer DELETE."""
        return self._operation("DELETE", route, **promised)

    def register(self, app: Flask) -> None:
        """Give the operations to an application."""
        for operation in self.all:
            app.add_url_rule(
                operation.path,
                endpoint=operation.name,
                view_func=operation.__call__,
                methods=[operation.method],
            )

    def _operation(
        self,
        method: str,
        route: str,
        *,
        needs: Permission | None,
        answers: Mapping[int, type[BaseModel] | str],
        path: type[Input] = NoPath,
        query: type[Input] = NoQuery,
        body: type[Input] | None = None,
        refuses: tuple[type[Refusal], ...] = (),
        at_once: bool = False,
        reads_all: bool = False,
        links: Mapping[str, Mapping[str, str]] | None = None,
        has_location: bool = False,
        takes_key: bool = False,
        takes_file: tuple[str, ...] = (),
    ) -> Callable[[V], V]:
        def declare(view: V) -> V:
            self.all.append(
                Operation(
                    method=method,
                    path=route,
                    view=view,
                    needs=needs,
                    path_model=path,
                    query_model=query,
                    body_model=body,
                    answers=answers,
                    refuses=refuses,
                    tag=self.tag,
                    at_once=at_once,
                    reads_all=reads_all,
                    links=links or {},
                    has_location=has_location,
                    takes_key=takes_key,
                    takes_file=takes_file,
                )
            )
            return view

        return declare


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in exact JSON."""
    return Response(exact_json.dumps(value) + "\n", status, headers, content_type="application/json")


def _response(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    return json_response(*answer) if isinstance(answer, tuple) else json_response(answer)
