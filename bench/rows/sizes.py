"""How much is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Sizes:
    """How much, and where the ledgers and logs are.

    Attributes:
        payments: of the ledger.
        many_payments: of the large one; None leaves out the rows that need it.
        seconds, rounds: of each load, and how often its contestants take turns.
        posts: in each round.
        messages: to fifty chats.
        bonus_customers: who are collected, and get vouchers.
        sustained_payments, sustained_seconds: of the long load, which needs many customers.
        together_payments, together_seconds: of the time in which everybody asks at once.
    """

    folder: Path
    payments: int = 1_000_000
    many_payments: int | None = 10_000_000
    seconds: float = 5.0
    rounds: int = 5
    posts: int = 300
    sustained_payments: int = 10_000_000
    sustained_seconds: float = 300.0
    busy_seconds: float = 60.0
    messages: int = 1_000
    bonus_customers: int = 100_000
    starts: int = 3
    together_payments: int = 1_000_000
    together_seconds: float = 900.0

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A new folder for one row's servers, gone afterwards."""
        with TemporaryDirectory(dir=self.folder, prefix="row-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def count(number: int) -> str:
    """1,000,000 as 1M."""
    return f"{number // 10**6}M" if number % 10**6 == 0 else f"{number:,}"
