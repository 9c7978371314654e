"""The Telegram worker: a process of its own that sends what waits in the outbox.

Started by `smetka serve` or `smetka worker` as `python -m smetka.runtime.worker`, with its settings in the
environment. It never ends by itself: while MongoDB or Telegram is away it waits.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread

import structlog

from smetka.core.errors import SmetkaError, Unavailable, WrongUsage
from smetka.core.logs import configure_logging
from smetka.core.processes import die_with
from smetka.core.shown_text import shown
from smetka.settings import (
    TOKEN_ELSEWHERE,
    Settings,
    as_text,
    load_settings,
    secrets_of,
    settings_from_parent,
)
from smetka.storage import Storage
from smetka.storage.lease import Lease
from smetka.telegram.bot import Bot
from smetka.telegram.chats import Chats
from smetka.telegram.client import TelegramClient
from smetka.telegram.delivery import DELIVERED
from smetka.telegram.figures import Figures
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.schedules import Schedules
from smetka.telegram.sender import LANES, Manner, Sender
from smetka.telegram.state import BEAT_SECONDS, Health, beat

STOP_SECONDS = 3.0
"""How long an orderly stop waits for a message under way."""

COUNT_SECONDS = 60.0
"""Deliveries are counted this often, for the metrics."""

IDLE_SECONDS = 0.25
MONGODB_AWAY_SECONDS = 0.5
UNEXPECTED_SECONDS = 5.0
SCHEDULE_SECONDS = 1.0
TELL_AGAIN_SECONDS = 60.0
NO_BOT = Health(ok=True, detail="No bot is configured; messages are disabled.")

_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

_log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Worker:
    """One thread that sends; the thread that calls `run` gives signs of life and waits for the end.

    Whatever may take long has a thread of its own: the end is not kept waiting, nor a sign of life.
    """

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._storage, self._stopping = storage, Event()
        self._token = _token(settings)
        self._lease = Lease(storage, "sender", now=_now)
        self._outbox = Outbox(storage, now=_now)
        self._counted: tuple[dict[str, int], datetime | None] = {}, None
        self._figures = _figures(settings) if self._token else None
        self._schedules = Schedules(
            storage, recipients=settings.telegram_chat_ids, timezone=settings.timezone, now=_now
        )
        chats = Chats(storage, now=_now)
        self._bot = self._make_bot(settings, chats)
        self._sender = Sender(
            self._outbox,
            chats,
            self._lease,
            [TelegramClient(self._token, settings.telegram_api_url) for _ in range(LANES)],
            manner=Manner(settings.language, settings.timezone, settings.telegram_on_unknown, self._figures),
            now=_now,
            stopping=self._stopping,
        )

    def _make_bot(self, settings: Settings, chats: Chats) -> Bot | None:
        if not self._token or settings.telegram_commands == "off":
            return None
        return Bot(
            TelegramClient(self._token, settings.telegram_api_url),
            chats=chats,
            outbox=self._outbox,
            invites=Invites(self._storage, now=_now),
            figures=self._figures,
            recipients=settings.telegram_chat_ids,
            now=_now,
        )

    def run(self, wait_for_stop: Callable[[float], bool]) -> None:
        """Work until told to stop; then wait at most `STOP_SECONDS` for the message under way.

        Args:
            wait_for_stop: waits so many seconds; true as soon as it is time to stop.
        """
        Thread(target=self._count_until_stopped, name="count", daemon=True).start()
        sending = Thread(target=self._send_until_stopped, name="sender", daemon=True)
        if self._token:
            sending.start()
            Thread(target=self._fire_until_stopped, name="schedules", daemon=True).start()
        if self._bot:
            Thread(target=self._listen_until_stopped, args=(self._bot,), name="bot", daemon=True).start()
        while not wait_for_stop(BEAT_SECONDS if self._beat() else MONGODB_AWAY_SECONDS):
            pass
        self._stopping.set()
        if self._token:
            sending.join(STOP_SECONDS + 1)
        self._storage.close()

    def _beat(self) -> bool:
        if self._token and not self._sender.is_active:
            return False  # a stand-by leaves the word to the one that sends; asked again soon
        deliveries, counted_at = self._counted
        try:
            name, telegram = ("worker", self._health()) if self._token else ("idle", NO_BOT)
            beat(
                self._storage,
                name=name,
                telegram=telegram,
                now=_now(),
                deliveries=deliveries,
                counted_at=counted_at,
            )
        except Unavailable:
            return False
        return True

    def _count_until_stopped(self) -> None:
        """Count deliveries; the first time all of them are looked at."""
        pause = 0.0
        while not self._stopping.wait(pause):
            if self._token and not self._sender.is_active:
                pause = IDLE_SECONDS
                continue
            pause = COUNT_SECONDS
            try:
                delivered, counted_at = self._outbox.delivered()
                self._counted = self._outbox.counts() | {DELIVERED: delivered}, counted_at
            except Unavailable:  # old figures are better than none
                pause = MONGODB_AWAY_SECONDS
            except Exception:  # noqa: BLE001 - as in the sending
                _log.exception("unexpected")

    def _health(self) -> Health:
        sending = self._sender.health
        if self._bot is None or self._bot.health.ok:
            return sending
        # Named, but not ill: messages go out all the same.
        return Health(ok=sending.ok, detail=f"{sending.detail} {self._bot.health.detail}")

    def _send_until_stopped(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = 0.0 if self._sender.run_once() else IDLE_SECONDS
            except Unavailable:  # the storage says so in the log
                pause = MONGODB_AWAY_SECONDS
            except Exception:  # noqa: BLE001 - a worker that ended would deliver nothing at all
                _log.exception("unexpected")
                pause = UNEXPECTED_SECONDS
            self._stopping.wait(pause)
        self._let_go()

    def _listen_until_stopped(self, bot: Bot) -> None:
        """Hear what people write. A poll that hangs ends with the process: what it brings comes again."""
        pause = IDLE_SECONDS
        while not self._stopping.wait(pause):
            try:
                pause = bot.poll() if self._sender.is_active else IDLE_SECONDS
            except Exception:  # noqa: BLE001 - as in the sending
                _log.exception("unexpected")
                pause = UNEXPECTED_SECONDS

    def _fire_until_stopped(self) -> None:
        """Queue what schedules have due. Beside the sending: a question to a large ledger takes seconds."""
        told_at = -TELL_AGAIN_SECONDS
        while not self._stopping.wait(SCHEDULE_SECONDS):
            if not self._sender.is_active or self._figures is None:
                continue
            try:
                self._schedules.fire(self._figures)
            except Exception as error:  # noqa: BLE001 - as in the sending
                if time.monotonic() - told_at < TELL_AGAIN_SECONDS:
                    continue
                told_at = time.monotonic()
                if isinstance(error, Unavailable):
                    _log.warning("schedules-wait", reason=error.reason)
                else:
                    _log.exception("unexpected")

    def _let_go(self) -> None:
        try:
            if not self._sender.finish(STOP_SECONDS):
                _log.warning("stopped-while-sending")  # the next sender takes its outcome for unknown
            self._lease.release()
        except Unavailable:
            _log.info("lease-not-released")  # whoever waits sees that this process is gone


def _figures(settings: Settings) -> Figures | None:
    if settings.ledger is None:
        _log.warning("no ledger is named: schedules wait, and the bot knows no figures")
        return None
    from smetka.shop.figures import ShopFigures  # it brings SQLAlchemy, which a worker without a bot spares

    return ShopFigures(settings, now=_now)


def run(settings: Settings) -> None:
    """Run the worker in this process until SIGTERM or Ctrl-C. `mongodb_uri` must be set."""
    # Blocked and waited for, in place of a handler: one that sets an Event while the same thread waits
    # for that Event can find its lock taken, and then hangs for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    _log.info("worker-started", bot=bool(_token(settings)), chats=len(settings.telegram_chat_ids))
    worker = Worker(settings, Storage(as_text(settings.mongodb_uri), data_dir=settings.data_dir))
    worker.run(lambda seconds: bool(signal.sigtimedwait(_STOP_SIGNALS, seconds)))
    _log.info("worker-stopped")


def main(arguments: list[str] | None = None) -> int:
    """Run the worker as a process of its own: exit status 0 after a stop, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m smetka.runtime.worker", description=__doc__)
    parser.add_argument("--parent", type=int, help="pid of the process to end with")
    options = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)  # one that comes early waits for `run`
    if options.parent is not None:
        die_with(options.parent)
    try:
        # Started by a parent, it has all settings from there, and none from the working directory.
        settings = load_settings() if options.parent is None else settings_from_parent()
        if settings.mongodb_uri is None:
            raise WrongUsage("SMETKA_MONGODB_URI is not set; `smetka worker` finds the running server's.")
    except SmetkaError as error:
        print(shown(str(error)), file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    configure_logging("worker", secrets=secrets_of(settings))
    run(settings)
    return 0


def _token(settings: Settings) -> str:
    """The bot's token, empty when this process has none."""
    token = settings.telegram_bot_token.get_secret_value() if settings.telegram_bot_token else ""
    return "" if token == TOKEN_ELSEWHERE else token


if __name__ == "__main__":
    sys.exit(main())
