"""What the driver's errors mean for us."""

from __future__ import annotations

from collections.abc import Iterable

from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.topology_description import TopologyDescription

from smetka.logs import scrub

FOREIGN = (PyMongoError, BSONError, OverflowError)
"""All that the driver raises; OverflowError for an integer beyond 64 bits."""

_LONGEST_REASON = 300
# InternalError (a full disk, damaged files), Unauthorized, AuthenticationFailed, BadAuth (Atlas), and
# the write concern that cannot be met: nothing works for anybody until somebody mends it.
_CODES_OF_ABSENCE = frozenset({1, 13, 18, 8000, 64, 100})


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


def reason(error: BaseException, secrets: Iterable[str]) -> str:
    """The error in one line for logs, without a password."""
    text = str(error)
    text = text.partition(", full error:")[0]
    # The rest lists every server the driver knows, in its own notation.
    text = text.partition(", Timeout:")[0].partition(" (configured timeouts:")[0]
    line = " ".join(scrub(text, secrets).split())[:_LONGEST_REASON]
    # That class says that there was no server in time, which each server's own fault explains.
    return line if type(error) is ServerSelectionTimeoutError else f"{type(error).__name__}: {line}"


def _codes(error: OperationFailure) -> set[int]:
    """All codes in it: a write of many records answers for each, and for their durability."""
    details = error.details or {}
    parts = [
        details.get("writeConcernError"),
        *details.get("writeConcernErrors", ()),
        *details.get("writeErrors", ()),
    ]
    return {int(part["code"]) for part in [{"code": error.code or 0}, *parts] if part and "code" in part}
