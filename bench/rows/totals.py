"""The total of one customer."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

from bench import rivals
from bench.contest import Contestant, best
from bench.figures import Figure
from bench.ledgers import ledger, random_ids
from bench.load import Load
from bench.rows.sizes import Sizes, count
from bench.servers import smetka

_IDS = 20_000


def totals(sizes: Sizes) -> list[Figure]:
    """`/total_spent/<id>` beside three other ways to answer it, 16 clients."""
    path = ledger(sizes.folder, sizes.payments)
    ids = random_ids(sizes.payments, _IDS)
    right = _total(path, ids[0])
    load = partial(Load, ids=ids, seconds=sizes.seconds)
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(sizes.workplace())
        ours = Contestant(
            enter(smetka(folder / "smetka", path)),
            load("/total_spent/{id}", holds='"total_spending"'),
            lambda answer: answer["total_spending"] == right,
        )
        environment = {"BENCH_LEDGER": str(path)}
        core = [
            rivals.on_granian("core", folder, environment, threads=threads, ready_path="/total_spent/1")
            for threads in rivals.THREADS
        ]
        contestants = [
            ours,
            *(
                Contestant(
                    enter(server), load("/total_spent/{id}", holds='"total"'), partial(is_total, right)
                )
                for server in (*core, rivals.on_flask_run(folder, path))
            ),
        ]
        canned = load(f"/{path.stem}/total.json?id={{id}}&_shape=array", holds='"total"')
        datasette = enter(rivals.datasette(folder, path))
        contestants.append(Contestant(datasette, canned, lambda answer: is_total(right, answer[0])))
        smetka_s, one, four, flask_run, datasette_s = (a.rate for a in best(contestants, sizes.rounds))

    what = f"`/total_spent/<id>`, {count(sizes.payments)} payments"
    faster = max(one, four)
    threads = 1 if one >= four else 4

    def figure(beside: str, theirs: float, target: float) -> Figure:
        return Figure(
            what, beside, f"{smetka_s:,.0f}/s", f"{theirs:,.0f}/s", smetka_s / theirs, target, at_least=True
        )

    return [
        figure(f"a bare Flask view with one Core SELECT, {threads} thread(s)", faster, 1.1),
        figure("a canned query of Datasette", datasette_s, 4),
        figure("plain Flask and sqlite3 under `flask run`", flask_run, 5),
    ]


def _total(path: Path, user_id: int) -> float:
    with closing(sqlite3.connect(path)) as database:
        question = "SELECT SUM(money_spent) FROM user_spending WHERE user_id = ?"
        (total,) = database.execute(question, (user_id,)).fetchone()
    return round(float(total), 2)


def is_total(right: float, answer: Any) -> bool:
    """Whether a rival's answer is the total, to the cent."""
    return round(float(answer["total"]), 2) == right
