"""The list of guards stays true: each stands where it is said to, and its tests exist."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache

import pytest

from tests.conftest import REPOSITORY
from tests.mutants.guards import GUARDS, without

SOURCE = REPOSITORY / "src" / "smetka"


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_once_where_it_is_said_to_and_its_tests_exist(guard):
    for path, content in without(SOURCE, guard).items():
        assert ast.dump(ast.parse(content)) != ast.dump(ast.parse(path.read_text()))

    assert guard.tests
    for test in guard.tests.split():
        file, _, function = test.partition("::")
        assert function.startswith("test_"), test
        assert function in functions_of(file), test


def test_names_are_unique_and_there_are_many():
    assert len(GUARDS) >= 20
    assert max(Counter(guard.name for guard in GUARDS).values()) == 1
