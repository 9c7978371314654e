"""A MongoDB URI taken apart, in the one spelling that the driver and we read alike.

Beside the package `storage`, which brings the driver: the parent process asks this too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote_plus, unquote, unquote_plus

_SCHEMES = ("mongodb://", "mongodb+srv://")
_LAST_PORT = 65535
_LONGEST_NAME, _LONGEST_LABEL = 253, 63

_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
# What stands raw in user and password: a driver takes `+` for a space, a shop for a plus. An @ after the
# host is none of an option but what is left of a password with / or ? in it.
_RAW = r"(?:[^:/?#\[\]@%+\s]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    r"(?P<scheme>mongodb(?:\+srv)?)://"
    rf"(?:(?P<user>{_RAW}*)(?::(?P<password>{_RAW}*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
    r"(?:/(?P<database>[^/?#@\s]*))?"
    r"(?:\?(?P<options>[^#@\s]*))?"
)
_SPLIT = re.compile(r"(\[.*\]|[^:]*):?([0-9]*)")
_PLACEHOLDER = re.compile(r"<[^<>]*>")

_LIKE = (
    "must be like mongodb://host:27017/database?option=value, with user:password@ before the host where it "
    "has them; in user and password each : / ? # [ ] @ % + and space is percent-encoded, as "
    "%3A %2F %3F %23 %5B %5D %40 %25 %2B %20"
)
_NO_PLACEHOLDER = (
    "still has a placeholder such as <db_password> or <username> in it, or its < and >; put the user, the "
    "password and the host there, without these marks"
)


@dataclass(frozen=True, slots=True)
class MongoDBURI:
    """The parts, as they are written; `options` in their order."""

    scheme: str
    user: str | None
    password: str | None = field(repr=False)
    hosts: str
    database: str
    options: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def shown(self) -> str:
        """The URI without the password and without the values of options, which may be passwords too."""
        # A user alone may be a password whose user was forgotten.
        who = "" if self.user is None else f"{self.user}:***@" if self.password else "***@"
        names = "&".join(f"{name}=***" for name, _ in self.options)
        path = f"/{self.database}" if self.database or names else ""
        return f"{self.scheme}://{who}{self.hosts}{path}{'?' if names else ''}{names}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords in every spelling in which somebody's words may have them."""
        written = [self.password or "", *self._secret_options]
        spellings = [
            spelling
            for secret in written
            for plain in (unquote_plus(secret), unquote(secret))
            for spelling in (secret, plain, quote_plus(plain))
        ]
        # The longest first: masked by a part of itself, the rest of a secret would stay.
        return tuple(sorted({each for each in spellings if each}, key=len, reverse=True))

    @property
    def has_secret_options(self) -> bool:
        """Whether an option holds a secret; with an & in it, what follows looks like an option's name."""
        return bool(self._secret_options)

    @property
    def _secret_options(self) -> list[str]:
        secrets = []
        for name, value in self.options:
            if "password" in name.lower():
                secrets.append(value)
            elif name.lower() == "authmechanismproperties":
                secrets += [part.partition(":")[2] for part in unquote(value).split(",")]
        return secrets


def parse(uri: str) -> MongoDBURI:
    """Take a URI apart.

    Raises:
        ValueError: the rule that it breaks, said so that the setting's name can stand before it; no part
            of the URI is in it.
    """
    if not uri.startswith(_SCHEMES):
        raise ValueError(
            "must begin with mongodb:// or mongodb+srv://, without a space or a quotation mark before it"
        )
    _check_letters(uri)
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(_LIKE)
    options = tuple(
        (name, value)
        for name, _, value in (o.partition("=") for o in re.split("[&;]", match["options"] or ""))
    )
    taken = MongoDBURI(
        match["scheme"],
        match["user"],
        match["password"],
        match["hosts"],
        match["database"] or "",
        tuple(option for option in options if option != ("", "")),
    )
    if any(_PLACEHOLDER.fullmatch(unquote(each or "")) for each in (taken.user, taken.password)):
        raise ValueError(_NO_PLACEHOLDER)
    if taken.user == "" or taken.password == "":
        raise ValueError("has an empty user or password before the @; leave out what is not needed")
    _check_hosts(taken)
    return taken


def _check_letters(uri: str) -> None:
    if not uri.isprintable():
        raise ValueError("has a line break or an invisible character in it; type or copy it anew")
    if "<" in uri or ">" in uri:
        raise ValueError(_NO_PLACEHOLDER)


def _check_hosts(uri: MongoDBURI) -> None:
    pairs = [_SPLIT.findall(host)[0] for host in uri.hosts.split(",")]
    if uri.scheme.endswith("srv"):
        name, port = pairs[0]
        if len(pairs) > 1 or port or _is_address(name):
            raise ValueError(
                "needs one host name after mongodb+srv://, such as cluster0.example.net, and no port"
            )
    for host, port in pairs:
        if port and not 0 < int(port) <= _LAST_PORT:
            raise ValueError(f"has a port that is not between 1 and {_LAST_PORT}")
        if host.startswith("["):
            if not _is_address(host):
                raise ValueError("has something in [ ] that is not an IPv6 address")
        elif len(host) > _LONGEST_NAME or not all(
            0 < len(label) <= _LONGEST_LABEL for label in host.removesuffix(".").split(".")
        ):
            raise ValueError("has a host that cannot be a name: a part of it is empty or too long")


def _is_address(host: str) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return not host.startswith("[") or isinstance(address, IPv6Address)
