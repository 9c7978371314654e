"""A page's form with a file, read as it arrives."""

from __future__ import annotations

from collections.abc import Iterator

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Event, File, MultipartDecoder, NeedData

from smetka.web.refusals import BadRequest

_MOST_BUFFERED = 1024 * 1024
_MOST_PARTS = 10


class SentFile:
    """The file in a form's field: its name, and its bytes, which can be read once.

    Raises:
        BadRequest: from here and from `pieces`: it is no such form, or ends before its end.
    """

    def __init__(self, pieces: Iterator[bytes], boundary: str, field: str) -> None:
        self._events = _events(pieces, boundary)
        self.name = next(
            (each.filename for each in self._events if isinstance(each, File) and each.name == field), ""
        )
        """Empty when none was chosen."""

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes. To the end of the form: what is cut short is no file."""
        is_file = True
        for event in self._events:
            if is_file and isinstance(event, Data):
                yield event.data
                is_file = event.more_data


def _events(pieces: Iterator[bytes], boundary: str) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary.encode(), _MOST_BUFFERED, max_parts=_MOST_PARTS)
    event: Event
    try:
        for piece in pieces:
            decoder.receive_data(piece)
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
        decoder.receive_data(None)
        if not isinstance(decoder.next_event(), Epilogue):
            raise BadRequest("The form ends before its end.")
    except (ValueError, HTTPException):
        raise BadRequest("The form cannot be read.") from None
