"""Everything that is measured, by name. Each row starts what it needs and ends with figures."""

from __future__ import annotations

from collections.abc import Callable

from bench.figures import Figure
from bench.rows import (
    averages,
    bonus,
    copying,
    engines,
    importing,
    messages,
    pages,
    posts,
    reading,
    resources,
    together,
    totals,
    writing,
)
from bench.rows.sizes import Sizes

ROWS: dict[str, Callable[[Sizes], list[Figure]]] = {
    "totals": totals.totals,
    "averages": averages.unchanged,
    "fresh": averages.fresh,
    "busy": averages.busy,
    "posts": posts.one_by_one,
    "sustained": posts.sustained,
    "bonus": bonus.year_end,
    "redeeming": bonus.redeeming,
    "reading": reading.reading,
    "asking": messages.asking,
    "sending": messages.sending,
    "drawing": messages.drawing,
    "pages": pages.pages,
    "start": resources.start,
    "importing": importing.importing,
    "writing": writing.writing,
    "engines": engines.engines,
    "copying": copying.copying,
    "together": together.together,
}

__all__ = ["ROWS", "Sizes"]
