"""What the worker says about itself in MongoDB, so that the web server can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from smetka.core.errors import BonusStoreUnusable, Unavailable
from smetka.core.exact_json import instant
from smetka.storage import Storage

BEAT_SECONDS = 5.0
_SILENCE = timedelta(seconds=3 * BEAT_SECONDS)
_LIMIT_SECONDS = 0.5


@dataclass(frozen=True)
class Health:
    """How things are with Telegram, in a sentence for people."""

    ok: bool
    detail: str


class WorkerState(NamedTuple):
    """How the worker is, and how it finds Telegram."""

    worker: Health
    telegram: Health
    deliveries: Mapping[str, int] = MappingProxyType({})
    """How many there are in each state, as last counted."""
    counted_at: datetime | None = None
    """When that was: whatever was delivered later is not among them."""


def beat(
    storage: Storage,
    *,
    name: str,
    telegram: Health,
    now: datetime,
    deliveries: Mapping[str, int] = MappingProxyType({}),
    counted_at: datetime | None = None,
) -> None:
    """Write down that a worker is alive.

    Args:
        name: `worker` for the one that sends, `idle` for one that has no bot.
        deliveries: how many there are in each state; of those delivered, what was before `counted_at`.

    Raises:
        BonusStoreUnavailable: nothing is lost, the next beat is in a few seconds.
    """
    with storage.within(_LIMIT_SECONDS):
        storage.collection("workers").update_one(
            {"_id": name},
            {
                "$set": {
                    "alive_at": now,
                    "telegram": {"ok": telegram.ok, "detail": telegram.detail},
                    "deliveries": dict(deliveries),
                    "counted_at": counted_at,
                }
            },
            upsert=True,
        )


def worker_state(storage: Storage, now: datetime) -> WorkerState:
    """How worker and Telegram are, as last written. Never raises; takes half a second at most."""
    try:
        with storage.within(_LIMIT_SECONDS):
            found = {record["_id"]: record for record in storage.collection("workers").find()}
    except Unavailable as error:
        is_lasting = isinstance(error, BonusStoreUnusable)
        unknown = Health(
            ok=False,
            detail=f"Not known: MongoDB cannot be {'used as it is' if is_lasting else 'reached'}.",
        )
        return WorkerState(unknown, unknown)
    # A worker that sends counts for more than one that has no bot, which may run beside it.
    for name in ("worker", "idle"):
        # Either way: a sign from the future is of before the clock was set back.
        if name in found and abs(now - found[name]["alive_at"]) < _SILENCE:
            return WorkerState(
                Health(ok=True, detail="Running."),
                _telegram(found[name]),
                found[name].get("deliveries") or {},
                found[name].get("counted_at"),
            )
    newest = max((record["alive_at"] for record in found.values()), default=None)
    silent = Health(ok=False, detail=_silent_since(newest))
    return WorkerState(silent, Health(ok=False, detail="Not known: the worker is not running."))


def _telegram(record: dict[str, Any]) -> Health:
    return Health(ok=record["telegram"]["ok"], detail=record["telegram"]["detail"])


def _silent_since(time: datetime | None) -> str:
    if time is None:
        return "No worker has run yet."
    return f"No worker runs; the last sign was at {instant(time)}."
