"""Log lines: one event a line, readable on a terminal, JSON elsewhere, never with a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from smetka.core.shown_text import shown

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


_json = json.JSONEncoder(ensure_ascii=False, default=repr)


def _encode(value: Any) -> str:
    """JSON in which nothing is hidden: a reader's terminal shows it as it is, a program reads the same."""
    return shown(_json.encode(value))


_log = structlog.get_logger(__name__)
_Rows = Sequence[tuple[str | int | float, ...]]
_write_rows: Callable[[str, Sequence[str], _Rows], None] | None = None


def tell_many(event: str, names: Sequence[str], rows: _Rows) -> None:
    """Log an event many times over, in one go: a tenth of the cost of as many lines.

    Args:
        names: what the values of each row are.
        rows: values of ours, which no secret can be in: they are not looked through.
    """
    if _write_rows is not None and structlog.is_configured():  # whoever resets structlog means this too
        _write_rows(event, names, rows)
        return
    for row in rows:
        _log.info(event, **dict(zip(names, row, strict=True)))


def _rows_to(stream: TextIO, process: str) -> Callable[[str, Sequence[str], _Rows], None]:
    def write(event: str, names: Sequence[str], rows: _Rows) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        common = _encode({"event": event, "level": "info", "process": process, "timestamp": now})
        own = ", ".join(f"{_encode(name)}: %s" for name in names)
        line = f"{{{own}, {common[1:].replace('%', '%%')}\n"
        stream.write("".join(line % tuple([_scalar(value) for value in row]) for row in rows))
        stream.flush()

    return write


def _scalar(value: str | float) -> str:
    """One value as JSON. The encoder makes all it needs anew for each number."""
    return _encode(value) if type(value) is str else repr(value)


class _Unfailing:
    """A stream that loses what it cannot write.

    A full disk behind a log, or a reader that has left, must not end whoever has something to say.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure_logging(process: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send this process's log lines, structlog's and the standard library's, to stderr.

    Args:
        process: named in every line: `serve`, `web`, `worker` or `mongodb`.
        secrets: values masked wherever they appear, besides those recognised by their shape.
    """
    global _write_rows  # noqa: PLW0603 - as structlog's own configuration, one for the process
    stream = sys.stderr if stream is None else stream
    unfailing: Any = _Unfailing(stream)
    _write_rows = None if stream.isatty() else _rows_to(unfailing, process)
    known = tuple(secret for secret in secrets if secret)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _named(process),
        structlog.processors.format_exc_info,
        _scrubbing(known),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if stream.isatty():
        shared.append(_shown)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)
        if stream.isatty()
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    handler = logging.StreamHandler(unfailing)
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
        logger_factory=structlog.WriteLoggerFactory(unfailing),
        cache_logger_on_first_use=True,
    )


def _shown(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Nothing of an event moves the reader's cursor; an exception keeps its lines."""
    return {
        key: shown(value, lines=key == "exception") if isinstance(value, str) else value
        for key, value in event.items()
    }


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
