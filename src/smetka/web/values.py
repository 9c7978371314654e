"""The kinds of values in requests and answers: how each is read, and how OpenAPI describes it.

Reading raises ValueError with a phrase that goes on from the value's name: "must be …".
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, InstanceOf, StringConstraints, WithJsonSchema

from smetka.bonus.customer_lists import Position, Sort
from smetka.bonus.periods import ALL_YEARS
from smetka.bonus.redemptions import MOST_MINUTES
from smetka.bonus.rules import NAME
from smetka.core.canonical import LARGEST_ID, LATEST_YEAR, canonical
from smetka.core.money import LARGEST_AMOUNT, Money
from smetka.core.shown_text import HIDDEN, NOT_HIDDEN, has_hidden
from smetka.settings import Basis
from smetka.settings.rules import chat_id
from smetka.telegram.delivery import STATES
from smetka.telegram.outbox import Place

LONGEST_PAGE = 500
SORTS: tuple[Sort, ...] = get_args(Sort)
MOST_COUNTED = 10**9
LARGEST_SUM = 10**18
PLAIN_SUM = r"-?[0-9]{1,20}(?:\.[0-9]{1,2})?"
"""What the ledger comes to, as our own pages and links write it."""

_CURSOR = r"([1-9][0-9]{11,12})\.([^\x00-\x1f\x7f]{1,200})"


class Repeatable:
    """Marks the type of a query parameter that may come more than once: it is read from a list of texts."""


def _integral(value: Any, largest: int, least: int = 1) -> int:
    """An integral JSON number of any spelling: 1, 1.0, 10e-1."""
    # The range is looked at before int() is: that of 1e999999 would be a number of a million digits.
    if (
        isinstance(value, int | Decimal)
        and not isinstance(value, bool)
        and least <= value <= largest
        and value == int(value)
    ):
        return int(value)
    raise ValueError(f"must be a whole number from {least} to {largest}")


def _amount(value: Any) -> Money:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns only ValueError into a fault
    if value < 0:
        raise ValueError("must not be negative")
    if value > LARGEST_AMOUNT:
        raise ValueError(f"must be at most {LARGEST_AMOUNT}")
    return Money.from_decimal(Decimal(value))


def _sum(value: Any) -> Money:
    """What the ledger comes to: refunds may bring it below nothing, many payments beyond any amount."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns only ValueError into a fault
    if not -LARGEST_SUM <= value <= LARGEST_SUM:
        raise ValueError(f"must be from -{LARGEST_SUM} to {LARGEST_SUM}")
    return Money.from_decimal(Decimal(value))


def _sum_text(text: Any) -> Money:
    if isinstance(text, str) and re.fullmatch(PLAIN_SUM, text):
        return Money.parse(text)
    raise ValueError("must be a plain number with at most two decimals")


def _positive(value: Any) -> Money:
    amount = _amount(value)
    if not amount.cents:
        raise ValueError("must be more than 0")
    return amount


