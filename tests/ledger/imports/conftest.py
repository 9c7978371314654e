"""The rules of files, read in the test's own process; tests/security/test_memory.py reads as the product does."""

from __future__ import annotations

import pytest

from smetka.ledger.imports import source
from smetka.ledger.imports.workbook import Workbook


@pytest.fixture(autouse=True)
def workbooks_are_read_here(monkeypatch):
    """What says otherwise is marked `process`."""
    monkeypatch.setattr(source, "WorkbookApart", Workbook)
