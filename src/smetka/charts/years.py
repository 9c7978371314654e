"""What was spent in each year, as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from smetka.charts.look import BAR, NEGATIVE, OPEN_OPACITY, config, heading
from smetka.core.money import CENTS, Money
from smetka.language.formats import Formats, count

_WIDTH, _HEIGHT = 520, 220


def years_spec(
    years: Iterable[tuple[int, Money]],
    *,
    title: str,
    unit: str,
    formats: Formats,
    unfinished: str,
    current_year: int,
) -> dict[str, Any]:
    """The chart in Vega-Lite's words. What is written on columns is rounded half up to whole units.

    Args:
        unfinished: stands under a year that is not over, whose column is paler.
        current_year: the first that is not over.
    """
    rows = [
        {
            "year": str(year),
            "open": year >= current_year,
            "value": float(total.decimal),
            "label": count(total.average(CENTS).cents, formats),
            "place": max(float(total.decimal), 0.0),
        }
        for year, total in years
    ]
    few = len(rows) <= 7  # more have no room for what they are worth
    label = "datum.label"
    if few and (open_years := [row["year"] for row in rows if row["open"]]):
        is_whole = f"indexof({json.dumps(open_years)}, datum.label) < 0"
        label = f"{is_whole} ? datum.label : [datum.label, {json.dumps(unfinished)}]"
    x = {
        "field": "year",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelFontSize": 15,
            "labelAngle": 0,
            "labelPadding": 8,
            "ticks": False,
            "domain": False,
            "labelExpr": label,
        },
    }
    columns = {
        "mark": {"type": "bar", "cornerRadiusEnd": 3, "width": {"band": 0.62}},
        "encoding": {
            "x": x,
            "y": {"field": "value", "type": "quantitative", "axis": None, "scale": {"nice": False}},
            "color": {"condition": {"test": "datum.value < 0", "value": NEGATIVE}, "value": BAR},
            "opacity": {"condition": {"test": "datum.open", "value": OPEN_OPACITY}, "value": 1},
        },
    }
    labels = {
        "mark": {"type": "text", "baseline": "bottom", "dy": -5, "fontSize": 13},
        "encoding": {
            "x": x,
            "y": {"field": "place", "type": "quantitative"},
            "text": {"field": "label"},
        },
    }
    return {
        **heading(title, unit),
        "data": {"values": rows},
        "width": _WIDTH,
        "height": _HEIGHT,
        "layer": [columns, labels] if few else [columns],
        "config": config(),
    }
