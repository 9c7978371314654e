"""Refusals that only HTTP knows: requests that never reach a feature of the shop."""

from __future__ import annotations

from typing import Any

from smetka.core.errors import Refusal


class BadRequest(Refusal):
    """The request itself is broken: no `Host`, contradicting lengths, a body cut short."""

    slug = "bad-request"
    title = "The request is malformed"


class InvalidJson(Refusal):
    """The body is not exactly one strict JSON value."""

    slug = "invalid-json"
    title = "The body is not valid JSON"


class KeyNeeded(Refusal):
    """No key, or none that is valid."""

    slug = "key-needed"
    title = "A valid key is needed"


class NoKeyYet(Refusal):
    """A proxy or tunnel leads strangers here, and no key was made yet that could tell who may come in.

    Args:
        mark: what tells so: a header's name, the protocol or a setting.
    """

    slug = "no-key-yet"
    title = "The first key must be made on the server itself"

    def __init__(self, mark: str) -> None:
        super().__init__(
            f"No key was made here yet, and this may come from elsewhere through a proxy or tunnel ({mark}): "
            "on the machine that Smetka runs on, make the first key with "
            "`smetka key create owner --role owner`, or ask without that."
        )


class NotAllowed(Refusal):
    """The key is valid, but its role may not do this."""

    slug = "not-allowed"
    title = "The key's role does not allow this"

    def __init__(self, role: str, permission: str) -> None:
        super().__init__(f"The role {role} does not include the permission to {permission}.")
        self.role, self.permission = role, permission


class CrossSite(Refusal):
    """A page of another site tried to change something with this browser's rights."""

    slug = "cross-site"
    title = "Requests from other sites change nothing here"


class FormExpired(Refusal):
    """A page's form without proof that it was given to this visitor, lately."""

    slug = "form-expired"
    title = "The form is out of date"


class MethodNotAllowed(Refusal):
    """The path is there, but not for this method."""

    slug = "method-not-allowed"
    title = "The method is not allowed here"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"This path answers {', '.join(allowed)}.")
        self.allowed = allowed


class RequestTimeout(Refusal):
    """The body did not arrive in time."""

    slug = "request-timeout"
    title = "The request came too slowly"


class TooLarge(Refusal):
    """The body is longer than any that is read."""

    slug = "too-large"
    title = "The body is too large"


class UriTooLong(Refusal):
    """The request line's path and query are longer than any that is read."""

    slug = "uri-too-long"
    title = "The address is too long"


class UnsupportedMediaType(Refusal):
    """The body is not declared as what the address takes: JSON, a page's form, or a file of some kinds."""

    slug = "unsupported-media-type"
    title = "The body is declared as something that is not taken here"


class FileRefused(Refusal):
    """A file that is to be imported cannot be read, or rows of it break rules. Nothing was written.

    Args:
        line, column: the place of what is wrong with the file; that of rows is in the members' `rejects`.
        outcome: what was found, when the file could be read to its end.
    """

    slug = "file-refused"
    title = "The file cannot be imported as it is"

    def __init__(
        self,
        detail: str,
        *,
        line: int | None = None,
        column: str | None = None,
        rejects: list[dict[str, Any]] | None = None,
        outcome: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.members = {"line": line, "column": column, "rejects": rejects or [], "outcome": outcome}


class ImportOverlaps(Refusal):
    """The file's payments may be in the ledger already, and no order ids tell."""

    slug = "import-overlaps"
    title = "The payments may be in the ledger already"


class TakesNoImports(Refusal):
    """The ledger is none that can be imported into: on a database server, of another shape, read-only."""

    slug = "takes-no-imports"
    title = "Nothing can be imported into this ledger"


class NoRoom(Refusal):
    """The disk is full."""

    slug = "no-room"
    title = "The server has no room for the file"


class RangeNotSatisfiable(Refusal):
    """A part of a file was asked for that the file does not have."""

    slug = "range-not-satisfiable"
    title = "The file has no such part"


class WrongHost(Refusal):
    """The request is for a host this server does not answer for."""

    slug = "wrong-host"
    title = "This server does not answer for that host"


class TooManyRequests(Refusal):
    """Too many wrong keys came from one address, or too many wrong codes from one caller."""

    slug = "too-many-requests"
    title = "Too many requests"

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(f"Too many {what}; try again in {retry_after} s.")
        self.retry_after = retry_after


class HeadersTooLarge(Refusal):
    """The headers are longer, in sum, than any that are read."""

    slug = "headers-too-large"
    title = "The headers are too large"


class InternalError(Refusal):
    """A fault of ours. The log has the whole story under the answer's request id."""

    slug = "internal-error"
    title = "Something went wrong here"

    def __init__(self) -> None:
        super().__init__("The request could not be answered because of a fault in Smetka.")


class Overloaded(Refusal):
    """More requests are waiting than can be answered soon."""

    slug = "overloaded"
    title = "Too many requests are waiting"

    def __init__(
        self, detail: str = "More requests are waiting than can be answered soon; try again shortly."
    ) -> None:
        super().__init__(detail)


class NotReady(Refusal):
    """A part that requests need is away. Carries what `/readyz` says beside the problem."""

    slug = "not-ready"
    title = "Not ready to answer"

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__("A part that requests need is not ready.")
        self.members = members
