"""What all charts have in common."""

from __future__ import annotations

from typing import Any

from smetka.charts.drawing import FONT

BAR, NEGATIVE, MARKED, INK, QUIET, LINE = "#1f6f8b", "#c8553d", "#b3541e", "#1c1c1e", "#5f6368", "#dddddd"
"""Colours of a picture in a chat. On pages the style sheet has its own, for light and dark."""

OPEN_OPACITY = 0.45
"""Of what must not be read like the rest: a class without a limit, a year that is not over."""


def heading(title: str, subtitle: str) -> dict[str, Any]:
    """The beginning of a specification."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "#ffffff",
        "padding": 22,
        "title": {
            "text": title,
            "subtitle": subtitle,
            "anchor": "start",
            "frame": "group",
            "fontSize": 21,
            "subtitleFontSize": 15,
            "subtitleColor": QUIET,
            "subtitlePadding": 6,
            "offset": 16,
            "color": INK,
        },
    }


def config() -> dict[str, Any]:
    """The end of one. Nothing is named for who reads by ear: the same stands beside it as text."""
    return {
        "font": FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": {"labelColor": INK, "gridColor": LINE},
    }
