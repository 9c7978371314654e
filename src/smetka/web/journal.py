"""What is noted of every answer: its metrics and its line in the log."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from smetka.core.logs import scrub, tell_many
from smetka.web.metrics import Metrics

# Asked by machines every few seconds, our own parent among them: no line for each, not even while
# something is missing, which is told elsewhere.
_WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})

_NAMES = ("method", "route", "status", "ms", "request_id")

_log = structlog.get_logger(__name__)


def note(metrics: Metrics, *, route: str, method: str, status: int, seconds: float, request_id: str) -> None:
    """Note an answered request.

    Args:
        route: the template, not the path: ids and codes belong neither into logs nor into metrics.
    """
    metrics.observe(route, method, status, seconds)
    if route not in _WATCHED or (status >= 500 and status != 503):
        _log.info(
            "request", **dict(zip(_NAMES, _row(method, route, status, seconds, request_id), strict=True))
        )


def note_answered(metrics: Metrics, answered: Sequence[tuple[str, float, str]]) -> None:
    """Note several GETs that were answered 200: the route, the seconds and the request's id of each."""
    for route, seconds, _ in answered:
        metrics.observe(route, "GET", 200, seconds)
    tell_many(
        "request", _NAMES, [_row("GET", route, 200, seconds, each) for route, seconds, each in answered]
    )


def _row(
    method: str, route: str, status: int, seconds: float, request_id: str
) -> tuple[str, str, int, float, str]:
    # An id that looks like a key is the caller's mistake; it is not made ours.
    request_id = scrub(request_id) if "smk_" in request_id else request_id
    return method[:16], route, status, round(seconds * 1000, 1), request_id
