"""The shop that most tests of the HTTP edge ask."""

from __future__ import annotations

import pytest


@pytest.fixture
def shop(make_shop):
    return make_shop()
