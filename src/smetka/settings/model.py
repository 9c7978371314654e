"""Every setting as data: name, default, rule and help in one place.

The command line, the documentation and `smetka settings` are made from the fields of `Settings`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr

from smetka.core.age_groups import AgeGroup, parse_age_groups
from smetka.core.logs import scrub
from smetka.core.money import Money, check_currency
from smetka.settings import rules
from smetka.settings.ledger_location import Server, ledger_location
from smetka.settings.mongodb_uri import parse

PREFIX = "SMETKA_"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

Basis = Literal["spender", "payment", "customer"]
Language = Literal["en", "mk"]


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("smetka", appauthor=False))


Names = Annotated[tuple[str, ...], BeforeValidator(rules.comma_separated)]
ChatIds = Annotated[tuple[int | str, ...], BeforeValidator(rules.chat_ids)]
Folder = Annotated[Path, BeforeValidator(rules.path)]


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
        None,
        description="The shop's own database, opened read-only: a SQLite file's path, or a URL: sqlite:///, "
        "postgresql+psycopg://user:password@host/database, clickhousedb://user:password@host/database.",
    )
    mongodb_uri: Annotated[SecretStr, AfterValidator(rules.mongodb_uri)] | None = Field(
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
    allowed_hosts: Annotated[Names, AfterValidator(rules.host_names)] = Field(
        (),
        description="Host headers that are answered, comma-separated; the loopback names, and the "
        "host when it is a name, unless set.",
    )
    trusted_proxies: Annotated[Names, AfterValidator(rules.networks)] = Field(
        (),
        description="Addresses or networks whose X-Forwarded-For, -Proto and -Host count, comma-separated.",
    )
    auth: Literal["auto", "required"] = Field(
        "auto",
        description="auto: keys are needed once one was ever made, and always beyond loopback; "
        "required: always.",
    )
    session_idle_minutes: int = Field(
        120,
        ge=1,
        le=7 * 24 * 60,
        description="Minutes without use after which who signed in at the pages is signed out.",
    )
    currency: Annotated[str, AfterValidator(check_currency)] = Field(
        "MKD", description="The currency of every amount, ISO 4217."
    )
    timezone: Annotated[
        ZoneInfo, BeforeValidator(lambda v: rules.time_zone(v) if isinstance(v, str) else v)
    ] = Field(default_factory=lambda: ZoneInfo("Europe/Skopje"), description="The shop's time zone, IANA.")
    language: Language = Field(
        "en",
        description="Language of messages, pages and commands, unless a chat or a visitor chose another.",
    )
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
    bonus_threshold: Annotated[Money, BeforeValidator(rules.threshold)] = Field(
        Money(1000_00), description="A customer must spend more than this to earn the bonus."
    )
    bonus_verify: Literal["record", "require"] = Field(
        "record",
        description="A posted total that differs from the ledger's: record it and store, or require "
        "them to be equal.",
    )
    telegram_bot_token: Annotated[SecretStr, AfterValidator(rules.token)] | None = Field(
        None,
        description="The bot's token. `elsewhere` says that only the worker, on another machine, has it.",
    )
    telegram_chat_ids: ChatIds = Field(
        (),
        description="The managers' chats, comma-separated; a topic of one is -1001234567890:77. "
        "Without token and chats nothing is sent.",
    )
    telegram_api_url: Annotated[str, AfterValidator(rules.http_url)] = Field(
        "https://api.telegram.org", description="Address of the Bot API, or of a local Bot API server."
    )
    notify_cooldown_seconds: int = Field(
        600,
        ge=0,
        le=31 * 24 * 3600,
        description="The same statistics do not go to the same chat again within this time.",
    )
    telegram_commands: Literal["on", "off"] = Field(
        "on",
        description="Whether the bot answers those who were invited; off leaves its updates to another "
        "program.",
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
            return self.allowed_hosts
        host = self.host.lower()
        is_name = not re.fullmatch(r"[0-9.]+|.*:.*", host)
        known = host in LOOPBACK_NAMES or f"[{host}]" in LOOPBACK_NAMES
        return LOOPBACK_NAMES + ((host,) if (is_name or is_loopback(host)) and not known else ())

    @property
    def is_loopback_only(self) -> bool:
        """Whether only this machine can reach the server, by address and by host name."""
        return is_loopback(self.host) and all(is_loopback(host) for host in self.effective_allowed_hosts)

    def origin(self, field: str) -> str:
        """Where a value came from: `default`, `option`, `environment`, `.env` or a file's path."""
        return self._origins.get(field, "default" if field not in self.model_fields_set else "given")

    def environment(self) -> dict[str, str]:
        """The set values as environment variables, for a child process of our own."""
        return {
            variable(name): as_text(getattr(self, name))
            for name in self.model_fields_set
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


def has_file_form(field: str) -> bool:
    """Whether the setting's value may also stand in a file: a secret, or a URL that may have one in it."""
    return is_secret(field) or field == "ledger"


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


def as_shown(settings: Settings, field: str) -> str:
    """A setting's value for people: secrets masked, a database server without its password."""
    value = getattr(settings, field)
    if is_secret(field):
        return "***" if value else ""
    if field == "ledger" and value and isinstance(place := ledger_location(value), Server):
        return place.shown
    return scrub(as_text(value))


def secrets_of(settings: Settings) -> list[str]:
    """Everything configured that must be in no log line."""
    place = ledger_location(settings.ledger) if settings.ledger else None
    of_ledger = place.secrets if isinstance(place, Server) else ()
    uri = as_text(settings.mongodb_uri)
    of_mongodb = (uri, *parse(uri).secrets) if uri else ()
    return [*of_mongodb, as_text(settings.telegram_bot_token), *of_ledger]
