"""What became of a voucher, as it is answered, and answered again to the same Idempotency-Key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smetka.bonus.errors import KeyReused
from smetka.bonus.vouchers import Action, Event, Voucher, status_at
from smetka.core.errors import Changed
from smetka.core.exact_json import instant

STATUS: dict[Action, str] = {
    "redeem": "redeemed",
    "reserve": "reserved",
    "void": "void",
    "reverse": "issued",
}
"""The state that each change leaves behind, as it is kept."""


def remembered(voucher: Voucher, key: str | None, order: str | None, now: datetime) -> Event | None:
    """What was carried out under a key before, while it is the last word about the voucher.

    Args:
        key, order: hashes of both.

    Raises:
        KeyReused: it was another order.
        Changed: something has happened to the voucher since, if only that time has passed it by.
    """
    for event in voucher.history:
        if key is not None and event.key == key:
            if event.order != order:
                raise KeyReused
            if event is not voucher.history[-1] or voucher.status_at(now) != _became(voucher, event):
                done = f"What this Idempotency-Key asked for was done at {instant(event.at)}"
                raise changed(voucher, now, f"{done}, and is not the last word")
            return event
    return None


def changed(voucher: Voucher, now: datetime, what: str) -> Changed:
    """That a voucher is in another state than it was taken to be in; with that state."""
    state = voucher.status_at(now)
    until = voucher.reserved_until if state == "reserved" else None
    return Changed(
        f"{what}: it is {state} now. Nothing was changed.",
        {
            "state": state,
            "revision": voucher.revision,
            "redeemed_at": instant(voucher.redeemed_at) if voucher.redeemed_at else None,
            "reserved_until": instant(until) if until else None,
        },
    )


def _became(voucher: Voucher, event: Event) -> str:
    """The voucher's state right after a change: what is taken back after the last day is expired."""
    return status_at(STATUS[event.action], voucher.expires_at, event.until, event.at)


def answer_of(voucher: Voucher, event: Event) -> dict[str, Any]:
    """A change, as whoever asked for it is answered."""
    answer = {
        "code": voucher.code,
        "status": _became(voucher, event),
        "value": voucher.value.number,
        "currency": voucher.currency,
        "user_id": voucher.user_id,
        "campaign": voucher.campaign,
        "reference": event.reference,
    }
    match event.action:
        case "redeem":
            return answer | {"redeemed_at": instant(event.at)}
        case "reserve":
            return answer | {
                "reserved_until": instant(event.until or event.at),
                "valid_until": str(voucher.last_day),
            }
        case "void":
            return answer | {"voided_at": instant(event.at)}
        case "reverse":
            return answer | {"reversed_at": instant(event.at), "valid_until": str(voucher.last_day)}
