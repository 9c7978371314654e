"""What can be configured (`model`), by which rules (`rules`), and from where (`sources`)."""

from smetka.settings.model import (
    Basis,
    Language,
    Settings,
    as_shown,
    as_text,
    is_loopback,
    is_secret,
    secrets_of,
    variable,
)
from smetka.settings.rules import TOKEN_ELSEWHERE, masked
from smetka.settings.sources import load_settings, named_ledger, settings_from_parent

__all__ = [
    "TOKEN_ELSEWHERE",
    "Basis",
    "Language",
    "Settings",
    "as_shown",
    "as_text",
    "is_loopback",
    "is_secret",
    "load_settings",
    "masked",
    "named_ledger",
    "secrets_of",
    "settings_from_parent",
    "variable",
]
