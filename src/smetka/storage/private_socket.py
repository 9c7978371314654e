"""Runs a module as `python -m` does; what it listens on is a Unix socket in its folder, never a port.

The embedded MongoDB has no access control until its user is made, and knows TCP alone, where every user
of the machine may connect and make himself a user for good. No socket of another kind can be made here.
Run by its path as a process of its own, never imported by ours. Arguments: the socket's name, the module,
the module's arguments.
"""

from __future__ import annotations

import runpy
import socket
import sys
from typing import Any

_ADDRESS = ("127.0.0.1", 0)
"""Told in place of the socket's name, for code that expects a host and a port."""


class PrivateSocket(socket.socket):
    """A Unix socket, whatever was asked for."""

    name: str

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
        del family, proto
        super().__init__(socket.AF_UNIX, type, 0, fileno)

    def bind(self, address: Any) -> None:
        """Listen in the folder."""
        del address
        super().bind(self.name)

    def getsockname(self) -> tuple[str, int]:
        """A host and a port."""
        return _ADDRESS

    def accept(self) -> tuple[socket.socket, Any]:
        """The connection, and whose it is as a host and a port."""
        connection, _ = super().accept()
        return connection, _ADDRESS


if __name__ == "__main__":
    _, PrivateSocket.name, module, *arguments = sys.argv
    socket.socket = PrivateSocket  # type: ignore[misc]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
