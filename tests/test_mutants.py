"""The lists stay true: each guard stands where it is said to, its tests exist, and the harmless is still there."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType

import pytest

from tests.conftest import REPOSITORY
from tests.mutants.figures import FILES, HARMLESS, Change, _of
from tests.mutants.guards import GUARDS, without

SOURCE = REPOSITORY / "src" / "smetka"


@cache
def functions_of(file: str) -> dict[str, bool]:
    """The functions of a file, and whether all of each is long: `make test` runs none of it."""
    tree = ast.parse((REPOSITORY / file).read_text())
    every = any(isinstance(node, ast.Assign) and "mark.long" in ast.unparse(node) for node in tree.body)
    return {
        node.name: every or "pytest.mark.long" in map(ast.unparse, node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def what_runs(content: str) -> str:
    """Its code, wherever that stands in the file."""

    def parts(code: CodeType) -> tuple:
        constants = [parts(each) if isinstance(each, CodeType) else each for each in code.co_consts]
        return code.co_code, code.co_names, code.co_varnames, constants

    return repr(parts(compile(content, "", "exec")))


@cache
def runs_now(file: Path) -> str:
    return what_runs(file.read_text())


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_once_where_it_is_said_to_and_its_tests_are_in_make_test(guard):
    for path, content in without(SOURCE, guard).items():
        assert what_runs(content) != runs_now(path)

    assert guard.tests
    for test in guard.tests.split():
        file, _, function = test.partition("::")
        assert function.startswith("test_"), test
        assert function in functions_of(file), test
        assert not functions_of(file)[function], f"{test} is long; name its twin"


def test_names_are_unique_and_there_are_many():
    assert len(GUARDS) >= 20
    assert max(Counter(guard.name for guard in GUARDS).values()) == 1


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda harmless: f"{harmless.file}: {harmless.after}")
def test_what_is_harmless_is_a_change_of_a_line_that_is_there(harmless):
    lines = (SOURCE / harmless.file).read_text().splitlines()
    there = [line.strip() for line in lines if harmless.before in line]

    assert there
    assert harmless.why
    assert harmless.covers(Change(harmless.file, 1, there[0], harmless.after, ""))
    assert not harmless.covers(Change(harmless.file, 1, there[0], "return None", ""))


def test_the_figures_files_and_their_tests_are_there():
    for file, tests in FILES.items():
        assert (SOURCE / file).is_file()
        assert (REPOSITORY / tests).is_file()


def test_only_what_runs_otherwise_is_a_change(tmp_path):
    path = tmp_path / "figures.py"
    path.write_text("def half(amount: int | None) -> int:\n    return amount // 2\n")
    contents = [
        "def half(amount: int & None) -> int:\n    return amount // 2\n",
        "def half(amount: int | None) -> int:\n    return amount not 2\n",
        "def half(amount: int | None) -> int:\n    return amount * 2\n",
    ]

    (change,) = _of(path, "figures.py", contents)

    assert (change.line, change.before, change.after) == (2, "return amount // 2", "return amount * 2")
    assert change.content == contents[2]
