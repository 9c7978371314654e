"""The averages by age group as a message."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from smetka.telegram.messages.layout import amount, count, escaped, local_time
from smetka.telegram.messages.words import CATALOGUES, Catalogue
from smetka.telegram.parts import LONGEST_TEXT


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
        f"<b>{words.title}</b>\n{period} · {escaped(averages['currency'])}\n"
        f"{words.basis[averages['basis']]}\n"
    )
    time = local_time(now, timezone, words)
    tail = [*_remarks(averages, words), "\n" + words.report.format(report_id=escaped(report_id), time=time)]
    lines = _table(averages, words)
    text = _put_together(head, lines, tail)
    shown = len(lines)
    while len(text) > LONGEST_TEXT:  # a shop may draw a hundred groups
        shown -= 1
        left_out = words.more_groups.format(count=len(lines) - shown)
        text = _put_together(head, lines[:shown], [left_out, *tail])
    return text


def _put_together(head: str, table: list[str], tail: list[str]) -> str:
    return "\n".join([head, f"<pre>{escaped(chr(10).join(table))}</pre>", *tail])


def _table(averages: dict[str, Any], words: Catalogue) -> list[str]:
    """Lines of three columns as wide as they need to be: a phone shows about 30 characters."""
    basis = averages["basis"]
    behind = f"{basis}s"  # what the average is divided by, so that it can be followed
    rows = [words.columns[basis]]
    for group in averages["age_groups"]:
        average = averages["average_spending"][group["age_group"]]
        rows.append((group["age_group"], amount(average, words), count(group[behind], words)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}" for row in rows]


def _remarks(averages: dict[str, Any], words: Catalogue) -> list[str]:
    """What the groups do not hold; nothing is said when that is nothing."""
    outside, quality = averages["outside"], averages["data_quality"]
    remarks = []
    if outside["customers"] or outside["payments"]:
        remarks.append(
            words.outside.format(
                customers=count(outside["customers"], words), payments=count(outside["payments"], words)
            )
        )
    if quality["ignored_payments"]:
        remarks.append(words.ignored.format(count=count(quality["ignored_payments"], words)))
    if quality["orphan_payments"]:
        remarks.append(words.orphans.format(count=count(quality["orphan_payments"], words)))
    return remarks
