"""What becomes of a delivery after a send that did not succeed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from smetka.telegram.delivery import FAILED, HELD, UNKNOWN, WAITING, Delivery

MOST_FAULTS = 10
LONGEST_BACK_OFF_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Ending:
    """The state a delivery ends in, and what else is to be written down."""

    state: str
    fields: dict[str, Any]


def later(now: datetime, seconds: float, reason: str) -> Ending:
    """It waits, and nobody is to blame."""
    return Ending(WAITING, {"next_attempt_at": now + timedelta(seconds=seconds), "reason": reason})


def faulty(
    claimed: Delivery, now: datetime, reason: str, *, last: str = FAILED, at_once: bool = False, **fields: Any
) -> Ending:
    """Count a fault: it waits longer each time, and stops after the tenth."""
    faults = claimed.faults + 1
    if faults >= MOST_FAULTS:
        why = f"Given up after {faults} attempts: {reason}"
        return Ending(last, {"faults": faults, "reason": why, **fields})
    waiting = later(now, 0.0 if at_once else back_off(faults), reason)
    return Ending(WAITING, {"faults": faults, **waiting.fields, **fields})


def unknown_outcome(
    claimed: Delivery, now: datetime, reason: str, on_unknown: Literal["retry", "hold"]
) -> Ending:
    """It may have arrived: it is sent again, or held for an operator."""
    if on_unknown == "hold":
        return Ending(HELD, {"reason": reason})
    return faulty(claimed, now, reason, last=UNKNOWN)


def back_off(faults: int) -> float:
    """Seconds to wait after so many faults: 1, 2, 4 … 300, and up to a quarter more or 300."""
    seconds = 2.0 ** min(faults - 1, 9) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
    return min(seconds, LONGEST_BACK_OFF_SECONDS)
