"""Whole processes, from outside."""

from __future__ import annotations

import pytest


@pytest.fixture
def shop(module_shop):
    """The running shop that its module describes as `module_shop`, without a record."""
    module_shop.empty()
    return module_shop


def pytest_terminal_summary(terminalreporter):
    """The table of the torture tests, each row told by its test (see torture.py)."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "torture"
    ]
    if rows:
        terminalreporter.write_line("\n| what | found |\n|---|---|")
        for row in sorted(rows):
            terminalreporter.write_line(f"| {row} |")
