"""A request's body while it arrives: read by a thread, piece by piece, and never held as a whole."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from smetka.web.refusals import BadRequest, RequestTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from granian._granian import RSGIHTTPProtocol as HTTPProtocol

UPLOAD_SECONDS = 600.0
"""A file must be here completely within this time: 200 MiB at 3 Mbit/s."""


class Arriving:
    """What WSGI calls the input of a request. Made on the event loop, read in one other thread.

    Args:
        pause_seconds: some of it must come within each such time.
    """

    def __init__(self, proto: HTTPProtocol, pause_seconds: float) -> None:
        self._proto, self._pause_seconds = proto, pause_seconds
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + UPLOAD_SECONDS
        self._pieces: AsyncIterator[bytes] | None = None
        self._rest = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """At most `size` bytes, as soon as there are some; none at the end.

        Raises:
            RequestTimeout: they come too slowly.
            BadRequest: the client is gone, or the body ends otherwise than it should.
        """
        if not self._rest and not self._ended:
            waiting = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                self._rest = waiting.result(2 * self._pause_seconds)
            except TimeoutError:  # the loop's, or ours when the loop itself has stopped
                raise RequestTimeout("The file did not arrive in time.") from None
            except (ProtocolClosed, CancelledError):
                raise BadRequest("The body ends before its end.") from None
            self._ended = not self._rest
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    async def _next(self) -> bytes:
        if self._pieces is None:
            self._pieces = aiter(self._proto)
        left = self._until - self._loop.time()
        async with asyncio.timeout(min(self._pause_seconds, left)):
            try:
                # Not with a default, which Granian's iterator does not survive (2.8.7: the process ends).
                piece = await anext(self._pieces)
                if piece:
                    return bytes(piece)
                # Granian gives an empty piece at the end, and one more when the end was no real one.
                await anext(self._pieces)
            except StopAsyncIteration:
                return b""
        raise BadRequest("The body is malformed, or ends before its end.")
