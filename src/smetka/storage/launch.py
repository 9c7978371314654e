"""Becomes the embedded MongoDB: run by its path as a process of its own, never imported by ours.

It ties itself to its parent, makes the database's files and user when there are none yet, and then
replaces itself by the server (exec: the pid stays). Arguments: the parent's pid, the server's home
folder, the port.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
USER = "smetka"
STARTUP_SECONDS = 20.0
STOP_ATTEMPTS = 15


def main() -> None:
    """Run the server that `EmbeddedMongoDB` asked for."""
    parent, home, port = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    die_with(parent)
    os.umask(0o077)
    # It looks for a configuration in the working directory too.
    os.chdir(home)
    complete(home)
    arguments = command(home, home / "storage", port, "--auth")
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


def command(home: Path, storage: Path, port: int, *more: str) -> list[str]:
    """The server's command line. No secret is in it: every local user can read it."""
    return [
        sys.executable,
        "-P",
        *("-m", "secantus"),
        *("--config", str(home / "secantusd.toml")),
        *("--host", "127.0.0.1"),
        *("--port", str(port)),
        *("--storage-path", str(storage)),
        "--sync-on-commit",
        *("--cache-size", "24M"),
        # Nobody reads its change log; by itself it grows to a hundred thousand entries.
        *("--oplog-max-entries", "1000"),
        *("--session-max", "1000"),
        *("--log-level", "WARNING"),
        *more,
    ]


def complete(home: Path) -> None:
    """Make the storage folder and the user, as far as they are missing.

    Whatever interrupts this, the next start does it again: each gets its final name last.
    """
    storage, new_storage = home / "storage", home / "storage.new"
    password, new_password = home / "password", home / "password.new"
    if not storage.exists():
        # A server that is killed while it makes its files leaves a storage that never works again.
        shutil.rmtree(new_storage, ignore_errors=True)
        new_storage.mkdir(mode=0o700)
        given = new_password if new_password.exists() else password
        make_user(home, new_storage, given.read_text().strip(), make_files=True)
        new_storage.rename(storage)
    elif new_password.exists():
        make_user(home, storage, new_password.read_text().strip())
    if new_password.exists():
        new_password.replace(password)
    folder = os.open(home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def make_user(home: Path, storage: Path, password: str, *, make_files: bool = False) -> None:
    """Run the server once without access control, on a port nobody is told, and use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    me = os.getpid()
    server = subprocess.Popen(  # noqa: S603 - our own interpreter
        command(home, storage, port),
        preexec_fn=lambda: die_with(me),  # noqa: PLW1509 - this process has one thread
    )
    try:
        _wait_for(server, port)
        _set_up(port, password, make_files=make_files)
    finally:
        _stop(server, port)
    if server.returncode != 0:
        raise SystemExit("The embedded MongoDB did not close its files in order.")


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _listens(port):
        if (status := server.poll()) is not None:
            raise SystemExit(status)  # it said why on stderr, which is ours
        if time.monotonic() > deadline:
            raise SystemExit("The embedded MongoDB did not open its port.")
        time.sleep(0.02)


def _set_up(port: int, password: str, *, make_files: bool) -> None:
    # Only the first start pays for this import.
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure, PyMongoError

    try:
        with MongoClient[dict[str, object]](
            "127.0.0.1", port, directConnection=True, timeoutMS=int(STARTUP_SECONDS * 1000)
        ) as client:
            if make_files:
                # It spreads collections over 16 files, each made at its first use, by a hash of the
                # name; these names meet all. A kill while a file is made would spoil it for ever.
                for name in "abcdefghijklmnop":
                    client.smetka_files.create_collection(name)
                client.drop_database("smetka_files")
            try:
                client.admin.command("createUser", USER, pwd=password, roles=["root"])
            except OperationFailure:  # it is there, with another password
                client.admin.command("updateUser", USER, pwd=password, roles=["root"])
    except PyMongoError as error:
        raise SystemExit(f"The embedded MongoDB's user cannot be made: {type(error).__name__}.") from None


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes], port: int) -> None:
    for attempt in range(STOP_ATTEMPTS):
        # Repeated: it loses a SIGTERM in the first moment of its life. Not while it closes its files and
        # nobody can connect any more: then another one kills it.
        if not attempt or _listens(port):
            server.terminate()
        again = time.monotonic() + 1
        while server.poll() is None and time.monotonic() < again:
            _listens(port)  # wakes its accept(), which it waits 2 s for otherwise
            time.sleep(0.02)
        if server.poll() is not None:
            return
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
