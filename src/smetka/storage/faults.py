"""What the driver's errors mean for us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ECONNREFUSED

from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)
from pymongo.topology_description import TopologyDescription

from smetka.core.errors import BonusStoreUnavailable, BonusStoreUnusable
from smetka.core.logs import scrub

FOREIGN = (PyMongoError, BSONError, OverflowError)
"""All that the driver raises; OverflowError for an integer beyond 64 bits."""

ORDER_REFUSED = ("order",)
"""The causes of an error that is about what was asked, and not about the server."""

UPGRADE = ("upgrade",)
"""The causes of an absence that ends by itself, when records of an earlier version are brought along."""

_LONGEST_REASON = 300
# InternalError (a full disk, damaged files), Unauthorized, AuthenticationFailed, BadAuth (Atlas), and
# the write concern that cannot be met: nothing works for anybody until somebody mends it.
_CODES_OF_ABSENCE = frozenset({1, 13, 18, 8000, 64, 100})
_CODES_OF_REFUSAL = {18: "password", 8000: "password", 13: "rights", 100: "writes"} | dict.fromkeys(
    # BadValue, FailedToParse, TypeMismatch, IllegalOperation, CommandNotFound, CannotCreateIndex,
    # InvalidOptions, InvalidNamespace, CommandNotSupported, DocumentValidationFailure, NotImplemented,
    # Amazon's "not supported", BSONObjectTooLarge.
    (2, 9, 14, 20, 59, 67, 72, 73, 115, 121, 238, 301, 303, 10334),
    "order",
)
# What passes by itself: elections, shutdowns, locks, time that was too short.
_CODES_THAT_PASS = frozenset(
    {6, 7, 24, 46, 50, 64, 89, 91, 112, 134, 189, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436}
)


class Unfit(Exception):
    """The server does not do something that we need of it.

    Attributes:
        lacks: what, as in `errors.CAUSES`.
    """

    def __init__(self, lacks: tuple[str, ...], words: str) -> None:
        super().__init__(words)
        self.lacks = lacks


@dataclass(frozen=True, slots=True)
class Absence:
    """Why nobody can use the server now.

    Attributes:
        reason: in one line, for logs and the terminal.
        causes: as in `errors.CAUSES`; none where it is not clear.
        is_lasting: it stays until somebody changes something.
    """

    reason: str
    causes: tuple[str, ...] = ()
    is_lasting: bool = False

    def error(self) -> BonusStoreUnavailable:
        """To be raised."""
        kind = BonusStoreUnusable if self.is_lasting else BonusStoreUnavailable
        return kind(self.reason, self.causes)


def being_upgraded(done: int | None) -> Absence:
    """Nobody may use it while records of an earlier version are brought along.

    Args:
        done: how many are; None where it is not known.
    """
    how_far = "by another process" if done is None else f"{done:,} so far"
    return Absence(f"records of an earlier version are brought along, {how_far}", UPGRADE)


@contextmanager
def needed(lack: str) -> Iterator[None]:
    """What the block asks of a server, some do not do: raises Unfit when this one refuses it."""
    try:
        yield
    except OperationFailure as error:
        if passes(error) or means_absence(error) or refuses_retries(error):
            raise
        raise Unfit((lack,), str(error)) from None


def is_timeout(error: BaseException) -> bool:
    """Whether there was no answer in time, whatever the server is doing."""
    return isinstance(error, PyMongoError) and error.timeout


def is_absent(servers: TopologyDescription) -> bool:
    """Whether no server can be reached at all, rather than one being slow to answer."""
    faults = [server.error for server in servers.server_descriptions().values()]
    return all(fault is not None and not isinstance(fault, NetworkTimeout) for fault in faults)


def means_absence(error: BaseException) -> bool:
    """Whether the fault is the server's, so that the next one would meet it too."""
    if is_timeout(error):
        return True
    if isinstance(error, OperationFailure):
        return not _CODES_OF_ABSENCE.isdisjoint(_codes(error))
    return isinstance(error, ConnectionFailure | ConfigurationError)


