"""How many customers spent how much, with the threshold drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smetka.charts.look import BAR, INK, MARKED, OPEN_OPACITY, config, heading
from smetka.core.money import Money
from smetka.language.formats import Formats, count

_WIDTH, _HEIGHT = 520, 220
_TICKS = 4

Tick = tuple[float, str]


def distribution_spec(
    classes: Sequence[tuple[Money | None, Money | None, int]],
    threshold: Money,
    *,
    title: str,
    unit: str,
    threshold_label: str,
    formats: Formats,
) -> dict[str, Any]:
    """The chart in Vega-Lite's words.

    Classes without a limit stand apart, paler, under a name instead of a scale: nobody can read how far
    they reach off a width. A threshold among them is not drawn, since it has no place there.

    Args:
        classes: from, up to (None is without a limit) and how many customers; ascending, side by side, of
            one width but for those without a limit.
    """
    closed = [(low, high) for low, high, _ in classes if low is not None and high is not None]
    first, last = closed[0][0], closed[-1][1]
    width = closed[0][1].cents - first.cents
    ticks = _ticks(closed, formats, to_the_end=classes[-1][1] is not None)
    rows = []
    for low, high, customers in classes:
        begin, end = low, high
        if begin is None:
            begin, end = Money(first.cents - width * 3 // 2), Money(first.cents - width // 2)
            ticks.insert(0, (_middle(begin, end), f"< {_whole(first, formats)}"))
        if end is None:
            begin, end = Money(last.cents + width // 2), Money(last.cents + width * 3 // 2)
            ticks.append((_middle(begin, end), f"≥ {_whole(last, formats)}"))
        bounds = {"from": float(begin.decimal), "to": float(end.decimal)}
        rows.append({**bounds, "customers": customers, "open": low is None or high is None})
    layers = [_bars(_axis(ticks))]
    if first.cents <= threshold.cents <= last.cents:
        layers += _threshold(
            threshold, threshold_label, right_half=threshold.cents * 2 > first.cents + last.cents
        )
    return {
        **heading(title, unit),
        "data": {"values": rows},
        "width": _WIDTH,
        "height": _HEIGHT,
        "layer": layers,
        "config": config(),
    }


def _ticks(closed: Sequence[tuple[Money, Money]], formats: Formats, *, to_the_end: bool) -> list[Tick]:
    """Places on the scale and what stands there: bounds of classes, the last unless a name stands beside it.

    Not the quarters: those of 13 classes are no whole numbers, and would be read as such.
    """
    number = len(closed)
    step = -(-number // _TICKS)
    places = [closed[place][0] for place in range(0, number, step) if (number - place) * 2 >= step]
    if to_the_end:
        places.append(closed[-1][1])
    return [(float(place.decimal), _whole(place, formats)) for place in places]


def _middle(low: Money, high: Money) -> float:
    return float(Money((low.cents + high.cents) // 2).decimal)


def _whole(amount: Money, formats: Formats) -> str:
    return count(amount.cents // 100, formats)


def _axis(ticks: Sequence[Tick]) -> dict[str, Any]:
    return {
        "values": [place for place, _ in ticks],
        # Vega's own numbers would be an English reader's.
        "labelExpr": " : ".join(f"abs(datum.value - {place}) < 0.005 ? '{label}'" for place, label in ticks)
        + " : ''",
        "labelFontSize": 13,
        "labelOverlap": False,
        "grid": False,
        "tickColor": INK,
    }


def _bars(axis: dict[str, Any]) -> dict[str, Any]:
    return {
        "mark": {"type": "bar", "binSpacing": 1},
        "encoding": {
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": None,
                "axis": axis,
                "scale": {"nice": False, "zero": False},
                "bin": {"binned": True},
            },
            "x2": {"field": "to"},
            "y": {"field": "customers", "type": "quantitative", "title": None, "axis": None},
            "color": {"value": BAR},
            "opacity": {"condition": {"test": "datum.open", "value": OPEN_OPACITY}, "value": 1},
        },
    }


def _threshold(threshold: Money, label: str, *, right_half: bool) -> list[dict[str, Any]]:
    at = {"x": {"datum": float(threshold.decimal), "type": "quantitative"}}
    # A row of its own: of the chart's rows it would be drawn once for each.
    once: dict[str, Any] = {"values": [{}]}
    return [
        {
            "data": once,
            "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": MARKED},
            "encoding": at,
        },
        {
            "data": once,
            "mark": {
                "type": "text",
                "align": "right" if right_half else "left",
                "dx": -8 if right_half else 8,
                "fontSize": 14,
                "fontWeight": "bold",
                "color": MARKED,
            },
            "encoding": {**at, "y": {"value": 8}, "text": {"value": label}},
        },
    ]
