"""Who asks the shops of these tests."""

from __future__ import annotations

import pytest

from tests.web.browsing import Browser


@pytest.fixture
def browser(shop):
    """A visit of the shop's pages without a key."""
    return Browser(shop)
