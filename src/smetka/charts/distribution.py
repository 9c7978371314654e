"""How many customers spent how much, with the threshold drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smetka.charts.look import BAR, INK, MARKED, config, heading
from smetka.language.formats import Formats, count
from smetka.money import Money

_WIDTH, _HEIGHT = 520, 220


def distribution_spec(
    classes: Sequence[tuple[Money, Money, int]],
    threshold: Money,
    *,
    title: str,
    unit: str,
    threshold_label: str,
    formats: Formats,
) -> dict[str, Any]:
    """The chart in Vega-Lite's words.

    Args:
        classes: from, up to and how many customers, ascending and side by side.
    """
    rows = [
        {"from": float(low.decimal), "to": float(high.decimal), "customers": customers}
        for low, high, customers in classes
    ]
    first, last = classes[0][0], classes[-1][1]
    step = max((last.cents - first.cents) // 4, 1)
    ticks = [Money(first.cents + step * number) for number in range(5)]
    axis = {
        "values": [float(tick.decimal) for tick in ticks],
        # Vega's own numbers would be an English reader's.
        "labelExpr": " : ".join(
            f"abs(datum.value - {float(tick.decimal)}) < 0.005 ? '{count(tick.cents // 100, formats)}'"
            for tick in ticks
        )
        + " : ''",
        "labelFontSize": 13,
        "grid": False,
        "tickColor": INK,
    }
    layer: list[dict[str, Any]] = [
        {
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
            },
        }
    ]
    if first.cents <= threshold.cents <= last.cents:
        at = {"x": {"datum": float(threshold.decimal), "type": "quantitative"}}
        right_half = threshold.cents * 2 > first.cents + last.cents
        layer += [
            {
                "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": MARKED},
                "encoding": at,
            },
            {
                "mark": {
                    "type": "text",
                    "align": "right" if right_half else "left",
                    "dx": -8 if right_half else 8,
                    "fontSize": 14,
                    "fontWeight": "bold",
                    "color": MARKED,
                },
                "encoding": {**at, "y": {"value": 8}, "text": {"value": threshold_label}},
            },
        ]
    return {
        **heading(title, unit),
        "data": {"values": rows},
        "width": _WIDTH,
        "height": _HEIGHT,
        "layer": layer,
        "config": config(),
    }
