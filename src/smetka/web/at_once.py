"""Answers on the event loop, for requests whose like was let through before.

A request that waits for nothing needs no thread, and one whose guards are known to pass needs no
Flask. Admitted is what Flask answered with 200: the same query, the same headers, the same client,
the keys file unchanged. Only the variable part of the path may differ, and is read anew each time.
So no guard has a second version here, and whatever was never let through is never answered here.
See docs/decisions/0005-at-once.md.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from werkzeug.datastructures import Headers, MultiDict

from smetka.core import exact_json
from smetka.core.errors import NotAtOnce
from smetka.ledger import Glance
from smetka.ledger.glance import KnownTotal, NotYetAsked
from smetka.web import headers, journal
from smetka.web.operations import Asked, Operation, by_a_person
from smetka.web.parts import WebParts
from smetka.web.request_ids import HEADER, LONGEST_ID, accepted_or_new
from smetka.web.schemas import Input
from smetka.web.together import Together

if TYPE_CHECKING:
    from granian.rsgi import Scope

MOST_ADMITTED = 256
"""Kinds of requests remembered; the one not seen for the longest gives way. Clients repeat themselves."""

LONGEST_TARGET = 1024
"""Characters of path and query: far from what is refused, however they were escaped."""

LONGEST_HEADERS = 8 * 1024
"""Characters of all headers: far from what is refused."""

_HEADERS = [*headers.ALWAYS.items(), *headers.NOT_KEPT.items(), ("Content-Type", "application/json")]


_REQUEST_ID = HEADER.lower()
_Kind = tuple[str, str | None, Operation]
"""What the path begins with, the name of its variable part if it has one, and whose it is."""


@dataclass(slots=True)
class Candidate:
    """A request that may be answered at once: of the right kind, and without a body."""

    operation: Operation
    path_values: dict[str, str]
    likeness: Hashable = field(repr=False)  # a key may be in the headers
    """Equal for requests that no guard can tell apart."""
    query: str
    headers: list[tuple[str, str]] = field(repr=False)
    request_id: str | None


@dataclass(slots=True)
class _Admitted:
    keys: object
    query: Input
    by_a_person: bool
    turn: int = 0
    """The number of the turn it was last asked in."""
    body: bytes | None = None
    """That turn's answer, where all who are alike ask the same: nothing changes within a turn."""


class Answer(NamedTuple):
    """A whole answer; its status is 200."""

    headers: list[tuple[str, str]]
    body: bytes


class _Turn:
    """One turn of the event loop: what is looked at once for all requests that came before it began.

    Each look lets go of the interpreter, and whoever has it then returns it late.
    """

    def __init__(self, number: int, parts: WebParts) -> None:
        self.number = number
        self.keys = parts.keys.state
        self.answered: list[tuple[str, float, str]] = []
        try:
            self.glance: Glance | None = parts.services.ledger.glance()
        except NotAtOnce:
            self.glance = None


