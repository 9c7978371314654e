"""Becomes the embedded MongoDB: run by its path as a process of its own, never imported by ours.

It ties itself to its parent, makes the database's files and user when there are none yet, and then
replaces itself by the server (exec: the pid stays). Arguments: the parent's pid, the server's home
folder, the port.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo import MongoClient

    Client = MongoClient[dict[str, Any]]

PR_SET_PDEATHSIG = 1
USER = "smetka"
OURS = f"admin.{USER}"
DATABASES = {"admin", "config", "local", "smetka"}
CHECKED = "smetka-checked"
"""A file in the storage, from when on nobody but us could have made a user in it."""
STRANGERS = "Not made by Smetka: "
SOCKET = "private.sock"
STARTUP_SECONDS = 20.0
STOP_ATTEMPTS = 15

_PRIVATE_SOCKET = Path(__file__).with_name("private_socket.py")


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


def command(home: Path, storage: Path, port: int, *more: str, private: bool = False) -> list[str]:
    """The server's command line. No secret is in it: every local user can read it."""
    return [
        sys.executable,
        "-P",
        *((str(_PRIVATE_SOCKET), SOCKET) if private else ("-m",)),
        "secantus",
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
    """Make the storage folder and the user, as far as they are missing; look once who else can log in.

    Whatever interrupts this, the next start does it again: each gets its final name last.
    """
    storage, new_storage = home / "storage", home / "storage.new"
    password, new_password = home / "password", home / "password.new"
    if not storage.exists():
        # A server that is killed while it makes its files leaves a storage that never works again.
        shutil.rmtree(new_storage, ignore_errors=True)
        new_storage.mkdir(mode=0o700)
        given = new_password if new_password.exists() else password
        with private_server(home, new_storage) as client:
            make_files(client)
            make_user(client, given.read_text().strip())
        (new_storage / CHECKED).touch()
        new_storage.rename(storage)
    elif new_password.exists() or not (storage / CHECKED).exists():
        with private_server(home, storage) as client:
            # Once: before it was made in private, anybody on the machine could have come in.
            if not (storage / CHECKED).exists() and (others := strangers(client)):
                raise SystemExit(f"{STRANGERS}{', '.join(others)}")
            if new_password.exists():
                make_user(client, new_password.read_text().strip())
        (storage / CHECKED).touch()
    if new_password.exists():
        new_password.replace(password)
    folder = os.open(home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@contextlib.contextmanager
def private_server(home: Path, storage: Path) -> Iterator[Client]:
    """Run the server without access control, on a socket in its closed folder, and connect to it."""
    # Only the first start pays for this import.
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    me = os.getpid()
    # By its name alone, in the working directory: a path may be longer than a socket's can be.
    Path(SOCKET).unlink(missing_ok=True)
    server = subprocess.Popen(  # noqa: S603 - our own interpreter
        command(home, storage, 0, private=True),
        preexec_fn=lambda: die_with(me),  # noqa: PLW1509 - this process has one thread
    )
    try:
        _wait_for(server)
        client: Client
        with MongoClient(SOCKET, directConnection=True, timeoutMS=int(STARTUP_SECONDS * 1000)) as client:
            yield client
    except PyMongoError as error:
        raise SystemExit(f"The embedded MongoDB's user cannot be made: {type(error).__name__}.") from None
    finally:
        _stop(server)
        Path(SOCKET).unlink(missing_ok=True)
    if server.returncode != 0:
        raise SystemExit("The embedded MongoDB did not close its files in order.")


def make_files(client: Client) -> None:
    """Have the server make all its files now.

    It spreads collections over 16 files, each made at its first use, by a hash of the name; these names
    meet all. A kill while a file is made would spoil it for ever.
    """
    for name in "abcdefghijklmnop":
        client.smetka_files.create_collection(name)
    client.drop_database("smetka_files")


def make_user(client: Client, password: str) -> None:
    """Make our user, or give it this password."""
    from pymongo.errors import OperationFailure

    try:
        client.admin.command("createUser", USER, pwd=password, roles=["root"])
    except OperationFailure:  # it is there, with another password
        client.admin.command("updateUser", USER, pwd=password, roles=["root"])


def strangers(client: Client) -> list[str]:
    """Users and databases that we did not make."""
    # `usersInfo` tells the users of one database; this is the view of all.
    users = client.admin["system.users"].find({}, ["user", "db"])
    names = [f"the user {each['user']!a} of {each['db']!a}" for each in users if each["_id"] != OURS]
    databases = sorted(set(client.list_database_names()) - DATABASES)
    return names + [f"the database {name!a}" for name in databases]


def _wait_for(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _listens():
        if (status := server.poll()) is not None:
            raise SystemExit(status)  # it said why on stderr, which is ours
        if time.monotonic() > deadline:
            raise SystemExit("The embedded MongoDB did not open its socket.")
        time.sleep(0.02)


def _listens() -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(SOCKET)
        except OSError:
            return False
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    for attempt in range(STOP_ATTEMPTS):
        # Repeated: it loses a SIGTERM in the first moment of its life. Not while it closes its files and
        # nobody can connect any more: then another one kills it.
        if not attempt or _listens():
            server.terminate()
        again = time.monotonic() + 1
        while server.poll() is None and time.monotonic() < again:
            _listens()  # wakes its accept(), which it waits 2 s for otherwise
            time.sleep(0.02)
        if server.poll() is not None:
            return
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
