"""`make mutants`: take each guard away in a copy of the project, and see the tests turn red.

`python -m tests.mutants [words of names]` tries those whose name has one of the words.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.guards import GUARDS, Guard

REPOSITORY = Path(__file__).parent.parent.parent
LIMIT_SECONDS = 300
GREEN, RED = 0, 1


def main() -> int:
    """Print the table; status 1 when the loss of a guard went unnoticed."""
    words = sys.argv[1:]
    chosen = [guard for guard in GUARDS if not words or any(word in guard.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        for name in ("src", "tests", "docs", "pyproject.toml", "README.md", "README.mk.md"):
            source = REPOSITORY / name
            shutil.copytree(source, copy / name, symlinks=True) if source.is_dir() else shutil.copy(
                source, copy
            )
        is_what_runs(copy)
        print("| guard | without it | seconds | by |\n|---|---|---|---|", flush=True)
        found = [try_without(copy, guard) for guard in chosen]
    noticed = found.count("noticed")
    print(f"\n{len(found)} guards, {noticed} noticed, {len(found) - noticed} not.")
    return 0 if noticed == len(found) else 1


def make_copy(folder: Path) -> Path:
    """A copy of what the tests need; the checkout itself is never touched."""
    copy = folder / "project"
    copy.mkdir()
    for name in ("src", "tests", "docs", "pyproject.toml", "README.md", "README.mk.md"):
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True)
        else:
            shutil.copy(source, copy)
    return copy


def try_without(copy: Path, guard: Guard) -> str:
    """Run its tests with the guard and without."""
    began = time.monotonic()
    if run(copy, guard.tests) != GREEN:
        found = "RED ALREADY"  # so its tests say nothing
    else:
        whole = {file: (copy / "src/smetka" / file).read_text() for file, _, _ in guard.changes}
        for file, text, replacement in guard.changes:
            path = copy / "src/smetka" / file
            path.write_text(replaced(path.read_text(), text, replacement))
        status = run(copy, guard.tests)
        for file, text in whole.items():
            (copy / "src/smetka" / file).write_text(text)
        found = {GREEN: "SURVIVED", RED: "noticed"}.get(status, f"BROKEN ({status})")
    print(f"| {guard.name} | {found} | {time.monotonic() - began:.0f} | `{guard.tests}` |", flush=True)
    return found


def replaced(content: str, text: str, replacement: str) -> str:
    """The content without the guard, which stands there once."""
    assert content.count(text) == 1, text
    return content.replace(text, replacement)


def run(copy: Path, tests: str) -> int:
    """The status of tests; a run that takes too long is one that failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests.split()]
    try:
        return subprocess.run(
            command, cwd=copy, env=environment(copy), capture_output=True, timeout=LIMIT_SECONDS
        ).returncode
    except subprocess.TimeoutExpired:
        return RED


def environment(copy: Path) -> dict[str, str]:
    """The copy's package comes before the installed one, in tests and in the processes they start."""
    return os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def is_what_runs(copy: Path) -> None:
    """Make sure that the copy is tried and not the installed package."""
    found = subprocess.run(
        [sys.executable, "-c", "import smetka; print(smetka.__file__)"],
        env=environment(copy),
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(found.strip()).is_relative_to(copy), found


if __name__ == "__main__":
    sys.exit(main())
