"""Log lines: one event a line, readable on a terminal, JSON elsewhere, never with a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

QUIETED = ("urllib3", "requests", "pymongo")
"""Loggers whose debug and info lines carry whole URLs, the bot token included."""

_MASK = "***"
# A bot token wherever it appears, a password inside a connection string, one of our keys.
_SECRETS = re.compile(
    r"(?P<token>(?<!\d)\d{1,20}:[A-Za-z0-9_-]{30,})"
    r"|(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@]*:)\S+(?P<after>@)"
    r"|(?P<key>\bsmk_)[A-Za-z0-9_-]+"
)


def scrub(text: str, known: Iterable[str] = ()) -> str:
    """The text with everything that looks like a secret, and every known one, masked."""
    for secret in known:
        text = text.replace(secret, _MASK)
    # Each kind of secret has one of these; most texts have neither.
    if ":" not in text and "smk_" not in text:
        return text
    return _SECRETS.sub(lambda m: (m["before"] or "") + (m["key"] or "") + _MASK + (m["after"] or ""), text)


_held = threading.local()


@contextmanager
def together() -> Iterator[None]:
    """Write what this thread logs inside of the block in one go, when it ends: one system call for all."""
    _held.lines = []
    try:
        yield
    finally:
        lines, stream = _held.lines, getattr(_held, "stream", None)
        del _held.lines
        if lines and stream is not None:
            stream.write("".join(lines))
            stream.flush()


class _Lines:
    """structlog's logger at the end of the processors: writes a line, or holds it for `together`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        lines = getattr(_held, "lines", None)
        if lines is not None:
            _held.stream = self._stream
            lines.append(message + "\n")
            return
        self._stream.write(message + "\n")
        self._stream.flush()

    debug = info = warning = error = critical = exception = msg


def configure_logging(process: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send this process's log lines, structlog's and the standard library's, to stderr.

    Args:
        process: named in every line: `serve`, `web`, `worker` or `mongodb`.
        secrets: values masked wherever they appear, besides those recognised by their shape.
    """
    stream = sys.stderr if stream is None else stream
    known = tuple(secret for secret in secrets if secret)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _named(process),
        structlog.processors.format_exc_info,
        _scrubbing(known),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)
        if stream.isatty()
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIETED:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        # Straight to the stream: the standard library's way there costs more than all processors.
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=True,
    )


_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def _to_json(event: EventDict, **_options: Any) -> str:
    return _encode(event)


def _named(process: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return add


def _scrubbing(known: tuple[str, ...]) -> Processor:
    def clean(value: Any) -> Any:
        if type(value) is str:  # nearly always, and at each line several times
            return scrub(value, known)
        match value:
            case str():
                return scrub(value, known)
            case dict():
                return {key: clean(item) for key, item in value.items()}
            case list() | tuple():
                return [clean(item) for item in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return scrub(str(value), known)

    def processor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # `_record` and `_from_structlog` are structlog's own and never written.
        return {key: value if key.startswith("_") else clean(value) for key, value in event.items()}

    return processor
