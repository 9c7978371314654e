"""What people wrote to the bot, as the Bot API tells it: in order, each until it was seen to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from smetka.core.errors import Unavailable
from smetka.telegram.client import MOST_UPDATES, TelegramClient
from smetka.telegram.errors import Endless, Refused, TelegramError
from smetka.telegram.passed_over import PassedOver
from smetka.telegram.state import Health

OLDEST_SECONDS = 600
"""What was asked longer ago, while nothing listened, is not answered any more; an invite still is."""

_BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_LISTENS = Health(ok=True, detail="The bot listens.")

_log = structlog.get_logger(__name__)


class Updates:
    """Hands over one update after the other, and confirms each when it was seen to. For one thread."""

    def __init__(self, client: TelegramClient, *, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now
        self._offset: int | None = None
        self._most = MOST_UPDATES
        self._has_caught_up = False
        self._held_since: datetime | None = None
        self._faults = 0
        self._hearing = _LISTENS
        self._passed_over = PassedOver(now)

    @property
    def health(self) -> Health:
        """Whether updates are heard, and for a day, which were passed over."""
        passed_over = self._passed_over.told()
        return (
            Health(ok=False, detail=f"{self._hearing.detail} {passed_over}") if passed_over else self._hearing
        )

    def poll(self, wait_seconds: int, see_to: Callable[[dict[str, Any]], None]) -> float:
        """Hand over what has happened since; returns the seconds after which to call again."""
        most = self._most
        try:
            updates = self._client.get_updates(self._offset, wait_seconds=wait_seconds, most=most)
        except Endless as error:
            return self._fewer(error)
        except TelegramError as error:
            return self.failed(error)
        self._faults, self._hearing = 0, _LISTENS
        self._most = min(2 * most, MOST_UPDATES)
        for update in updates:
            if not self._is_done(update, see_to):
                self._held_since = self._held_since or self._now()
                return 1.0  # the store is away: this update and those after it come again
        if len(updates) < most:
            self._has_caught_up, self._held_since = True, None
        return 0.0

    def failed(self, error: TelegramError) -> float:
        """What to say and how long to wait when the Bot API did not answer."""
        seconds = _BACK_OFF_SECONDS[min(self._faults, len(_BACK_OFF_SECONDS) - 1)]
        self._faults += 1
        if self._held_since is None:  # else what waits for the store was heard as it was said
            self._has_caught_up = False
        detail = f"The bot does not hear commands: {error}"
        if isinstance(error, Refused) and error.code == 409:
            detail = (
                "The bot does not hear commands: another program asks for its updates, or a webhook is set "
                f"({error.description}). SMETKA_TELEGRAM_COMMANDS=off leaves them to it."
            )
        if isinstance(error, Refused) and error.retry_after:
            seconds = max(seconds, error.retry_after)
        if detail != self._hearing.detail:
            _log.warning("bot-does-not-listen", reason=detail)
        self._hearing = Health(ok=False, detail=detail)
        return seconds

    def is_recent(self, message: dict[str, Any]) -> bool:
        """Whether a question is still to be answered."""
        if self._has_caught_up:
            return True  # it was heard as it was said, whatever this machine's clock shows
        date, now = message.get("date"), self._now()
        # While the store is away nothing grows old.
        oldest = (self._held_since or now).timestamp() - OLDEST_SECONDS
        return isinstance(date, int) and oldest < date < now.timestamp() + OLDEST_SECONDS

    def _fewer(self, error: Endless) -> float:
        """Ask for fewer at a time; what does not even come by itself is passed over."""
        if self._most > 1:
            self._most //= 2
            return 0.0
        if error.update is None:
            return self.failed(error)
        self._passed_over.add(error.update)
        self._offset = error.update + 1
        return 1.0

    def _is_done(self, update: dict[str, Any], see_to: Callable[[dict[str, Any]], None]) -> bool:
        """False when it must come again."""
        number = update.get("update_id")
        try:
            see_to(update)
        except Unavailable as error:
            if not self._passed_over.takes(number, error):
                return False
        except Exception as error:  # noqa: BLE001 - one update must not silence the bot for ever
            _log.error("update-passed-over", update=number, fault=type(error).__name__)
        if isinstance(number, int):
            self._offset = number + 1
        return True
