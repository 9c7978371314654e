"""Charts of pages: the specifications that Telegram's pictures are of, drawn once."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import structlog
from markupsafe import Markup

from smetka.charts import drawing

_log = structlog.get_logger(__name__)


def picture(spec: dict[str, Any], name: str) -> Markup | None:
    """The chart for a page; None where it cannot be drawn: the table beside it says the same.

    Args:
        name: of letters, another one for each picture of a page.
    """
    if not drawing.is_available():
        return None
    try:
        return _drawn(json.dumps(spec), name)
    except Exception:  # noqa: BLE001 - the figures are worth more than their picture
        _log.exception("chart-not-drawn")
        return None


@lru_cache(maxsize=64)
def _drawn(spec: str, name: str) -> Markup:
    # What the library writes is escaped: names of age groups are the only words from outside.
    return Markup(drawing.svg(json.loads(spec), name))  # noqa: S704
