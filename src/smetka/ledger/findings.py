"""What can be odd about the values in a ledger, as data: the condition in SQL and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, literal_column, not_, or_

from smetka.core.age_groups import AgeGroup
from smetka.ledger.statements import Tables
from smetka.ledger.values import Expression

Condition = Callable[[Tables], ColumnElement[bool]]

EARLIEST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a row can have.

    Attributes:
        harmless: worth knowing, but the figures are what they should be.
        harmful_if: it is no longer harmless when a row has this too.
    """

    kind: str
    condition: Condition
    meaning: str
    harmless: bool = False
    harmful_if: Condition | None = None


def of_payments(current_year: int) -> list[Finding]:
    """What is looked for in `user_spending`, apart from whose the payments are."""
    return [
        Finding(
            "amount-missing",
            lambda t: t.is_missing,
            "They have no amount and are left out of every figure.",
        ),
        Finding(
            "amount-text",
            lambda t: and_(t.is_text, not_(t.has_number)),
            "Their amount is a text that is no plain number; they are left out of every figure.",
        ),
        Finding(
            "amount-bytes",
            lambda t: t.is_blob,
            "Their amount is raw bytes; they are left out of every figure.",
        ),
        Finding(
            "amount-infinite",
            lambda t: and_(t.has_number, t.is_infinite),
            "Their amount is infinite; they are left out of every figure.",
        ),
        Finding(
            "amount-too-large",
            lambda t: and_(t.has_number, not_(t.is_payable), not_(t.is_infinite)),
            "Their amount is beyond 10,000,000,000 either way; they are left out of every figure.",
        ),
        Finding(
            "amount-as-text",
            lambda t: and_(t.is_text, t.has_number, t.is_payable),
            "Their amount is stored as text; it is read as the number it shows, and counts.",
            harmless=True,
        ),
        Finding(
            "more-than-two-decimals",
            # Up to the largest payment, two decimals stored as a REAL are closer to whole cents than this.
            lambda t: and_(_counts(t), func.abs(_hundredfold(t) - func.round(_hundredfold(t))) > 0.0005),
            "They are rounded to whole cents, one by one.",
        ),
        Finding(
            "refund",
            lambda t: and_(_counts(t), t.cents() < 0),
            "They are negative and subtract from the totals.",
            harmless=True,
        ),
        Finding(
            "zero-payment",
            lambda t: and_(_counts(t), t.cents() == 0),
            "They are of 0.00 and count as payments, so whoever made one counts as a spender.",
            harmless=True,
        ),
        Finding(
            "year-missing",
            lambda t: t.payments.c.year.is_(None),
            "They count in all years together, and in no single year.",
        ),
        Finding(
            "year-not-whole",
            lambda t: and_(t.payments.c.year.is_not(None), not_(t.year_is_whole)),
            "Their year is no whole number: they count in all years together, and in no single year.",
        ),
        Finding(
            "year-implausible",
            lambda t: and_(t.year_is_whole, not_(t.year.between(EARLIEST_YEAR, current_year))),
            f"Their year is before {EARLIEST_YEAR} or after {current_year}; they count in that year.",
        ),
    ]


def of_customers(groups: tuple[AgeGroup, ...]) -> list[Finding]:
    """What is looked for in `user_info`, apart from ids that stand there twice."""
    return [
        Finding(
            "age-unknown",
            lambda t: t.age.is_(None),
            "Their age is missing or no age; they are in no age group, but shown as outside.",
            # Who has not told his age is nothing that could be mended; a text that is no age is.
            harmless=True,
            harmful_if=lambda t: and_(t.age.is_(None), not_(t.age_is_missing)),
        ),
        Finding(
            "age-in-no-group",
            lambda t: not_(or_(*(t.age.between(group.lowest, group.highest) for group in groups))),
            "No age group holds their age, too young mostly; they are shown as outside.",
            harmless=True,
        ),
        Finding(
            "id-missing",
            lambda t: t.customers.c.user_id.is_(None),
            "They have no id: they count as customers, but no payment can be theirs.",
        ),
        Finding(
            "id-not-positive",
            lambda t: and_(
                t.customers.c.user_id.is_not(None),
                not_(and_(t.id_is_whole, t.customer_id >= 1)),
            ),
            "Their id is no positive whole number: they count, but cannot be asked for one by one.",
        ),
    ]


def _counts(tables: Tables) -> ColumnElement[bool]:
    return and_(tables.has_number, tables.is_payable)


def _hundredfold(tables: Tables) -> Expression:
    return tables.amount * literal_column("100")
