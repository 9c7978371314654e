"""A report of averages on its way to a record and back, and what makes two of them the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bson import Decimal128

from smetka.core import exact_json

_AMOUNTS = frozenset(
    "average_spending total_spending average_per_spender average_per_payment average_per_customer "
    "median_per_spender "
    "threshold median top_tenth_spending cost budget".split()
)


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
    """A report of any kind as MongoDB keeps it: every amount a Decimal128, no float anywhere."""
    kept = {key: value for key, value in report.items() if key != "notification"}
    return _converted(
        kept, lambda name, value: Decimal128(Decimal(value)) if _is_amount(name, value) else value
    )


def from_record(record: dict[str, Any]) -> dict[str, Any]:
    """The report as it was queued; its amounts are Decimal."""
    return _converted(record, lambda _, value: value.to_decimal() if isinstance(value, Decimal128) else value)


def _is_amount(name: str, value: Any) -> bool:
    return isinstance(value, Decimal) or (name in _AMOUNTS and isinstance(value, int))


def _converted(
    report: dict[str, Any], convert: Callable[[str, Any], Any], within: str = ""
) -> dict[str, Any]:
    """A copy with every value that is no object or list converted, given the name it stands under.

    What stands in `average_spending` stands there under the names of age groups.
    """

    def each(name: str, value: Any) -> Any:
        match value:
            case dict():
                return _converted(value, convert, name)
            case list():
                return [each(name, item) for item in value]
        return convert(name, value)

    keeps_name = within == "average_spending"
    return {name: each(within if keeps_name else name, value) for name, value in report.items()}
