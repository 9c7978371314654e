"""What a test needs to be allowed to."""

from __future__ import annotations

import os

import pytest

ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files and folders away")
