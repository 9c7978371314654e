"""The driver's client: made with what a MongoDB URI leaves open, and let go of in bounded time."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pymongo
from pymongo import MongoClient
from pymongo.common import URI_OPTIONS_VALIDATOR_MAP
from pymongo.errors import PyMongoError
from pymongo.uri_parser_shared import split_options

from smetka.core.errors import WrongUsage
from smetka.core.logs import scrub
from smetka.settings.mongodb_uri import MongoDBURI, parse

DATABASE = "smetka"
TIMEOUT_MS = 2000

_FILES = {"tlscafile", "tlscertificatekeyfile", "tlscrlfile"}

_KNOWN = frozenset(name.lower() for name in URI_OPTIONS_VALIDATOR_MAP)

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
    timeout_seconds: float
    """The limit of one use of the database: the URI's, else ours."""

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client, which connects when it is first used."""
        with warnings.catch_warnings():
            # Of compression that is not installed, which costs nothing but its saving.
            warnings.simplefilter("ignore")
            return MongoClient(self.uri, connect=False, **self.options)


def take_apart(uri: str) -> Address:
    """See that the URI can be used, as far as that can be told without connecting, and take it apart.

    Raises:
        WrongUsage: it cannot; no password is in the sentence.
    """
    try:
        parts = parse(uri)
    except ValueError as error:
        raise WrongUsage(f"SMETKA_MONGODB_URI: {error}.") from None
    given = _given(parts)
    milliseconds = int(text) if (text := given.get("timeoutms", "")).isdecimal() else 0
    address = Address(
        uri=uri,
        database=unquote_plus(parts.database) or DATABASE,
        options={name: value for name, value in _OPTIONS.items() if name.lower() not in given},
        secrets=parts.secrets,
        timeout_seconds=max(milliseconds or TIMEOUT_MS, 500) / 1000,
    )
    _check_as_a_whole(address)
    return address


def _given(parts: MongoDBURI) -> dict[str, str]:
    """The options by name, in small letters.

    The driver itself passes over what it does not take, with a warning that nobody reads.
    """
    given: dict[str, str] = {}
    for name, value in parts.options:
        if name.lower() in given and name.lower() in _KNOWN - {"readpreferencetags"}:
            raise WrongUsage(f"SMETKA_MONGODB_URI has the option {name} twice.")
        given[name.lower()] = plain = unquote_plus(value)
        if name.lower() in _FILES:
            _check_file(name, plain)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                split_options(f"{name}={value}", validate=True, warn=False)
        except (PyMongoError, ValueError, TypeError):
            told = f"the option {name}"
            if parts.has_secret_options and name.lower() not in _KNOWN:
                told = "an option, perhaps a part of a password with & or ; in it"
            raise WrongUsage(
                f"SMETKA_MONGODB_URI has {told}, which the MongoDB driver does not take like that."
            ) from None
    return given


def _check_file(name: str, path: str) -> None:
    try:
        Path(path).open("rb").close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not a path"
        raise WrongUsage(f"SMETKA_MONGODB_URI names {path} as {name}, which cannot be read: {why}.") from None


def _check_as_a_whole(address: Address) -> None:
    """What parts of the URI, each right by itself, do together: the driver tells when it makes a client."""
    client = None
    try:
        client = address.client()
        client.get_database(address.database)
    except ssl.SSLError as error:
        told = (error.reason or "no reason given").replace("_", " ").lower()
        why = f"the TLS files cannot be used ({told})"
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        why = scrub(" ".join(str(error).split()), address.secrets).rstrip(".")
    else:
        return
    finally:
        if client is not None:
            client.close()
    raise WrongUsage(f"SMETKA_MONGODB_URI cannot be used: {why}.")


def let_go(client: MongoClient[dict[str, Any]]) -> None:
    """Close the connections. A server that hangs would hold the driver's own `close` for long."""
    with pymongo.timeout(0.5):
        client.close()
