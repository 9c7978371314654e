"""What can be configured (`model`), by which rules (`rules`), and from where (`sources`)."""

from smetka.settings.exposure import exposed
from smetka.settings.model import (
    Basis,
    Language,
    Settings,
    as_shown,
    as_text,
    has_file_form,
    is_loopback,
    is_secret,
    secrets_of,
    variable,
)
from smetka.settings.rules import TOKEN_ELSEWHERE, masked
from smetka.settings.sources import (
    load_settings,
    named_ledger,
    read_secret,
    refuse_password,
    settings_from_parent,
)

__all__ = [
    "TOKEN_ELSEWHERE",
    "Basis",
    "Language",
    "Settings",
    "as_shown",
    "as_text",
    "exposed",
    "has_file_form",
    "is_loopback",
    "is_secret",
    "load_settings",
    "masked",
    "named_ledger",
    "read_secret",
    "refuse_password",
    "secrets_of",
    "settings_from_parent",
    "variable",
]