class AtOnce:
    """What may be answered at once, and the answers. Belongs to the event loop's thread."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._kinds = [_kind_of(operation) for operation in parts.operations if operation.at_once]
        self._admitted: OrderedDict[Hashable, _Admitted] = OrderedDict()
        self._turn: _Turn | None = None
        self._turns = 0
        self._together = Together(parts.services.ledger.totals_spent)

    def candidate(self, scope: Scope) -> Candidate | None:
        """The request as one that may be answered at once; None when it is of another kind."""
        if scope.method != "GET":
            return None
        path, given = scope.path, scope.headers
        kind = self._kind(path)
        # A body is for Flask, which reads it.
        if kind is None or given.get("content-length") is not None or given.get("transfer-encoding"):
            return None
        prefix, parameter, operation = kind
        if len(path) + len(scope.query_string) > LONGEST_TARGET:
            return None
        items, request_id = given.items(), given.get(_REQUEST_ID)
        if request_id is not None:
            others = [(name, value) for name, value in items if name != _REQUEST_ID]
            if len(others) != len(items) - 1 or len(request_id) > LONGEST_ID:
                return None  # two ids, or a long one: Flask knows what to make of it
            items = others
        client = scope.client.rpartition(":")[0]
        return Candidate(
            operation,
            {parameter: path[len(prefix) :]} if parameter else {},
            (prefix, scope.query_string, client, scope.scheme, scope.http_version, scope.authority, *items),
            scope.query_string,
            items,
            request_id,
        )

    @property
    def keys(self) -> object:
        """The keys as they are now, to be compared by identity."""
        return self._parts.keys.state

    def answer(self, candidate: Candidate) -> Answer | NotYetAsked | None:
        """The answer, or what must be asked for it first.

        None: it needs patience, or Flask to say what is wrong with it.
        """
        began = time.perf_counter()
        admitted = self._admitted.get(candidate.likeness)
        turn = self._turn or self._begin_turn()
        if admitted is None or admitted.keys is not turn.keys or turn.glance is None:
            return None
        if admitted.turn != turn.number:
            self._admitted.move_to_end(candidate.likeness)
            admitted.turn, admitted.body = turn.number, None
        if (body := admitted.body) is None:
            answer = self._ask(candidate, admitted, turn.glance)
            if not isinstance(answer, bytes):
                return answer
            body = answer
            if not candidate.path_values:
                admitted.body = body
        return self._noted(candidate, turn, body, began)

    async def answer_of_server(self, candidate: Candidate, question: NotYetAsked) -> Answer | None:
        """The answer, after asking the database server with those who ask it now; None as in `answer`."""
        began = time.perf_counter()
        total = await self._together.total_spent(question.user_id, question.year)
        admitted, turn = self._admitted.get(candidate.likeness), self._turn or self._begin_turn()
        if total is None or admitted is None or admitted.keys is not turn.keys:
            return None
        body = self._ask(candidate, admitted, KnownTotal(total, question.year))
        return self._noted(candidate, turn, body, began) if isinstance(body, bytes) else None

    def close(self) -> None:
        """Ask no server any more."""
        self._together.close()

    def _noted(self, candidate: Candidate, turn: _Turn, body: bytes, began: float) -> Answer:
        request_id = accepted_or_new(candidate.request_id or "")
        turn.answered.append((candidate.operation.path, time.perf_counter() - began, request_id))
        return Answer([*_HEADERS, (HEADER, request_id)], body)

    def _ask(self, candidate: Candidate, admitted: _Admitted, glance: Glance) -> bytes | NotYetAsked | None:
        operation = candidate.operation
        try:
            value = operation.ask(
                path=operation.read_path(candidate.path_values),
                query=admitted.query,
                services=self._parts.services,
                asked=Asked(admitted.by_a_person, glance),
            )
        except NotYetAsked as question:
            return question
        except Exception:  # noqa: BLE001 - a refusal, not at once, or a fault: Flask will tell it
            return None
        return exact_json.dumps(value).encode() + b"\n"

    def admit(self, candidate: Candidate, keys: object) -> None:
        """Answer its like at once from now on: it was answered 200 through all guards.

        Args:
            keys: as they were before the guards looked at them.
        """
        if sum(len(name) + len(value) for name, value in candidate.headers) > LONGEST_HEADERS:
            return  # so that an id beside them cannot make them too long
        query = MultiDict(parse_qsl(candidate.query, keep_blank_values=True))
        as_flask_saw = Headers(headers.as_one_each(candidate.headers))
        self._admitted[candidate.likeness] = _Admitted(
            keys, candidate.operation.read_query(query), by_a_person("GET", as_flask_saw)
        )
        if len(self._admitted) > MOST_ADMITTED:
            self._admitted.popitem(last=False)

    def _kind(self, path: str) -> _Kind | None:
        for kind in self._kinds:
            if path.startswith(kind[0]) if kind[1] else path == kind[0]:
                return kind
        return None

    def _begin_turn(self) -> _Turn:
        # Before looking: whatever the loop runs until then was asked before we look.
        asyncio.get_running_loop().call_soon(self._end_turn)
        self._turns += 1
        self._turn = _Turn(self._turns, self._parts)
        return self._turn

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn and turn.answered:
            journal.note_answered(self._parts.metrics, turn.answered)


def _kind_of(operation: Operation) -> _Kind:
    # A path has one variable part, at its end, or none.
    prefix, opened, rest = operation.path.partition("<")
    return prefix, rest.removesuffix(">") if opened else None, operation
