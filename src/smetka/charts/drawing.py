"""Drawing, without a browser.

The drawing library is an extra (`smetka[charts]`) and is loaded with the first picture: it takes some
90 MB, which nobody who wants no picture should pay for.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

FONT = "DejaVu Sans"
_FONTS = Path(__file__).parent.parent / "fonts"
_SCALE = 2

_SPOKEN = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_CLIP = re.compile(r"\b(clip\d+)\b")
_SIZE = re.compile(r' width="[^"]*" height="[^"]*"(?= viewBox)')

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


def svg(spec: dict[str, Any], name: str) -> str:
    """A picture for a page, without its heading: the page has one.

    No script, no inline style; colours are the style sheet's to change, by those of `look`. What it
    shows is to stand beside it as text: it says nothing to whoever reads by ear.

    Args:
        name: of letters, another one for each picture of a page.
    """
    bare = {**{key: value for key, value in spec.items() if key != "title"}, "padding": 4}
    with _lock:
        picture: str = _library().vegalite_to_svg(bare, allowed_base_urls=[])
    picture = _SPOKEN.sub("", picture)
    picture = _CLIP.sub(rf"{name}\1", picture)
    return _SIZE.sub(' aria-hidden="true" focusable="false"', picture, count=1)


def _library() -> Any:
    global _is_ready  # noqa: PLW0603 - fonts are the process's, as the library is
    import vl_convert  # large, and an extra

    if not _is_ready:
        vl_convert.register_font_directory(str(_FONTS))
        _is_ready = True
    return vl_convert
