"""The page about importing, line by line as it stands there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "importing.md"
BLOCKS = re.findall(r"```sh\n(.+?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.timeout(300)
def test_an_export_of_woocommerce_becomes_averages_as_the_page_says(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "smetka").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m smetka "$@"\n')
    (tools / "smetka").chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    script = "\n".join(
        ["set -euo pipefail", *(f"echo '== {number}'\n{block}" for number, block in enumerate(BLOCKS))]
    ).replace("8000", port)

    done = subprocess.run(
        ["bash", "-m", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "SMETKA_DATA_DIR": str(tmp_path / "data"),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    _, looked_at, orders, customers, figures, again = (
        part.partition("\n")[2] for part in done.stdout.split("== ")[1:]
    )
    assert "WooCommerce orders" in looked_at
    assert "Would be added" in looked_at
    assert "1 not paid (on hold)" in looked_at
    assert "1 refunded in full" in looked_at
    assert "4 payments of 6,249.90 MKD, 3 customers" in orders
    assert "3 customers updated" in customers
    answer = json.loads(figures[figures.rindex('{"average_spending":') :], parse_float=Decimal)
    # In which groups they are is another thing each year.
    groups = [*answer["age_groups"], answer["outside"]]
    assert sum(group["total_spending"] for group in groups) == Decimal("6249.90")
    assert {group["total_spending"] for group in groups} >= {Decimal("3049.9"), 800, 2400}
    assert answer["outside"]["customers"] == 0
    assert "nothing of it was added" in again
