"""What lies in the working directory is data: no process of ours takes a module from there."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from smetka.storage import launch
from tests.fixtures.product import SMETKA

SOURCE = Path(launch.__file__).parents[1]
SHADOWS = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()} - {"smetka"}
COMMAND = [sys.executable, "-P", "-c", "from smetka.cli import main; main()"]
"""As the installed command starts, for which the folder that it lies in takes the working directory's place."""


def shadow_everything(folder: Path, besides: set[str] | None = None) -> Path:
    """Write a module of every name that a process may ask for; each tells in a file that it ran."""
    told = folder / "ran.txt"
    telling = (
        f"import posix\nposix.write(posix.open({str(told)!r}, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND),"
        " (__name__ + '\\n').encode())\nraise ImportError(__name__)\n"
    )
    for name in SHADOWS - (besides or set()):
        if name.isidentifier():
            (folder / f"{name}.py").write_text(telling)
    return told


@pytest.mark.process
def test_serve_runs_nothing_that_lies_in_the_working_directory(new_shop):
    shop = new_shop()
    shop.command = COMMAND
    told = shadow_everything(shop.folder)

    shop.start(wait=False)
    shop.wait_until(lambda: told.exists() or shop.is_ready())

    assert not told.exists(), told.read_text()
    assert sorted(shop.pids()) == ["mongodb", "web", "worker"]


@pytest.mark.process
def test_a_command_runs_nothing_that_lies_in_the_working_directory(tmp_path):
    told = shadow_everything(tmp_path)

    done = subprocess.run([*COMMAND, "settings"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, told.exists()) == (0, False), done.stderr


@pytest.mark.process
def test_python_m_smetka_runs_nothing_from_there_once_it_has_begun(tmp_path):
    # What Python loads to find us by our name, it takes from the working directory before that.
    (tmp_path / "plain.py").write_text("import sys, smetka\nprint(*sys.modules)")
    plain = subprocess.check_output([sys.executable, "-m", "plain"], cwd=tmp_path, text=True)
    told = shadow_everything(tmp_path, {*plain.split()})

    done = subprocess.run([*SMETKA, "settings"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, told.exists()) == (0, False), done.stderr


def test_python_is_started_in_one_way_which_leaves_out_the_working_directory(tmp_path):
    starts = {
        file.relative_to(SOURCE).as_posix()
        for file in SOURCE.rglob("*.py")
        if "executable" in (source := file.read_text())
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "executable"
    }

    # The launcher is run by its path, and is no part of the package.
    assert starts == {"core/processes.py", "storage/launch.py"}
    assert launch.command(tmp_path, tmp_path / "storage", 1)[:2] == [sys.executable, "-P"]
