"""Where settings come from; the nearest wins: option, environment, `.env` in the working directory."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from smetka.core.errors import WrongUsage
from smetka.files.ownership import read
from smetka.settings.ledger_location import has_password
from smetka.settings.model import PREFIX, Settings, has_file_form, variable


def load_settings(
    options: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
) -> Settings:
    """Read the settings.

    An empty variable counts as not set. `SMETKA_X_FILE` names a file that holds the value of a
    `SMETKA_X` that is a secret or may have one in it.

    Args:
        options: values from the command line by field name; None means not given.

    Raises:
        WrongUsage: an unknown `SMETKA_` name (with the likely right one), a value that breaks its rule, a
            file that others decide upon, a password in an option. The message never holds a secret's value.
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
            refuse_password(value, f"--{field.replace('_', '-')}", f"set {_ways(field)}")
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
        found = read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read: {error}.") from None
    if found.fault:  # not parsed, which may take as long as whoever wrote it likes
        if PREFIX in found.text:
            raise WrongUsage(f"The file {path.absolute()} {found.fault}.")
        return {}
    given = dotenv_values(stream=StringIO(found.text), interpolate=False)
    return {name: value or "" for name, value in given.items()}


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
        elif field.endswith("_file") and secret in Settings.model_fields and has_file_form(secret):
            if value:
                found[secret] = (read_secret(name, value), value)
        else:
            raise WrongUsage(_unknown(name))
    both = [f for f in found if source.get(variable(f)) and source.get(variable(f) + "_FILE")]
    if both:
        raise WrongUsage(f"{variable(both[0])} and {variable(both[0])}_FILE are both set; set one of them.")
    return found


def read_secret(name: str, file: str) -> str:
    """What stands in the file that `name`, a setting or an argument, names.

    Raises:
        WrongUsage: it cannot be read, or others decide what stands in it.
    """
    path = Path(os.path.expanduser(file))  # noqa: PTH111 - never fails
    try:
        found = read(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongUsage(f"{name} names {file}, which cannot be read: {reason}.") from None
    if found.fault:
        raise WrongUsage(f"{name} names {file}, which {found.fault}.")
    return found.text.strip()


def refuse_password(value: Any, name: str, instead: str) -> None:
    """Refuse an argument that is a URL with a password in it.

    Args:
        name: the argument's.
        instead: what to do.

    Raises:
        WrongUsage: it is one, or is meant to be one and cannot be read.
    """
    if isinstance(value, str) and "://" in value and has_password(value):
        raise WrongUsage(
            f"{name} has a password in it, which every user of the machine can read while the command runs; "
            f"{instead}."
        )


def _ways(field: str) -> str:
    return variable(field) + (
        f", or name a file that holds it in {variable(field)}_FILE" * has_file_form(field)
    )


def _unknown(name: str) -> str:
    known = [variable(field) for field in Settings.model_fields]
    known += [variable(field) + "_FILE" for field in Settings.model_fields if has_file_form(field)]
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