def passes(error: OperationFailure) -> bool:
    """Whether it is over by itself, so that the same asked again is done."""
    return is_timeout(error) or not _CODES_THAT_PASS.isdisjoint(_codes(error))


def refuses_retries(error: OperationFailure) -> bool:
    """Whether the server does not know the retryable writes that drivers use unless told otherwise."""
    words = str(error).lower()
    return "retryable writes" in words or "transaction numbers" in words


def absence(
    error: BaseException, secrets: Iterable[str], servers: TopologyDescription | None = None
) -> Absence:
    """What an error says to whoever may not use the server because of it."""
    line = reason(error, secrets)
    causes = error.lacks if isinstance(error, Unfit) else _refusal(error)
    if causes:
        return Absence(f"{BonusStoreUnusable.told(causes)} ({line})", causes, is_lasting=True)
    return Absence(line, _why_unreached(error, servers))


def reason(error: BaseException, secrets: Iterable[str]) -> str:
    """The error in one line for logs, without a password and without what is in records."""
    text = str(error)
    if isinstance(error, OperationFailure):
        first = next(iter((error.details or {}).get("writeErrors") or ()), None)
        if first:  # of many: the driver's own sentence names none
            text = f"{first.get('errmsg', '')} (error {first.get('code')})"
        if first or isinstance(error, WriteError):
            text = _without_values(text)
    text = text.partition(", full error:")[0]
    # The rest lists every server the driver knows, in its own notation.
    text = text.partition(", Timeout:")[0].partition(" (configured timeouts:")[0]
    line = " ".join(scrub(text, secrets).split())[:_LONGEST_REASON]
    if isinstance(error, Unfit):
        return line or "found out by trying"
    # That class says that there was no server in time, which each server's own fault explains.
    return line if type(error) is ServerSelectionTimeoutError else f"{type(error).__name__}: {line}"


def _without_values(text: str) -> str:
    """A server quotes the record that it refuses: a voucher's code, a customer's number."""
    return re.sub(r"\{.*\}|\[.*\]|\"[^\"]*\"|'[^']*'", "…", text.partition(", full error:")[0])


def _refusal(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, OperationFailure):
        if refuses_retries(error):
            return ("retryable writes",)
        return tuple(name for code, name in _CODES_OF_REFUSAL.items() if code in _codes(error))[:1]
    # The driver's own, of an order that it cannot put into words: nothing reached a server.
    passes_by = isinstance(error, ConnectionFailure | ConfigurationError) or is_timeout(error)
    return () if passes_by or not isinstance(error, FOREIGN) else ORDER_REFUSED


def _why_unreached(error: BaseException, servers: TopologyDescription | None) -> tuple[str, ...]:
    known = servers.server_descriptions().values() if servers else ()
    faults: list[BaseException] = [server.error for server in known if server.error]
    for fault in faults or [error]:
        # The driver keeps no more of the operating system's error than its words.
        number = re.search(r"\[Errno (-?)(\d+)\]", words := str(fault))
        if number and number[1]:  # of getaddrinfo
            return ("unknown name",)
        if number and int(number[2]) == ECONNREFUSED:
            return ("refused",)
        if isinstance(fault, ConfigurationError):  # mongodb+srv: no such record
            return ("unknown name",)
        if "SSL" in words or "certificate" in words:
            return ("TLS",)
    return ("no answer",) if is_timeout(error) else ()


def _codes(error: OperationFailure) -> set[int]:
    """All codes in it: a write of many records answers for each, and for their durability."""
    details = error.details or {}
    parts = [
        details.get("writeConcernError"),
        *details.get("writeConcernErrors", ()),
        *details.get("writeErrors", ()),
    ]
    return {int(part["code"]) for part in [{"code": error.code or 0}, *parts] if part and "code" in part}
