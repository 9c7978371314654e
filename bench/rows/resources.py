"""What it takes to run: time to be ready, memory at rest."""

from __future__ import annotations

import statistics
import time

from bench.figures import Figure
from bench.ledgers import ledger
from bench.rows.sizes import Sizes
from bench.servers import smetka

_REST_SECONDS = 5


def start(sizes: Sizes) -> list[Figure]:
    """`smetka serve` until `/readyz` answers 200; the memory of all its processes after a few questions."""
    path = ledger(sizes.folder, sizes.payments)
    fresh, existing, memory = [], [], []
    with sizes.workplace() as folder:
        for number in range(sizes.starts):
            home = folder / str(number)
            with smetka(home, path) as server:
                fresh.append(server.ready_after)
            with smetka(home, path) as server:
                existing.append(server.ready_after)
                for question in ("/total_spent/1", "/average_spending_by_age"):
                    server.ask(question)
                time.sleep(_REST_SECONDS if number == 0 else 0)
                memory.append(server.megabytes)
    how = f"median of {sizes.starts}"
    return [
        _figure(f"`smetka serve` to ready, existing data folder, {how}", statistics.median(existing), 3, "s"),
        _figure(f"`smetka serve` to ready, fresh data folder, {how}", statistics.median(fresh), 5, "s"),
        _figure("memory at rest of all processes (PSS)", memory[0], 300, "MB"),
    ]


def _figure(what: str, value: float, target: float, unit: str) -> Figure:
    shown = f"{value:.2f} {unit}"
    return Figure(what, "", shown, "", value, target, at_least=False, unit=unit)
