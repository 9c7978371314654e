"""The list of guards stays true: each stands where it is said to, and its tests exist."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.conftest import REPOSITORY
from tests.mutants.guards import GUARDS


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_once_where_it_is_said_to(guard):
    contents = {}
    for file, text, replacement in guard.changes:
        path = REPOSITORY / "src/smetka" / file
        content = contents.get(file) or path.read_text()
        assert content.count(text) == 1
        contents[file] = content.replace(text, replacement)

    for content in contents.values():
        ast.parse(content)
    files = [word for word in guard.tests.split() if word.startswith("tests")]
    assert files
    assert all((REPOSITORY / file).exists() for file in files)


def test_names_are_unique_and_there_are_many():
    assert len(GUARDS) >= 20
    assert max(Counter(guard.name for guard in GUARDS).values()) == 1
