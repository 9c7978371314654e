"""Text that others wrote, where people see it: what cannot be seen in it is shown, or left out.

Hidden is what controls a terminal (control characters, C1 included), turns the direction of writing, has no
width, parts lines or paragraphs, tags, or is half of a surrogate pair. Joiners and variation selectors stand
where a script or an emoji needs them, and are hidden elsewhere.
"""

from __future__ import annotations

import re

_COMMON = (
    r"\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
)
_HIDDEN = (
    rf"{_COMMON}\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_EMOJI = r"\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030-\u303d\u3297-\u3299\U0001f000-\U0001faff"
_JOINED = r"\u0620-\u109f\u1780-\u18af"
"""Scripts whose letters a joiner shapes: Arabic, those of India and their neighbours."""

_IDEOGRAPHS = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_JOINERS = (
    rf"(?!(?<=[{_JOINED}])[\u200c\u200d][{_JOINED}]|(?<=[{_EMOJI}\ufe0f])\u200d[{_EMOJI}])[\u200c\u200d]"
)
_VARIANTS = (
    rf"(?<![{_EMOJI}{_IDEOGRAPHS}{_JOINED}])(?!(?<=[0-9#*])\ufe0f\u20e3)[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)

_IN_LINE = re.compile(rf"[\x00-\x1f{_HIDDEN}]|{_JOINERS}|{_VARIANTS}")
_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_HIDDEN}]|{_JOINERS}|{_VARIANTS}")
# One set of characters is looked for four times as fast, and nearly no text has one of it.
_PERHAPS = rf"{_HIDDEN}\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
_PERHAPS_IN_LINE = re.compile(rf"[\x00-\x1f{_PERHAPS}]")
_PERHAPS_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_PERHAPS}]")

HIDDEN = "control characters, marks of direction, characters without width"
"""What is hidden, for sentences about rules."""

NOT_HIDDEN = rf"[^\x00-\x1f{_COMMON}]"
"""A character that is not hidden, as regular expressions of any language say it: nearly all of the rule."""


def has_hidden(text: str) -> bool:
    """Whether something in a line of text cannot be seen."""
    return not _is_plain(text) and _IN_LINE.search(text) is not None


def shown(text: str, *, lines: bool = False) -> str:
    r"""The text with what is hidden written as in JSON: ``\u202e``.

    Args:
        lines: it is more than one line; their ends, and tabs, are kept.
    """
    return text if _is_plain(text, lines=lines) else (_IN_LINES if lines else _IN_LINE).sub(_as_json, text)


def bare(text: str, *, lines: bool = False) -> str:
    """The text without what is hidden; a space in place of what parts words.

    Args:
        lines: as for `shown`.
    """
    if _is_plain(text, lines=lines):
        return text
    return (_IN_LINES if lines else _IN_LINE).sub(lambda found: " " if found[0].isspace() else "", text)


def as_reference(text: str) -> str:
    """HTML's own way to write what is hidden, for values that a form sends back as they are."""
    return text if _is_plain(text) else _IN_LINE.sub(lambda found: f"&#x{ord(found[0]):x};", text)


def _is_plain(text: str, *, lines: bool = False) -> bool:
    line = text.replace("\n", "").replace("\t", "") if lines else text
    if line.isascii() and line.isprintable():
        return True
    return (_PERHAPS_IN_LINES if lines else _PERHAPS_IN_LINE).search(text) is None


def _as_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    short = {"000a": r"\n", "0009": r"\t", "000d": r"\r"}.get(units)
    return short or "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
