"""A report of averages on its way to a record and back, and what makes two of them the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bson import Decimal128

from smetka import exact_json

_AMOUNTS = frozenset({"total_spending", "average_per_spender", "average_per_payment", "average_per_customer"})


def figures_of(report: dict[str, Any]) -> tuple[Any, ...]:
    """What a report says, to be compared: its year, basis, currency and every figure.

    Cheaper than any text or hash of it: this is asked at every question.
    """
    return (
        report["year"],
        report["basis"],
        report["currency"],
        tuple(report["average_spending"].items()),
        tuple(tuple(group.values()) for group in report["age_groups"]),
        tuple(report["outside"].values()),
        tuple(report["data_quality"].values()),
    )


def question_of(report: dict[str, Any]) -> str:
    """A short name for what a report says, the same in every process."""
    return hashlib.sha256(exact_json.dumps(figures_of(report)).encode()).hexdigest()[:24]


def report_id_of(question: str, announcement: str) -> str:
    """The short id people read: one for all chats that a report goes to at once."""
    return hashlib.sha256(f"{question} {announcement}".encode()).hexdigest()[:8]


def has_payments(report: dict[str, Any]) -> bool:
    """Whether any payment was counted in the report's period."""
    return any(part["payments"] for part in (*report["age_groups"], report["outside"]))


def to_record(report: dict[str, Any]) -> dict[str, Any]:
    """The report as MongoDB keeps it: every amount a Decimal128, no float anywhere."""
    kept = {key: value for key, value in report.items() if key != "notification"}
    return _with_amounts(kept, lambda amount: Decimal128(Decimal(amount)))


def from_record(record: dict[str, Any]) -> dict[str, Any]:
    """The report as it was announced."""
    return _with_amounts(record, lambda amount: amount.to_decimal())


def _with_amounts(report: dict[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    def each(part: dict[str, Any], *, every: bool = False) -> dict[str, Any]:
        return {
            key: convert(value) if value is not None and (every or key in _AMOUNTS) else value
            for key, value in part.items()
        }

    return {
        **report,
        "average_spending": each(report["average_spending"], every=True),
        "age_groups": [each(group) for group in report["age_groups"]],
        "outside": each(report["outside"]),
    }
