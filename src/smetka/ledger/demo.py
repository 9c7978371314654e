"""An invented shop, always the same: customers of many names, and spending as skewed as real shops'."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

CUSTOMERS = 5_000
YEARS = (2023, 2024, 2025, 2026)
_SEED = 20261123

_CYRILLIC_FIRST = (
    "Александар Ана Андреј Билјана Благој Бојан Борче Васил Весна Виктор Горан Даниела Дарко Димитар "
    "Драгана Елена Емилија Зоран Ивана Игор Јана Јован Катерина Кирил Кристина Лидија Љупчо Марија Марко "
    "Мартин Милена Мирјана Никола Наташа Оливера Петар Радмила Сашо Симона Слободан Соња Стојан Сузана "
    "Тања Тодор Филип Христина Цветан Џејлан Ѓорѓи Ќирил"
).split()
_CYRILLIC_LAST = (
    "Ангелов Андоновски Атанасов Блажевски Богдановски Велков Георгиев Димов Ѓорѓиев Жежов Златков Иванов "
    "Илиев Јованов Костов Крстев Лазаров Маневски Митрев Наумовски Николов Павлов Петров Ристов Спасов "
    "Стојанов Тасев Трајков Филипов Христов Цветков Шапкалиски"
).split()
_LATIN_FIRST = (
    "Adrian Agron Alma Amélie Arben Besa Chloé Daniel Elif Emre Erik Fatmire François Hana Ilir James Jürgen "
    "Kaltrina Laura Liridon María Mehmet Merita Noah O'Brian Olivia Ružica Sébastien Sofia Štefan Teuta "
    "Valon Zeynep Żaneta"
).split()
_LATIN_LAST = (
    "Aliu Beqiri Çelik Dubois Fernández Garcia Hoxha Ibrahimi Jensen Kovač Krasniqi Limani Müller Novák "
    "O'Neill Osmani Rexhepi Smith Šarić Tahiri Walker Yılmaz"
).split()


def write_ledger(path: Path) -> None:
    """Write the invented shop's ledger, in the brief's schema, to a file that must not exist."""
    chance = random.Random(_SEED)  # noqa: S311 - invented on purpose, the same each time
    customers = list(_customers(chance))
    with sqlite3.connect(f"file:{path}?mode=rwc", uri=True) as ledger:
        ledger.executescript(
            """
            CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, age INTEGER);
            CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
            CREATE INDEX spending_of_customer ON user_spending (user_id, year, money_spent);
            """
        )
        ledger.executemany("INSERT INTO user_info VALUES (?, ?, ?, ?)", customers)
        ledger.executemany(
            "INSERT INTO user_spending VALUES (?, ?, ?)", _payments(chance, [row[0] for row in customers])
        )
    ledger.close()


def _customers(chance: random.Random) -> Iterator[tuple[int, str, str, int | None]]:
    for user_id in range(1, CUSTOMERS + 1):
        first, last = (
            (_CYRILLIC_FIRST, _CYRILLIC_LAST) if chance.random() < 0.7 else (_LATIN_FIRST, _LATIN_LAST)
        )
        name = f"{_pick(chance, first)} {_pick(chance, last)}"
        yield user_id, name, f"customer{user_id}@example.com", _age(chance)


def _age(chance: random.Random) -> int | None:
    """Most between 20 and 45, a few minors and pensioners, one in fifty unknown."""
    if chance.random() < 0.02:
        return None
    age = 15 + int(70 * (1 - math.sqrt(1 - chance.random())) ** 1.1 + 8 * chance.random())
    return min(age, 85)


def _payments(chance: random.Random, customers: list[int]) -> Iterator[tuple[int, float, int]]:
    """A third buys nothing; the rest from once to often; one in a hundred is a very big buyer."""
    for user_id in customers:
        # Customer 1 always buys: the README's examples ask for it.
        if user_id != 1 and chance.random() < 0.32:
            continue
        loyalty = (1 - chance.random()) ** -0.6
        typical = 180 * math.exp(0.7 * _normal(chance)) * (25 if chance.random() < 0.01 else 1)
        for year in YEARS:
            for _ in range(int(loyalty * (0.5 + 1.5 * chance.random()))):
                amount = round(typical * math.exp(0.6 * _normal(chance)) + 0.01, 2)
                yield user_id, amount, year
                if chance.random() < 0.03:  # sent back, in whole or in part
                    yield user_id, -round(amount * (1 if chance.random() < 0.7 else 0.5), 2), year


def _pick(chance: random.Random, names: list[str]) -> str:
    return names[int(chance.random() * len(names))]


def _normal(chance: random.Random) -> float:
    """A normal deviate (Box and Muller) from `random()` alone, which Python promises not to change."""
    return math.sqrt(-2 * math.log(1 - chance.random())) * math.cos(2 * math.pi * chance.random())
