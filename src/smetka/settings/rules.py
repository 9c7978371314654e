"""The rule of each setting that needs one: a value is accepted, changed into its type, or refused.

Each raises ValueError with the rule, said so that the setting's name can stand before it.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from smetka.core.money import Money
from smetka.settings.mongodb_uri import parse

TOKEN_ELSEWHERE = "elsewhere"  # noqa: S105 - a word in place of a token, not one


def time_zone(name: str) -> ZoneInfo:
    """An IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Skopje") from None


def comma_separated(value: object) -> object:
    """`a, b` as a tuple."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def chat_id(value: object) -> int | str:
    """A number of up to 52 bits, or the public name of a channel; a topic of either behind a colon.

    Topic 1, General, is the chat itself: the Bot API knows no other name for it.
    """
    text = str(value).strip()
    chat, colon, topic = text.partition(":")
    is_number = re.fullmatch(r"-?[1-9][0-9]{0,15}", chat) and abs(int(chat)) < 2**52
    if not is_number and not re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}", chat):
        raise ValueError(f"{text!r} is neither a chat id such as -1001234567890 nor a name such as @managers")
    if colon and not (re.fullmatch(r"[1-9][0-9]{0,9}", topic) and int(topic) < 2**31):
        raise ValueError(f"{topic!r} is not the number of a topic, as in -1001234567890:77")
    if colon and int(topic) != 1:
        return text
    return int(chat) if is_number else chat


def chat_ids(value: object) -> object:
    """Chats without repetition: the same chat named twice is one recipient."""
    parts = comma_separated(value)
    return tuple(dict.fromkeys(chat_id(part) for part in parts)) if isinstance(parts, tuple) else parts


def http_url(url: str) -> str:
    """An address, without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http:// or https:// address")
    return url.rstrip("/")


def token(value: SecretStr) -> SecretStr:
    """What BotFather writes, or the word `elsewhere`."""
    token = value.get_secret_value()
    if token != TOKEN_ELSEWHERE and not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,}", token):
        raise ValueError("must look like 123456:ABC-DEF…, as BotFather wrote it")
    return value


def networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses or networks, as they were written."""
    for name in names:
        try:
            ip_network(name, strict=False)
        except ValueError:
            raise ValueError(f"{name!r} is neither an address nor a network such as 10.0.0.0/8") from None
    return names


def mongodb_uri(value: SecretStr) -> SecretStr:
    """A MongoDB address, in the one spelling that the driver and we read alike."""
    parse(value.get_secret_value())
    return value


def masked(uri: str) -> str:
    """A MongoDB address without its password and without the values of its options."""
    try:
        return parse(uri).shown
    except ValueError:
        return "***" if uri else ""


def host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names or addresses as they stand in a Host header, lower case, without a port."""
    return tuple(_host_name(name) for name in names)


def _host_name(name: str) -> str:
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", name):
            raise ValueError(
                f"{name!r} is no host name; write names alone, without scheme, port or *"
            ) from None
        return name.lower()
    return f"[{address}]" if address.version == 6 else str(address)


def threshold(value: object) -> object:
    """An exact amount, not negative."""
    if isinstance(value, str):
        threshold = Money.parse(value.strip())
        if threshold.cents < 0:
            raise ValueError("must not be negative")
        return threshold
    return value


def path(value: object) -> object:
    """A path, `~` expanded."""
    return Path(os.path.expanduser(value)) if isinstance(value, str) else value  # noqa: PTH111 - never fails
