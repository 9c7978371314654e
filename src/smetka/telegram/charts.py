"""Charts as pictures, drawn without a browser. What they show stands in the message too.

The drawing library is an extra (`smetka[charts]`) and is loaded with the first picture: it takes some
90 MB, which nobody who sends no picture should pay for.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from smetka.telegram.layout import amount, currency
from smetka.telegram.reports import figures_of
from smetka.telegram.words import CATALOGUES

FONT = "DejaVu Sans"
_FONTS = Path(__file__).parent.parent / "fonts"
_SCALE = 2
_WIDTH = 520
_STEP, _SMALLEST_STEP, _HIGHEST = 46, 22, 3600
_BAR, _NEGATIVE, _INK, _QUIET = "#1f6f8b", "#c8553d", "#1c1c1e", "#5f6368"
_MOST_KEPT = 16

_lock = Lock()
_kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
_is_ready = False


def is_available() -> bool:
    """Whether pictures can be drawn here."""
    return find_spec("vl_convert") is not None


def averages_chart(report: dict[str, Any], language: str) -> bytes:
    """The averages by age group as a PNG; the same report drawn before costs nothing.

    Args:
        report: the averages' JSON.
    """
    key = (*figures_of(report), language)
    with _lock:  # one at a time: the library draws in one thread anyway
        if key not in _kept:
            _kept[key] = _drawn(averages_spec(report, language))
            while len(_kept) > _MOST_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def averages_spec(report: dict[str, Any], language: str) -> dict[str, Any]:
    """The chart in Vega-Lite's words. Bars are drawn by floats; what is written on them is exact."""
    words = CATALOGUES[language]
    period = words.all_years if report["year"] is None else words.year.format(year=report["year"])
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
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "#ffffff",
        "padding": 22,
        "title": {
            "text": words.title,
            "subtitle": f"{period} · {words.per[report['basis']]} · {unit}",
            "anchor": "start",
            "frame": "group",
            "fontSize": 21,
            "subtitleFontSize": 15,
            "subtitleColor": _QUIET,
            "subtitlePadding": 6,
            "offset": 16,
            "color": _INK,
        },
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
                        "condition": {"test": "datum.value < 0", "value": _NEGATIVE},
                        "value": _BAR,
                    },
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 7, "fontSize": 15, "color": _INK},
                "encoding": {
                    "y": y,
                    "x": {"field": "place", "type": "quantitative"},
                    "text": {"field": "label"},
                },
            },
        ],
        "config": {"font": FONT, "view": {"stroke": None}, "axis": {"labelColor": _INK}},
    }


def _drawn(spec: dict[str, Any]) -> bytes:
    global _is_ready  # noqa: PLW0603 - fonts are the process's, as the library is
    import vl_convert  # large, and an extra

    if not _is_ready:
        vl_convert.register_font_directory(str(_FONTS))
        _is_ready = True
    png: bytes = vl_convert.vegalite_to_png(spec, scale=_SCALE, allowed_base_urls=[])
    return png
