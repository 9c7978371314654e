"""Where settings come from; the nearest wins: option, environment, `.env` in the working directory."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from smetka.errors import WrongUsage
from smetka.settings.model import PREFIX, Settings, is_secret, variable


def load_settings(
    options: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
) -> Settings:
    """Read the settings.

    An empty variable counts as not set. `SMETKA_X_FILE` names a file that holds the value of a
    secret `SMETKA_X`.

    Args:
        options: values from the command line by field name; None means not given.

    Raises:
        WrongUsage: an unknown `SMETKA_` name (with the likely right one) or a value that breaks its
            rule. The message never holds a secret's value.
    """
    environ = os.environ if environ is None else environ
    dotenv = Path(".env") if dotenv is None else dotenv
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, source in ((".env", _read_dotenv(dotenv)), ("environment", environ)):
        for field, (value, place) in _from_variables(source, origin).items():
            values[field], origins[field] = value, place
    for field, value in (options or {}).items():
        if value is not None:
            values[field], origins[field] = value, "option"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise WrongUsage(_explain(error, origins)) from None
    settings._origins.update(origins)  # noqa: SLF001 - made here, right after the model itself
    return settings


def named_ledger(settings: Settings) -> str:
    """The ledger's place.

    Raises:
        WrongUsage: none is named.
    """
    if settings.ledger is None:
        raise WrongUsage("No ledger is named: give --ledger PATH or set SMETKA_LEDGER.")
    return settings.ledger


def settings_from_parent() -> Settings:
    """The settings of a child process: all of them from the environment its parent made, no `.env`."""
    return load_settings(dotenv=Path(os.devnull))


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        if not path.is_file():
            return {}
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read: {error}.") from None


def _from_variables(source: Mapping[str, str], origin: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, value in source.items():
        if not name.startswith(PREFIX):
            continue
        field = name.removeprefix(PREFIX).lower()
        secret = field.removesuffix("_file")
        if field in Settings.model_fields:
            if value:
                found.setdefault(field, (value, origin))
        elif field.endswith("_file") and secret in Settings.model_fields and is_secret(secret):
            if value:
                found[secret] = (_read_secret(name, Path(value)), value)
        else:
            raise WrongUsage(_unknown(name))
    both = [
        f for f in found if is_secret(f) and source.get(variable(f)) and source.get(variable(f) + "_FILE")
    ]
    if both:
        raise WrongUsage(f"{variable(both[0])} and {variable(both[0])}_FILE are both set; set one of them.")
    return found


def _read_secret(name: str, path: Path) -> str:
    try:
        return Path(os.path.expanduser(path)).read_text(encoding="utf-8").strip()  # noqa: PTH111
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongUsage(f"{name} names {path}, which cannot be read: {reason}.") from None


def _unknown(name: str) -> str:
    known = [variable(field) for field in Settings.model_fields]
    known += [variable(field) + "_FILE" for field in Settings.model_fields if is_secret(field)]
    likely = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {likely[0]}?" if likely else " `smetka settings` lists them."
    return f"{name} is not a setting.{hint}"


_RULES = {
    "int_parsing": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    sentences = []
    for fault in error.errors(include_url=False):
        field = str(fault["loc"][0])
        rule = _RULES.get(fault["type"], "{msg}").format(msg=fault["msg"], **fault.get("ctx", {}))
        rule = rule.removeprefix("Value error, ").rstrip(".")
        place = origins.get(field, "")
        where = f" (from {place})" if place and place != "option" else ""
        sentences.append(f"{variable(field)}{where}: {rule}.")
    return " ".join(dict.fromkeys(sentences))
