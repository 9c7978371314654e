"""Commands under measure, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from bench.load import WrongAnswer
from bench.servers import command_environment

_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Run:
    """A command that was run: what it printed, how long it took, its largest resident memory."""

    printed: str
    seconds: float
    megabytes: float


def run(name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command in a folder until it ends.

    Raises:
        WrongAnswer: it failed.
    """
    megabytes = 0.0
    with TemporaryFile() as output, TemporaryFile() as errors:
        began = time.perf_counter()
        with subprocess.Popen(
            command,
            env=command_environment() | dict(environment or {}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        ) as process:
            while process.poll() is None:
                megabytes = max(megabytes, _largest_memory(process.pid))
                time.sleep(_LOOK_SECONDS)
            seconds = time.perf_counter() - began
        printed, told = (_all_of(file) for file in (output, errors))
    if process.returncode != 0:
        raise WrongAnswer(f"{name} ended with {process.returncode}: {told.strip()[-400:]}")
    return Run(printed, seconds, megabytes)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return str(file.read(), "utf-8", "replace")


def _largest_memory(pid: int) -> float:
    """What the kernel noted since the program began; what `wait4` tells includes the parent at the fork."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1000 if found else 0.0


def smetka_command(folder: Path, ledger: Path, *arguments: str) -> Run:
    """One of Smetka's own commands beside the server whose records are in `folder`; everybody is due."""
    environment = {
        "SMETKA_DATA_DIR": str(folder / "data"),
        "SMETKA_LEDGER": str(ledger),
        "SMETKA_BONUS_THRESHOLD": "0",
    }
    command = [sys.executable, "-m", "smetka", *arguments]
    return run(" ".join(arguments[:2]), command, folder, environment)
