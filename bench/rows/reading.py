"""Reading back what the year-end stored: pages of lists, and the commands that read all of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.commands import smetka_command
from bench.figures import Figure
from bench.ledgers import PAYMENTS_EACH, ledger
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count
from bench.servers import Server, smetka

_CAMPAIGN, _YEAR, _FEW, _LOOKS = "year-end", 2026, 1_000, 21
_RULES = ("--year", str(_YEAR), "--voucher-value", "100", "--valid-until", "2099-12-31", "--threshold", "0")

_ONE = f"/api/v1/bonus-customers/{_YEAR}/1"
_PAGES = {
    "stored customers by id": f"/api/v1/bonus-customers?year={_YEAR}",
    "stored customers, the largest first": f"/api/v1/bonus-customers?year={_YEAR}&sort=-total_spending",
    "a campaign's vouchers": f"/api/v1/campaigns/{_CAMPAIGN}/vouchers",
    "`/bonus`": "/bonus",
}


def reading(sizes: Sizes) -> list[Figure]:
    """First pages at many customers beside the same at few, and beside one record; then whole commands."""
    many = sizes.bonus_customers
    with _year_end(sizes, _FEW) as (_, server, _):
        few_took = {what: _median(server, path) for what, path in _PAGES.items()}
    with _year_end(sizes, many) as (folder, server, path):
        one = _median(server, _ONE)
        took = {what: _median(server, path_) for what, path_ in _PAGES.items()}
        listed = smetka_command(folder / "smetka", path, "bonus", "list", "--json")
        exported = smetka_command(
            folder / "smetka", path, "bonus", "export", "--output", str(folder / "bonus.csv")
        )
        printed = smetka_command(
            folder / "smetka", path, "campaign", "print", _CAMPAIGN, "--output", str(folder / "all.pdf")
        )
    figures = []
    for what, seconds in took.items():
        said = f"first page of {what}, {count(many)} of them"
        for beside, other, most in (
            (f"the same at {count(_FEW)}", few_took[what], 2.0),
            ("one stored customer by id, over HTTP", one, 20.0),
        ):
            figures.append(
                Figure(said, beside, _ms(seconds), _ms(other), seconds / other, most, at_least=False)
            )
    for what, done in (
        ("`smetka bonus list --json`", listed),
        ("`smetka bonus export`", exported),
        ("`smetka campaign print`", printed),
    ):
        said = f"{what} of {count(many)}"
        figures.append(_plain(said, done.seconds, None, "s"))
        figures.append(_plain(f"{said}: largest memory", done.megabytes, 150, "MB"))
    return figures


@contextmanager
def _year_end(sizes: Sizes, customers: int) -> Iterator[tuple[Path, Server, Path]]:
    """A server with so many stored customers and vouchers."""
    path = ledger(sizes.folder, customers * PAYMENTS_EACH)
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", path, settings={"SMETKA_BONUS_THRESHOLD": "0"}) as server,
    ):
        smetka_command(folder / "smetka", path, "bonus", "collect", "--year", str(_YEAR))
        smetka_command(folder / "smetka", path, "campaign", "create", _CAMPAIGN, *_RULES)
        smetka_command(folder / "smetka", path, "campaign", "issue", _CAMPAIGN)
        yield folder, server, path


def _median(server: Server, path: str) -> float:
    """Seconds for an answer, of one client; the first one is not counted."""
    took = []
    for _ in range(_LOOKS + 1):
        began = time.perf_counter()
        status, body = server.ask(path)
        took.append(time.perf_counter() - began)
        if status != 200 or not body:
            raise WrongAnswer(f"{path} was answered {status}")
    return statistics.median(took[1:])


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _plain(what: str, value: float, target: float | None, unit: str) -> Figure:
    return Figure(what, "", f"{value:.1f} {unit}", "", value, target, at_least=False, unit=unit)
