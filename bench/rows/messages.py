"""Messages to the managers: what asking costs with many chats, how fast they go, how long a picture takes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

from bench.contest import Contestant, best
from bench.figures import Figure
from bench.ledgers import ledger
from bench.load import Load, WrongAnswer
from bench.rows.averages import PATH
from bench.rows.sizes import Sizes
from bench.servers import fake_telegram, mongodb_uri, smetka
from smetka.storage import Storage
from smetka.telegram.outbox import Outbox
from smetka.telegram.pacing import BOT_LIMIT
from smetka.telegram.standin import FakeTelegram

_CHATS = 50
_TOKEN = "123456789:" + "b" * 35
_PATIENCE_SECONDS = 300
_DRAW = """
import json, sys, time
report = json.load(sys.stdin)
began = time.perf_counter()
from smetka.telegram.charts import averages_chart
averages_chart(report, "mk")
first = time.perf_counter()
report["year"] = 2025
averages_chart(report, "mk")
print(first - began, time.perf_counter() - first)
"""


def asking(sizes: Sizes) -> list[Figure]:
    """The averages asked for again and again, with fifty chats and without any, 16 clients."""
    path = ledger(sizes.folder, sizes.payments)
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(sizes.workplace())
        silent = enter(smetka(folder / "silent", path))
        bot = enter(fake_telegram(folder, chats=_CHATS))
        telling = enter(smetka(folder / "telling", path, name="Smetka with fifty chats", settings=bot))
        telling.ask(PATH)
        load = Load(PATH, holds='"average_spending"', seconds=sizes.seconds)
        contestants = [
            Contestant(server, load, lambda answer: bool(answer["average_spending"]))
            for server in (silent, telling)
        ]
        without, with_chats = (answers.rate for answers in best(contestants, sizes.rounds))
    return [
        Figure(
            f"`{PATH}`, repeated within the cool-down, {_CHATS} chats",
            "the same without any chat; what an answer costs",
            f"{with_chats:,.0f}/s",
            f"{without:,.0f}/s",
            without / with_chats,
            1.3,
            at_least=False,
        )
    ]


def sending(sizes: Sizes) -> list[Figure]:
    """Averages with their pictures to fifty chats, by the worker of `smetka serve`."""
    path = ledger(sizes.folder, sizes.payments)
    chats = range(1001, 1001 + _CHATS)
    with sizes.workplace() as folder, FakeTelegram(token=_TOKEN, chats=chats) as telegram:
        settings = {
            "SMETKA_TELEGRAM_API_URL": telegram.url,
            "SMETKA_TELEGRAM_BOT_TOKEN": _TOKEN,
            "SMETKA_TELEGRAM_CHAT_IDS": ",".join(map(str, chats)),
        }
        with smetka(folder / "smetka", path, settings=settings) as server:
            answer: dict[str, Any] = json.loads(server.ask(f"{PATH}?notify=false")[1])
            del answer["notification"]
            with closing(Storage(mongodb_uri(folder / "smetka"))) as storage:
                outbox = Outbox(storage, now=lambda: datetime.now(UTC))
                for number in range(sizes.messages // _CHATS):
                    outbox.queue(f"bench {number}", "averages", answer, chats)
                _wait_for(telegram, sizes.messages)
        times = sorted(message.at for message in telegram.world.messages)
    rate = (len(times) - 1) / (times[-1] - times[0])
    most, seconds = BOT_LIMIT
    return [
        Figure(
            f"{sizes.messages:,} messages to {_CHATS} chats, pictures included",
            "what pacing allows",
            f"{rate:.1f}/s",
            f"{most / seconds:.0f}/s",
            rate * seconds / most,
            0.8,
            at_least=True,
        )
    ]


def _wait_for(telegram: FakeTelegram, messages: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(telegram.world.messages) < messages:
        if time.monotonic() > deadline:
            raise WrongAnswer(f"{len(telegram.world.messages)} of {messages} messages arrived")
        time.sleep(0.1)


def drawing(sizes: Sizes) -> list[Figure]:
    """A chart in a new process, and the next one in it."""
    path = ledger(sizes.folder, sizes.payments)
    with sizes.workplace() as folder, smetka(folder / "smetka", path) as server:
        report = server.ask(PATH)[1]
    took = []
    for _ in range(sizes.starts):
        done = subprocess.run(
            [sys.executable, "-c", _DRAW], input=report, capture_output=True, check=True, timeout=60
        )
        took.append([float(seconds) for seconds in done.stdout.split()])
    first, following = (statistics.median(column) for column in zip(*took, strict=True))
    how = f"median of {sizes.starts}"
    return [
        Figure(f"{what}, {how}", "", f"{value:.2f} s", "", value, target, at_least=False, unit="s")
        for what, value, target in (
            ("the first chart of a process", first, 1.0),
            ("the next chart", following, 0.15),
        )
    ]
