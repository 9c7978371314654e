"""Request bodies: read once, whole and with a limit; taken as one strict JSON value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Request, g, request

from smetka.core import exact_json
from smetka.web.refusals import BadRequest, InvalidJson, TooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024

MAX_UPLOAD_BYTES = 200 * 1024 * 1024
"""Of a request that carries a file, where one is taken; it goes to the disk, not into memory."""

_PIECE_BYTES = 256 * 1024

_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]+")


def check_framing(request: Request) -> None:
    """Refuse a request whose end two servers could see at different places (request smuggling).

    Raises:
        BadRequest: a length that is no number or given twice, or one beside `Transfer-Encoding`.
    """
    length = request.environ.get("CONTENT_LENGTH") or ""
    encoding = request.environ.get("HTTP_TRANSFER_ENCODING")
    if length and encoding is not None:
        raise BadRequest("Content-Length and Transfer-Encoding contradict each other.")
    if length and not _LENGTH.fullmatch(length):
        raise BadRequest("Content-Length must be one decimal number.")
    if encoding is not None and encoding.strip().lower() != "chunked":
        raise BadRequest("Transfer-Encoding can only be chunked.")


def read_body(request: Request) -> bytes:
    """The body, declared or chunked.

    Raises:
        TooLarge: it is longer than `MAX_BODY_BYTES`; no more than that is read.
        BadRequest: it ends before its declared length, or is not chunked as it says.
    """
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or "0"
    # Compared by digits first: int() refuses thousands of them.
    declared = int(length[-18:]) if len(length) <= 18 else MAX_BODY_BYTES + 1
    if declared > MAX_BODY_BYTES:
        raise TooLarge(f"The body is longer than {MAX_BODY_BYTES} bytes.")
    if environ.get("smetka.body_broken"):
        raise BadRequest("The chunks of the body are malformed.")
    # Without a declared length, read only from a server that promises an end: others would wait for ever.
    limit = MAX_BODY_BYTES + 1 if environ.get("wsgi.input_terminated") and not declared else declared
    body: bytes = environ["wsgi.input"].read(limit) if limit else b""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"The body is longer than {MAX_BODY_BYTES} bytes.")
    if len(body) < declared:
        raise BadRequest("The body ends before its declared length.")
    return body


def check_upload(request: Request) -> None:
    """Refuse a file by the length that it is declared to have, before any of it is read.

    Raises:
        TooLarge: that is more than `MAX_UPLOAD_BYTES`.
    """
    length = request.environ.get("CONTENT_LENGTH") or "0"
    if len(length) > 18 or int(length) > MAX_UPLOAD_BYTES:
        raise _too_large_a_file()


def upload(request: Request) -> Iterator[bytes]:
    """The body of a request that carries a file, piece by piece as it arrives.

    Raises:
        TooLarge: it is longer than `MAX_UPLOAD_BYTES`; little more than that is read.
        BadRequest: it ends before its declared length, or is not chunked as it says.
        RequestTimeout: it comes too slowly.
    """
    environ = request.environ
    declared = int(environ.get("CONTENT_LENGTH") or 0)
    is_chunked = bool(environ.get("wsgi.input_terminated")) and not declared
    left = MAX_UPLOAD_BYTES + 1 if is_chunked else declared
    while left:
        piece: bytes = environ["wsgi.input"].read(min(left, _PIECE_BYTES))
        if not piece:
            break
        left -= len(piece)
        yield piece
    if is_chunked and not left:
        raise _too_large_a_file()
    if left and not is_chunked:
        raise BadRequest("The body ends before its declared length.")


def _too_large_a_file() -> TooLarge:
    return TooLarge(f"The file is longer than {MAX_UPLOAD_BYTES // 1024 // 1024} MiB.")


def json_body(*, optional: bool = False) -> Any:
    """The current request's body as one JSON value, fractional numbers as Decimal.

    Args:
        optional: no body at all is an empty object, whatever it is declared as.

    Raises:
        UnsupportedMediaType: it is not declared as `application/json`, in UTF-8.
        InvalidJson: it is anything else than one strict JSON value.
    """
    if optional and not g.body:
        return {}
    if not _JSON.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise UnsupportedMediaType("Send the body as application/json; its charset can only be utf-8.")
    try:
        return exact_json.loads(g.body)
    except ValueError as error:
        raise InvalidJson(str(error)) from None
