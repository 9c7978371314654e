"""A process that runs commands of ours in forks of itself, each of which dies by its own hand at a given step.

Loading a command takes far longer than what it does to a small ledger. A step is a statement on a database, the
sending of rows or of a request, the end of a transaction, a stretch of SQLite's work, or something done to a file or
its name.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psycopg

# Loaded once, for all the forks.
import smetka.cli.ledger
import smetka.ledger.copying.postgresql_target
import smetka.ledger.copying.sqlite_target
import smetka.ledger.imports.load  # noqa: F401
from smetka.cli import run

WORK = "at work"
EVENTS = {"open", "os.chmod", "os.link", "os.remove", "os.rename", "fcntl.flock", "http.client.send"}
INSTRUCTIONS = 100
"""Of SQLite's machine, that make a stretch of work."""


class Steps:
    """Counts the steps whose names begin so, and kills the process when it comes to the last of them."""

    def __init__(self, begin: str, last: int) -> None:
        self._begin, self._last, self.taken = begin, last, 0

    def take(self, name: str) -> None:
        if name.startswith(self._begin):
            self.taken += 1
            if self.taken == self._last:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From now on, everywhere in this process."""
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **options)
            connection.set_trace_callback(self.take)
            connection.set_progress_handler(lambda: self.take(WORK), INSTRUCTIONS)
            return connection

        sqlite3.connect = watched
        self._watch_calls(psycopg.Cursor, "execute", lambda _, query, *__: str(query))
        self._watch_calls(psycopg.Copy, "write", lambda *_: "COPY")
        self._watch_calls(psycopg.Transaction, "__exit__", lambda *_: "COMMIT")
        sys.addaudithook(lambda event, _: self.take(event) if event in EVENTS else None)

    def _watch_calls(self, of: type, name: str, step: Callable[..., str]) -> None:
        call = getattr(of, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.take(step(*arguments))
            return call(*arguments, **options)

        setattr(of, name, watched)


def main() -> None:
    """For each line of stdin: the command's status, negative when a signal ended it, and its steps if it lived."""
    for line in sys.stdin:
        asked = json.loads(line)
        there, here = os.pipe()
        if not (child := os.fork()):
            try:
                _run(asked, here)
            finally:
                os._exit(255)
        os.close(here)
        _, status = os.waitpid(child, 0)
        with os.fdopen(there) as file:
            print(json.dumps([os.waitstatus_to_exitcode(status), int(file.read() or 0)]), flush=True)


def _run(asked: dict[str, Any], pipe: int) -> NoReturn:
    for name, value in asked["settings"].items():
        module, _, constant = name.rpartition(".")
        setattr(pkgutil.resolve_name(module), constant, value)
    steps = Steps(asked["begin"], asked["last"])
    steps.watch()
    with Path(os.devnull).open("w") as nothing:
        sys.stdout = sys.stderr = nothing
        status = run(asked["arguments"])
    os.write(pipe, str(steps.taken).encode())
    os._exit(status)


if __name__ == "__main__":
    main()
