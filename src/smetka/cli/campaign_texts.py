"""A campaign's preview and figures as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from smetka.cli.options import counted, table


def preview_text(found: dict[str, Any]) -> str:
    """What an issue would do, the warnings first."""
    currency = found["currency"]
    lines = [f"! {warning}" for warning in found["warnings"]]
    lines += [
        (
            f"Campaign {found['name']}: who spent more than {_money(found['threshold'])} {currency} "
            f"in {found['year']}, vouchers valid from {found['valid_from']} to {found['valid_until']} "
            f"({found['timezone']})."
        ),
        f"Due: {counted(found['customers_due'], 'customer')}, {_money(found['cost'])} {currency}.",
    ]
    if (
        found["budget"] is not None
        or found["most_vouchers"] is not None
        or found["already_issued"]["customers"]
    ):
        lines.append(
            f"Reached: {counted(found['customers_reached'], 'customer')}, "
            f"{_money(found['cost_within_budget'])} {currency}; of these "
            f"{found['already_issued']['customers']:,} have a voucher already."
        )
    lines += [
        "",
        _table(
            ("more than", "voucher", "customers", "cost"),
            [
                (
                    _money(each["above"]),
                    _money(each["voucher_value"]),
                    f"{each['customers']:,}",
                    _money(each["cost"]),
                )
                for each in found["by_tier"]
            ],
        ),
        "",
        _table(
            ("age", "customers", "cost"),
            [
                (each["age_group"] or "other", f"{each['customers']:,}", _money(each["cost"]))
                for each in found["by_age_group"]
            ],
        ),
        "",
        _table(
            ("threshold", "customers due", "cost"),
            [
                (_money(each["threshold"]), f"{each['customers_due']:,}", _money(each["cost"]))
                for each in found["other_thresholds"]
            ],
        ),
    ]
    if near := found["near_misses"]["nearest"]:
        rows = [
            (str(each["user_id"]), _money(each["total_spending"]), _money(each["lacks"])) for each in near
        ]
        lines += [
            "",
            f"Near misses: {found['near_misses']['customers']:,}",
            _table(("customer", "spent", "lacks"), rows),
        ]
    return "\n".join(lines)


def figures_text(found: dict[str, Any]) -> str:
    """What became of the vouchers."""
    rows = [
        (status, f"{each['vouchers']:,}", _money(each["value"]))
        for status, each in found["by_status"].items()
    ]
    total = ("all", f"{found['vouchers']['vouchers']:,}", _money(found["vouchers"]["value"]))
    lines = [
        (
            f"Campaign {found['name']}: vouchers valid from {found['valid_from']} to {found['valid_until']} "
            f"({found['timezone']}), amounts in {found['currency']}."
        ),
        "",
        _table(("state", "vouchers", "value"), [*rows, total]),
    ]
    if found["redeemed_by_day"]:
        days = [
            (each["day"], f"{each['vouchers']:,}", _money(each["value"])) for each in found["redeemed_by_day"]
        ]
        lines += ["", _table(("redeemed on", "vouchers", "value"), days)]
    if found["by_age_group"] is not None:
        ages = [
            (
                each["age_group"] or "other",
                f"{each['issued']['vouchers']:,}",
                f"{each['redeemed']['vouchers']:,}",
                _money(each["redeemed"]["value"]),
            )
            for each in found["by_age_group"]
        ]
        lines += ["", _table(("age", "issued", "redeemed", "value redeemed"), ages)]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table([head, *rows], right=frozenset(range(1, len(head))))


def _money(value: int | Decimal) -> str:
    return f"{Decimal(value):,.2f}"
