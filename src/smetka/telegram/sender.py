"""The sender: takes what is due from the outbox, sends it, and writes down how it ended."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Literal
from zoneinfo import ZoneInfo

import structlog

from smetka.storage.lease import Lease, since_boot
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.delivery import DELIVERED, FAILED, WAITING, Delivery
from smetka.telegram.due import Due
from smetka.telegram.endings import Ending, back_off, faulty, later, unknown_outcome
from smetka.telegram.errors import Refused, TelegramError, Unreachable
from smetka.telegram.figures import Figures
from smetka.telegram.flights import Flight, Flights
from smetka.telegram.messages import compose
from smetka.telegram.outbox import Outbox
from smetka.telegram.pacing import GROUP_LIMIT, Pace
from smetka.telegram.pauses import Pauses
from smetka.telegram.state import Health
from smetka.telegram.topics import ChatId, chat_of, join, split

LANES = 8
"""Messages that may be on their way at once, each to another chat: one slow call delays no other chat."""

_CHECK_AGAIN_SECONDS = 60.0
_LANE_WAIT_SECONDS = 0.5
_INTERRUPTED = "The sender was stopped while it was sending; whether it arrived is unknown."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Manner:
    """How messages are written, and what is done about a send whose outcome is unknown.

    `figures` are asked when a message is written: for the year before, and names, which no record holds.
    """

    language: Literal["en", "mk"]
    timezone: ZoneInfo
    on_unknown: Literal["retry", "hold"]
    figures: Figures | None = None


class Sender:
    """Sends what is due. For one thread; any number of processes may run one.

    Delivered at least once: a send whose outcome is unknown is repeated (or held), and the report
    id in the message tells a repeat. Faults of Telegram's own and unknown outcomes count, and the
    tenth is the last. A wrong token, flood control and a network that is gone are nobody's fault:
    then everything waits, for as long as it takes. A chat that cannot be written to is paused.

    Args:
        clients: as many messages are on their way at once; with a single one each is waited for.

    Attributes:
        health: how things are with Telegram.
        is_active: whether this process holds the lease.
    """

    def __init__(
        self,
        outbox: Outbox,
        chats: Chats,
        lease: Lease,
        clients: Sequence[TelegramClient],
        *,
        manner: Manner,
        now: Callable[[], datetime],
        stopping: Event,
        clock: Callable[[], float] = since_boot,
    ) -> None:
        self._outbox, self._chats, self._lease, self._manner = outbox, chats, lease, manner
        self._now, self._stopping, self._clock = now, stopping, clock
        self._flights = Flights(clients)
        # What is to be written to MongoDB, in this order, each safe to repeat. Kept until it is
        # written: MongoDB may be away in just the moment in which a send ends.
        self._unwritten: deque[Callable[[], object]] = deque()
        self._pace = Pace(clock)
        self._due = Due(outbox, self._pace)
        self._outages = 0
        self._paused_until = 0.0
        self._pauses = Pauses(chats, self._unwritten.append, now=now)
        self._token_is_right = False
        self._recovered_as: str | None = None
        self._paced_as: str | None = None
        self.is_active = False
        self._telegram = Health(ok=True, detail="Not checked yet.")

    @property
    def health(self) -> Health:
        """How things are with Telegram, and which chats nothing is sent to."""
        return Health(self._telegram.ok, self._telegram.detail + self._pauses.told)

    def run_once(self) -> bool:
        """Do one thing that is to be done; False when there is nothing to do now.

        Raises:
            BonusStoreUnavailable: MongoDB is away. Call again: nothing is lost or forgotten.
        """
        self._collect()
        self.is_active = self._lease.hold()
        if not self.is_active:
            return False
        try:
            return self._run_once()
        except Exception:
            self._recovered_as = None  # a claim may have been written all the same
            raise

    def finish(self, seconds: float) -> bool:
        """Wait for what is on its way and write down how it ended; False when time did not suffice.

        Raises:
            BonusStoreUnavailable: MongoDB is away; the next sender takes the outcomes for unknown.
        """
        self._flights.wait_for_all(seconds)
        self._collect()
        self._write()
        return not self._flights

    def _run_once(self) -> bool:
        wrote = self._write()
        if self._recovered_as != self._lease.owner:
            self._recover()
            self._recovered_as = self._lease.owner
        if self._clock() < self._paused_until:
            return wrote
        free = self._flights.free
        if free is None:
            self._flights.wait_for_one(_LANE_WAIT_SECONDS)
            return True
        if not self._has_right_token(free):
            return wrote
        if pause := self._pace.seconds_to_wait():
            return not self._stopping.wait(min(pause, _LANE_WAIT_SECONDS))
        delivery = self._due.next()
        if delivery is None:
            return wrote or self._flights.wait_for_one(0.05)
        if claimed := self._outbox.claim(delivery, self._lease.owner):
            self._send(claimed)
            self._write()
        return True

    def _write(self) -> bool:
        """Write down what has ended; False when there was nothing."""
        wrote = bool(self._unwritten)
        while self._unwritten:
            self._unwritten[0]()
            self._unwritten.popleft()
        return wrote

    def _recover(self) -> None:
        """See to what is claimed by nobody who lives: we alone send, and know what is on its way."""
        for claimed in self._outbox.claimed():
            if claimed.id in self._flights.claimed:
                continue
            if claimed.owner == self._lease.owner:  # the claim succeeded without our knowing it
                self._outbox.settle(claimed, WAITING, next_attempt_at=self._now())
            else:
                ending = self._unknown_outcome(claimed, _INTERRUPTED)
                self._outbox.settle(claimed, ending.state, **ending.fields)
                _log.warning(
                    "delivery-interrupted", id=claimed.id, report_id=claimed.report_id, state=ending.state
                )
        self._due.forget()
        if self._paced_as != self._lease.owner:
            # Telegram does not care which process sent what it counts.
            for sent in self._outbox.touched_since(timedelta(seconds=GROUP_LIMIT[1])):
                self._pace.remember(sent.chat)
            self._paced_as = self._lease.owner
        self._pauses.look()

    def _has_right_token(self, client: TelegramClient) -> bool:
        """Ask once before the first message, and again after every outage."""
        if not self._token_is_right:
            try:
                client.get_me()
            except TelegramError as error:
                self._pause_for(error)
                return False
            self._went_well()
        return True

    def _send(self, claimed: Delivery) -> None:
        chat = self._chats.get(claimed.chat)
        if (ending := self._pauses.stops(claimed, chat)) is not None:
            self._settle(claimed, ending)
            return
        try:
            language = claimed.language or chat.language or self._manner.language
            parts = compose(claimed, language, self._manner.timezone, self._manner.figures)
        except Exception:  # noqa: BLE001 - one that cannot be written must not stop the others
            _log.exception("delivery-not-writable", id=claimed.id)
            reason = "The message could not be written; the worker's log says why."
            self._settle(claimed, Ending(FAILED, {"reason": reason}))
            return
        missing = [part for part in parts if part.name not in claimed.sent]
        if not missing:
            self._settle(claimed, Ending(DELIVERED, {"reason": None, "delivered_at": self._now()}))
            return
        self._pace.start(claimed.chat)
        self._flights.take_off(
            Flight(claimed, chat.moved_to or claimed.send_to, missing[0], last=len(missing) == 1)
        )
        self._collect()

    def _collect(self) -> None:
        """Judge what has landed."""
        for flight, outcome in self._flights.landed():
            self._pace.end(flight.claimed.chat)
            self._settle(flight.claimed, self._ending(flight, outcome))

    def _settle(self, claimed: Delivery, ending: Ending) -> None:
        self._unwritten.append(partial(self._settled, claimed, ending))

    def _settled(self, claimed: Delivery, ending: Ending) -> None:
        settled = self._outbox.settle(claimed, ending.state, **ending.fields)
        _log.info(
            "delivery",
            id=claimed.id,
            report_id=claimed.report_id,
            state=ending.state if settled else "no longer ours",
            attempt=claimed.attempt,
            reason=ending.fields.get("reason"),
        )

    def _ending(self, flight: Flight, outcome: Future[int]) -> Ending:
        claimed = flight.claimed
        try:
            message_id = outcome.result()
        except Refused as error:
            return self._refused(flight, error)
        except Unreachable as error:
            return self._unreachable(claimed, error)
        except Exception:  # noqa: BLE001 - a fault of ours must not stop the others
            _log.exception("delivery-not-sent", id=claimed.id)
            return self._unknown_outcome(claimed, "A fault in Smetka; the worker's log says which.")
        self._went_well()
        self._pauses.went_well(claimed)
        sent = {**claimed.sent, flight.part.name: message_id}
        fields = {
            "sent": [{"part": name, "message_id": number} for name, number in sent.items()],
            "message_id": claimed.message_id or message_id,
            "send_to": flight.send_to,
            "reason": None,
        }
        if flight.last:
            return Ending(DELIVERED, {**fields, "delivered_at": self._now()})
        # Due as long as before: what belongs together arrives together.
        return Ending(WAITING, fields)

    def _refused(self, flight: Flight, error: Refused) -> Ending:
        claimed = flight.claimed
        if error.is_token_wrong:
            self._pause_for(error)
            return later(self._now(), self._paused_until - self._clock(), error.description)
        if error.code == 429:
            return later(self._now(), self._flood(claimed.chat, error), error.description)
        if error.migrate_to_chat_id is not None and error.migrate_to_chat_id != chat_of(flight.send_to):
            self._unwritten.append(partial(self._chats.moved, claimed.chat, error.migrate_to_chat_id))
            moved_to = join(error.migrate_to_chat_id, split(claimed.chat)[1])
            return faulty(claimed, self._now(), error.description, at_once=True, send_to=moved_to)
        if error.is_temporary:
            self._telegram = Health(ok=False, detail=str(error))
            return faulty(claimed, self._now(), error.description)
        return self._pauses.refused(flight, error)

    def _flood(self, chat: ChatId, error: Refused) -> float:
        """Leave the chat alone for as long as was asked, and everybody when it is not this chat alone."""
        seconds = (error.retry_after or 1) * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
        if self._pace.are_others_paused(chat):
            self._pause_for(error)
            return max(seconds, self._paused_until - self._clock())
        self._pace.pause(chat, seconds)
        self._telegram = Health(ok=True, detail=f"Telegram asked to wait {error.retry_after or 1} s.")
        _log.warning("chat-must-wait", chat=chat, seconds=round(seconds, 1), reason=str(error))
        return seconds

    def _unreachable(self, claimed: Delivery, error: Unreachable) -> Ending:
        if error.outcome_unknown:
            self._telegram = Health(ok=False, detail=str(error))
            return self._unknown_outcome(claimed, str(error))
        self._pause_for(error)
        return later(self._now(), self._paused_until - self._clock(), str(error))

    def _unknown_outcome(self, claimed: Delivery, reason: str) -> Ending:
        return unknown_outcome(claimed, self._now(), reason, self._manner.on_unknown)

    def _pause_for(self, error: TelegramError) -> None:
        """Stop writing to anybody for a while: what happened would happen to every message."""
        self._token_is_right = isinstance(error, Refused) and error.code == 429
        match error:
            case Refused(code=429):
                seconds = (error.retry_after or 1) * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
                self._telegram = Health(ok=True, detail=f"Telegram asked to wait {error.retry_after or 1} s.")
            case Refused() if error.is_token_wrong:
                seconds = _CHECK_AGAIN_SECONDS
                self._telegram = Health(ok=False, detail=f"Telegram refuses the bot's token ({error.code}).")
            case _:
                # Several lanes may find the same outage.
                self._outages += self._clock() >= self._paused_until
                seconds = min(back_off(self._outages), _CHECK_AGAIN_SECONDS)
                self._telegram = Health(ok=False, detail=str(error))
        self._paused_until = self._clock() + seconds
        _log.warning("telegram-paused", seconds=round(seconds, 1), reason=str(error))

    def _went_well(self) -> None:
        self._token_is_right, self._outages = True, 0
        self._telegram = Health(ok=True, detail="Telegram is reachable.")
