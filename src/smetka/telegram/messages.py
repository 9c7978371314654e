"""What a manager reads: reports as HTML for Telegram, in English and Macedonian."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_TEXT = 4096
"""Characters Telegram takes in one message, counted after its markup is parsed."""


@dataclass(frozen=True)
class Catalogue:
    """All that is said in one language. Averages are keyed by what they are per."""

    title: str
    all_years: str
    year: str
    basis: dict[str, str]
    columns: dict[str, tuple[str, str, str]]
    outside: str
    ignored: str
    orphans: str
    more_groups: str
    report: str
    trial: str
    time: str
    thousands: str
    point: str


ENGLISH = Catalogue(
    title="Average spending by age",
    all_years="All years",
    year="Year {year}",
    basis={
        "spender": "Average per paying customer: what a group spent, divided by its customers "
        "with a payment.",
        "payment": "Average per payment: what a group spent, divided by the number of its payments.",
        "customer": "Average per customer: what a group spent, divided by all its customers, "
        "those without a payment included.",
    },
    columns={
        "spender": ("Age", "Average", "Paying"),
        "payment": ("Age", "Average", "Payments"),
        "customer": ("Age", "Average", "All"),
    },
    outside="In none of these groups: customers {customers}, payments {payments}.",
    ignored="Payments left out, their amount is not usable: {count}.",
    orphans="Payments of unknown customers, left out: {count}.",
    more_groups="… and {count} more groups",
    report="Report {report_id} · {time}",
    trial="Smetka can write to this chat. Reports will arrive here.",
    time="%d.%m.%Y %H:%M",
    thousands=",",
    point=".",
)

MACEDONIAN = Catalogue(
    title="Просечна потрошувачка по возраст",
    all_years="Сите години",
    year="{year} година",
    basis={
        "spender": "Просек по купувач што платил: потрошеното во групата поделено со нејзините купувачи "
        "што имаат плаќање.",
        "payment": "Просек по плаќање: потрошеното во групата поделено со бројот на плаќањата.",
        "customer": "Просек по купувач: потрошеното во групата поделено со сите нејзини купувачи, "
        "и со оние без плаќање.",
    },
    columns={
        "spender": ("Возраст", "Просек", "Платиле"),
        "payment": ("Возраст", "Просек", "Плаќања"),
        "customer": ("Возраст", "Просек", "Сите"),
    },
    outside="Надвор од овие групи: купувачи {customers}, плаќања {payments}.",
    ignored="Изоставени плаќања, со неупотреблив износ: {count}.",
    orphans="Изоставени плаќања, од непознати купувачи: {count}.",
    more_groups="… и уште {count} групи",
    report="Извештај {report_id} · {time}",
    trial="Сметка може да пишува во овој разговор. Тука ќе пристигнуваат извештаите.",
    time="%d.%m.%Y %H:%M",
    thousands=".",
    point=",",
)

CATALOGUES = {"en": ENGLISH, "mk": MACEDONIAN}


def averages_message(
    averages: dict[str, Any], report_id: str, language: str, now: datetime, timezone: ZoneInfo
) -> str:
    """The report of averages by age group, as HTML of at most 4096 characters.

    Args:
        averages: the answer's JSON without `notification`; amounts are int or Decimal.
        now: the instant the figures are of; shown in `timezone`.
    """
    words, year = CATALOGUES[language], averages["year"]
    period = words.all_years if year is None else words.year.format(year=year)
    head = (
        f"<b>{words.title}</b>\n{period} · {_escaped(averages['currency'])}\n"
        f"{words.basis[averages['basis']]}\n"
    )
    time = now.astimezone(timezone).strftime(words.time)
    tail = [*_remarks(averages, words), "\n" + words.report.format(report_id=_escaped(report_id), time=time)]
    lines = _table(averages, words)
    text = _put_together(head, lines, tail)
    shown = len(lines)
    while len(text) > LONGEST_TEXT:  # a shop may draw a hundred groups
        shown -= 1
        left_out = words.more_groups.format(count=len(lines) - shown)
        text = _put_together(head, lines[:shown], [left_out, *tail])
    return text


def trial_message(language: str) -> str:
    """What `smetka telegram test` sends."""
    return CATALOGUES[language].trial


def _put_together(head: str, table: list[str], tail: list[str]) -> str:
    return "\n".join([head, f"<pre>{_escaped(chr(10).join(table))}</pre>", *tail])


def _escaped(text: str) -> str:
    return escape(text, quote=False)


def _table(averages: dict[str, Any], words: Catalogue) -> list[str]:
    """Lines of three columns as wide as they need to be: a phone shows about 30 characters."""
    basis = averages["basis"]
    behind = f"{basis}s"  # what the average is divided by, so that it can be followed
    rows = [words.columns[basis]]
    for group in averages["age_groups"]:
        average = averages["average_spending"][group["age_group"]]
        rows.append((group["age_group"], _amount(average, words), _count(group[behind], words)))
    name, amount, count = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [f"{row[0]:<{name}}  {row[1]:>{amount}}  {row[2]:>{count}}" for row in rows]


def _remarks(averages: dict[str, Any], words: Catalogue) -> list[str]:
    """What the groups do not hold; nothing is said when that is nothing."""
    outside, quality = averages["outside"], averages["data_quality"]
    remarks = []
    if outside["customers"] or outside["payments"]:
        remarks.append(
            words.outside.format(
                customers=_count(outside["customers"], words), payments=_count(outside["payments"], words)
            )
        )
    if quality["ignored_payments"]:
        remarks.append(words.ignored.format(count=_count(quality["ignored_payments"], words)))
    if quality["orphan_payments"]:
        remarks.append(words.orphans.format(count=_count(quality["orphan_payments"], words)))
    return remarks


def _amount(value: int | Decimal | None, words: Catalogue) -> str:
    return "–" if value is None else _localised(f"{Decimal(value):,.2f}", words)


def _count(value: int, words: Catalogue) -> str:
    return _localised(f"{value:,}", words)


def _localised(number: str, words: Catalogue) -> str:
    return number.translate(str.maketrans(",.", words.thousands + words.point))
