"""Where the ledger is: the path of a SQLite file, or the URL of a database server.

Beside the package `ledger`, which brings SQLAlchemy: the parent process asks this too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from smetka.core.errors import WrongUsage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_RAW = r"(?:[^@:/?#\[\]%\s]|%[0-9A-Fa-f]{2})*"
_ADDRESS = re.compile(rf"(?:{_RAW}(?::{_RAW})?@)?[^@#\s]*")
_LIKE_A_SERVER = re.compile(r"[^@]*[A-Za-z]{2}[^@]*:[^@]*@")
_SQLITE = {"sqlite", "sqlite+pysqlite"}
_SERVERS: dict[str, Literal["postgresql", "clickhouse"]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
    "clickhousedb": "clickhouse",
    "clickhousedb+connect": "clickhouse",
    "clickhouse": "clickhouse",
}


@dataclass(frozen=True)
class Server:
    """A database server.

    Attributes:
        address: what follows `://`, password and all.
        shown: the same for people, as a URL without the password and the options.
        secrets: the password as it stands in the URL and as it is meant, to be kept out of messages.
    """

    engine: Literal["postgresql", "clickhouse"]
    address: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    def scrub(self, text: str) -> str:
        """A driver's words without the password."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def ledger_location(location: str) -> Path | Server:
    """What `location` names: a file, as `ledger_path` reads it, or a server.

    Raises:
        WrongUsage: neither. The message holds no part of a URL but its scheme.
    """
    if (match := _SCHEME.fullmatch(location)) and (engine := _SERVERS.get(match[1].lower())):
        return _server(engine, match[2])
    return ledger_path(location)


def has_password(url: str) -> bool:
    """Whether there is a password in a URL, of a ledger or of anything else.

    Raises:
        WrongUsage: it is a database server's and cannot be read.
    """
    if (match := _SCHEME.fullmatch(url)) and (engine := _SERVERS.get(match[1].lower())):
        return bool(_server(engine, match[2]).secrets)
    try:
        return bool(urlsplit(url).password)
    except ValueError:  # whose URL it is, says what is wrong with it
        return False


def ledger_path(location: str) -> Path:
    """The absolute path `location` names: a path, or ``sqlite:///`` followed by one.

    Symbolic links are left alone: pointing one at another file changes the ledger.

    Raises:
        WrongUsage: anything else. The message holds no part of a URL but its scheme.
    """
    path = location
    if match := _SCHEME.fullmatch(location):
        scheme, rest = match[1].lower(), match[2]
        if scheme in _SERVERS:
            raise WrongUsage(f"This works on a SQLite file; {scheme}:// is a database server.")
        if scheme not in _SQLITE:
            raise WrongUsage(
                f"A ledger at {scheme}:// is not supported; name a SQLite file, or a server "
                "as postgresql+psycopg:// or clickhousedb://."
            )
        if not rest.startswith("/") or "?" in rest:
            raise WrongUsage(
                "A SQLite URL is sqlite:/// and the path of the file, without a host or options."
            )
        path = rest[1:]
    elif _LIKE_A_SERVER.match(location) and not os.path.exists(location):  # noqa: PTH110 - one of any name
        # Not told as a file that is missing: the sentence would have a password in it.
        raise WrongUsage(
            "The ledger looks like the address of a server, with a user and a password before an @, but is "
            "not a URL that can be read. One begins with postgresql+psycopg:// or clickhousedb://, without a "
            "space or a quotation mark before it."
        )
    if not path.strip() or "\0" in path or path.startswith(":memory:"):
        raise WrongUsage("The ledger must be the path of a SQLite file.")
    # A `~` that is nobody's home is a name like any other. Path.resolve would follow links.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111


def _server(engine: Literal["postgresql", "clickhouse"], address: str) -> Server:
    try:
        # Drivers split at another @ than we do, and would take a part of the password for the host; one
        # after the host is what is left of a password with / ? or # in it.
        if not address.isprintable() or not _ADDRESS.fullmatch(address):
            raise ValueError  # noqa: TRY301
        parts = urlsplit(f"{engine}://{address}")
        if parts.port == 0:
            raise ValueError  # noqa: TRY301
    except ValueError:
        raise WrongUsage(
            f"The {engine} URL cannot be read. It is {engine}://USER:PASSWORD@HOST:PORT/DATABASE, with each "
            "@ : / # ? [ ] % and space in the password written as %40 %3A %2F %23 %3F %5B %5D %25 %20."
        ) from None
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return Server(engine, address, f"{engine}://{user}{host}{parts.path}", _secrets(parts))


def _secrets(parts: SplitResult) -> tuple[str, ...]:
    """Passwords as they are written and as they are meant, the longest first."""
    written = [parts.password or ""]
    written += [value for name, value in parse_qsl(parts.query) if "password" in name.lower()]
    spellings = [each for secret in written for each in (secret, unquote(secret), quote(unquote(secret), ""))]
    return tuple(sorted({each for each in spellings if each}, key=len, reverse=True))
