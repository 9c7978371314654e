"""The sender: takes what is due from the outbox, sends it, and writes down how it ended."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Literal
from zoneinfo import ZoneInfo

import structlog

from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError, Unreachable
from smetka.telegram.lease import Lease, since_boot
from smetka.telegram.messages import averages_message
from smetka.telegram.outbox import DELIVERED, FAILED, HELD, UNKNOWN, WAITING, Delivery, Outbox
from smetka.telegram.pacing import Pace
from smetka.telegram.reports import from_record

MOST_FAULTS = 10
LONGEST_BACK_OFF_SECONDS = 300.0
_CHECK_AGAIN_SECONDS = 60.0
_INTERRUPTED = "The sender was stopped while it was sending; whether it arrived is unknown."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Manner:
    """How messages are written, and what is done about a send whose outcome is unknown."""

    language: str
    timezone: ZoneInfo
    on_unknown: Literal["retry", "hold"]


@dataclass(frozen=True)
class Health:
    """How things are with Telegram, in a sentence for people."""

    ok: bool
    detail: str


class Sender:
    """Sends what is due, one message at a time. For one thread; any number of processes may run one.

    Delivered at least once: a send whose outcome is unknown is repeated (or held), and the report
    id in the message tells a repeat. Faults of Telegram's own and unknown outcomes count, and the
    tenth is the last. A wrong token, flood control and a network that is gone are nobody's fault:
    then everything waits, for as long as it takes.

    Attributes:
        health: how things are with Telegram.
        is_active: whether this process holds the lease.
    """

    def __init__(
        self,
        outbox: Outbox,
        lease: Lease,
        client: TelegramClient,
        *,
        manner: Manner,
        now: Callable[[], datetime],
        stopping: Event,
        clock: Callable[[], float] = since_boot,
    ) -> None:
        self._outbox, self._lease, self._client = outbox, lease, client
        self._manner, self._now, self._stopping, self._clock = manner, now, stopping, clock
        self._pace = Pace(clock)
        self._outages = 0
        self._paused_until = 0.0
        self._token_is_right = False
        self._moved: dict[int | str, int] = {}
        self._unrecorded: tuple[Delivery, str, dict[str, Any]] | None = None
        self._recovered_as: str | None = None
        self.is_active = False
        self.health = Health(ok=True, detail="Not asked yet.")

    def run_once(self) -> bool:
        """Do one thing that is to be done; False when there is nothing to do now.

        Raises:
            BonusStoreUnavailable: MongoDB is away. Call again: nothing is lost or forgotten.
        """
        self.is_active = self._lease.hold()
        if not self.is_active:
            return False
        try:
            return self._run_once()
        except Exception:
            self._recovered_as = None  # a claim may have been written all the same
            raise

    def _run_once(self) -> bool:
        self._record()
        if self._recovered_as != self._lease.owner:
            self._recover()
            self._recovered_as = self._lease.owner
        if self._clock() < self._paused_until or not self._has_right_token():
            return False
        delivery = self._outbox.next_due(busy=self._pace.busy_chats())
        if delivery is None or self._stopping.wait(self._pace.seconds_to_wait()):
            return False
        claimed = self._outbox.claim(delivery, self._lease.owner)
        if claimed:
            state, fields = self._send(claimed)
            # Kept until it is written: MongoDB may be away in just this moment.
            self._unrecorded = claimed, state, fields
            self._record()
        return True

    def _record(self) -> None:
        if self._unrecorded:
            claimed, state, fields = self._unrecorded
            settled = self._outbox.settle(claimed, state, **fields)
            self._unrecorded = None
            _log.info(
                "delivery",
                id=claimed.id,
                report_id=claimed.report_id,
                state=state if settled else "no longer ours",
                attempt=claimed.attempt,
                reason=fields.get("reason"),
            )

    def _recover(self) -> None:
        """See to what is claimed by nobody who lives: we alone send, and are not sending now."""
        for claimed in self._outbox.claimed():
            if claimed.owner == self._lease.owner:  # the claim succeeded without our knowing it
                self._outbox.settle(claimed, WAITING, next_attempt_at=self._now())
            else:
                state, fields = self._unknown_outcome(claimed, _INTERRUPTED)
                self._outbox.settle(claimed, state, **fields)
                _log.warning("delivery-interrupted", id=claimed.id, report_id=claimed.report_id, state=state)

    def _has_right_token(self) -> bool:
        """Ask once before the first message, and again after every outage."""
        if not self._token_is_right:
            try:
                self._client.get_me()
            except TelegramError as error:
                self._pause_for(error)
                return False
            self._went_well()
        return True

    def _send(self, claimed: Delivery) -> tuple[str, dict[str, Any]]:
        """The state the delivery ends in, and what else is to be written down."""
        chat = self._moved.get(claimed.send_to, claimed.send_to)
        try:
            text = self._written(claimed)
        except Exception:  # noqa: BLE001 - one that cannot be written must not stop the others
            _log.exception("delivery-not-writable", id=claimed.id)
            return FAILED, {"reason": "The message could not be written; the worker's log says why."}
        try:
            message_id = self._client.send_message(chat, text)
        except Refused as error:
            return self._refused(claimed, chat, error)
        except Unreachable as error:
            return self._unreachable(claimed, error)
        finally:
            self._pace.sent(claimed.chat)
        self._went_well()
        return DELIVERED, {
            "message_id": message_id,
            "delivered_at": self._now(),
            "send_to": chat,
            "reason": None,
        }

    def _written(self, claimed: Delivery) -> str:
        report, manner = from_record(claimed.report), self._manner
        return averages_message(
            report, claimed.report_id, manner.language, claimed.created_at, manner.timezone
        )

    def _refused(self, claimed: Delivery, chat: int | str, error: Refused) -> tuple[str, dict[str, Any]]:
        if error.is_token_wrong or error.code == 429:
            self._pause_for(error)
            return WAITING, self._later(self._paused_until - self._clock(), error.description)
        if error.migrate_to_chat_id is not None and error.migrate_to_chat_id != chat:
            self._moved[chat] = error.migrate_to_chat_id
            return self._faulty(claimed, error.description, send_to=error.migrate_to_chat_id, at_once=True)
        if error.is_temporary:
            self.health = Health(ok=False, detail=str(error))
            return self._faulty(claimed, error.description)
        return FAILED, {"reason": error.description}

    def _unreachable(self, claimed: Delivery, error: Unreachable) -> tuple[str, dict[str, Any]]:
        if error.outcome_unknown:
            self.health = Health(ok=False, detail=str(error))
            return self._unknown_outcome(claimed, str(error))
        self._pause_for(error)
        return WAITING, self._later(self._paused_until - self._clock(), str(error))

    def _unknown_outcome(self, claimed: Delivery, reason: str) -> tuple[str, dict[str, Any]]:
        if self._manner.on_unknown == "hold":
            return HELD, {"reason": reason}
        return self._faulty(claimed, reason, last=UNKNOWN)

    def _faulty(
        self, claimed: Delivery, reason: str, *, last: str = FAILED, at_once: bool = False, **fields: Any
    ) -> tuple[str, dict[str, Any]]:
        """Count a fault: wait longer each time, and stop after the tenth."""
        faults = claimed.faults + 1
        if faults >= MOST_FAULTS:
            return last, {"faults": faults, "reason": f"Given up after {faults} attempts: {reason}", **fields}
        wait = 0.0 if at_once else _back_off(faults)
        return WAITING, {"faults": faults, **self._later(wait, reason), **fields}

    def _later(self, seconds: float, reason: str) -> dict[str, Any]:
        return {"next_attempt_at": self._now() + timedelta(seconds=seconds), "reason": reason}

    def _pause_for(self, error: TelegramError) -> None:
        """Stop writing to anybody for a while: what happened would happen to every message."""
        self._token_is_right = isinstance(error, Refused) and error.code == 429
        match error:
            case Refused(code=429):
                seconds = (error.retry_after or 1) * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
                self.health = Health(ok=True, detail=f"Telegram asked to wait {error.retry_after or 1} s.")
            case Refused() if error.is_token_wrong:
                seconds = _CHECK_AGAIN_SECONDS
                self.health = Health(ok=False, detail=f"Telegram refuses the bot's token ({error.code}).")
            case _:
                self._outages += 1
                seconds = min(_back_off(self._outages), _CHECK_AGAIN_SECONDS)
                self.health = Health(ok=False, detail=str(error))
        self._paused_until = self._clock() + seconds
        _log.warning("telegram-paused", seconds=round(seconds, 1), reason=str(error))

    def _went_well(self) -> None:
        self._token_is_right, self._outages = True, 0
        self.health = Health(ok=True, detail="Telegram answers.")


def _back_off(faults: int) -> float:
    """Seconds to wait after so many faults: 1, 2, 4 … 300, and up to a quarter more or 300."""
    seconds = 2.0 ** min(faults - 1, 9) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
    return min(seconds, LONGEST_BACK_OFF_SECONDS)
