"""Who is due a bonus, and the shop as a whole, as texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from smetka.core.periods import is_whole
from smetka.language.formats import amount, count, currency, percent
from smetka.telegram.layout import columns, escaped, preformatted
from smetka.telegram.messages.frame import Frame
from smetka.telegram.parts import Part, Text


def bonus_parts(report: dict[str, Any], frame: Frame) -> tuple[Part, ...]:
    """Who is due, how many, what they spent together, near misses; customers by their ids only."""
    words, year = frame.words, report["year"]
    unit = escaped(currency(report["currency"], words))
    threshold = Decimal(report["threshold"])
    rule = words.bonus_rule.format(threshold=amount(threshold, words), currency=unit, year=year)
    lines = [frame.head(words.bonus.format(year=year), rule, "")]
    if report["customers_due"]:
        total = amount(report["total_spending"], words)
        due = words.bonus_due.format(count=count(report["customers_due"], words), total=total, currency=unit)
        rows = [
            (str(customer["user_id"]), amount(customer["total_spending"], words))
            for customer in report["customers"]
        ]
        lines += [due, words.largest, preformatted(columns([words.bonus_columns, *rows]))]
    else:
        lines.append(words.bonus_nobody)
    near = words.near_misses.format(
        from_=amount(threshold * 9 / 10, words), count=count(report["near_misses"], words)
    )
    unfinished = [] if is_whole(report) else [words.bonus_unfinished.format(year=year)]
    return (Text("text", "\n".join([*lines, frame.tail(near, *unfinished)])),)


def campaign_parts(report: dict[str, Any], frame: Frame) -> tuple[Part, ...]:
    """What an issue of vouchers did: how many, for how much, whom it left out and how long they are valid."""
    words = frame.words
    unit = escaped(currency(report["currency"], words))
    threshold, cost = amount(report["threshold"], words), amount(report["cost"], words)
    rule = words.bonus_rule.format(threshold=threshold, currency=unit, year=report["year"])
    lines = [
        frame.head(words.campaign.format(name=report["campaign"]), rule, ""),
        words.campaign_issued.format(count=count(report["vouchers"], words), cost=cost, currency=unit),
        words.campaign_valid.format(first=_day(report["valid_from"]), last=_day(report["valid_until"])),
    ]
    if report["budget"] is not None:
        budget = amount(report["budget"], words)
        lines.append(words.campaign_budget.format(budget=budget, currency=unit))
    if report["left_out"]:
        lines.append(words.campaign_left_out.format(count=count(report["left_out"], words)))
    return (Text("text", "\n".join([*lines, frame.tail()])),)


def _day(text: str) -> str:
    year, month, day = text.split("-")
    return f"{day}.{month}.{year}"


def shop_parts(report: dict[str, Any], frame: Frame) -> tuple[Part, ...]:
    """What it earned, from how many, and how unevenly."""
    words = frame.words
    unit = currency(report["currency"], words)
    head = frame.head(words.shop, f"{words.period(report)} · {escaped(report['currency'])}")
    if not report["payments"]:
        return (Text("text", f"{head}\n{words.nothing}\n{frame.tail()}"),)
    shown = {
        "total_spending": f"{amount(report['total_spending'], words)} {unit}",
        "spenders": count(report["spenders"], words),
        "customers": count(report["customers"], words),
        "payments": count(report["payments"], words),
        "median": f"{amount(report['median'], words)} {unit}",
        "top": percent(report["top_tenth_spending"], report["total_spending"], words),
    }
    lines = [f"{words.shop_rows[name]}: <b>{escaped(value)}</b>" for name, value in shown.items()]
    return (Text("text", "\n".join([head, "", *lines, frame.tail()])),)
