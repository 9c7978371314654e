"""Campaigns, vouchers and the audit: what goes in and comes out, as models."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from smetka.bonus.issuing import Confirmed
from smetka.bonus.redemptions import RESERVED_MINUTES
from smetka.web.schemas import Answer, Input
from smetka.web.values import (
    Amount,
    AmountNumber,
    AuditCursor,
    CampaignName,
    CodeText,
    Count,
    DayText,
    Instant,
    Limit,
    Minutes,
    OptionalAmount,
    OptionalCount,
    OptionalDayText,
    OptionalNumber,
    OptionalSum,
    OptionalUserId,
    OptionalWords,
    PositiveAmount,
    UserCursor,
    UserId,
    Words,
    Year,
    YearNumber,
)


class TierIn(Input):
    """Vouchers of another value for those who spent more."""

    above: AmountNumber = Field(description="What a total must exceed.")
    value: PositiveAmount = Field(description="What the voucher is worth then.")


class CampaignIn(Input):
    """The rules of a campaign; they never change."""

    example: ClassVar[dict[str, Any]] = {
        "name": "year-end-2026",
        "year": 2026,
        "threshold": 1000,
        "voucher_value": 500,
        "valid_until": "2027-01-31",
        "budget": 100000,
        "tiers": [{"above": 5000, "value": 1500}],
    }

    name: CampaignName = Field(description="Letters, digits, dots, dashes and underscores.")
    year: YearNumber = Field(description="The calendar year whose spending counts.")
    threshold: OptionalAmount = Field(
        None,
        description="What a customer must have spent more than; the shop's setting decides unless given.",
    )
    voucher_value: PositiveAmount = Field(description="What a voucher is worth.")
    valid_from: OptionalDayText = Field(None, description="The first day; today unless given.")
    valid_until: DayText = Field(description="The last day, until its end in the shop's time zone.")
    budget: OptionalAmount = Field(None, description="What all vouchers may be worth together.")
    most_vouchers: OptionalCount = Field(None, description="How many vouchers there may be.")
    tiers: list[TierIn] = Field([], description="Other values for higher totals; the highest wins.")


class CampaignPath(Input):
    """A campaign."""

    name: CampaignName = Field(description="The campaign's name.", examples=["year-end-2026"])


class CampaignVouchersQuery(Input):
    """A page of a campaign's vouchers."""

    limit: Limit = Field(50, description="How many items a page has at most.")
    cursor: UserCursor = Field(None, description="`next` of the page before; without it, the first page.")


class VoucherPath(Input):
    """A voucher."""

    code: CodeText = Field(
        description="The code, in any spelling: case, spaces, dashes and look-alike letters are repaired.",
        examples=["2CXF-8ZKW-T5W2"],
    )


class RedeemIn(Input):
    """Who redeems, and for what."""

    example: ClassVar[dict[str, Any]] = {"reference": "order 2027-0042", "user_id": 1}

    reference: OptionalWords = Field(None, description="The shop's own name for the order; no personal data.")
    user_id: OptionalUserId = Field(None, description="Refused when the voucher is another customer's.")


class ReserveIn(RedeemIn):
    """Who reserves, for what and how long."""

    example: ClassVar[dict[str, Any]] = {"reference": "order 2027-0042", "minutes": 15}

    minutes: Minutes = Field(RESERVED_MINUTES, description="How long nobody else may redeem it.")


_REVISION = "`revision` of the voucher as it was seen; refused when it was changed since."


class VoidIn(Input):
    """Why a voucher is made void."""

    example: ClassVar[dict[str, Any]] = {"reason": "printed twice"}

    reason: Words = Field(description="Why; stays in the voucher's history.")
    revision: OptionalNumber = Field(None, description=_REVISION)


class ReverseIn(Input):
    """Why a redemption is reversed."""

    example: ClassVar[dict[str, Any]] = {"reason": "the order was cancelled"}

    reason: OptionalWords = Field(None, description="Why; stays in the voucher's history.")
    revision: OptionalNumber = Field(None, description=_REVISION)


class ConfirmedIn(Input):
    """The preview's figures that the vouchers are issued by; what is left out is not compared."""

    example: ClassVar[dict[str, Any]] = {"customers_reached": 2, "cost_within_budget": 1000}

    customers_reached: OptionalNumber = Field(None, description="As the preview said.")
    cost_within_budget: OptionalSum = Field(None, description="As the preview said.")

    @property
    def confirmed(self) -> Confirmed:
        """The same, to be compared."""
        return Confirmed(self.customers_reached, self.cost_within_budget)


