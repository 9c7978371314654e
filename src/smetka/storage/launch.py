"""Becomes the embedded MongoDB: run by its path as a process of its own, never imported by ours.

It ties itself to its parent, makes the database's user when there is none yet, and then replaces
itself by the server (exec: the pid stays). Arguments: the parent's pid, the server's home folder,
the port.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
USER = "smetka"
STARTUP_SECONDS = 10.0


def main() -> None:
    """Run the server that `EmbeddedMongoDB` asked for."""
    parent, home, port = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    die_with(parent)
    os.umask(0o077)
    # It looks for a configuration in the working directory too.
    os.chdir(home)
    if not (home / "password").exists():
        make_user(home)
    arguments = command(home, port, "--auth")
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell is meant


def die_with(parent: int) -> None:
    """Have the kernel kill this process, and what it becomes by exec, when the parent is gone.

    SIGKILL and not SIGTERM: the server loses a SIGTERM that comes in the first moment after its
    port opens, and one that is stopped never sees it; it would then hold port and folder for ever.
    A kill loses nothing, since each acknowledged write is on disk before its answer.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def command(home: Path, port: int, *more: str) -> list[str]:
    """The server's command line. No secret is in it: every local user can read it."""
    return [
        sys.executable,
        "-P",
        *("-m", "secantus"),
        *("--config", str(home / "secantusd.toml")),
        *("--host", "127.0.0.1"),
        *("--port", str(port)),
        *("--storage-path", str(home / "storage")),
        "--sync-on-commit",
        *("--cache-size", "64M"),
        *("--session-max", "200"),
        *("--log-level", "WARNING"),
        *more,
    ]


def make_user(home: Path) -> None:
    """Run the server once without access control, on a port nobody is told, to make its user.

    Whatever interrupts this, the next start does it again: the password file gets its final name last.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    me = os.getpid()
    server = subprocess.Popen(  # noqa: S603 - our own interpreter
        command(home, port),
        preexec_fn=lambda: die_with(me),  # noqa: PLW1509 - this process has one thread
    )
    try:
        _create_user(port, (home / "password.new").read_text(encoding="ascii"), server)
    finally:
        _stop(server, port)
    (home / "password.new").replace(home / "password")


def _create_user(port: int, password: str, server: subprocess.Popen[bytes]) -> None:
    # Only the first start pays for this import.
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

    deadline = time.monotonic() + STARTUP_SECONDS
    while not _listens(port):
        if (status := server.poll()) is not None:
            raise SystemExit(status)  # it said why on stderr, which is ours
        if time.monotonic() > deadline:
            raise SystemExit("The embedded MongoDB did not open its port.")
        time.sleep(0.02)
    with MongoClient[dict[str, object]](
        "127.0.0.1", port, directConnection=True, timeoutMS=int(STARTUP_SECONDS * 1000)
    ) as client:
        try:
            client.admin.command("createUser", USER, pwd=password, roles=["root"])
        except OperationFailure:  # it was made before the password got its final name, or the file was lost
            client.admin.command("updateUser", USER, pwd=password, roles=["root"])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes], port: int) -> None:
    server.terminate()
    for _ in range(2):
        _listens(port)  # a knock wakes its accept(), which closes 2 s later otherwise
        try:
            server.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
        return
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
