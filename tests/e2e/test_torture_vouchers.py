"""Vouchers under kills and races: one each, redeemed once, never beyond the budget."""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import subprocess
import threading
import time
from collections import Counter

import psutil
import pytest
import requests
from pymongo import MongoClient

from tests.e2e.torture import brief_or_long, tell

__all__ = ["tell"]

CLIENTS = 64
THRESHOLD, BUDGET = 1000_00, 400_000_00


@pytest.fixture
def client_of():
    """A function that opens a shop's own MongoDB."""
    opened = []

    def client_of(shop):
        opened.append(MongoClient(shop.mongodb_uri))
        return opened[-1].get_default_database()

    yield client_of
    for each in opened:
        each.close()


class Desk:
    """A client that redeems a code under a key of its own, and repeats that until it knows what came of it."""

    def __init__(self, shop, code: str, number: int, start: threading.Barrier) -> None:
        self.shop, self.code, self.reference, self.start = shop, code, f"order {number}", start
        self.answers: list = []
        self.slug = ""
        self._thread = threading.Thread(target=self._redeem)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _redeem(self) -> None:
        self.start.wait()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                reply = requests.post(
                    f"{self.shop.last_url}/api/v1/vouchers/{self.code}/redeem",
                    json={"reference": self.reference},
                    headers={"Idempotency-Key": self.reference},
                    timeout=15,
                )
            except requests.RequestException:
                self.answers.append("none")
            else:
                self.answers.append(reply.status_code)
                self.slug = reply.json().get("type", "").removeprefix("/problems/")
                if reply.status_code == 200 or self.slug == "already-redeemed":
                    return
            time.sleep(0.05)


def race_for(shop, code: str, meanwhile=lambda: None) -> list[Desk]:
    """All clients at one code; what is done meanwhile is done when they have begun."""
    start = threading.Barrier(CLIENTS + 1)
    desks = [Desk(shop, code, number, start) for number in range(CLIENTS)]
    start.wait()
    meanwhile()
    for desk in desks:
        desk.join()
    return desks


def winner_of(desks, voucher) -> Desk:
    """The one who was told 200; asserts that all others were told no, and that the record says the same."""
    winners = [desk for desk in desks if desk.answers[-1] == 200]
    assert [desk.slug for desk in desks].count("already-redeemed") == CLIENTS - 1
    (winner,) = winners
    (event,) = voucher["history"]
    assert (event["action"], event["reference"], voucher["status"]) == (
        "redeem",
        winner.reference,
        "redeemed",
    )
    return winner


@pytest.fixture
def issued(running_shop):
    """A running shop in which 22 customers have a voucher."""
    options = ["--threshold", "0", "--voucher-value", "100", "--valid-until", "2099-12-31"]
    for arguments in (["create", "year-end", "--year", "2026", *options], ["issue", "year-end"]):
        done = running_shop.run("campaign", *arguments)
        assert done.returncode == 0, done.stderr
    return running_shop


@brief_or_long("times", 2, 20)
def test_sixty_four_clients_redeem_one_code_once(issued, client_of, tell, times):
    vouchers = client_of(issued).vouchers
    answers: Counter = Counter()
    for voucher in vouchers.find().limit(times):
        desks = race_for(issued, voucher["_id"])
        winner_of(desks, vouchers.find_one({"_id": voucher["_id"]}))
        answers.update(answer for desk in desks for answer in desk.answers)

    tell("64 clients redeem one code", codes=times, answers=dict(sorted(answers.items())))
    assert answers == {200: times, 409: times * (CLIENTS - 1)}


@brief_or_long("times", 1, 20)
@pytest.mark.parametrize("victim", ["web", "mongodb"])
def test_a_kill_while_they_redeem_makes_no_second_redemption_and_loses_none(
    issued, client_of, tell, victim, times
):
    shop, chance, answers = issued, random.Random(victim), Counter()
    codes = [voucher["_id"] for voucher in client_of(shop).vouchers.find({}, {"_id": 1}).limit(times)]

    def kill():
        time.sleep(chance.uniform(0, 0.4))
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(shop.pids()[victim])
            for each in [*process.children(), process] if victim == "web" else [process]:
                each.kill()

    for turn, code in enumerate(codes):
        if turn and turn % 4 == 0:  # so that no part waits half a minute before it is started again
            assert shop.stop() == 0
            shop.start()
            assert shop.url
        desks = race_for(shop, code, kill)
        shop.wait_until_ready()
        winner_of(desks, client_of(shop).vouchers.find_one({"_id": code}))
        answers.update(str(answer) for desk in desks for answer in desk.answers)

    tell(
        f"kill -9 of {victim}, 64 clients redeem one code",
        rounds=times,
        redeemed_twice=0,
        lost=0,
        answers=dict(sorted(answers.items())),
    )
    assert set(answers) <= {"200", "409", "503", "none"}
    assert answers["200"] == times


