"""The command's front door."""

from __future__ import annotations

import pytest

from smetka.cli import run


@pytest.fixture
def smetka(capsys):
    """Run a command; (exit status, stdout, stderr)."""

    def smetka(*arguments: object) -> tuple[int, str, str]:
        try:
            status = run([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return status, shown.out, shown.err

    return smetka
