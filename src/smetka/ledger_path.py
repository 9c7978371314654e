"""Where the ledger is: the path of a SQLite file, or the same as a URL.

Beside the package `ledger`, which brings SQLAlchemy: the parent process asks this too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from smetka.errors import WrongUsage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SQLITE = {"sqlite", "sqlite+pysqlite"}


def ledger_path(location: str) -> Path:
    """The absolute path `location` names: a path, or ``sqlite:///`` followed by one.

    Symbolic links are left alone: pointing one at another file changes the ledger.

    Raises:
        WrongUsage: anything else. The message holds no part of a URL but its scheme.
    """
    path = location
    if match := _SCHEME.fullmatch(location):
        scheme, rest = match[1].lower(), match[2]
        if scheme not in _SQLITE:
            raise WrongUsage(f"A ledger at {scheme}:// is not supported; name a SQLite file.")
        if not rest.startswith("/") or "?" in rest:
            raise WrongUsage(
                "A SQLite URL is sqlite:/// and the path of the file, without a host or options."
            )
        path = rest[1:]
    if not path.strip() or "\0" in path or path.startswith(":memory:"):
        raise WrongUsage("The ledger must be the path of a SQLite file.")
    # A `~` that is nobody's home is a name like any other. Path.resolve would follow links.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111
