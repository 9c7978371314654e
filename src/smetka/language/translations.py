"""One catalogue for pages, messages and the terminal: English is the key, `mk.po` has the rest.

`make words` brings `mk.po` up to date with what the code says and compiles it.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from smetka.settings import Language

Translations = NullTranslations
"""What `translations` returns: `gettext` and `ngettext`."""

LANGUAGES: tuple[Language, ...] = ("en", "mk")


@cache
def translations(language: Language) -> Translations:
    """The catalogue of a language. What is not in it is said in English."""
    if language == "en":
        return NullTranslations()
    with Path(__file__).with_name(f"{language}.mo").open("rb") as compiled:
        return GNUTranslations(compiled)


def mark(message: str) -> str:
    """Say that a message is to be translated where it is shown, not here."""
    return message
