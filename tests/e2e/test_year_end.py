"""The page about the year-end, line by line as it stands there, on the demo's shop."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smetka.ledger.demo import write_ledger

PAGE = Path(__file__).parent.parent.parent / "docs" / "year-end.md"
BLOCKS = re.findall(r"```sh\n(.+?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def shop(new_shop, tmp_path):
    write_ledger(tmp_path / "demo.db")
    return new_shop(ledger=tmp_path / "demo.db").start()


@pytest.fixture
def page(shop, tmp_path):
    """A function that runs blocks of the page, one after the other in one shell, and returns what was printed."""
    replaced = {
        "export SMETKA_DATA_DIR=~/.local/share/smetka/demo": f"export SMETKA_DATA_DIR={shop.data_dir}",
        "export SMETKA_LEDGER=$SMETKA_DATA_DIR/shop.db": f"export SMETKA_LEDGER={tmp_path / 'demo.db'}",
        "export URL=http://127.0.0.1:8000": f"export URL={shop.url}",
    }
    assert [line in BLOCKS[0] for line in replaced] == [True] * 3
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "smetka").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m smetka "$@"\n')
    (tools / "smetka").chmod(0o755)

    def run():
        script = "\n".join(
            ["set -euo pipefail", *(f"echo '== {n}'\n{block}" for n, block in enumerate(BLOCKS))]
        )
        for line, other in replaced.items():
            script = script.replace(line, other)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return [part.partition("\n")[2] for part in done.stdout.split("== ")[1:]]

    return run


@pytest.mark.timeout(300)
def test_every_line_of_the_page_does_what_the_page_says(page, tmp_path):
    told = dict(zip(range(len(BLOCKS)), page(), strict=True))
    (_, check, collected, looked_at, planned, issued, handed_out, desk, terminal, undone, stands, more, _) = (
        told.values()
    )

    assert "5,000" in check
    assert "customers spent more than 1,000.00 MKD in 2026." in collected
    assert looked_at == ""
    assert "Reached: 66 customers, 99,000.00 MKD" in planned
    assert "188 are left out" in planned
    assert "66 new vouchers, worth 99,000.00 MKD together." in issued
    assert "0 new vouchers" in issued
    assert handed_out.count("66 vouchers written to") == 3
    first, second = re.findall(r'\{.*"status":"redeemed".*\}', desk)
    assert first == second
    assert '"status":"issued"' in desk
    assert re.search(r"is issued: .*\n.* is redeemed: ", terminal)
    assert "sent to the wrong address" in undone
    assert "1 voucher written to redeemed.csv." in stands
    assert "new voucher" in more
    with (tmp_path / "mailing.csv").open(encoding="utf-8-sig") as file:
        assert {"code", "name", "email"} <= set(next(csv.DictReader(file)))
    assert (tmp_path / "vouchers.pdf").read_bytes().startswith(b"%PDF-")
