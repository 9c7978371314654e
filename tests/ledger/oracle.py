"""An independent second opinion on a SQLite ledger, in Decimal and plain Python."""

from __future__ import annotations

import math
import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal

PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)


def number_of(value):
    if isinstance(value, str):
        if not PLAIN.fullmatch(value):
            return None
    elif not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Decimal(str(value))


def amount_of(value):
    amount = number_of(value)
    return amount if amount is not None and abs(amount) <= 10**10 else None


def age_of(value):
    number = number_of(value)
    return int(number) if number is not None and 0 <= int(number) <= 150 else None


def id_of(value):
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return Decimal(value.strip())
    return value


@dataclass
class Opinion:
    totals: dict = field(default_factory=dict)
    payments: dict = field(default_factory=lambda: defaultdict(int))
    ages: dict = field(default_factory=dict)
    ignored: int = 0
    orphans: int = 0

    def rows(self, nameless):
        """{age: (customers, spenders, payments, total)}"""
        rows = defaultdict(lambda: [0, 0, 0, Decimal(0)])
        for customer, age in [*self.ages.items(), *((object(), age) for age in nameless)]:
            row = rows[age]
            row[0] += 1
            row[1] += self.payments.get(customer, 0) > 0
            row[2] += self.payments.get(customer, 0)
            row[3] += self.totals.get(customer, Decimal(0))
        return {age: tuple(row) for age, row in rows.items()}


def ask(path, year=None):
    with closing(sqlite3.connect(path)) as database:
        customers = database.execute("SELECT user_id, age FROM user_info").fetchall()
        payments = database.execute("SELECT user_id, money_spent, year FROM user_spending").fetchall()
    opinion, nameless = Opinion(), []
    for customer, age in customers:
        age = age_of(age)
        if customer is None:
            nameless.append(age)
            continue
        customer = id_of(customer)
        known = [a for a in (age, opinion.ages.get(customer)) if a is not None]
        opinion.ages[customer] = min(known, default=None)
    for customer, amount, of_year in payments:
        if year is not None and id_of(of_year) != year:
            continue
        customer, amount = id_of(customer), amount_of(amount)
        if amount is None:
            opinion.ignored += 1
        elif customer is None or customer not in opinion.ages:
            opinion.orphans += 1
        if amount is not None and customer is not None:
            opinion.payments[customer] += 1
            opinion.totals[customer] = opinion.totals.get(customer, Decimal(0)) + amount
    return opinion, opinion.rows(nameless)


def whole(value):
    value = id_of(value)
    if isinstance(value, int | float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    return None


def shown(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


class Oracle:
    """Everything in a ledger, in plain Python."""

    def __init__(self, path):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT * FROM user_info")
            columns = [name.lower() for name, *_ in rows.description]
            self.rows = defaultdict(list)
            for row in rows.fetchall():
                values = dict(zip(columns, row, strict=True))
                if values["user_id"] is not None:
                    names = tuple(shown(values.get(column)) for column in ("name", "email"))
                    self.rows[id_of(values["user_id"])].append((*names, age_of(values["age"])))
            self.payments = [
                (id_of(payer), amount_of(amount), whole(year), shown(amount))
                for payer, amount, year in database.execute(
                    "SELECT user_id, money_spent, year FROM user_spending"
                )
            ]

    def years(self):
        years = defaultdict(lambda: [set(), 0, Decimal(0)])
        for payer, amount, year, _ in self.payments:
            if amount is not None and payer in self.rows:
                row = years[year]
                row[0].add(payer)
                row[1] += 1
                row[2] += amount
        ordered = sorted(years.items(), key=lambda item: (item[0] is None, item[0]))
        return [(year, len(who), count, total) for year, (who, count, total) in ordered]

    def years_of(self, user_id):
        years = defaultdict(lambda: [0, Decimal(0)])
        for payer, amount, year, _ in self.payments:
            if amount is not None and payer == user_id:
                years[year][0] += 1
                years[year][1] += amount
        return sorted(
            ((year, *row) for year, row in years.items()), key=lambda row: (row[0] is None, row[0] or 0)
        )

    def payments_of(self, user_id):
        found = [(amount, year, stored) for payer, amount, year, stored in self.payments if payer == user_id]
        return sorted(found, key=lambda row: (descending(row[1]), descending(row[0])))

    def age(self, user_id):
        return min((age for _, _, age in self.rows[user_id] if age is not None), default=None)

    def customers(self, text, in_names):
        """`{id: the (name, email) of its rows that were found}`"""
        listed = {
            int(user_id): rows for user_id, rows in self.rows.items() if 1 <= (whole(user_id) or 0) < 2**63
        }
        found = {}
        for user_id, rows in sorted(listed.items()):
            pairs = [
                (name, email)
                for name, email, _ in rows
                if not text
                or (text.isdigit() and int(text) == user_id)
                or (in_names and any(text.casefold() in stored.casefold() for stored in (name, email)))
            ]
            if pairs:
                found[user_id] = pairs if in_names else [("", "")]
        return found


def descending(number):
    return (1, 0) if number is None else (0, -number)
