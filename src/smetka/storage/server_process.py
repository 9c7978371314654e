"""One run of the embedded server: its process, its last words, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import deque
from pathlib import Path
from threading import Thread

import structlog

from smetka.core.processes import python
from smetka.storage.complaints import DAMAGE, explain, recognise
from smetka.storage.home import Home

STOP_SECONDS = 3.0
KEPT_LINES = 60

_LAUNCH = Path(__file__).with_name("launch.py")
# All the server gets to see: no setting of ours, and so no secret, is among these.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")

_log = structlog.get_logger(__name__)


class ServerProcess:
    """Starts when made, without waiting. It dies with the thread that made it, `kill -9` included."""

    def __init__(self, home: Home, port: int) -> None:
        self._home, self._port = home, port
        self._words: deque[str] = deque(maxlen=KEPT_LINES)
        self._is_wanted = True
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            python(str(_LAUNCH), str(os.getpid()), str(home.path), str(port)),
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            process_group=0,  # Ctrl-C on a terminal is the parent's to handle, in order
        )
        self.pid = self._process.pid
        self._listener = Thread(target=self._listen, name="mongodb", daemon=True)
        self._listener.start()

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll()

    def complaint(self) -> str:
        """Why it ended or does not work, and what to do, in one sentence."""
        self._hear_it_out()
        return self._explain()

    def found_damage(self) -> bool:
        """Whether its files are damaged; it may be running all the same."""
        return self._said(*DAMAGE)

    def found_the_folder_busy(self) -> bool:
        """Whether it ended because another server works in the folder."""
        return self._said("Device or resource busy")

    def found_the_port_taken(self) -> bool:
        """Whether it ended because another program has the port."""
        return self._said("Address already in use")

    def ask_to_end(self) -> None:
        """Send SIGTERM and return."""
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Have it end in order, or kill it after 3 s. Safe to repeat."""
        self._is_wanted = False
        deadline = time.monotonic() + STOP_SECONDS
        while self.poll() is None and time.monotonic() < deadline:
            self.ask_to_end()  # repeated: it loses a SIGTERM in the first moment of its life
            again = time.monotonic() + 1
            while self.poll() is None and time.monotonic() < again:
                listens(self._port)  # wakes its accept(), which it waits 2 s for otherwise
                time.sleep(0.02)
        if self.poll() is None:
            self._process.kill()  # loses nothing: every acknowledged write is on disk
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self._listener.join(1)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        told = None
        with self._process.stderr as lines:
            for line in lines:
                self._words.append(line)
                if told is None and (told := self._recognise()):
                    _log.error("mongodb-complains", reason=told)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        if self._is_wanted and told is None:
            _log.error("mongodb-ended", reason=self._explain())

    def _said(self, *signs: str) -> bool:
        self._hear_it_out()
        return any(sign in line for line in list(self._words) for sign in signs)

    def _hear_it_out(self) -> None:
        if self.poll() is not None:
            self._listener.join(1)

    def _recognise(self) -> str | None:
        return recognise(list(self._words), home=self._home.path, port=self._port)

    def _explain(self) -> str:
        return explain(list(self._words), self._process.returncode, home=self._home.path, port=self._port)


def listens(port: int) -> bool:
    """Whether anybody listens on this port of the machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
