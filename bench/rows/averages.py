"""The averages by age: remembered, computed afresh, and computed while the shop sells."""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from bench import rivals
from bench.contest import Contestant, best
from bench.figures import Figure
from bench.ledgers import GROUPS, ledger, pay, selling
from bench.load import Load, WrongAnswer, fire
from bench.rows.sizes import Sizes, count
from bench.servers import Server, fake_telegram, smetka
from smetka.ledger.group_statements import spending_by_group
from smetka.ledger.layout import read_layout

PATH = "/average_spending_by_age"

PLAIN = """
    SELECT CASE WHEN age BETWEEN 18 AND 24 THEN '18-24' WHEN age BETWEEN 25 AND 30 THEN '25-30'
                WHEN age BETWEEN 31 AND 36 THEN '31-36' WHEN age BETWEEN 37 AND 47 THEN '37-47'
                WHEN age > 47 THEN '>47' END AS age_group, AVG(money_spent)
    FROM user_info JOIN user_spending USING (user_id) GROUP BY age_group
"""


def unchanged(sizes: Sizes) -> list[Figure]:
    """Of an unchanged ledger, without and with a bot, beside an answer that costs nothing, 16 clients."""
    path = ledger(sizes.folder, sizes.payments)
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(sizes.workplace())
        silent = enter(smetka(folder / "silent", path))
        bot = enter(fake_telegram(folder))
        telling = enter(smetka(folder / "telling", path, name="Smetka with a bot", settings=bot))
        telling.ask(PATH)
        size = len(silent.ask(PATH)[1])
        shape = {"BENCH_BYTES": str(size)}
        servers = [silent, telling] + [
            enter(rivals.on_granian("constant", folder, shape, threads=threads, ready_path="/constant"))
            for threads in rivals.THREADS
        ]
        ours = Load(PATH, holds='"average_spending"', seconds=sizes.seconds)
        constant = Load("/constant", holds="xxx", seconds=sizes.seconds)
        contestants = [
            Contestant(servers[0], ours, lambda answer: _is_right(answer, path, "disabled")),
            Contestant(servers[1], ours, lambda answer: _is_right(answer, path, "already_sent")),
            *(Contestant(server, constant, lambda answer: len(answer) == size - 2) for server in servers[2:]),
        ]
        without, with_bot, one, four = (a.rate for a in best(contestants, sizes.rounds))
    faster, threads = max(one, four), 1 if one >= four else 4
    beside = f"a bare Flask view of {size:,} constant bytes, {threads} thread(s)"
    return [
        Figure(
            f"`{PATH}`, unchanged ledger, {bot}",
            beside,
            f"{rate:,.0f}/s",
            f"{faster:,.0f}/s",
            rate / faster,
            0.75,
            at_least=True,
        )
        for bot, rate in (("no bot", without), ("with a bot", with_bot))
    ]


def fresh(sizes: Sizes) -> list[Figure]:
    """Computed afresh over HTTP, after each committed payment, beside the bare statements."""
    return [
        figure
        for payments in (sizes.payments, sizes.many_payments)
        if payments is not None
        for figure in _fresh(sizes, payments)
    ]


def _fresh(sizes: Sizes, payments: int) -> list[Figure]:
    path, analysed = (ledger(sizes.folder, payments, analysed=choice) for choice in (False, True))
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", path) as server,
        closing(sqlite3.connect(path)) as bare,
        closing(sqlite3.connect(analysed)) as informed,
    ):
        same = spending_by_group(read_layout(bare), GROUPS, by_year=False).sql
        ask: dict[str, Callable[[], object]] = {
            "Smetka": lambda: server.ask(PATH),
            "same": lambda: bare.execute(same).fetchall(),
            "plain": lambda: bare.execute(PLAIN).fetchall(),
            "plain, analysed": lambda: informed.execute(PLAIN).fetchall(),
        }
        took: dict[str, list[float]] = {name: [] for name in ask}
        for number in range(sizes.rounds):
            for name, question in ask.items():
                if number and name == _slower(took):
                    continue
                pay(analysed if name == "plain, analysed" else path)
                took[name].append(_seconds(question))
        _prove(server, path)
    ours, theirs = min(took["Smetka"]), min(took["same"])
    plain, name = min((min(took[name]), name) for name in ("plain", "plain, analysed"))
    what = f"averages computed afresh, {count(payments)} payments"
    return [
        Figure(what, "the same statement in bare sqlite3", *_shown(ours, theirs), 1.2, at_least=False),
        Figure(what, f"AVG … JOIN … GROUP BY CASE, {name}", *_shown(ours, plain), 1.0, at_least=False),
    ]


def _slower(took: dict[str, list[float]]) -> str:
    """The plain statement that lost the first round: on a large ledger it takes all the time there is."""
    return max(("plain", "plain, analysed"), key=lambda name: took[name][0])


def busy(sizes: Sizes) -> list[Figure]:
    """While another commits a payment a second: 16 clients, all answers, the late ones too."""
    if sizes.many_payments is None:
        return []
    path = ledger(sizes.folder, sizes.many_payments)
    with sizes.workplace() as folder, _write_ahead(path), smetka(folder / "smetka", path) as server:
        with closing(sqlite3.connect(path)) as bare:
            same = spending_by_group(read_layout(bare), GROUPS, by_year=False).sql
            one = statistics.median(
                _seconds(lambda: bare.execute(same).fetchall()) for _ in range(sizes.rounds)
            )
        server.ask(PATH)
        with selling(path):
            answers = fire(server, Load(PATH, holds='"average_spending"', seconds=sizes.busy_seconds))
        _prove(server, path)
    return [
        Figure(
            f"the same while a payment a second is committed, {count(sizes.many_payments)}, 16 clients, "
            f"95th percentile of {answers.count:,} answers",
            "one fresh statement in bare sqlite3, nothing else running",
            *_shown(answers.p95, one),
            2.5,
            at_least=False,
        )
    ]


@contextmanager
def _write_ahead(path: Path) -> Iterator[None]:
    """WAL mode: with a rollback journal each payment would wait for the reading under way."""
    _journal(path, "WAL")
    try:
        yield
    finally:
        _journal(path, "DELETE")


def _journal(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path, timeout=60)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")


def _seconds(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


def _shown(ours: float, theirs: float) -> tuple[str, str, float]:
    return f"{ours:.3f} s", f"{theirs:.3f} s", ours / theirs


def _prove(server: Server, path: Path) -> None:
    status, body = server.ask(PATH)
    if status != 200 or not _is_right(json.loads(body), path, "disabled"):
        raise WrongAnswer(f"{server.name} answered {status} with {body[:300]!r}")


def _is_right(answer: Any, path: Path, notification: str) -> bool:
    """It is of the ledger as it is now, every payment in it, and the message is where it should be."""
    with closing(sqlite3.connect(path)) as database:
        (payments,) = database.execute("SELECT COUNT(*) FROM user_spending").fetchone()
    return bool(counted(answer) == payments and answer["notification"]["status"] == notification)


def counted(answer: Any) -> int:
    """How many payments an answer is made of."""
    rows = [*answer["age_groups"], answer["outside"]]
    return int(sum(row["payments"] for row in rows) + answer["data_quality"]["ignored_payments"])
