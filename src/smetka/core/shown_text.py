"""Text that others wrote, where people see it: what cannot be seen in it is shown, or left out.

Hidden is what controls a terminal (control characters, C1 included), turns the direction of writing, has no
width or no ink, parts lines or paragraphs, tags, is half of a surrogate pair or no character at all. Joiners
stand where a script's shapes or an emoji need them, variants' selectors behind ideographs and emoji; they
are hidden elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# Unicode's Cf without the visible signs around numbers, Default_Ignorable_Code_Point, what is no character,
# and letters and symbols that are blank: fillers, Braille's empty cell.
_COMMON = (
    r"\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
_HIDDEN = (
    rf"{_COMMON}\ud800-\udfff\U0001107f\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
)
_EMOJI = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u231a-\u231b\u2328\u23cf\u23e9-\u23f3"
    r"\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614-\u2615"
    r"\u2618\u261d\u2620\u2622-\u2623\u2626\u262a\u262e-\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653"
    r"\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e-\u267f\u2692-\u2697\u2699\u269b-\u269c"
    r"\u26a0-\u26a1\u26a7\u26aa-\u26ab\u26b0-\u26b1\u26bd-\u26be\u26c4-\u26c5\u26c8\u26ce-\u26cf\u26d1"
    r"\u26d3-\u26d4\u26e9-\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712"
    r"\u2714\u2716\u271d\u2721\u2728\u2733-\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757"
    r"\u2763-\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934-\u2935\u2b05-\u2b07\u2b1b-\u2b1c\u2b50\u2b55"
    r"\u3030\u303d\u3297\u3299"
    r"\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a"
    r"\U0001f1e6-\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f64f"
    r"\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff"
)
"""Unicode's Emoji, without digits; beyond the first plane with what is reserved for more of them."""

_IDEOGRAPHS = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_JOINERS = rf"(?!(?<=[{_EMOJI}\ufe0f])\u200d[{_EMOJI}])[\u200c\u200d]"
_VARIANTS = (
    rf"(?<![{_EMOJI}])(?!(?<=[0-9#*])\ufe0f\u20e3)[\ufe0e\ufe0f]"
    rf"|(?<![{_IDEOGRAPHS}\u1000-\u1081\uaa60-\uaa7a])[\ufe00-\ufe0d\U000e0100-\U000e01ef]"  # Burma's too
)

_IN_LINE = re.compile(rf"[\x00-\x1f{_HIDDEN}]|{_JOINERS}|{_VARIANTS}")
_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_HIDDEN}]|{_JOINERS}|{_VARIANTS}")
# One small set of characters is looked for five times as fast, and nearly no text has one of it.
_PERHAPS = rf"{_COMMON}\ud800-\udfff\u200c\u200d\ufe00-\ufe0f\U00011000-\U0001dfff\U0001fffe-\U0010ffff"
_PERHAPS_IN_LINE = re.compile(rf"[\x00-\x1f{_PERHAPS}]")
_PERHAPS_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_PERHAPS}]")

_JOINER, _NEIGHBOURS = "\u200d", 20
_VIRAMA = 9
"""The combining class of signs that take a letter's vowel away, and join it to the next."""

HIDDEN = "control characters, marks of direction, characters without width"
"""What is hidden, for sentences about rules."""

NOT_HIDDEN = rf"[^\x00-\x1f{_COMMON}]"
"""A character that is not hidden, as regular expressions of any language say it: nearly all of the rule."""


def has_hidden(text: str) -> bool:
    """Whether something in a line of text cannot be seen."""
    return not _is_plain(text) and not all(map(_is_needed, _IN_LINE.finditer(text)))


def shown(text: str, *, lines: bool = False) -> str:
    r"""The text with what is hidden written as in JSON: ``\u202e``.

    Args:
        lines: it is more than one line; their ends, and tabs, are kept.
    """
    return _without_hidden(text, _as_json, lines=lines)


def bare(text: str, *, lines: bool = False) -> str:
    """The text without what is hidden; a space in place of what parts words.

    Args:
        lines: as for `shown`.
    """
    return _without_hidden(text, lambda hidden: " " if hidden.isspace() else "", lines=lines)


def as_reference(text: str) -> str:
    """HTML's own way to write what is hidden, for values that a form sends back as they are."""
    return _without_hidden(text, lambda hidden: f"&#x{ord(hidden):x};")


def _without_hidden(text: str, instead: Callable[[str], str], *, lines: bool = False) -> str:
    if _is_plain(text, lines=lines):
        return text
    return (_IN_LINES if lines else _IN_LINE).sub(
        lambda found: found[0] if _is_needed(found) else instead(found[0]), text
    )


def _is_needed(found: re.Match[str]) -> bool:
    """Whether it is a joiner without which the letters around it have other shapes (RFC 5892, appendix A)."""
    if found[0] not in "\u200c\u200d":
        return False
    import idna  # its tables take 30 ms, and nearly no text has a joiner

    at = found.start()
    before, after = found.string[max(at - _NEIGHBOURS, 0) : at], found.string[at + 1 : at + 1 + _NEIGHBOURS]
    if not before or not after:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    if found[0] == _JOINER:
        return unicodedata.combining(after[0]) == _VIRAMA  # Bengali ra with ya
    try:
        return idna.valid_contextj(before + found[0] + after, len(before))
    except ValueError:  # beside what is no character yet
        return False


def _is_plain(text: str, *, lines: bool = False) -> bool:
    line = text.replace("\n", "").replace("\t", "") if lines else text
    if line.isascii() and line.isprintable():
        return True
    return (_PERHAPS_IN_LINES if lines else _PERHAPS_IN_LINE).search(text) is None


def _as_json(hidden: str) -> str:
    units = hidden.encode("utf-16-be", "surrogatepass").hex()
    short = {"000a": r"\n", "0009": r"\t", "000d": r"\r"}.get(units)
    return short or "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
