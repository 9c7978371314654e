"""What an import is asked with, and what it answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from smetka.core.canonical import canonical
from smetka.core.errors import WrongUsage
from smetka.ledger.imports.header import MOST_LINES
from smetka.ledger.imports.mapping import parse_mapping
from smetka.ledger.imports.states import parse_states
from smetka.web.schemas import Answer, Input
from smetka.web.values import Amount, Count, Flag, Repeatable, up_to

_NAME = r"^[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]{0,99}$"


def _mapping(text: Any) -> dict[str, list[str]]:
    try:
        return parse_mapping([str(text)])
    except WrongUsage as error:
        told = str(error).removesuffix(".").replace("--map", "it")
        raise ValueError(f"is not understood: {told[:1].lower()}{told[1:]}") from None


def _states(texts: Any) -> dict[str, str]:
    try:
        return parse_states(map(str, texts))
    except WrongUsage as error:
        told = str(error).removesuffix(".").replace("--state", "it")
        raise ValueError(f"is not understood: {told[:1].lower()}{told[1:]}") from None


FileName = Annotated[str, StringConstraints(pattern=_NAME)]
Mapping = Annotated[
    dict[str, list[str]],
    BeforeValidator(_mapping),
    WithJsonSchema({"type": "string", "examples": ["user_id=Customer,money_spent=Total,date=Paid at"]}),
]
States = Annotated[
    dict[str, str],
    Repeatable(),
    BeforeValidator(_states),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "examples": [["ready-pickup=paid"]]}),
]
Text = Annotated[str | None, StringConstraints(max_length=100), WithJsonSchema({"type": "string"})]
Decimal = Annotated[Literal[".", ","] | None, WithJsonSchema({"type": "string", "enum": [".", ","]})]
Dates = Annotated[Literal["dmy", "mdy"] | None, WithJsonSchema({"type": "string", "enum": ["dmy", "mdy"]})]

HeaderRow = Annotated[
    int | None,
    BeforeValidator(lambda text: canonical(text, MOST_LINES)),
    WithJsonSchema({"type": "string", "pattern": up_to(MOST_LINES)}),
]


class ImportQuery(Input):
    """How the file is to be read and taken."""

    name: FileName = Field(
        description="The file's name; its end says what it is where the media type does not.",
        examples=["orders.csv"],
    )
    dry_run: Flag = Field(False, description="Only say what would happen.")
    map: Mapping = Field(
        default_factory=dict,
        description="Which column is what, as FIELD=COLUMN, several parted by commas; a column may stand in "
        "double quotes. Fields are user_id, email, name, age, birth_date, money_spent, date, year, order_id, "
        "currency, status, refunded, outstanding, cancelled_at, item. A field is left out by FIELD= alone.",
    )
    state: States = Field(
        default_factory=dict,
        description="What a state of orders means, as WORD=paid, unpaid, cancelled or refunded. It goes "
        "before what is known of it. May be given more than once.",
    )
    encoding: Text = Field(
        None, description="Such as utf-8, windows-1250 or windows-1251; found out unless given."
    )
    delimiter: Text = Field(None, description="Column separator: , ; | or tab; found out unless given.")
    sheet: Text = Field(None, description="The sheet of a workbook, where several have data.")
    header_row: HeaderRow = Field(
        None,
        description="The line of the header, where titles stand above it, counted as a text editor or a "
        "spreadsheet does; found out unless given.",
    )
    decimal: Decimal = Field(None, description="The mark that parts decimals, where no amount shows it.")
    dates: Dates = Field(None, description="What comes first in 01/02/2024, where no date shows it.")
    skip_rejected: Flag = Field(False, description="Take the other rows where some break a rule.")
    despite_overlap: Flag = Field(
        False, description="Add payments of days or years that have some in the ledger already."
    )


class OrdersOfState(Answer):
    """Orders of one state that is not known."""

    state: str
    orders: Count
    amount: Amount = Field(description="Their totals.")
    amount_unknown: Count = Field(description="Those of them whose total is not known, and not in `amount`.")


class ImportedFile(Answer):
    """What was found in the file."""

    name: str
    kind: Literal["csv", "tsv", "xlsx", "jsonl"]
    encoding: str
    delimiter: str
    found: list[str] = Field(description="What was found out by itself, a sentence each.")
    recognised: str | None = Field(description="The platform's export that it is.")
    mapping: dict[str, str] = Field(description="The column of each field.")
    dates_unused: list[str] = Field(
        description="Of a list of customers, columns of days from which nothing was taken."
    )
    columns_missing: list[str] = Field(
        description="Columns of the platform's export that were cut off and might take money off an order."
    )
    rows: Count
    payments: Count
    rejected: Count
    customers_added: Count
    customers_updated: Count
    left_out: dict[str, int] = Field(description="Rows that are no payment by rule, by reason.")
    ages_unknown: Count = Field(
        description="Rows whose age or date of birth stands for none, has no year, or is nobody's."
    )
    unknown_states: dict[str, int] = Field(
        description="States of orders that are not known, each with its number of orders: `state` says "
        "what they mean."
    )
    unknown_state_orders: list[OrdersOfState] = Field(description="The same orders with their money.")
    already: str | None = Field(description="When the same bytes were imported; nothing was added then.")
    in_part: bool = Field(
        description="The same bytes were imported, but for rows that were rejected. With the same column of "
        "order numbers as then, the file can be imported again; otherwise `already` is set."
    )


Reason = Literal[
    "no_customer",
    "cancelled",
    "refunded",
    "partly_paid",
    "unpaid",
    "test",
    "known",
    "amount",
    "year",
    "customer",
]


class CountedOrders(Answer):
    """Orders of one reason."""

    reason: Reason
    orders: Count
    amount: Amount
    amount_unknown: Count = Field(description="Those of them whose amount is not known, and not in `amount`.")


class ChangedOrders(Answer):
    """Orders that the ledger has and the files say otherwise of. The ledger counts them as they were."""

    orders: Count
    amount: Amount = Field(description="What the ledger would gain, or lose if negative, by the change.")
    amount_unknown: Count = Field(description="Those of them that change it by an amount that is not known.")
    reasons: list[CountedOrders]


class RejectedRow(Answer):
    """A row that breaks a rule."""

    line: Count
    column: str | None
    reason: str


class ImportOutcome(Answer):
    """What was added to the ledger, or would be."""

    files: list[ImportedFile]
    payments: Count
    total: Amount
    customers: Count = Field(description="The same as `customers_added`.")
    customers_added: Count
    customers_unnamed: Count = Field(description="Those added of whom only the id is known.")
    customers_updated: Count
    changed: ChangedOrders
    left_out: list[CountedOrders] = Field(
        description="Orders that add nothing, each once and none of the changed: with what they would count, "
        "or with their totals where they would not."
    )
    states_unmet: list[str] = Field(description="Words of `state` that no row has.")
    rejected: Count
    rejects: list[RejectedRow] = Field(description="The first hundred of them.")
    written: bool = Field(description="Whether the ledger has them now.")
    dry_run: bool
