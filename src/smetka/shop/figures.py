"""The shop's figures for messages, schedules and the bot, in a process that holds no web server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from smetka.bonus.due import due
from smetka.core.periods import OpenYear, open_year
from smetka.ledger import Ledger, Person
from smetka.settings import Basis, Settings, named_ledger
from smetka.spending.averages import Averages, average_by_age_group
from smetka.spending.distribution import distribution
from smetka.spending.remembered import Remembered


class ShopFigures:
    """Answers what `smetka.telegram.figures.Figures` asks, from the ledger as it is at each question.

    Averages are remembered while it stays the same: a report to fifty chats asks for the year before it
    fifty times.

    Args:
        ledger: whose figures they are; the shop's own unless given, and then closed with them.
        averages: of the same ledger, where they are remembered already.

    Raises:
        WrongUsage: no ledger is given or named.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        ledger: Ledger | None = None,
        averages: Remembered[int | None, Averages] | None = None,
    ) -> None:
        self._settings, self._now = settings, now
        shop = self._ledger = ledger or Ledger(named_ledger(settings))
        self._averages = averages or Remembered(
            shop.version, lambda year: average_by_age_group(shop, settings.age_groups, year)
        )

    @property
    def today(self) -> date:
        """The day in the shop's time zone."""
        return self._now().astimezone(self._settings.timezone).date()

    @property
    def current_year(self) -> int:
        """The calendar year in the shop's time zone."""
        return self.today.year

    def averages(self, year: int | None, basis: Basis | None = None) -> dict[str, Any]:
        """The averages by age group, as the web server answers them."""
        return self._averages(year).as_json(
            basis=basis or self._settings.average_basis,
            currency=self._settings.currency,
            period=self._period(year),
        )

    def bonus(self, year: int) -> dict[str, Any]:
        """Who is due the bonus of a year."""
        found = due(self._ledger, year, self._settings.bonus_threshold)
        return self._with_period(year, found.as_json(currency=self._settings.currency))

    def shop(self, year: int | None) -> dict[str, Any]:
        """The shop as a whole."""
        found = distribution(self._ledger, year)
        return self._with_period(year, found.as_json(currency=self._settings.currency))

    def customer(self, user_id: int, year: int | None) -> dict[str, Any]:
        """What one customer spent."""
        total = self._ledger.total_spent(user_id, year)
        return total.as_json(year=year, currency=self._settings.currency, period=self._period(year))

    def person(self, user_id: int) -> Person | None:
        """A customer's name and e-mail."""
        return self._ledger.person(user_id)

    def _period(self, year: int | None) -> OpenYear | None:
        return open_year(year, self.today)

    def _with_period(self, year: int | None, report: dict[str, Any]) -> dict[str, Any]:
        period = self._period(year)
        return report if period is None else {**report, "period": period.as_json()}

    def close(self) -> None:
        """Let go of the file. Safe to repeat."""
        self._ledger.close()
