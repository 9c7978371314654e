"""What the bot, the schedules and the messages ask the shop, in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from smetka.settings import Basis

if TYPE_CHECKING:
    from smetka.ledger import Person  # it brings SQLAlchemy, which a worker without a bot spares


class Figures(Protocol):
    """The shop's figures as JSON; amounts are int or Decimal, a year of None is all recorded spending.

    What is of a year that is not over has its `period`: `from`, `to` and `finished`, which is false.

    Every method raises LedgerUnavailable when the ledger cannot be read.
    """

    @property
    def current_year(self) -> int:
        """The calendar year in the shop's time zone."""

    def averages(self, year: int | None, basis: Basis | None = None) -> dict[str, Any]:
        """The answer of `GET /average_spending_by_age`, without `notification`."""

    def bonus(self, year: int) -> dict[str, Any]:
        """Who is due the bonus of a year by the ledger.

        `year`, `currency`, `threshold`, `customers_due`, `total_spending` (of those who are due, together),
        `near_misses` (customers up to a tenth below the threshold, those at it included), and
        `customers`: those ten who spent most, each with `user_id` and `total_spending`.
        """

    def shop(self, year: int | None) -> dict[str, Any]:
        """The shop as a whole.

        `year`, `currency`, `total_spending`, `customers`, `spenders`, `payments`, `median` (of what a
        spender spent; null without any), `top_tenth` (how many spenders are the top tenth, rounded up)
        and `top_tenth_spending` (what those spent together).
        """

    def customer(self, user_id: int, year: int | None) -> dict[str, Any]:
        """The answer of `GET /total_spent/<user_id>`.

        Raises:
            UnknownCustomer: nobody has that id.
        """

    def person(self, user_id: int) -> Person | None:
        """A customer's name and e-mail; None when nobody has that id."""
