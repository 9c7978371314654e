"""What is said to people, in English and Macedonian, and how each writes numbers, money and times."""

from smetka.language.formats import FORMATS, Formats
from smetka.language.translations import LANGUAGES, Translations, translations

__all__ = ["FORMATS", "LANGUAGES", "Formats", "Translations", "translations"]
