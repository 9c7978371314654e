"""Cells without what exports put around them so that a spreadsheet takes them for text.

An apostrophe or a tab stands before what would be a formula or lose its zeros, as in ``'-30.50`` (OWASP, CSV
injection), or the text is written as a formula, as in ``="001"``.
"""

from __future__ import annotations

import re

from smetka.files.spreadsheets import GUARD

MARKS = ("'", "=")
"""A cell that begins with none of them, or with a tab, has nothing around it."""

_AS_FORMULA = re.compile(r'="((?:[^"]|"")*)"')


def bare(text: str) -> str:
    """What a cell says. Formulas that compute something stay as they are."""
    text = text.strip()
    if not text.startswith(MARKS):
        return text
    text = text.removeprefix("'").strip()
    if quoted := _AS_FORMULA.fullmatch(text):
        return quoted[1].replace('""', '"').strip()
    return text


def bare_name(text: str) -> str:
    """The same of names, which may begin with an apostrophe of their own, as 't Hooft does."""
    text = text.lstrip()
    said = GUARD.sub("", text) if "'" in text else text
    return said if text.startswith("'") else bare(said)  # behind one stands a text, whatever it looks like
