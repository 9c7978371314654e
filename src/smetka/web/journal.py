"""What is noted of every answer: its metrics and its line in the log."""

from __future__ import annotations

import structlog

from smetka.web.metrics import Metrics

# Asked by machines every few seconds, our own parent among them: no line for each.
_WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})

_log = structlog.get_logger(__name__)


def note(metrics: Metrics, *, route: str, method: str, status: int, seconds: float, request_id: str) -> None:
    """Note an answered request.

    Args:
        route: the template, not the path: ids and codes belong neither into logs nor into metrics.
    """
    metrics.observe(route, method, status, seconds)
    if route in _WATCHED and status < 500:
        return
    _log.info(
        "request",
        method=method[:16],
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        request_id=request_id,
    )
