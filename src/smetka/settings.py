"""Every setting as data: name, default, rule and help in one place.

The command line, the documentation and `smetka settings` are made from the fields of `Settings`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)

from smetka.errors import WrongUsage
from smetka.money import Money, check_currency
from smetka.spending.age_groups import AgeGroup, parse_age_groups

PREFIX = "SMETKA_"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
TOKEN_ELSEWHERE = "elsewhere"  # noqa: S105 - a word in place of a token, not one

Basis = Literal["spender", "payment", "customer"]
Language = Literal["en", "mk"]


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Skopje") from None


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _chat_id(value: object) -> object:
    text = str(value).strip()
    if re.fullmatch(r"-?[1-9][0-9]{0,15}", text) and abs(int(text)) < 2**52:
        return int(text)
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}", text):
        return text
    raise ValueError(f"{text!r} is neither a chat id such as -1001234567890 nor a name such as @managers")


def _chat_ids(value: object) -> object:
    # The same chat named twice is one recipient.
    parts = _comma_separated(value)
    return tuple(dict.fromkeys(_chat_id(part) for part in parts)) if isinstance(parts, tuple) else parts


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http:// or https:// address")
    return url.rstrip("/")


def _token(value: SecretStr) -> SecretStr:
    token = value.get_secret_value()
    if token != TOKEN_ELSEWHERE and not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,}", token):
        raise ValueError("must look like 123456:ABC-DEF…, as BotFather wrote it")
    return value


def _mongodb_uri(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    return value


def _threshold(value: object) -> object:
    if isinstance(value, str):
        threshold = Money.parse(value.strip())
        if threshold.cents < 0:
            raise ValueError("must not be negative")
        return threshold
    return value


def _path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("smetka", appauthor=False))


Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
ChatIds = Annotated[tuple[int | str, ...], BeforeValidator(_chat_ids)]
Folder = Annotated[Path, BeforeValidator(_path)]


class Settings(BaseModel):
    """What is configured. Made by `load_settings`, or directly in tests and by other programs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    ledger: str | None = Field(
        None, description="The shop's own database, opened read-only: path of a SQLite file, or a URL."
    )
    mongodb_uri: Annotated[SecretStr, AfterValidator(_mongodb_uri)] | None = Field(
        None,
        description="A MongoDB server, mongodb:// or mongodb+srv://; the database is the URI's, "
        "else smetka. Without it the embedded server is used.",
    )
    data_dir: Folder = Field(
        default_factory=_default_data_dir,
        description="Folder of the embedded MongoDB's files and password, and of the locks; mode 0700.",
    )
    keys_file: Folder | None = Field(
        None, description="API keys (hashes only); keys.json in the data directory unless set."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address the web server listens on.")
    port: int = Field(
        8000, ge=0, le=65535, description="Port the web server listens on; 0 takes any free one."
    )
    workers: int = Field(1, ge=1, le=64, description="Number of web server processes.")
    allowed_hosts: Names = Field(
        (),
        description="Host headers that are answered, comma-separated; the loopback names, and the "
        "host when it is a name, unless set.",
    )
    trusted_proxies: Names = Field(
        (), description="Addresses whose X-Forwarded-For, -Proto and -Host count, comma-separated."
    )
    auth: Literal["auto", "required"] = Field(
        "auto",
        description="auto: keys are needed once one was ever made, and always beyond loopback; "
        "required: always.",
    )
    currency: Annotated[str, AfterValidator(check_currency)] = Field(
        "MKD", description="The currency of every amount, ISO 4217."
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(lambda v: _time_zone(v) if isinstance(v, str) else v)] = (
        Field(default_factory=lambda: ZoneInfo("Europe/Skopje"), description="The shop's time zone, IANA.")
    )
    language: Language = Field("en", description="Language of messages and pages.")
    age_groups: Annotated[
        tuple[AgeGroup, ...],
        BeforeValidator(lambda v: parse_age_groups(v) if isinstance(v, str) else v),
    ] = Field(
        parse_age_groups("18-24,25-30,31-36,37-47,>47"),
        description="Age groups: inclusive whole years, no overlap.",
    )
    average_basis: Basis = Field(
        "spender", description="What the headline average is per: spender, payment or customer."
    )
    bonus_threshold: Annotated[Money, BeforeValidator(_threshold)] = Field(
        Money(1000_00), description="A customer must spend more than this to earn the bonus."
    )
    bonus_verify: Literal["record", "require"] = Field(
        "record",
        description="A posted total that differs from the ledger's: record it and store, or require "
        "them to be equal.",
    )
    telegram_bot_token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        None,
        description="The bot's token. `elsewhere` says that only the worker, on another machine, has it.",
    )
    telegram_chat_ids: ChatIds = Field(
        (), description="The managers' chats, comma-separated. Without token and chats nothing is sent."
    )
    telegram_api_url: Annotated[str, AfterValidator(_http_url)] = Field(
        "https://api.telegram.org", description="Address of the Bot API, or of a local Bot API server."
    )
    notify_cooldown_seconds: int = Field(
        600,
        ge=0,
        le=31 * 24 * 3600,
        description="The same statistics do not go to the same chat again within this time.",
    )
    telegram_on_unknown: Literal["retry", "hold"] = Field(
        "retry",
        description="A send whose outcome is unknown: retry it (it may arrive twice) or hold it for an "
        "operator.",
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def recipients(self) -> tuple[int | str, ...]:
        """Chats that reports go to; empty when no bot is configured."""
        return self.telegram_chat_ids if self.telegram_bot_token else ()

    @property
    def effective_keys_file(self) -> Path:
        """Where the API keys are."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def effective_allowed_hosts(self) -> tuple[str, ...]:
        """Host names that are answered, lower case, without ports."""
        if self.allowed_hosts:
            return tuple(host.lower() for host in self.allowed_hosts)
        is_name = not re.fullmatch(r"[0-9.]+|.*:.*", self.host)
        return LOOPBACK_NAMES + ((self.host.lower(),) if is_name and self.host != "localhost" else ())

    @property
    def is_loopback_only(self) -> bool:
        """Whether only this machine can reach the server, by address and by host name."""
        return is_loopback(self.host) and all(is_loopback(host) for host in self.effective_allowed_hosts)

    def origin(self, field: str) -> str:
        """Where a value came from: `default`, `option`, `environment`, `.env` or a file's path."""
        return self._origins.get(field, "default" if field not in self.model_fields_set else "given")

    def environment(self, *, without: frozenset[str] = frozenset()) -> dict[str, str]:
        """The set values as environment variables, for a child process of our own."""
        return {
            variable(name): as_text(getattr(self, name))
            for name in self.model_fields_set - without
            if getattr(self, name) is not None
        }


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    name = host.lower().strip("[]").rstrip(".")
    return name in {"localhost", "::1"} or bool(re.fullmatch(r"127(\.[0-9]{1,3}){3}", name))


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def is_secret(field: str) -> bool:
    """Whether a setting's value must never be shown, and has no command line option."""
    return field in {"mongodb_uri", "telegram_bot_token"}


def as_text(value: Any) -> str:
    """A setting's value as it would be written in the environment. Secrets are written out."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(item.name if isinstance(item, AgeGroup) else str(item) for item in value)
        case None:
            return ""
        case _:
            return str(value)


def load_settings(
    options: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
) -> Settings:
    """Read the settings; the nearest wins: option, environment, `.env` in the working directory.

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
        return path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongUsage(f"{name} names {path}, which cannot be read: {reason}.") from None


def _unknown(name: str) -> str:
    known = [variable(field) for field in Settings.model_fields]
    known += [variable(field) + "_FILE" for field in Settings.model_fields if is_secret(field)]
    likely = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {likely[0]}?" if likely else " `smetka settings` lists them."
    return f"{name} is not a setting.{hint}"


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    sentences = []
    for fault in error.errors(include_url=False, include_context=False):
        field = str(fault["loc"][0])
        rule = fault["msg"].removeprefix("Value error, ").rstrip(".")
        place = origins.get(field, "")
        where = f" (from {place})" if place and place != "option" else ""
        sentences.append(f"{variable(field)}{where}: {rule}.")
    return " ".join(dict.fromkeys(sentences))
