"""Drawing, without a browser.

The drawing library is an extra (`smetka[charts]`) and is loaded with the first picture: it takes some
90 MB, which nobody who wants no picture should pay for.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

FONT = "DejaVu Sans"
_FONTS = Path(__file__).parent.parent / "fonts"
_SCALE = 2

_lock = Lock()
_is_ready = False


def is_available() -> bool:
    """Whether pictures can be drawn here."""
    return find_spec("vl_convert") is not None


def png(spec: dict[str, Any]) -> bytes:
    """A picture for a chat, twice as fine as the specification says."""
    with _lock:  # one at a time: the library draws in one thread anyway
        picture: bytes = _library().vegalite_to_png(spec, scale=_SCALE, allowed_base_urls=[])
        return picture


def svg(spec: dict[str, Any]) -> str:
    """A picture for a page: no script, no inline style, its colours to be changed by a style sheet.

    What it shows is to stand beside it as text: nothing in it is named for who reads by ear.
    """
    with _lock:
        picture: str = _library().vegalite_to_svg(spec, allowed_base_urls=[])
        return picture


def _library() -> Any:
    global _is_ready  # noqa: PLW0603 - fonts are the process's, as the library is
    import vl_convert  # large, and an extra

    if not _is_ready:
        vl_convert.register_font_directory(str(_FONTS))
        _is_ready = True
    return vl_convert
