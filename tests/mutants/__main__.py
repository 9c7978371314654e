"""`make mutants`: take each guard away in a copy of the project, and see the tests turn red."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import psutil

from tests.mutants.guards import GUARDS, Guard, without

REPOSITORY = Path(__file__).parent.parent.parent
PAGE = REPOSITORY / "docs" / "mutants.md"
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
COPIED = ("src", "tests", "docs", "pyproject.toml", "README.md", "README.mk.md")
LIMIT_SECONDS = 300
GREEN, RED, TOO_LONG = 0, 1, -1


@dataclass(frozen=True)
class Tried:
    """What became of a guard's removal, and the test that noticed it."""

    guard: Guard
    outcome: str
    noticed_by: str
    seconds: float

    @property
    def row(self) -> str:
        return (
            f"| {self.guard.name} | {self.guard.protects} | {self.outcome} {self.noticed_by}"
            f" | {self.seconds:.0f} |"
        )


def main() -> int:
    """Print the table; status 1 unless the loss of every guard was noticed."""
    options = _options()
    chosen = [g for g in GUARDS if not options.words or any(w in g.name for w in options.words)]
    for guard in chosen:
        without(REPOSITORY / "src" / "smetka", guard)  # says at once which one has moved
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copies = [make_copy(Path(folder) / str(number)) for number in range(options.jobs)]
        if not _is_green(copies[0], chosen, options.jobs):
            return 1
        head = "| guard | protects | without it | seconds |\n|---|---|---|---|"
        print(head, flush=True)
        found = list(_try_all(copies, chosen))
    noticed = sum(one.outcome == "noticed" for one in found)
    end = f"{len(found)} guards, {noticed} noticed, in {(time.monotonic() - began) / 60:.0f} minutes."
    print(f"\n{end}")
    if options.write and noticed == len(found):
        _write("\n".join([head, *(one.row for one in found), "", end]))
    return 0 if noticed == len(found) else 1


def make_copy(folder: Path) -> Path:
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
    is_what_runs(copy)
    return copy


def run(copy: Path, tests: str) -> int:
    """The status of tests; a run that takes too long is one that failed."""
    status, _ = _outcome(copy, tests)
    return RED if status == TOO_LONG else status


def _try_all(copies: list[Path], chosen: Iterable[Guard]) -> Iterable[Tried]:
    """Each guard in one of the copies, in the order of the list."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(guard: Guard) -> Tried:
        copy = free.get()
        try:
            return _try_without(copy, guard)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as threads:
        try:
            for tried in threads.map(one, chosen):
                print(tried.row, flush=True)
                yield tried
        except BaseException:  # Ctrl-C: nothing is begun any more, and what runs is ended
            threads.shutdown(wait=False, cancel_futures=True)
            for copy in copies:
                _end_all(copy)
            raise


def _try_without(copy: Path, guard: Guard) -> Tried:
    began = time.monotonic()
    changed = without(copy / "src" / "smetka", guard)
    whole = {path: path.read_text() for path in changed}
    for path, content in changed.items():
        path.write_text(content)
    status, output = _outcome(copy, guard.tests)
    for path, content in whole.items():
        path.write_text(content)
    failed = re.search(r"^FAILED \S+?::(\w+)", output, re.MULTILINE)
    if status == RED and failed:
        outcome, by = "noticed", f"by `{failed[1]}`"
    elif status == GREEN:
        outcome, by = "SURVIVED", guard.tests
    else:
        outcome, by = f"BROKEN ({status})", guard.tests
        print(output[-3000:], file=sys.stderr)
    return Tried(guard, outcome, by, time.monotonic() - began)


def _is_green(copy: Path, chosen: Iterable[Guard], jobs: int) -> bool:
    """With every guard in its place the tests pass, or they would say nothing."""
    tests = dict.fromkeys(test for guard in chosen for test in guard.tests.split())
    status, output = _outcome(copy, f"-n {jobs} {' '.join(tests)}", limit=1800)
    if status != GREEN:
        print(output[-5000:], "\nRed with every guard in its place.", file=sys.stderr)
    return status == GREEN


def _outcome(copy: Path, tests: str, *, limit: float = LIMIT_SECONDS) -> tuple[int, str]:
    """The status and what pytest said. Whatever was started and is still there is killed."""
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={copy.parent / 'tmp'}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    said = copy.parent / "said"
    with said.open("wb") as file:
        pytest = subprocess.Popen(
            [_python(copy), "-m", "pytest", *options, *tests.split()],
            cwd=copy,
            env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
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
    """Kill what runs on the copy's own interpreter: a mutant may leave processes behind."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, IndexError):
            if process.cmdline()[0].startswith(f"{copy.parent}/"):
                process.kill()


def _python(copy: Path) -> Path:
    return copy.parent / "python" / "bin" / "python"


def is_what_runs(copy: Path) -> None:
    """Make sure that the copy is tried and not the installed package."""
    ask = [_python(copy), "-I", "-c", "import smetka; print(smetka.__file__)"]
    found = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(copy), found


def _write(text: str) -> None:
    """Put the table between the page's markers."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{PAGE} has no lines {BEGIN} and {END}."
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only guards whose name has one of these words")
    parser.add_argument("--jobs", type=int, default=2, help="guards tried at the same time (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/mutants.md")
    options = parser.parse_args()
    if options.write and options.words:
        parser.error("--write puts the whole table into the page; name no guards.")
    return options


if __name__ == "__main__":
    # As Ctrl-C does: what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