def _day(text: Any) -> date:
    if isinstance(text, str) and re.fullmatch(_DAY, text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise ValueError("must be a day such as 2027-01-31")


def _words(text: Any) -> str:
    if isinstance(text, str) and re.fullmatch(_WORDS, text) and not has_hidden(text):
        return text
    raise ValueError(f"must be text of 1 to {LONGEST_WORDS} characters without {HIDDEN}")


def _user_cursor(text: Any) -> int:
    if isinstance(text, str) and re.fullmatch(_USER_CURSOR, text):
        return int(text)
    raise ValueError("must be what a page of this list gave as next")


def read_audit_cursor(text: Any) -> str:
    """The id of an entry of the audit; raises ValueError."""
    if isinstance(text, str) and re.fullmatch(_AUDIT_CURSOR, text):
        return text
    raise ValueError("must be what a page of this list gave as next")


def _flag(text: Any) -> bool:
    if text in {"true", "false"}:
        return bool(text == "true")
    raise ValueError("must be true or false")


def _chat(text: Any) -> int | str:
    if isinstance(text, str) and re.fullmatch(_CHAT, text):
        return chat_id(text)
    raise ValueError(
        "must be a chat's id such as -1001234567890, or a name such as @managers, and of a topic "
        "-1001234567890:77"
    )


def _limit(text: Any) -> int:
    return canonical(text, LONGEST_PAGE)


def read_cursor(text: Any) -> Place:
    """The place that `cursor_of` wrote; raises ValueError."""
    if isinstance(text, str) and (match := re.fullmatch(_CURSOR, text)):
        return Place(datetime.fromtimestamp(int(match[1]) / 1000, UTC), match[2])
    raise ValueError("must be what a page of this list gave as next")


def read_customer_cursor(text: Any) -> Position:
    """The position that `customer_cursor_of` wrote; raises ValueError."""
    if isinstance(text, str) and (match := re.fullmatch(_CUSTOMER_CURSOR, text)):
        year, user_id, value, sort = match.groups()
        return Position(int(year), int(user_id), cast(Sort, sort or "user_id"), int(value or user_id))
    raise ValueError("must be what a page of this list gave as next")


def cursor_of(place: Place) -> str:
    """Where a page ends, as a text that `Cursor` reads."""
    return f"{round(place.created_at.timestamp() * 1000)}.{place.id}"


def customer_cursor_of(position: Position) -> str:
    """Where a page ends, as a text that `CustomerCursor` reads."""
    more = f".{position.value}.{position.sort}" if position.sort != "user_id" else ""
    return f"{position.year}.{position.user_id}{more}"


def up_to(largest: int) -> str:
    """The regular expression of exactly the canonical numbers from 1 to `largest`."""
    digits = str(largest)
    cases = [f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        lowest = 0 if place else 1
        if int(digit) > lowest:
            rest = len(digits) - place - 1
            cases.append(
                digits[:place] + f"[{lowest}-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else "")
            )
    return f"^(?:{'|'.join([*cases, digits])})$"


_CHAT = rf"^(?:-?{up_to(2**52 - 1)[1:-1]}|@[A-Za-z][A-Za-z0-9_]{{3,31}})(?::{up_to(2**31 - 1)[1:-1]})?$"

PERIOD = rf"^(?:{ALL_YEARS}|[1-9][0-9]{{0,3}})$"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
LONGEST_WORDS = 200
_WORDS = rf"{NOT_HIDDEN}{{1,{LONGEST_WORDS}}}"
_USER_CURSOR = r"0|-?[1-9][0-9]{0,17}"
_AUDIT_CURSOR = r"[0-9]{14}-[0-9a-f]{12}"

_SORTS = "|".join(each for each in get_args(Sort) if each != "user_id")
_CUSTOMER_CURSOR = (
    rf"([1-9][0-9]{{0,3}})\.({up_to(LARGEST_ID)[1:-1]})(?:\.(0|[1-9][0-9]{{0,15}})\.({_SORTS}))?"
)

# In paths and queries numbers are texts: as an `integer` JSON Schema would allow 1.0.
_ID_TEXT_SCHEMA = {"type": "string", "pattern": up_to(LARGEST_ID), "examples": ["1"]}
_YEAR_TEXT_SCHEMA = {"type": "string", "pattern": "^[1-9][0-9]{0,3}$", "examples": ["2026"]}
_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
_YEAR_SCHEMA = {"type": "integer", "minimum": 1, "maximum": LATEST_YEAR}

# What may be left out is None then, but null itself is no value: hence the `| None` inside of Annotated.
UserIdText = Annotated[
    int, BeforeValidator(lambda v: canonical(v, LARGEST_ID)), WithJsonSchema(_ID_TEXT_SCHEMA)
]
YearText = Annotated[
    int, BeforeValidator(lambda v: canonical(v, LATEST_YEAR)), WithJsonSchema(_YEAR_TEXT_SCHEMA)
]
YearFilter = Annotated[
    int | None, BeforeValidator(lambda v: canonical(v, LATEST_YEAR)), WithJsonSchema(_YEAR_TEXT_SCHEMA)
]
BasisChoice = Annotated[Basis | None, WithJsonSchema({"type": "string", "enum": list(get_args(Basis))})]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]

Limit = Annotated[
    int, BeforeValidator(_limit), WithJsonSchema({"type": "string", "pattern": up_to(LONGEST_PAGE)})
]
Cursor = Annotated[
    InstanceOf[Place] | None,
    BeforeValidator(read_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_CURSOR}$"}),
]
DeliveryState = Annotated[
    Literal["queued", "sending", "delivered", "waiting", "unknown", "failed", "held", "cancelled"] | None,
    WithJsonSchema({"type": "string", "enum": list(STATES)}),
]
ChatChoice = Annotated[
    int | str | None,
    BeforeValidator(_chat),
    WithJsonSchema({"type": "string", "pattern": _CHAT}),
]

DeliveryId = Annotated[str, StringConstraints(min_length=1, max_length=300)]

SourceChoice = Annotated[
    Literal["api", "collected"] | None, WithJsonSchema({"type": "string", "enum": ["api", "collected"]})
]
ReviewChoice = Annotated[
    Literal["none", "pending", "approved", "rejected"] | None,
    WithJsonSchema({"type": "string", "enum": ["none", "pending", "approved", "rejected"]}),
]
SortChoice = Annotated[Sort, WithJsonSchema({"type": "string", "enum": list(get_args(Sort))})]
OptionalFlag = Annotated[bool | None, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
CustomerCursor = Annotated[
    InstanceOf[Position] | None,
    BeforeValidator(read_customer_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_CUSTOMER_CURSOR}$"}),
]

UserIdNumber = Annotated[int, BeforeValidator(lambda v: _integral(v, LARGEST_ID)), WithJsonSchema(_ID_SCHEMA)]
OptionalYearNumber = Annotated[
    int | None, BeforeValidator(lambda v: _integral(v, LATEST_YEAR)), WithJsonSchema(_YEAR_SCHEMA)
]
AmountNumber = Annotated[
    InstanceOf[Money],
    BeforeValidator(_amount),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": LARGEST_AMOUNT, "multipleOf": 0.01}),
]

# A schema with `null` in it would be told by clients as a choice that is none.
OptionalUserId = Annotated[
    int | None, BeforeValidator(lambda v: _integral(v, LARGEST_ID)), WithJsonSchema(_ID_SCHEMA)
]
YearNumber = Annotated[
    int, BeforeValidator(lambda v: _integral(v, LATEST_YEAR)), WithJsonSchema(_YEAR_SCHEMA)
]
PositiveAmount = Annotated[
    InstanceOf[Money],
    BeforeValidator(_positive),
    WithJsonSchema({"type": "number", "minimum": 0.01, "maximum": LARGEST_AMOUNT, "multipleOf": 0.01}),
]
OptionalAmount = Annotated[
    InstanceOf[Money] | None,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": LARGEST_AMOUNT, "multipleOf": 0.01}),
]
OptionalSum = Annotated[
    InstanceOf[Money] | None,
    BeforeValidator(_sum),
    WithJsonSchema({"type": "number", "minimum": -LARGEST_SUM, "maximum": LARGEST_SUM, "multipleOf": 0.01}),
]
SumText = Annotated[
    InstanceOf[Money] | None,
    BeforeValidator(_sum_text),
    WithJsonSchema({"type": "string", "pattern": f"^{PLAIN_SUM}$"}),
]
PeriodChoice = Annotated[
    Annotated[str, StringConstraints(pattern=PERIOD)] | None,
    WithJsonSchema({"type": "string", "pattern": PERIOD}),
]
OptionalNumber = Annotated[
    int | None,
    BeforeValidator(lambda v: _integral(v, MOST_COUNTED, least=0)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST_COUNTED}),
]
OptionalCount = Annotated[
    int | None,
    BeforeValidator(lambda v: _integral(v, MOST_COUNTED)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_COUNTED}),
]
Minutes = Annotated[
    int,
    BeforeValidator(lambda v: _integral(v, MOST_MINUTES)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_MINUTES}),
]
DayText = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
OptionalDayText = Annotated[
    date | None, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})
]
Words = Annotated[str, BeforeValidator(_words), WithJsonSchema({"type": "string", "pattern": f"^{_WORDS}$"})]
OptionalWords = Annotated[
    str | None, BeforeValidator(_words), WithJsonSchema({"type": "string", "pattern": f"^{_WORDS}$"})
]
CampaignName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"}),
]
CodeText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
UserCursor = Annotated[
    int | None,
    BeforeValidator(_user_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_USER_CURSOR})$"}),
]
AuditCursor = Annotated[
    str | None,
    BeforeValidator(read_audit_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_AUDIT_CURSOR}$"}),
]

# In answers, which are described but not read again.
UserId = Annotated[int, WithJsonSchema(_ID_SCHEMA)]
Year = Annotated[int, WithJsonSchema(_YEAR_SCHEMA)]
# Not `multipleOf` here: validators that calculate with floats find fault with 20779.95.
Amount = Annotated[
    Any, WithJsonSchema({"type": "number", "description": "Exact, with at most two decimals."})
]
Share = Annotated[Any, WithJsonSchema({"type": "number", "minimum": 0})]
Count = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0})]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
