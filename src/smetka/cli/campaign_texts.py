"""A campaign's preview and figures as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smetka.cli.options import table
from smetka.cli.speech import Speech, head


def preview_text(found: dict[str, Any], said: Speech) -> str:
    """What an issue would do, the warnings first."""
    _, amount, count, currency = said.gettext, said.amount, said.count, found["currency"]
    lines = [f"! {warning}" for warning in found["warnings"]]
    lines += [
        _(
            "Campaign {name}: who spent more than {threshold} in {year}, vouchers valid from {first} to "
            "{last} ({timezone}).",
            name=found["name"],
            threshold=said.money(found["threshold"], currency),
            year=found["year"],
            **_validity(found, said),
        ),
        _(
            "Due: {customers}, {cost}.",
            customers=said.customers(found["customers_due"]),
            cost=said.money(found["cost"], currency),
        ),
    ]
    there = found["already_issued"]["customers"]
    limits = found["budget"], found["most_vouchers"]
    if limits != (None, None) or there or found["begun"]["customers"]:
        lines.append(
            _(
                "Reached: {customers}, {cost}; of these {there} have a voucher already.",
                customers=said.customers(found["customers_reached"]),
                cost=said.money(found["cost_within_budget"], currency),
                there=count(there),
            )
        )
    lines += [
        "",
        _table(
            (_("more than"), _("Voucher"), _("Customers"), _("Cost")),
            [
                (
                    amount(each["above"]),
                    amount(each["voucher_value"]),
                    count(each["customers"]),
                    amount(each["cost"]),
                )
                for each in found["by_tier"]
            ],
        ),
        "",
        _table(
            (_("Age"), _("Customers"), _("Cost")),
            [
                (each["age_group"] or _("other"), count(each["customers"]), amount(each["cost"]))
                for each in found["by_age_group"]
            ],
        ),
        "",
        _table(
            (_("Threshold"), _("Customers due"), _("Cost")),
            [
                (amount(each["threshold"]), count(each["customers_due"]), amount(each["cost"]))
                for each in found["other_thresholds"]
            ],
        ),
    ]
    if near := found["near_misses"]["nearest"]:
        rows = [
            (str(each["user_id"]), amount(each["total_spending"]), amount(each["lacks"])) for each in near
        ]
        lines += [
            "",
            _("Just missed it: %(shown)s", shown=count(found["near_misses"]["customers"])),
            _table((_("Customer"), _("Spent"), _("Lacks")), rows),
        ]
    return "\n".join(lines)


def figures_text(found: dict[str, Any], said: Speech) -> str:
    """What became of the vouchers."""
    _, amount, count = said.gettext, said.amount, said.count
    rows = [
        (said.voucher_state(state), count(each["vouchers"]), amount(each["value"]))
        for state, each in found["by_status"].items()
    ]
    total = (_("all"), count(found["vouchers"]["vouchers"]), amount(found["vouchers"]["value"]))
    lines = [
        _(
            "Campaign {name}: vouchers valid from {first} to {last} ({timezone}), amounts in {currency}.",
            name=found["name"],
            currency=said.currency(found["currency"]),
            **_validity(found, said),
        ),
        "",
        _table((_("State"), _("Vouchers"), _("Value")), [*rows, total]),
    ]
    if found["redeemed_by_day"]:
        days = [
            (said.day(each["day"]), count(each["vouchers"]), amount(each["value"]))
            for each in found["redeemed_by_day"]
        ]
        lines += ["", _table((_("redeemed on"), _("Vouchers"), _("Value")), days)]
    if found["by_age_group"] is not None:
        ages = [
            (
                each["age_group"] or _("other"),
                count(each["issued"]["vouchers"]),
                count(each["redeemed"]["vouchers"]),
                amount(each["redeemed"]["value"]),
            )
            for each in found["by_age_group"]
        ]
        lines += ["", _table((_("Age"), _("Issued"), _("Redeemed"), _("value redeemed")), ages)]
    return "\n".join(lines)


def _validity(found: dict[str, Any], said: Speech) -> dict[str, str]:
    return {
        "first": said.day(found["valid_from"]),
        "last": said.day(found["valid_until"]),
        "timezone": found["timezone"],
    }


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table([head(*names), *rows], right=frozenset(range(1, len(names))))
