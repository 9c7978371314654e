"""Copies of the project, each with an interpreter of its own: what is changed there is tried there alone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Self, TypeVar

import psutil

REPOSITORY = Path(__file__).parent.parent.parent
COPIED = ("src", "tests", "docs", "pyproject.toml", "README.md", "README.mk.md")
LIMIT_SECONDS = 300
GREEN, RED, TOO_LONG = 0, 1, -1

Task = TypeVar("Task")
Found = TypeVar("Found")


class Copies:
    """As many copies as there are jobs; they are gone with the block."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self._made = [_make_copy(Path(self._folder.name) / str(number)) for number in range(self._jobs)]
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def fault(self, tests: Iterable[str]) -> str | None:
        """What pytest says when the tests are red with nothing changed, and would tell nothing.

        What this compiles and prepares is there for every later run.
        """
        named = " ".join(tests)
        for copy in self._made[1:]:
            _run(copy, f"--collect-only {named}", compiles=True)
        status, said = _run(self._made[0], f"-n {self._jobs} {named}", compiles=True, limit=1800)
        return None if status == GREEN else said

    def each(self, tasks: Iterable[Task], do: Callable[[Path, Task], Found]) -> Iterator[Found]:
        """What `do` finds in one of the copies, for every task, in their order."""
        free: SimpleQueue[Path] = SimpleQueue()
        for copy in self._made:
            free.put(copy)

        def one(task: Task) -> Found:
            copy = free.get()
            try:
                return do(copy, task)
            finally:
                free.put(copy)

        with ThreadPoolExecutor(self._jobs) as threads:
            try:
                yield from threads.map(one, tasks)
            except BaseException:  # Ctrl-C: nothing is begun any more, and what runs is ended
                threads.shutdown(wait=False, cancel_futures=True)
                for copy in self._made:
                    _end_all(copy)
                raise


def noticed_by(copy: Path, changed: dict[Path, str], tests: str) -> str | None:
    """The first test that fails while the copy's files have this content; None when all pass.

    Raises:
        ValueError: the tests neither passed nor failed; the message is what pytest said.
    """
    whole = {path: (path.read_text(encoding="utf-8"), path.stat().st_mtime_ns) for path in changed}
    for path, content in changed.items():
        path.write_text(content, encoding="utf-8")
    try:
        status, said = _run(copy, tests)
    finally:
        for path, (content, time) in whole.items():
            path.write_text(content, encoding="utf-8")
            os.utime(path, ns=(time, time))  # as what was compiled of it says
    if status == GREEN:
        return None
    if status == TOO_LONG:
        return "the time limit"
    if said.startswith("Error while loading plugin"):  # the fixtures import it
        return "its import"
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    if not failed:
        raise ValueError(f"status {status}\n{said[-3000:]}")
    return failed[1].rpartition("::")[2].partition("[")[0]


def _make_copy(folder: Path) -> Path:
    """A copy of what the tests need, with an interpreter that runs it; the checkout is never touched."""
    copy = folder / "project"
    copy.mkdir(parents=True)
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True)
        else:
            shutil.copy(source, copy)
    # The packages installed beside us, but not our own: that is named in a .pth file, and those count
    # only where the interpreter was made. So whatever a test starts runs the copy, PYTHONPATH or not.
    venv.create(folder / "python")
    packages = next((folder / "python" / "lib").glob("python*/site-packages"))
    places = dict.fromkeys([str(copy / "src"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (packages / "copy.pth").write_text("\n".join(places))
    ask = [_python(copy), "-I", "-c", "import smetka; print(smetka.__file__)"]
    found = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(copy), found
    return copy


def _run(copy: Path, tests: str, *, compiles: bool = False, limit: float = LIMIT_SECONDS) -> tuple[int, str]:
    """The status and what pytest said. Whatever was started and is still there is killed."""
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={copy.parent / 'tmp'}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PREPARED"] = str(copy.parent.parent)  # a MongoDB that was started once, for all runs
    if not compiles:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # of what is changed nothing is kept
    said = copy.parent / "said"
    with said.open("wb") as file:
        pytest = subprocess.Popen(
            [_python(copy), "-m", "pytest", *options, *tests.split()],
            cwd=copy,
            env=environment,
            stdout=file,
            stderr=file,
            process_group=0,
        )
        try:
            status = pytest.wait(limit)
        except subprocess.TimeoutExpired:
            status = TOO_LONG
        finally:
            _end_all(copy)
            pytest.wait()
    return status, said.read_text(errors="replace")


def _end_all(copy: Path) -> None:
    """Kill what runs on the copy's own interpreter: a change may leave processes behind."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, IndexError):
            if process.cmdline()[0].startswith(f"{copy.parent}/"):
                process.kill()


def _python(copy: Path) -> Path:
    return copy.parent / "python" / "bin" / "python"
