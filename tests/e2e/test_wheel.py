"""The built wheel, installed by pip alone into an empty environment, runs the demo."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.fixtures.product import Shop

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def installed(tmp_path) -> Path:
    """The `smetka` command of an environment that has only `smetka[all]` in it."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("smetka-*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The locked versions, as a shop would deploy; hashes cannot be asked of a local wheel.
    locked = re.sub(r" \\\n.*", "", (REPOSITORY / "requirements/all.txt").read_text())
    (tmp_path / "locked.txt").write_text(locked)
    subprocess.run([*pip, "-c", tmp_path / "locked.txt", f"{wheel}[all]"], check=True)
    return tmp_path / "venv/bin/smetka"


@pytest.mark.timeout(600)
def test_the_wheel_alone_runs_the_demo(installed, tmp_path):
    shop = Shop(tmp_path, ["demo"], {}, command=[str(installed)])
    try:
        shop.start(wait=False)
        shop.wait_until(lambda: "curl -i" in shop.log.read_text())
        url = re.search(r"invented shop at (http://\S+)", shop.log.read_text())[1]

        assert requests.get(f"{url}/total_spent/1", timeout=10).json()["total_spending"] == 1031.29
        posted = requests.post(
            f"{url}/write_to_mongodb", json={"user_id": 1, "total_spending": 2000}, timeout=10
        )
        assert posted.status_code == 201
        for page in ("/", "/docs", "/problems/below-threshold", "/openapi.json"):
            assert requests.get(url + page, timeout=10).status_code == 200
        page = re.search(r"managers read.*\n +(http://\S+)", shop.log.read_text())[1]
        assert requests.get(f"{url}/average_spending_by_age", timeout=10).status_code == 200
        shop.wait_until(lambda: requests.get(f"{page}/photo/1", timeout=10).content[:4] == b"\x89PNG")
        assert shop.stop() == 0
    finally:
        shop.close()
