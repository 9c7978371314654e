"""The folder the embedded MongoDB lives in: its files, its configuration and its password."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from smetka.core.errors import StartFailed
from smetka.files.private_folders import make_private

_CONFIG = "secantusd.toml"
OURS = frozenset(
    {_CONFIG, "port", "private.sock", "storage", "storage.new"}
    | {f"password{end}" for end in ("", ".new", ".part")}
)
"""The names of the files in it."""


class Home:
    """`<data directory>/mongodb`, readable by its owner alone.

    The password lies in `password.new` until the server has a user with it, and in `password`
    from then on: the name says whether the user is still to be made. `storage` is made by the
    first start (`launch.py` does both).
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.absolute() / "mongodb"
        self.storage = self.path / "storage"
        self.config = self.path / _CONFIG
        self._port = self.path / "port"
        self._password = self.path / "password"
        self._new_password = self.path / "password.new"

    def prepare(self) -> str:
        """Make what is missing and return the password. Safe to repeat.

        Raises:
            StartFailed: the folder cannot be made, read or written, or others use it.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The server makes its own files readable to everybody; a closed folder shuts them all.
            make_private(self.path, ours=OURS, mark=_CONFIG)
            if self.storage.exists():
                self.storage.chmod(0o700)
            self.config.touch(0o600)
            return self._read_password() or self._make_password()
        except UnicodeDecodeError:
            raise StartFailed(f"{self._password} is not text. Remove it: a new one is made.") from None
        except OSError as error:
            raise StartFailed(
                f"The embedded MongoDB cannot use its folder {self.path}: {error.strerror}."
            ) from None

    @property
    def last_port(self) -> int | None:
        """The port of the last start, if it is known."""
        try:
            return int(self._port.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def remember_port(self, port: int) -> None:
        """Prefer this port at the next start. Nothing depends on its being remembered."""
        with suppress(OSError):
            self._port.write_text(str(port), encoding="ascii")

    def has_password(self, secrets: Iterable[str]) -> bool:
        """Whether the password is one of these: nobody else's server has it."""
        try:
            password = self._read_password()
        except (OSError, UnicodeDecodeError):
            return False
        return bool(password) and password in secrets

    def forget_user(self) -> None:
        """Have the next start make the user again, with the same password. Safe to repeat."""
        with contextlib.suppress(FileNotFoundError):
            self._password.replace(self._new_password)

    def _read_password(self) -> str:
        for file in (self._password, self._new_password):
            if file.exists():
                file.chmod(0o600)
                return file.read_text().strip()
        return ""

    def _make_password(self) -> str:
        password = secrets.token_urlsafe(32)
        part = self.path / "password.part"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password)
            file.flush()
            os.fsync(file.fileno())
        self._password.unlink(missing_ok=True)
        part.replace(self._new_password)
        _sync(self.path)
        return password


def _sync(folder: Path) -> None:
    """Have a rename inside of the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
