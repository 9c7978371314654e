"""The averages by age group: a picture with the table under it, or whatever is possible."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import structlog

from smetka.charts import drawing
from smetka.core.errors import LedgerUnavailable
from smetka.core.periods import is_whole
from smetka.files.spreadsheets import csv_lines
from smetka.language.formats import amount, count, currency, percent
from smetka.language.words import Catalogue
from smetka.settings import Language
from smetka.telegram import charts
from smetka.telegram.figures import Figures
from smetka.telegram.layout import columns, escaped, length, preformatted, tables
from smetka.telegram.messages.frame import Frame
from smetka.telegram.parts import (
    LONGEST_CAPTION,
    LONGEST_TEXT,
    Button,
    Buttons,
    Document,
    Part,
    Picture,
    Text,
)

MOST_GROUPS_IN_CHAT = 12
"""More groups than these are sent as a file too."""

_BAR_LENGTH = 12
_BASES = ("spender", "payment", "customer")

Averages = Mapping[str, int | Decimal | None]

_log = structlog.get_logger(__name__)


def averages_parts(report: dict[str, Any], frame: Frame, figures: Figures | None) -> tuple[Part, ...]:
    """A picture whose caption holds everything, where that is short enough; else texts follow, and a file.

    Args:
        figures: asked for the year before; without them, or without the ledger, nothing is compared.
    """
    words = frame.words
    before, not_compared = _year_before(report, figures), []
    if before and not is_whole(report):
        before, not_compared = (
            None,
            [words.not_compared.format(year=report["year"], before=report["year"] - 1)],
        )
    head = frame.head(words.title, _period(report, words), words.basis[report["basis"]])
    compared = [words.compared.format(year=report["year"] - 1)] if before else not_compared
    tail = frame.tail(*_remarks(report, words), *compared)
    lines, buttons = _table(report, words, before), _buttons(report, words)
    medians = _medians(report, words)
    beside = f"\n{words.median}\n{preformatted(medians)}" if medians else ""
    whole = f"{head}\n{preformatted(lines)}{beside}\n{tail}"
    picture = None if "picture" in frame.delivery.without else _picture(report, frame.language)
    first: Part
    if picture is not None and length(whole) <= LONGEST_CAPTION:
        parts: list[Part] = [Picture("chart", picture, whole, buttons)]
    elif picture is not None:
        first = Picture("chart", picture, f"{head}\n{tail}", buttons)
        parts = [first, *_pieces(lines, medians)]
    else:
        drawn = preformatted(_bars(report, words))
        whole = f"{head}\n{drawn}\n{preformatted(lines)}{beside}\n{tail}"
        fits = length(whole) <= LONGEST_TEXT
        first = Text("text", whole if fits else f"{head}\n{tail}", buttons)
        parts = [first] if fits else [first, *_pieces(lines, medians)]
    if len(report["age_groups"]) > MOST_GROUPS_IN_CHAT:
        parts.append(_file(report))
    return tuple(parts)


def _period(report: dict[str, Any], words: Catalogue) -> str:
    return f"{words.period(report)} · {escaped(report['currency'])}"


def _year_before(report: dict[str, Any], figures: Figures | None) -> Averages | None:
    year = report["year"]
    if figures is None or year is None or year <= 1:
        return None
    try:
        before: Averages = figures.averages(year - 1, report["basis"])["average_spending"]
    except LedgerUnavailable:
        return None
    return before if any(average is not None for average in before.values()) else None


def _picture(report: dict[str, Any], language: Language) -> bytes | None:
    if not drawing.is_available():
        return None
    try:
        return charts.averages_chart(report, language)
    except Exception:  # noqa: BLE001 - the figures are worth more than their picture
        _log.exception("chart-not-drawn")
        return None


def _table(report: dict[str, Any], words: Catalogue, before: Averages | None) -> list[str]:
    """Lines of three or four columns: a phone shows about 30 characters."""
    basis = report["basis"]
    behind = f"{basis}s"  # what the average is divided by, so that it can be followed
    rows = [(*words.columns[basis], words.change)]
    for group in report["age_groups"]:
        name = group["age_group"]
        now, then = report["average_spending"][name], (before or {}).get(name)
        rows.append((name, amount(now, words), count(group[behind], words), _change(now, then, words)))
    return columns(rows if before else [row[:-1] for row in rows])


def _change(now: int | Decimal | None, then: int | Decimal | None, words: Catalogue) -> str:
    if now is None or then is None:
        return "–"
    return percent(Decimal(now) - Decimal(then), abs(Decimal(then)), words, sign=True)


def _medians(report: dict[str, Any], words: Catalogue) -> list[str]:
    """A table of its own: beside the averages it would be wider than a phone."""
    groups = report["age_groups"]
    if all(group.get("median_per_spender") is None for group in groups):
        return []  # nobody paid, or the report is an earlier version's
    rows = [(group["age_group"], amount(group["median_per_spender"], words)) for group in groups]
    return columns([words.median_columns, *rows])


def _pieces(*all_tables: list[str]) -> list[Text]:
    pieces = [piece for lines in all_tables if lines for piece in tables(lines, LONGEST_TEXT)]
    return [Text(f"table-{number}", piece) for number, piece in enumerate(pieces, 1)]


def _bars(report: dict[str, Any], words: Catalogue) -> list[str]:
    """Bars of characters, for those who get no picture; what is below nothing has none."""
    averages = report["average_spending"]
    most = max((average for average in averages.values() if average is not None), default=Decimal(0))
    width = max(map(len, averages), default=0)
    return [
        f"{name:<{width}} {'▇' * _bar(average, most)} {amount(average, words)}"
        for name, average in averages.items()
    ]


def _bar(average: int | Decimal | None, most: int | Decimal) -> int:
    if average is None or average <= 0 or most <= 0:
        return 0
    return max(1, round(Decimal(average) * _BAR_LENGTH / Decimal(most)))


def _remarks(report: dict[str, Any], words: Catalogue) -> list[str]:
    """The counts, and what the groups do not hold; nothing is said when that is nothing."""
    groups, outside, quality = report["age_groups"], report["outside"], report["data_quality"]
    everybody = [*groups, outside]
    total = {key: sum(part[key] for part in everybody) for key in ("customers", "spenders", "payments")}
    remarks = [
        words.payers.format(
            **{key: count(value, words) for key, value in total.items()},
            total=amount(sum(part["total_spending"] for part in everybody), words),
            currency=escaped(currency(report["currency"], words)),
        )
        if total["payments"]
        else words.nothing,
        *map(escaped, words.much_by_one(report)),
    ]
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


def _buttons(report: dict[str, Any], words: Catalogue) -> Buttons:
    """Years and bases to go on with, under what the bot answered; `years` says which."""
    if not report.get("buttons"):
        return ()
    year, basis = report["year"], report["basis"]
    years = tuple(
        _button(words.buttons["all"] if each is None else str(each), each, basis, chosen=each == year)
        for each in report["years"]
    )
    return years, tuple(_button(words.buttons[b], year, b, chosen=b == basis) for b in _BASES)


def _button(text: str, year: int | None, basis: str, *, chosen: bool) -> Button:
    return Button(f"• {text}" if chosen else text, f"averages {year or 'all'} {basis}")


def _file(report: dict[str, Any]) -> Document:
    """All groups with all their figures, for a spreadsheet: plain numbers with a point."""
    groups = report["age_groups"]
    lines = csv_lines(list(groups[0]), ([*group.values()] for group in groups), excel=False, language="en")
    period = "all" if report["year"] is None else report["year"]
    return Document("csv", f"averages-{period}.csv", b"".join(lines))
