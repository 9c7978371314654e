"""The chart of a message. What it shows stands in the message too."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from smetka.charts import drawing
from smetka.charts.averages import averages_spec
from smetka.core.periods import is_whole
from smetka.settings import Language
from smetka.telegram.reports import figures_of

_MOST_KEPT = 16

_lock = Lock()
_kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()


def averages_chart(report: dict[str, Any], language: Language) -> bytes:
    """The averages by age group as a PNG; the same report drawn before costs nothing.

    Args:
        report: the averages' JSON.
    """
    key = (*figures_of(report), is_whole(report), language)
    with _lock:
        if key not in _kept:
            _kept[key] = drawing.png(averages_spec(report, language))
            while len(_kept) > _MOST_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]
