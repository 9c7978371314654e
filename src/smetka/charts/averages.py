"""What age groups spend on average, as bars."""

from __future__ import annotations

from typing import Any

from smetka.charts.look import BAR, INK, NEGATIVE, config, heading
from smetka.language.formats import amount, currency
from smetka.language.words import CATALOGUES
from smetka.settings import Language

_WIDTH = 520
_STEP, _SMALLEST_STEP, _HIGHEST = 46, 22, 3600


def averages_spec(report: dict[str, Any], language: Language) -> dict[str, Any]:
    """The chart in Vega-Lite's words. Bars are drawn by floats; what is written on them is exact."""
    words = CATALOGUES[language]
    unit = currency(report["currency"], words)
    rows = [
        {
            "group": group["age_group"],
            "value": float(average or 0),
            "label": amount(average, words),
            "place": max(float(average or 0), 0.0),
        }
        for group in report["age_groups"]
        for average in [report["average_spending"][group["age_group"]]]
    ]
    step = max(_SMALLEST_STEP, min(_STEP, _HIGHEST // max(len(rows), 1)))
    y = {
        "field": "group",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelFontSize": 15, "labelPadding": 8, "ticks": False, "domain": False, "labelLimit": 160},
    }
    return {
        **heading(words.title, f"{words.period(report)} · {words.per[report['basis']]} · {unit}"),
        "data": {"values": rows},
        "width": _WIDTH,
        "height": {"step": step},
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 3, "height": {"band": 0.62}},
                "encoding": {
                    "y": y,
                    "x": {"field": "value", "type": "quantitative", "axis": None, "scale": {"nice": False}},
                    "color": {
                        "condition": {"test": "datum.value < 0", "value": NEGATIVE},
                        "value": BAR,
                    },
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 7, "fontSize": 15, "color": INK},
                "encoding": {
                    "y": y,
                    "x": {"field": "place", "type": "quantitative"},
                    "text": {"field": "label"},
                },
            },
        ],
        "config": config(),
    }
