"""What becomes of a voucher: reserved, redeemed, made void, reversed. Whoever is first wins."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smetka.bonus import vouchers
from smetka.bonus.audit import Audit
from smetka.bonus.errors import (
    AlreadyRedeemed,
    Expired,
    InProgress,
    NotYetValid,
    OtherCustomer,
    Reserved,
    Voided,
)
from smetka.bonus.outcomes import STATUS, answer_of, changed, remembered
from smetka.bonus.vouchers import Action, Event, Voucher
from smetka.core import exact_json
from smetka.core.errors import Fault, InvalidValue, WrongState
from smetka.core.shown_text import HIDDEN, has_hidden
from smetka.storage import Storage
from smetka.storage.values import milliseconds

RESERVED_MINUTES = 15
MOST_MINUTES = 24 * 60
LONGEST_HOLD = timedelta(days=1)
"""From a checkout's first reservation of a voucher to the end of its last one."""
UNDO_WITHIN = timedelta(minutes=1)
MOST_CHANGES = 200
"""Changes after which no till reserves or undoes any more, so that a voucher's record has an end."""


RULE = f"must be without what cannot be seen: {HIDDEN}"


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks of a voucher.

    Attributes:
        by: who asks, by the name of the key.
        user_id: refused when the voucher is not this customer's.
        reference: the shop's own name for the order.
        minutes: how long it is reserved.
        key: the same at each repetition of the same request, of any form.
        revision: what was seen; refused when the voucher was changed since.
    """

    action: Action
    by: str
    user_id: int | None = None
    reference: str | None = None
    reason: str | None = None
    minutes: int = RESERVED_MINUTES
    key: str | None = None
    revision: int | None = None

    def __post_init__(self) -> None:
        """Refuse what would read otherwise than it is; raises InvalidValue."""
        words = (("reference", self.reference), ("reason", self.reason))
        faults = [Fault(RULE, pointer=f"/{name}") for name, text in words if text and has_hidden(text)]
        if faults:
            raise InvalidValue(faults)

    @property
    def key_hash(self) -> str | None:
        """The key of this asker: another's of the same text is another key."""
        return None if self.key is None else _hash([self.by, self.key])

    @property
    def hash(self) -> str:
        """All that is asked for."""
        seen = [] if self.revision is None else [self.revision]
        return _hash([self.action, self.user_id, self.reference, self.reason, self.minutes, *seen])

    @property
    def holder(self) -> str:
        """Whose a reservation is."""
        return _holder(self.by, self.reference)


