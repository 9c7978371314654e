"""The driver's client: made with what a MongoDB URI leaves open, and let go of in bounded time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser_shared import split_options

from smetka.errors import WrongUsage

DATABASE = "smetka"
TIMEOUT_MS = 2000

_OPTIONS: dict[str, Any] = {
    # Without these an absent server is waited for half a minute.
    "timeoutMS": TIMEOUT_MS,
    "serverSelectionTimeoutMS": TIMEOUT_MS,
    "connectTimeoutMS": TIMEOUT_MS,
    # The embedded server has 1,000 places for all processes together.
    "maxPoolSize": 16,
    "appname": "smetka",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A MongoDB URI taken apart, as far as we need it."""

    uri: str
    database: str
    options: dict[str, Any]
    secrets: tuple[str, ...]

    @property
    def timeout_seconds(self) -> float:
        """The limit of one use of the database: the URI's, else ours."""
        given = {name.lower(): value for name, value in parse_qsl(urlsplit(self.uri).query)}
        text = given.get("timeoutms", "")
        milliseconds = int(text) if text.isdecimal() else 0
        return max(milliseconds or TIMEOUT_MS, 500) / 1000


def check_options(uri: str) -> None:
    """See that the driver takes every option: it passes over others, with a warning that nobody reads.

    Raises:
        WrongUsage: it does not; the sentence has the option's name and not its value.
    """
    for option in filter(None, urlsplit(uri).query.split("&")):
        try:
            split_options(option, validate=True, warn=False)
        except (PyMongoError, ValueError, TypeError):
            name = option.partition("=")[0]
            raise WrongUsage(
                f"SMETKA_MONGODB_URI has the option {name}, which the MongoDB driver does not take like that."
            ) from None


def take_apart(uri: str) -> Address:
    """Find the database, the passwords and the options that the URI does not name itself.

    Raises:
        WrongUsage: as `check_options`.
    """
    check_options(uri)
    parts = urlsplit(uri)
    named = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    plain = unquote_plus(password)
    return Address(
        uri=uri,
        database=unquote_plus(parts.path.lstrip("/")) or DATABASE,
        options={name: value for name, value in _OPTIONS.items() if name.lower() not in named},
        secrets=tuple({text for text in (password, plain, quote_plus(plain)) if text}),
    )


def let_go(client: MongoClient[dict[str, Any]]) -> None:
    """Close the connections. A server that hangs would hold the driver's own `close` for long."""
    with pymongo.timeout(0.5):
        client.close()
