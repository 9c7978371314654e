"""A process that runs imports in forks of itself, each of which dies by its own hand at a given step.

Started by `test_import_killed`: loading the command takes far longer than the imports do. A step is a
statement on a database, a stretch of a statement's work, or something done to a file or its name.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any, NoReturn

import smetka.cli.ledger  # noqa: F401 - loaded once, for all the forks
from smetka.cli import run
from smetka.ledger.imports import load

WORK = "at work"
FILES = {"open", "os.chmod", "os.link", "os.remove", "os.rename", "fcntl.flock"}
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
        sys.addaudithook(lambda event, _: self.take(event) if event in FILES else None)


def main() -> None:
    """For each line of stdin: the import's status, negative when a signal ended it, and its steps if it lived."""
    for line in sys.stdin:
        asked = json.loads(line)
        there, here = os.pipe()
        if not (child := os.fork()):
            try:
                _import(asked, here)
            finally:
                os._exit(255)
        os.close(here)
        _, status = os.waitpid(child, 0)
        with os.fdopen(there) as file:
            print(json.dumps([os.waitstatus_to_exitcode(status), int(file.read() or 0)]), flush=True)


def _import(asked: dict[str, Any], pipe: int) -> NoReturn:
    load._CACHE_KIB = asked["cache_kib"]
    steps = Steps(asked["begin"], asked["last"])
    steps.watch()
    with Path(os.devnull).open("w") as nothing:
        sys.stdout = sys.stderr = nothing
        status = run(asked["arguments"])
    os.write(pipe, str(steps.taken).encode())
    os._exit(status)


if __name__ == "__main__":
    main()
