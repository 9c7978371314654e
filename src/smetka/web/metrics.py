"""Counters and times for Prometheus. Each web process counts for itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """One application's metrics. Routes are templates: no id, code or unknown path becomes a label."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "smetka_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "smetka_request_seconds", "Time to answer a request.", ["route"], registry=self._registry
        )
        self._deliveries = Gauge(
            "smetka_deliveries",
            "Messages to the managers' chats, by state; the worker counts them every minute.",
            ["state"],
            registry=self._registry,
        )
        self._up = Gauge("smetka_up", "Whether a part answers: 1 or 0.", ["part"], registry=self._registry)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note an answered request."""
        # Whoever invents methods must not invent labels.
        requests, times = self._of(route, method if method in _METHODS else "other", status)
        requests.inc()
        times.observe(seconds)

    @cache  # noqa: B019 - one application's, of few routes; looking labels up costs more than counting
    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, method, status), self._seconds.labels(route)

    def text(self, up: Mapping[str, bool], deliveries: Mapping[str, int]) -> bytes:
        """Everything in Prometheus' text format, with whether each part is up right now.

        Args:
            deliveries: how many there are in each state; nothing is told when that is not known.
        """
        self._deliveries.clear()
        for state, number in deliveries.items():
            self._deliveries.labels(state).set(number)
        for part, is_up in up.items():
            self._up.labels(part).set(is_up)
        return generate_latest(self._registry)