class Redemptions:
    """Changes vouchers, each by one compare-and-set on its document. Thread-safe.

    Every method raises BonusStoreUnavailable when MongoDB is away. Then the outcome is unknown, and the
    same order with the same key tells it.
    """

    def __init__(self, storage: Storage, audit: Audit, *, now: Callable[[], datetime]) -> None:
        self._storage, self._audit, self._now = storage, audit, now
        self._in_flight: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def carry_out(self, code: str, order: Order, *, undo: bool = False) -> dict[str, Any]:
        """Do what is asked, once. Returns what became of the voucher, as JSON.

        With a key, safe to repeat: what was carried out is answered as it was then, while that is the
        last word about the voucher.

        Args:
            code: in the spelling that is kept.
            undo: only what `may_undo` allows.

        Raises:
            UnknownCode: no voucher has it.
            OtherCustomer, Voided, AlreadyRedeemed, Expired, NotYetValid, Reserved, WrongState: its state.
            Changed: it is not as it was seen; or what was carried out under the key is not the last word.
            KeyReused: the key came before with another order about this voucher.
            InProgress: the same key's order is being carried out by this process.
        """
        with self._alone(code, order.key_hash):
            audit = None
            while True:  # each time round, somebody else has changed the voucher
                voucher = vouchers.find(self._storage, code)
                now = milliseconds(self._now())
                if (event := remembered(voucher, order.key_hash, order.hash, now)) is not None:
                    return answer_of(voucher, event)
                if undo and not self.may_undo(voucher, order.by):
                    raise WrongState("Only one's own redemption of the last minute can be undone here.")
                check(voucher, order, now)
                audit = audit or self._note(voucher, order)
                event = _event(voucher, order, now, audit)
                if self._replace(voucher, order, event):
                    return answer_of(voucher, event)

    def may_undo(self, voucher: Voucher, by: str) -> bool:
        """Whether `undo` would take the newest redemption back now."""
        last = voucher.history[-1] if voucher.history else None
        return (
            last is not None
            and (last.action, last.by) == ("redeem", by)
            and self._now() - last.at <= UNDO_WITHIN
            and len(voucher.history) < MOST_CHANGES
        )

    def undo(self, code: str, by: str, *, revision: int | None) -> dict[str, Any]:
        """Take back one's own redemption of a moment ago. Returns what became of the voucher, as JSON.

        Args:
            revision: of the voucher as it was seen.

        Raises:
            UnknownCode: no voucher has the code.
            WrongState: the last that happened to it is not a redemption by the same, within `UNDO_WITHIN`.
            Changed: it is one, and not the one that was seen.
        """
        order = Order("reverse", by, reason="undone at the cash desk", revision=revision)
        return self.carry_out(code, order, undo=True)

    def _note(self, voucher: Voucher, order: Order) -> str:
        return self._audit.note(
            order.action,
            order.by,
            amount=voucher.value,
            campaign=voucher.campaign,
            code=voucher.code,
            user_id=voucher.user_id,
            reference=order.reference,
            reason=order.reason,
        )

    def _replace(self, voucher: Voucher, order: Order, event: Event) -> bool:
        # The whole history is set: the embedded server has no $push that others could not interrupt.
        change = {
            "status": STATUS[order.action],
            "reserved_until": event.until,
            "holder": order.holder if order.action == "reserve" else None,
            "redeemed_at": event.at if order.action == "redeem" else None,
            "history": [each.as_record() for each in (*voucher.history, event)],
            "revision": voucher.revision + 1,
            "changed_at": milliseconds(self._now()),
        }
        expected = {"_id": voucher.code, "revision": voucher.revision}
        with self._storage.translated():
            result = self._storage.collection("vouchers").update_one(expected, {"$set": change})
        return bool(result.matched_count)

    @contextmanager
    def _alone(self, code: str, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        with self._lock:
            if (code, key) in self._in_flight:
                raise InProgress
            self._in_flight.add((code, key))
        try:
            yield
        finally:
            with self._lock:
                self._in_flight.discard((code, key))


def check(voucher: Voucher, order: Order, now: datetime) -> None:
    """Whether a voucher's state allows an order; raises what forbids it, the gravest first."""
    if order.user_id is not None and order.user_id != voucher.user_id:
        raise OtherCustomer(order.user_id)
    status = voucher.status_at(now)
    if status == "void":
        raise Voided(voucher.history[-1].at)
    if order.action == "reverse":
        if status not in {"redeemed", "reserved"}:
            raise WrongState(f"The voucher is {status}; only a redemption or a reservation can be reversed.")
    else:
        _check_use(voucher, order, status, now)
    if order.revision not in (None, voucher.revision):
        raise changed(voucher, now, "The voucher was changed since it was seen")


def _check_use(voucher: Voucher, order: Order, status: str, now: datetime) -> None:
    """Whether it can be redeemed, reserved or made void."""
    if status == "redeemed":
        raise AlreadyRedeemed(voucher.redeemed_at or voucher.history[-1].at)
    if now >= voucher.expires_at and not _is_promised(status, voucher, order):
        raise Expired(voucher.last_day, voucher.timezone, voucher.expires_at)
    if order.action == "void":
        return
    if now < voucher.valid_from:
        raise NotYetValid(voucher.first_day, voucher.timezone, voucher.valid_from)
    if status == "reserved" and voucher.holder != order.holder:
        raise Reserved(voucher.reserved_until or now, voucher.timezone)
    if order.action == "reserve":
        if len(voucher.history) >= MOST_CHANGES:
            raise WrongState(
                "The voucher was changed too often to be reserved once more; it can be redeemed."
            )
        if now >= _last_hold(voucher, order, now):
            raise WrongState(
                "The voucher was reserved for this checkout as long as it can be, a day from the first "
                "time; it can be redeemed."
            )


def _is_promised(status: str, voucher: Voucher, order: Order) -> bool:
    """Whether a reservation that outlives the voucher's last day still allows an order.

    It was promised to its holder until its own end, and to be redeemed, not to be made longer.
    """
    is_its_holders = order.action == "redeem" and voucher.holder == order.holder
    return status == "reserved" and (is_its_holders or order.action == "void")


def _last_hold(voucher: Voucher, order: Order, now: datetime) -> datetime:
    """When the last reservation of an order's holder ends, however often it is asked for.

    Counted from the holder's first one since the voucher was last redeemed, released or free for as long
    as a hold may be, also where others lay in between: a hold that has lapsed and is taken anew soon is a
    longer one.
    """
    first = later = now
    for event in reversed(voucher.history):
        if event.action != "reserve" or (event.until and later - event.until >= LONGEST_HOLD):
            break
        if _holder(event.by, event.reference) == order.holder:
            first = event.at
        later = event.at
    return first + LONGEST_HOLD


def _holder(by: str, reference: str | None) -> str:
    """Whose a reservation is: the order's, or the asker's where none is named."""
    return f"by {by}" if reference is None else f"for {reference}"


def _event(voucher: Voucher, order: Order, now: datetime, audit: str) -> Event:
    until = None
    if order.action == "reserve":
        until = min(now + timedelta(minutes=order.minutes), _last_hold(voucher, order, now))
    return Event(
        action=order.action,
        at=now,
        by=order.by,
        audit=audit,
        reference=order.reference,
        reason=order.reason,
        until=until,
        key=order.key_hash,
        order=order.hash if order.key is not None else None,
    )


def _hash(value: Any) -> str:
    return hashlib.sha256(exact_json.dumps(value).encode()).hexdigest()[:32]