class YearEnd:
    """A ledger of several years, and what a plain reckoning says about each."""

    def __init__(self, path, years: range, customers: int) -> None:
        chance = random.Random(7)
        rows = [
            (user_id, chance.randrange(-200_00, 1500_00), year)
            for year in years
            for user_id in range(1, customers + 1)
            for _ in range(2)
        ]
        self.totals: Counter = Counter()
        for user_id, cents, year in rows:
            self.totals[year, user_id] += cents
        with sqlite3.connect(path) as ledger:
            ledger.execute(
                "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER)"
            )
            ledger.execute("CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER)")
            known = ((n, f"Customer {n}", f"{n}@example.com", 18 + n % 60) for n in range(1, customers + 1))
            ledger.executemany("INSERT INTO user_info VALUES (?, ?, ?, ?)", known)
            ledger.executemany("INSERT INTO user_spending VALUES (?, ? / 100.0, ?)", rows)
        ledger.close()

    def due(self, year: int) -> dict[int, int]:
        return {
            user_id: cents
            for (paid_in, user_id), cents in self.totals.items()
            if paid_in == year and cents > THRESHOLD
        }

    def vouchers(self, year: int) -> dict[int, int]:
        held: dict[int, int] = {}
        for user_id, cents in sorted(
            self.due(year).items(), key=lambda customer: (-customer[1], customer[0])
        ):
            value = 700_00 if cents > 2500_00 else 250_00 if cents > 2000_00 else 150_00
            if sum(held.values()) + value > BUDGET:
                break
            held[user_id] = value
        return held


class Command:
    """A command beside the server, as a terminal or a cron job runs it."""

    def __init__(self, shop, *arguments: str) -> None:
        self.arguments = arguments
        self.process = subprocess.Popen(
            [*shop.command, *arguments],
            env=shop.environment,
            cwd=shop.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> bool:
        """Whether it was still at work."""
        self.process.kill()
        self.process.communicate()
        return self.process.returncode < 0

    def ends(self, *statuses: int) -> int:
        _, err = self.process.communicate(timeout=120)
        assert self.process.returncode in statuses, (self.arguments, err)
        assert "Traceback" not in err
        assert self.process.returncode == 0 or "smetka: MongoDB cannot be used: " in err, err
        return self.process.returncode


def cents(value) -> int:
    return int(value.to_decimal() * 100)


@brief_or_long("size", (1, 4000), (20, 4000))
def test_collect_and_issue_killed_anywhere_end_with_everybodys_one_voucher(
    new_shop, tmp_path, client_of, tell, size
):
    rounds, customers = size
    years = range(2001, 2001 + rounds)
    year_end = YearEnd(tmp_path / "years.db", years, customers)
    chance, killed = random.Random(9), Counter()
    shop = new_shop(
        ledger=tmp_path / "years.db",
        SMETKA_TELEGRAM_BOT_TOKEN="123456789:AAEndToEndTokenForTheStandInBotApi",
        SMETKA_TELEGRAM_CHAT_IDS="4242",
        SMETKA_TELEGRAM_API_URL="http://127.0.0.1:9",
    ).start()

    def disturbed(turn: int, *arguments: str) -> None:
        """Run it two at once after it was killed, or after MongoDB was killed under it, and to its end."""
        time_in = chance.uniform(0.3, 2.5)
        command = Command(shop, *arguments)
        time.sleep(time_in)
        if turn % 3 == 2:
            psutil.Process(shop.pids()["mongodb"]).kill()
            killed["mongodb"] += command.ends(0, 1)
            shop.wait_until_ready()
        else:
            killed[arguments[0]] += command.kill()
        both = [Command(shop, *arguments), Command(shop, *arguments)]
        # On a machine that is busy with more, one may be told that MongoDB did not answer in time.
        if sum([each.ends(0, 1) for each in both]):
            killed["by the load"] += 1
            Command(shop, *arguments).ends(0)

    for turn, year in enumerate(years):
        if turn and turn % 3 == 0:  # so that no part waits half a minute before it is started again
            assert shop.stop() == 0
            shop.start()
        disturbed(turn, "bonus", "collect", "--year", str(year))
        customers = client_of(shop).bonus_customers
        stored = [(r["user_id"], cents(r["total_spending"])) for r in customers.find({"year": year})]
        assert sorted(stored) == sorted(year_end.due(year).items())

        name = f"year-end-{year}"
        options = itertools.chain(
            ("--year", str(year), "--voucher-value", "150", "--valid-until", "2099-12-31"),
            ("--budget", str(BUDGET // 100), "--tier", "2000:250", "--tier", "2500:700"),
        )
        assert shop.run("campaign", "create", name, *options).returncode == 0
        disturbed(turn, "campaign", "issue", name)
        vouchers = client_of(shop).vouchers
        held = [(r["user_id"], cents(r["value"])) for r in vouchers.find({"campaign": name})]
        assert sorted(held) == sorted(year_end.vouchers(year).items())
        assert sum(value for _, value in held) <= BUDGET

    told = [d["report"]["campaign"] for d in client_of(shop).deliveries.find({"kind": "campaign"})]
    tell(
        "collect and issue killed, then two at once",
        rounds=len(years),
        killed_at_work=dict(sorted(killed.items())),
        vouchers=client_of(shop).vouchers.count_documents({}),
        told_twice=len(told) - len(set(told)),
    )
    assert sorted(told) == [f"year-end-{year}" for year in years]
