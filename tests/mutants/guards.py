"""Every guard that keeps a promise: where it stands, what it looks like without it, and who must notice.

The list is `guards.toml`; `make mutants` takes them away one at a time.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guard:
    """A guard, its removal, and the tests (arguments of pytest) that must turn red.

    `changes` are (file, text, replacement); more than one where one guard hides the absence of another.
    """

    name: str
    protects: str
    changes: tuple[tuple[str, str, str], ...]
    tests: str


def without(source: Path, guard: Guard) -> dict[Path, str]:
    """The files below `source` that the guard stands in, as they are when it is gone.

    Raises:
        ValueError: a text does not stand in its file exactly once.
    """
    contents: dict[Path, str] = {}
    for file, text, replacement in guard.changes:
        path = source / file
        content = contents.get(path) or path.read_text(encoding="utf-8")
        if (times := content.count(text)) != 1:
            raise ValueError(f"The guard {guard.name!r} has moved: {file} has {times} times {text!r}.")
        contents[path] = content.replace(text, replacement)
    return contents


def _read() -> tuple[Guard, ...]:
    rows = tomllib.loads(Path(__file__).with_name("guards.toml").read_text(encoding="utf-8"))["guard"]
    return tuple(
        Guard(
            row["name"],
            row["protects"],
            tuple((each["file"], each["text"], each["without"]) for each in (row, *row.get("also", ()))),
            " ".join(row["tests"]),
        )
        for row in rows
    )


GUARDS = _read()
