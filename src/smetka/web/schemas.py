"""What goes in and comes out, as models. The inputs are enforced; the answers are described by them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from smetka.web.values import (
    Amount,
    AmountNumber,
    BasisChoice,
    ChatChoice,
    Count,
    Cursor,
    CustomerCursor,
    DeliveryId,
    DeliveryState,
    Flag,
    Instant,
    Limit,
    OptionalFlag,
    OptionalYearNumber,
    ReviewChoice,
    SortChoice,
    SourceChoice,
    UserId,
    UserIdNumber,
    UserIdText,
    Year,
    YearFilter,
    YearText,
)


class Input(BaseModel):
    """A part of a request; unknown names are faults. `unknown` explains those people are likely to try."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown: ClassVar[dict[str, str]] = {}
    example: ClassVar[dict[str, Any]] = {}


class NoQuery(Input):
    """No query parameter at all."""


class NoPath(Input):
    """A path without variable parts."""


class CustomerPath(Input):
    """A customer in a path."""

    user_id: UserIdText = Field(description="The customer's id in the ledger.")


class BonusCustomerPath(Input):
    """A customer's record for a year's bonus."""

    year: YearText = Field(description="The year of the bonus.", examples=[2026])
    user_id: UserIdText = Field(description="The customer's id in the ledger.")


class YearQuery(Input):
    """Statistics of one calendar year, or of all."""

    year: YearFilter = Field(
        None, description="A calendar year in the shop's time zone; without it, all recorded spending."
    )


class AveragesQuery(YearQuery):
    """What the averages are of, and whether the managers hear of it."""

    unknown: ClassVar[dict[str, str]] = {
        "user_id": "is not a parameter here; one customer's spending is at /total_spent/<user_id>"
    }

    basis: BasisChoice = Field(
        None, description="What the headline average is per; the shop's setting decides unless given."
    )
    notify: Flag = Field(True, description="Whether the managers' chats are told.")


class ListQuery(Input):
    """A page of a list."""

    limit: Limit = Field(50, description="How many items a page has at most.")
    cursor: Cursor = Field(None, description="`next` of the page before; without it, the first page.")


class BonusCustomersQuery(Input):
    """A page of bonus customers."""

    year: YearFilter = Field(None, description="Of the bonus; without it, all years, the latest first.")
    source: SourceChoice = Field(None, description="Only those posted, or those collected.")
    review: ReviewChoice = Field(None, description="Only those of this review.")
    matches: OptionalFlag = Field(None, description="Only those whose total equals the ledger's, or differs.")
    sort: SortChoice = Field(
        "user_id",
        description="The order within a year; with a minus the largest or newest first. With a cursor, "
        "that of the first page stands.",
    )
    limit: Limit = Field(50, description="How many items a page has at most.")
    cursor: CustomerCursor = Field(None, description="`next` of the page before; without it, the first page.")


class DeliveriesQuery(ListQuery):
    """A page of deliveries."""

    state: DeliveryState = Field(None, description="Only deliveries in this state.")
    chat: ChatChoice = Field(None, description="Only deliveries to this chat, as the settings name it.")


class DeliveryPath(Input):
    """One message to one chat."""

    delivery_id: DeliveryId = Field(
        description="The delivery's id, as the list has it.", examples=["0f1e2d3c4b5a69788796a5b4-0-1001"]
    )


class BonusCustomerIn(Input):
    """A customer who is due the year-end bonus."""

    example: ClassVar[dict[str, Any]] = {"user_id": 1, "total_spending": 2000}

    user_id: UserIdNumber = Field(description="The customer's id in the ledger.")
    total_spending: AmountNumber = Field(
        description="What the customer spent, in the shop's currency, with at most two decimals."
    )
    year: OptionalYearNumber = Field(
        None,
        description="The total is this calendar year's. Without it, the total is of all recorded "
        "spending and counts for the current year's bonus.",
    )


class Answer(BaseModel):
    """Part of an answer. Answers may gain members; readers should ignore those they do not know."""

    model_config = ConfigDict(extra="allow")


_PERIOD = "What both totals are of: `all` years, when it was posted without a year, else the bonus's year."
_YEAR_TOTAL = "What the ledger said of the bonus's year when somebody looked last. It decides who is due."


class NoteOut(Answer):
    """What whoever stores a customer should know."""

    code: Literal["nothing-spent-in-year", "year-below-threshold"]
    detail: str


class StoredCustomerOut(Answer):
    """A customer as stored for the bonus."""

    message: str
    user_id: UserId
    total_spending: Amount
    year: Year
    currency: str
    threshold: Amount
    ledger_total: Amount = Field(description="The ledger's total of `basis_period`.")
    matches_ledger: bool
    stored_at: Instant
    basis_period: str = Field(description=_PERIOD)
    ledger_year_total: Amount = Field(description=_YEAR_TOTAL)
    note: NoteOut | None = Field(description="Why the customer is not due by the ledger's total of the year.")


class BonusCustomerOut(Answer):
    """A bonus customer's record."""

    user_id: UserId
    year: Year
    total_spending: Amount
    currency: str
    threshold: Amount
    ledger_total: Amount = Field(description="The ledger's total of `basis_period`.")
    matches_ledger: bool
    source: str
    review: str
    stored_at: Instant
    updated_at: Instant
    basis_period: str | None = Field(description=f"{_PERIOD} Null: an earlier version did not note it.")
    ledger_year_total: Amount | None = Field(description=_YEAR_TOTAL)


class SentPart(Answer):
    """A part of a message that arrived."""

    part: str
    message_id: int


class DeliveryOut(Answer):
    """A message to one chat, and what became of it."""

    id: str
    kind: str
    report_id: str = Field(description="Stands in the message too; the same in all chats it goes to.")
    chat: int | str
    state: str
    attempts: Count
    queued_at: Instant
    next_attempt_at: Instant | None
    delivered_at: Instant | None
    message_id: int | None
    messages: list[SentPart]
    schedule: str | None
    reason: str | None


class DeliveryList(Answer):
    """A page of deliveries, the newest first."""

    items: list[DeliveryOut]
    next: str | None


class BonusCustomerList(Answer):
    """A page of bonus customers."""

    items: list[BonusCustomerOut]
    next: str | None


class Removed(Answer):
    """A record that is gone."""

    message: str


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether requests can be answered; `parts` only for those who may read."""

    ready: bool
    parts: dict[str, Any] | None = None


class FaultOut(Answer):
    """One broken rule and its place."""

    detail: str
    pointer: str | None = Field(None, description="JSON pointer into the body.")
    parameter: str | None = Field(None, description="Name of a path or query parameter.")


class Problem(Answer):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(description="Address of a page that explains this kind of problem.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was asked.")
    request_id: str = Field(description="Stands in the log too.")
    errors: list[FaultOut] | None = Field(None, description="Every fault, of `invalid-value` only.")
