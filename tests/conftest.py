"""What all tests share; the parts of a shop are in `tests/fixtures`."""

from __future__ import annotations

import logging
import os
from itertools import count
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from smetka.core.logs import QUIETED

pytest_plugins = [
    "tests.selection",
    *(
        f"tests.fixtures.{name}"
        for name in ("leftovers", "clock", "ledger", "records", "web", "command", "product", "browser")
    ),
]

# The same examples in every run, and no limit of time to each nor to making them: the machine may be busy.
settings.register_profile(
    "the same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("the same")

REPOSITORY = Path(__file__).parent.parent
_NUMBERS = count()
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path_factory):
    """No setting of the machine, and no .env of the checkout, reaches a test."""
    for name in [name for name in os.environ if name.startswith("SMETKA_")]:
        monkeypatch.delenv(name)
    # Of this test alone, and made by what writes there: `tmp_path` costs more than many a test.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / f"xdg{next(_NUMBERS)}"))


@pytest.fixture(scope="session", autouse=True)
def _processes_as_installed():
    """Processes that tests start find what users have installed, and no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", str(Path(__file__).parent / "fixtures" / "as_installed"), prepend=os.pathsep
        )
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """Commands configure the logging of their process; here that process goes on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in QUIETED}
    yield
    root.handlers[:], root.level = handlers, level
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory) -> Path:
    """The folder of this run, the same for all its test processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def shared_ledger() -> Path:
    """The real course ledger beside the checkout; tests that use it are marked `shared_data`."""
    path = SHARED_DATA / "users_vouchers.db"
    if not path.exists():
        pytest.skip("../shared/data/users_vouchers.db is not beside this checkout (see CONTRIBUTING.md)")
    return path


@pytest.fixture(scope="session")
def bot_api_specification() -> Path:
    """The Bot API's published methods beside the checkout."""
    path = SHARED_DATA / "telegram_bot_api.json"
    if not path.exists():
        pytest.skip("../shared/data/telegram_bot_api.json is not beside this checkout (see CONTRIBUTING.md)")
    return path
