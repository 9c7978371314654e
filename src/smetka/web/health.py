"""Whether the process lives, whether it can answer, and how much it did."""

from __future__ import annotations

from typing import Any

from flask import Response

from smetka.keys import Permission
from smetka.shop.services import Services
from smetka.web import metrics
from smetka.web.guards import may
from smetka.web.operations import Operations
from smetka.web.parts import parts
from smetka.web.probes import Finding
from smetka.web.refusals import NotReady
from smetka.web.schemas import Health, Readiness

health = Operations("Operations")


@health.get("/healthz", needs=None, answers={200: Health})
def healthz() -> Any:
    """Whether the web process answers; asks nobody else."""
    return {"status": "ok"}


@health.get("/readyz", needs=None, answers={200: Readiness}, refuses=(NotReady,))
def readyz(services: Services) -> Any:
    """Whether requests about data can be answered, and which part is not ready.

    503 when the ledger or MongoDB is away. The worker and Telegram are named, but messages wait
    for them and answers do not. Without the permission to read, only `ready` is told.
    """
    needed = parts().probes.findings()
    ready = all(finding.ready for finding in needed.values())
    answer: dict[str, Any] = {"ready": ready}
    if may(Permission.READ):
        state = services.worker_and_telegram()
        found = needed | {
            "worker": Finding(state.worker.ok, state.worker.detail),
            "telegram": Finding(state.telegram.ok, state.telegram.detail),
        }
        answer["parts"] = {name: finding.as_json() for name, finding in found.items()}
    if not ready:
        raise NotReady(answer)
    return answer


@health.get("/metrics", needs=Permission.READ, answers={200: "text/plain"})
def prometheus_metrics(services: Services) -> Any:
    """Counters and times in Prometheus' text format, of the web process that answers."""
    up = {name: finding.ready for name, finding in parts().probes.findings().items()}
    state = services.worker_and_telegram()
    up |= {"worker": state.worker.ok, "telegram": state.telegram.ok}
    return Response(parts().metrics.text(up, state.deliveries), content_type=metrics.CONTENT_TYPE)
