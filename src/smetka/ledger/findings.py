"""What can be odd about the values in a ledger, as data: the condition in SQL and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, literal, literal_column, not_, or_

from smetka.age_groups import AgeGroup
from smetka.ledger import values
from smetka.ledger.statements import Tables

Condition = Callable[[Tables], ColumnElement[bool]]

EARLIEST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a row can have. `harmless`: worth knowing, but the figures are what they should be."""

    kind: str
    condition: Condition
    meaning: str
    harmless: bool = False


def of_payments(current_year: int) -> list[Finding]:
    """What is looked for in `user_spending`, apart from whose the payments are."""
    return [
        Finding(
            "amount-missing",
            lambda t: t.payments.c.money_spent.is_(None),
            "They have no amount and are left out of every figure.",
        ),
        Finding(
            "amount-text",
            lambda t: and_(values.is_text(t.payments.c.money_spent), not_(_is_number(t))),
            "Their amount is a text that is no plain number; they are left out of every figure.",
        ),
        Finding(
            "amount-bytes",
            lambda t: values.is_blob(t.payments.c.money_spent),
            "Their amount is raw bytes; they are left out of every figure.",
        ),
        Finding(
            "amount-infinite",
            lambda t: and_(_is_number(t), _is_infinite(t)),
            "Their amount is infinite; they are left out of every figure.",
        ),
        Finding(
            "amount-too-large",
            lambda t: and_(_is_number(t), not_(values.is_payable(t.amount)), not_(_is_infinite(t))),
            "Their amount is beyond 10,000,000,000 either way; they are left out of every figure.",
        ),
        Finding(
            "amount-as-text",
            lambda t: and_(
                values.is_text(t.payments.c.money_spent), _is_number(t), values.is_payable(t.amount)
            ),
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
            lambda t: and_(_counts(t), values.cents(t.amount) < 0),
            "They are negative and subtract from the totals.",
            harmless=True,
        ),
        Finding(
            "zero-payment",
            lambda t: and_(_counts(t), values.cents(t.amount) == 0),
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
            lambda t: and_(t.payments.c.year.is_not(None), not_(values.is_whole(t.year))),
            "Their year is no whole number: they count in all years together, and in no single year.",
        ),
        Finding(
            "year-implausible",
            lambda t: and_(values.is_whole(t.year), not_(t.year.between(EARLIEST_YEAR, current_year))),
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
                not_(and_(values.is_whole(t.customer_id), t.customer_id >= 1)),
            ),
            "Their id is no positive whole number: they count, but cannot be asked for one by one.",
        ),
    ]


def _is_number(tables: Tables) -> ColumnElement[bool]:
    return values.is_number(tables.amount)


def _counts(tables: Tables) -> ColumnElement[bool]:
    return and_(_is_number(tables), values.is_payable(tables.amount))


def _is_infinite(tables: Tables) -> ColumnElement[bool]:
    return func.abs(tables.amount) == literal_column("9e999")


def _hundredfold(tables: Tables) -> values.Expression:
    return tables.amount * literal(100)
