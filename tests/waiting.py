"""Waiting for what comes true in the end: the one way to wait in a test."""

from __future__ import annotations

import time

import pytest

PATIENCE_SECONDS = 60.0
"""For what a busy machine does late. No test waits so long for what does not come."""


def eventually(what, seconds=PATIENCE_SECONDS):
    """What `what()` says when it is true at last; an assertion in it that fails is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = what()
            assert found, "it never came true"
        except (AssertionError, pytest.fail.Exception):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return found
