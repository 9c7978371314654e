"""Small changes of the code that amounts, age groups and averages are made by, each of which a test must notice.

The changes are Cosmic Ray's (`small_changes.py`); those that change no answer are in `harmless.toml`.
"""

from __future__ import annotations

import ast
import json
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

FILES = {
    "core/money.py": "tests/core/test_money.py",
    "core/age_groups.py": "tests/core/test_age_groups.py",
    "spending/averages.py": "tests/spending/test_averages.py",
}
"""Files below src/smetka, and who must notice."""

_ASK = Path(__file__).with_name("small_changes.py")


@dataclass(frozen=True)
class Change:
    """One line of a file is another, and so the file has this content."""

    file: str
    line: int
    before: str
    after: str
    content: str

    @property
    def tests(self) -> str:
        return FILES[self.file]


@dataclass(frozen=True)
class Harmless:
    """Changes that no answer can show, and why: of lines that hold `before`, into what holds `after`."""

    file: str
    before: str
    after: str
    why: str

    def covers(self, change: Change) -> bool:
        same_file = change.file == self.file
        return same_file and self.before in change.before and self.after in change.after


def all_changes(source: Path, python: Path) -> list[Change]:
    """Every change of the figures' code, but of annotations, which nobody reads while it runs.

    Args:
        source: the folder of the package.
        python: an interpreter that has Cosmic Ray.
    """
    ask = [python, _ASK, *FILES]
    done = subprocess.run(ask, cwd=source, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return [change for file, contents in found.items() for change in _of(source / file, file, contents)]


def _of(path: Path, file: str, contents: list[str]) -> Iterator[Change]:
    whole = path.read_text(encoding="utf-8")
    runs = _what_runs(whole)
    for content in contents:
        if _what_runs(content) not in {runs, None}:
            lines = zip_longest(whole.splitlines(), content.splitlines(), fillvalue="")
            yield next(
                Change(file, number, before.strip(), after.strip(), content)
                for number, (before, after) in enumerate(lines, 1)
                if before != after
            )


def _what_runs(content: str) -> str | None:
    """The syntax tree without annotations; None when it is no Python (`exponent < not 2`)."""
    try:
        tree = ast.parse(content)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                node.returns = None
            case ast.arg():
                node.annotation = None
            case ast.AnnAssign():
                node.annotation = ast.Constant(None)
    return ast.dump(tree)


def _read() -> tuple[Harmless, ...]:
    rows = tomllib.loads(Path(__file__).with_name("harmless.toml").read_text(encoding="utf-8"))["harmless"]
    return tuple(Harmless(**row) for row in rows)


HARMLESS = _read()
