"""The dashboard: how long its pages take, what they weigh, and what the first look after a change costs."""

from __future__ import annotations

import re
import sqlite3
import statistics
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from bench.figures import Figure
from bench.ledgers import GROUPS, ledger, pay
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count
from bench.servers import Server, smetka
from smetka.ledger.group_statements import spending_by_group
from smetka.ledger.layout import read_layout
from smetka.ledger.page_statements import spending_by_year
from smetka.ledger.statements import spending_by_customer

LOOKS = 21
_ASSET = re.compile(rb'(?:href|src)="(/static/[^"]+\.(?:css|js|svg))"')


def pages(sizes: Sizes) -> list[Figure]:
    """Every page of an unchanged ledger, the slowest and the heaviest; and the overview after a payment."""
    path = ledger(sizes.folder, sizes.payments)
    with closing(sqlite3.connect(path)) as bare:
        (last,) = bare.execute("SELECT MAX(user_id) FROM user_info").fetchone()
    looked_at = {
        "/": [f"/?basis={basis}" for basis in ("spender", "payment", "customer")],
        "/customers": [f"/customers?after={1 + last * part // LOOKS}" for part in range(LOOKS)],
        "/customers/<id>": [f"/customers/{1 + last * part // LOOKS}" for part in range(LOOKS)],
        "/bonus": [f"/bonus?threshold={1000 + 37 * part}&budget=100000" for part in range(LOOKS)],
        "/bonus/due": [f"/bonus/due?page={1 + part}" for part in range(LOOKS)],
        **{page: [page] for page in ("/bonus/customers", "/desk", "/messages", "/settings", "/sign-in")},
    }
    with sizes.workplace() as folder, smetka(folder / "smetka", path) as server:
        server.ask("/")
        server.ask("/bonus")
        server.ask("/customers/1")
        medians = {page: _median(server, paths) for page, paths in looked_at.items()}
        weights = {page: _weight(server, paths[0]) for page, paths in looked_at.items()}
        ours, theirs = _after_a_change(server, path, sizes.rounds)
    slowest, heaviest = max(medians, key=medians.__getitem__), max(weights, key=weights.__getitem__)
    what = f"{len(looked_at)} pages, {count(sizes.payments)} payments, unchanged ledger"
    seconds, weight = medians[slowest] * 1000, weights[heaviest] / 1000
    return [
        Figure(
            f"{what}: the slowest, `{slowest}`, median of {LOOKS} looks",
            "",
            f"{seconds:.1f} ms",
            "",
            seconds,
            50,
            at_least=False,
            unit="ms",
        ),
        Figure(
            f"{what}: the heaviest, `{heaviest}`, with all it loads, nothing compressed",
            "",
            f"{weight:.0f} kB",
            "",
            weight,
            150,
            at_least=False,
            unit="kB",
        ),
        Figure(
            f"`/` right after a payment, {count(sizes.payments)} payments",
            "the four statements it needs in bare sqlite3",
            f"{ours:.3f} s",
            f"{theirs:.3f} s",
            ours / theirs,
            1.5,
            at_least=False,
        ),
    ]


def _median(server: Server, paths: list[str]) -> float:
    return statistics.median(_look(server, paths[number % len(paths)])[0] for number in range(LOOKS))


def _weight(server: Server, path: str) -> int:
    body = _look(server, path)[1]
    return len(body) + sum(len(server.ask(asset.decode())[1]) for asset in set(_ASSET.findall(body)))


def _look(server: Server, path: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    status, body = server.ask(path)
    took = time.perf_counter() - began
    if status != 200 or b"</html>" not in body:
        raise WrongAnswer(f"{path} answered {status} with {body[:300]!r}")
    return took, body


def _after_a_change(server: Server, path: Path, rounds: int) -> tuple[float, float]:
    """The overview and its statements, in turn, each after a payment of its own; the shortest of each."""
    year = date.today().year  # noqa: DTZ011 - the bench's ledger ends with the machine's year
    ours, theirs = [], []
    with closing(sqlite3.connect(path)) as bare:
        layout = read_layout(bare)
        questions = [
            (spending_by_year(layout).sql, {}),
            (spending_by_group(layout, GROUPS, by_year=False).sql, {}),
            (spending_by_customer(layout, by_year=True).sql, {"year": year}),
            (spending_by_customer(layout, by_year=True).sql, {"year": year - 1}),
        ]
        for _ in range(rounds):
            pay(path)
            ours.append(_look(server, "/")[0])
            pay(path)
            began = time.perf_counter()
            for sql, parameters in questions:
                bare.execute(sql, parameters).fetchall()
            theirs.append(time.perf_counter() - began)
    return min(ours), min(theirs)
