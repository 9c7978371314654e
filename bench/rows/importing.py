"""Importing a shop's file."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bench.commands import Run, run
from bench.figures import Figure
from bench.ledgers import customers
from bench.load import WrongAnswer
from bench.rows.sizes import Sizes, count
from bench.servers import NotStarted

_TABLES = (
    "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER)",
    "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER)",
)


def importing(sizes: Sizes) -> list[Figure]:
    """`smetka ledger import` of a CSV beside the `sqlite3` shell's own `.import` of it; its memory."""
    shell = shutil.which("sqlite3")
    if shell is None:
        raise NotStarted("There is no sqlite3 shell here to measure against; Debian's package is sqlite3.")
    many, few = sizes.payments, sizes.payments // 10
    of_many, of_few, theirs = [], [], []
    with sizes.workplace() as folder:
        for number in range(sizes.rounds):
            of_many.append(_ours(sizes.folder, folder / f"ours{number}.db", many))
            theirs.append(_theirs(sizes.folder, folder / f"theirs{number}.db", many, shell))
            of_few.append(_ours(sizes.folder, folder / f"few{number}.db", few))
    ours, bare = (min(each.seconds for each in runs) for runs in (of_many, theirs))
    largest, small = (max(each.megabytes for each in runs) for runs in (of_many, of_few))
    what = f"`smetka ledger import` of a CSV of {count(many)} payments"
    return [
        Figure(
            what,
            "the `sqlite3` shell's own `.import` of the same file, with no checks and no index",
            f"{ours:.2f} s",
            f"{bare:.2f} s",
            ours / bare,
            4.0,
            at_least=False,
        ),
        Figure(
            f"{what}: largest memory",
            f"of {count(few)} payments",
            f"{largest:.0f} MB",
            f"{small:.0f} MB",
            largest / small,
            1.2,
            at_least=False,
        ),
    ]


def payments_file(folder: Path, payments: int) -> Path:
    """A CSV of so many payments by the formula of `bench.ledgers`, made unless the folder has it."""
    path = folder / f"payments{payments}.csv"
    if path.exists():
        return path
    part, people = path.with_suffix(".part"), customers(payments)
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write("user_id,money_spent,year\n")
        for i in range(1, payments + 1):
            cents = _cents(i)
            user_id = 1 + i * 2654435761 % 4294967296 % people
            file.write(f"{user_id},{cents // 100}.{cents % 100:02},{2023 + i // 7 % 4}\n")
    return part.rename(path)


def _cents(number: int) -> int:
    return number * 2246822519 % 4294967296 % 500000 + 1


def _ours(files: Path, new: Path, payments: int) -> Run:
    file = payments_file(files, payments)
    command = [sys.executable, "-m", "smetka", "ledger", "import", str(file), "--into", str(new), "--json"]
    done = run("smetka ledger import", command, new.parent)
    if (told := json.loads(done.printed))["payments"] != payments:
        raise WrongAnswer(f"smetka ledger import says {told}")
    _prove(new, payments)
    return done


def _theirs(files: Path, new: Path, payments: int, shell: str) -> Run:
    file = payments_file(files, payments)
    command = [shell, str(new), *_TABLES, ".mode csv", f'.import --skip 1 "{file}" user_spending']
    done = run("sqlite3", command, new.parent)
    _prove(new, payments)
    return done


def _prove(new: Path, payments: int) -> None:
    """Every payment is there, to the cent; the file goes."""
    with closing(sqlite3.connect(new)) as database:
        question = "SELECT COUNT(*), SUM(CAST(ROUND(money_spent * 100) AS INTEGER)) FROM user_spending"
        found = database.execute(question).fetchone()
    if found != (payments, sum(map(_cents, range(1, payments + 1)))):
        raise WrongAnswer(f"{new.name} has {found[0]} payments of {found[1]} cents")
    new.unlink()
