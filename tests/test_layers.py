"""Imports point one way: edges call features, features call the two stores, nothing calls back."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "smetka"

GROUND = {"core", "files", "settings", "keys", "language", "charts"}
STORES = {"ledger", "storage"}
FEATURES = {"spending", "bonus", "telegram"}
RULES = GROUND | STORES | FEATURES

ALLOWED = (
    {"core": set(), "files": {"core"}}
    | dict.fromkeys(GROUND - {"core", "files"} | STORES, GROUND)
    | dict.fromkeys(FEATURES, GROUND | STORES)
    | {"shop": RULES, "web": RULES | {"shop"}, "runtime": RULES | {"shop", "web"}}
    | dict.fromkeys(("cli", "__main__", "__init__"), RULES | {"shop", "web", "runtime", "cli"})
)
"""What each part may import, besides itself."""


def part_of(module: str) -> str:
    """`smetka.spending.averages` is part of `spending`."""
    return module.split(".")[1] if "." in module else "__init__"


@cache
def import_statements():
    """Each file with its statements of imports."""
    return [
        (file, node)
        for file in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def imports():
    for file, node in import_statements():
        module = ".".join(("smetka", *file.relative_to(SOURCE).with_suffix("").parts))
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names if alias.name.startswith("smetka.")]
        elif (node.module or "").partition(".")[0] != "smetka":
            continue
        else:
            # `from smetka import money` names a module, `from smetka.core.money import Money` does not.
            targets = (
                [f"smetka.{alias.name}" for alias in node.names] if node.module == "smetka" else [node.module]
            )
        for target in targets:
            yield module, target


def test_no_arrow_points_the_wrong_way():
    wrong = [
        f"{module} imports {target}"
        for module, target in imports()
        if part_of(module) != part_of(target) and part_of(target) not in ALLOWED[part_of(module)]
    ]

    assert wrong == []


def test_no_imports_go_round_in_a_circle():
    parts: dict[str, set[str]] = {}
    for module, target in imports():
        if part_of(module) != part_of(target):
            parts.setdefault(part_of(module), set()).add(part_of(target))

    TopologicalSorter(parts).prepare()  # it raises CycleError


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("sqlalchemy", {"ledger"}),
        ("sqlite3", {"ledger"}),
        ("pymongo", {"storage", "bonus", "telegram"}),
        ("flask", {"web", "telegram"}),
        ("requests", {"telegram"}),
        ("secantus", set()),
        ("reportlab", {"bonus"}),
        ("segno", {"bonus"}),
    ],
)
def test_each_library_stays_in_its_place(library, homes):
    users = {
        file.relative_to(SOURCE).parts[0].removesuffix(".py")
        for file, node in import_statements()
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.partition(".")[0] == library
    }

    assert users <= homes


def test_no_module_is_too_long_to_read():
    long = {
        str(file.relative_to(SOURCE)): lines
        for file in SOURCE.rglob("*.py")
        if (lines := len(file.read_text().splitlines())) > 330
    }

    assert long == {}
