"""The figures that a decision about a stored customer is about, as they were seen."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, WithJsonSchema, WrapValidator

from smetka.bonus.stored import PERHAPS_UNKNOWN, Seen
from smetka.web.schemas import Input
from smetka.web.values import (
    LARGEST_SUM,
    PERIOD,
    PLAIN_SUM,
    OptionalAmount,
    OptionalSum,
    PeriodChoice,
    SumText,
)

# Of what was shown as not known: null in a body, and in a query nothing behind the `=`.
_OR_NULL = WrapValidator(lambda value, check: None if value is None else check(value))
_OR_NOTHING = WrapValidator(lambda value, check: None if value == "" else check(value))

_SumOrNull = Annotated[
    OptionalSum,
    _OR_NULL,
    WithJsonSchema(
        {"type": ["number", "null"], "minimum": -LARGEST_SUM, "maximum": LARGEST_SUM, "multipleOf": 0.01}
    ),
]
_SumOrNothing = Annotated[
    SumText, _OR_NOTHING, WithJsonSchema({"type": "string", "pattern": f"^(?:{PLAIN_SUM})?$"})
]
_PeriodOrNull = Annotated[
    PeriodChoice, _OR_NULL, WithJsonSchema({"type": ["string", "null"], "pattern": PERIOD})
]
_PeriodOrNothing = Annotated[
    PeriodChoice, _OR_NOTHING, WithJsonSchema({"type": "string", "pattern": f"^$|{PERIOD}"})
]


class SeenIn(Input):
    """The figures that a decision is about, as they were seen; what is left out is not compared."""

    example: ClassVar[dict[str, Any]] = {"total_spending": 2000, "basis_period": "all"}

    total_spending: OptionalAmount = Field(None, description="The stored total.")
    basis_period: _PeriodOrNull = Field(
        None, description="What the total is of: `all` years, or a year. Null: it was not known."
    )
    ledger_total: OptionalSum = Field(None, description="The ledger's total of that period.")
    ledger_year_total: _SumOrNull = Field(
        None, description="The ledger's total of the bonus's year. Null: it was not known."
    )

    @property
    def seen(self) -> Seen:
        """The same, to be compared."""
        return _seen(self)


class SeenQuery(Input):
    """The same of a record that is taken away."""

    total_spending: SumText = Field(None, description="The stored total, as it was seen.")
    basis_period: _PeriodOrNothing = Field(
        None, description="What it is of, as it was seen. Empty: it was not known."
    )
    ledger_total: SumText = Field(None, description="The ledger's total of that period, as it was seen.")
    ledger_year_total: _SumOrNothing = Field(
        None, description="The ledger's of the bonus's year, as it was seen. Empty: it was not known."
    )

    @property
    def seen(self) -> Seen:
        """The same, to be compared."""
        return _seen(self)


def _seen(said: SeenIn | SeenQuery) -> Seen:
    unknown = frozenset(
        name
        for name, sent in PERHAPS_UNKNOWN.items()
        if sent in said.model_fields_set and getattr(said, sent) is None
    )
    return Seen(
        said.total_spending, said.basis_period, said.ledger_total, said.ledger_year_total, unknown=unknown
    )
