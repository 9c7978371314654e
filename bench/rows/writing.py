"""How long a shop that writes to its ledger waits for those who read it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.commands import run
from bench.figures import Figure
from bench.ledgers import ledger
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count

_SHOP = """
import os, sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
while not os.path.exists(sys.argv[2]):
    begin = time.perf_counter()
    database.execute("INSERT INTO user_spending VALUES (1, 1, 2023)")
    print(time.perf_counter() - begin)
    time.sleep(0.05)
"""


def writing(sizes: Sizes) -> list[Figure]:
    """A shop's INSERTs during `smetka ledger check`, beside without, in SQLite's usual journal mode."""
    payments = sizes.many_payments or sizes.payments
    with sizes.workplace() as folder:
        path = folder / "shop.db"
        shutil.copyfile(ledger(sizes.folder, payments), path)
        command = [sys.executable, "-m", "smetka", "ledger", "check", "--ledger", str(path)]
        alone = _longest_wait(path, lambda: time.sleep(sizes.seconds * sizes.rounds))
        beside = _longest_wait(path, lambda: run("smetka ledger check", command, folder))
    return [
        Figure(
            f"a shop's INSERT during `smetka ledger check` of {count(payments)} payments, the longest wait",
            "without",
            f"{beside:.3f} s",
            f"{alone:.3f} s",
            beside,
            0.2,
            at_least=False,
            unit="s",
        )
    ]


def _longest_wait(path: Path, meanwhile: Callable[[], object]) -> float:
    over = path.with_name("over")
    over.unlink(missing_ok=True)
    with subprocess.Popen(
        [sys.executable, "-c", _SHOP, path, over], stdout=subprocess.PIPE, text=True
    ) as shop:
        try:
            meanwhile()
        finally:
            over.touch()
        assert shop.stdout
        waits = [float(line) for line in shop.stdout]
    if shop.returncode or not waits:
        raise WrongAnswer(f"the shop wrote {len(waits)} times and ended with {shop.returncode}")
    return max(waits)
