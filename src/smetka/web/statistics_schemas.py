"""What the statistics answer, as models that describe it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from smetka.settings import Basis
from smetka.web.schemas import Answer
from smetka.web.values import Amount, Count, Share, UserId, Year


class PeriodOut(Answer):
    """The days that figures of a year that is not over are of."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    from_: date = Field(alias="from", description="The first day of the year.")
    to: date = Field(description="Today in the shop's time zone; of a year that has not begun its last day.")
    finished: Literal[False]


class TotalSpent(Answer):
    """What one customer spent."""

    user_id: UserId
    total_spending: Amount
    payments: Count
    year: Year | None
    currency: str
    period: PeriodOut | None = Field(None, description="Only of a year that is not over.")


class AgeGroupAverages(Answer):
    """One age group's figures; averages are null when there is nothing to divide by."""

    age_group: str
    customers: Count
    spenders: Count
    payments: Count
    total_spending: Amount
    average_per_spender: Amount | None
    average_per_payment: Amount | None
    average_per_customer: Amount | None
    median_per_spender: Amount | None = Field(
        description="What the paying customer in the middle spent: half spent more, half less."
    )
    largest_share: Share | None = Field(
        description="The share of the group's total that the customer who spent most accounts for, from 0 to "
        "1; above 1 where refunds outweigh what the others paid, null where the total is not above 0."
    )


class OutsideGroups(Answer):
    """Customers in no age group: too young, or of unknown age."""

    customers: Count
    spenders: Count
    payments: Count
    total_spending: Amount


class DataQuality(Answer):
    """What could not be counted."""

    ignored_payments: Count
    orphan_payments: Count


class NotificationOut(Answer):
    """What became of the message to the managers."""

    status: Literal["queued", "already_sent", "suppressed", "disabled", "unavailable"]
    recipients: Count
    report_id: str | None
    reason: str | None = None


class AverageSpending(Answer):
    """The average spending of each age group, in the shop's order."""

    average_spending: dict[str, Amount | None]
    basis: Basis
    year: Year | None
    period: PeriodOut | None = Field(None, description="Only of a year that is not over.")
    currency: str
    age_groups: list[AgeGroupAverages]
    outside: OutsideGroups
    data_quality: DataQuality
    notification: NotificationOut