class AuditQuery(Input):
    """A page of the audit."""

    limit: Limit = Field(50, description="How many items a page has at most.")
    cursor: AuditCursor = Field(None, description="`next` of the page before; without it, the first page.")


class TierOut(Answer):
    """A tier of a campaign."""

    above: Amount
    value: Amount


class CampaignOut(Answer):
    """A campaign's rules."""

    name: str
    year: Year
    currency: str
    threshold: Amount
    voucher_value: Amount
    tiers: list[TierOut]
    budget: Amount | None
    most_vouchers: Count | None
    valid_from: str
    valid_until: str
    timezone: str
    expires_at: Instant
    created_at: Instant
    issues: Count = Field(description="How often vouchers were issued.")
    is_issuing: bool = Field(description="Whether an issue is under way, or was interrupted.")


class CampaignList(Answer):
    """All campaigns, the newest first."""

    items: list[CampaignOut]
    next: str | None


class CountAndValue(Answer):
    """Vouchers, and what they are worth together."""

    vouchers: Count
    value: Amount


class CampaignFigures(CampaignOut):
    """A campaign, and what became of its vouchers."""

    vouchers: CountAndValue
    by_status: dict[str, CountAndValue]
    redeemed_by_day: list[dict[str, Any]]
    by_age_group: list[dict[str, Any]] | None = Field(description="null while the ledger is away.")


class CountAndCost(Answer):
    """Customers, and what their vouchers cost together."""

    customers: Count
    cost: Amount


class CampaignPreview(CampaignOut):
    """What issuing now would do."""

    customers_due: Count
    cost: Amount = Field(description="Of vouchers for all who are due, whatever the budget.")
    customers_reached: Count = Field(description="In the end: with those already issued and begun.")
    cost_within_budget: Amount
    already_issued: CountAndCost
    begun: CountAndCost = Field(
        description="Of an issue that is under way or was interrupted: not written yet, and written first."
    )
    left_out: dict[str, Any]
    tie: dict[str, Any] | None
    by_tier: list[dict[str, Any]]
    by_age_group: list[dict[str, Any]]
    near_misses: dict[str, Any]
    other_thresholds: list[dict[str, Any]]
    submissions: dict[str, Count]
    warnings: list[str]


class IssuedOut(Answer):
    """What issuing did."""

    campaign: str
    currency: str
    vouchers_issued: Count
    cost: Amount
    customers_left_out: Count
    issues: Count


class VoucherOut(Answer):
    """A voucher, its state at this moment and how it came to it."""

    code: str
    status: str
    value: Amount
    currency: str
    user_id: UserId
    campaign: str
    total_spending: Amount
    source: str
    valid_from: str
    valid_until: str
    timezone: str
    expires_at: Instant
    issued_at: Instant
    reserved_until: Instant | None
    redeemed_at: Instant | None
    revision: Count = Field(description="Grows with each change.")
    history: list[dict[str, Any]]


class VoucherList(Answer):
    """A page of vouchers, by user id."""

    items: list[VoucherOut]
    next: str | None


class VoucherChanged(Answer):
    """What became of a voucher."""

    code: str
    status: str
    value: Amount
    currency: str
    user_id: UserId
    campaign: str
    reference: str | None
    redeemed_at: Instant | None = None
    reserved_until: Instant | None = None
    voided_at: Instant | None = None
    reversed_at: Instant | None = None
    valid_until: str | None = None


class AuditEntryOut(Answer):
    """Who did what."""

    id: str
    at: Instant
    by: str
    action: str
    campaign: str | None
    code: str | None
    user_id: UserId | None
    year: Year | None
    reference: str | None
    reason: str | None
    customers: Count | None = Field(description="Of an issue: how many customers were confirmed.")
    amount: Amount | None = Field(
        description="The figure decided on: a stored total, a voucher's value, an issue's confirmed cost."
    )
    happened: bool | None = Field(
        description="Of vouchers: false when it was interrupted, or somebody was faster. null elsewhere."
    )


class AuditList(Answer):
    """A page of the audit, the newest first."""

    items: list[AuditEntryOut]
    next: str | None
