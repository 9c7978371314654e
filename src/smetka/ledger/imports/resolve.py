"""What staged rows mean beside the ledger: which orders are new, whose they are, what customers are given.

Everything here reads the ledger and writes to the staging database; `write` alone changes the ledger.
Unqualified names of tables are found in whichever of the two has them.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from smetka.core.errors import CommandFailed
from smetka.core.money import Money
from smetka.ledger.imports.cells import LARGEST_ID
from smetka.ledger.imports.contradictions import reject
from smetka.ledger.imports.orders import settle_orders
from smetka.ledger.imports.outcome import Outcome
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.rows import Rows


def resolve(db: sqlite3.Connection, read: list[Rows], outcome: Outcome) -> None:
    """Settle all rows; count what is left out, rejected and will be added."""
    settle_orders(db, read, outcome)
    reject(db, outcome, "name", "is another than on line {line}{of_file}; one id has two names", _OTHER_NAMES)
    if any({"user_id", "email"} <= rows.columns.at.keys() for rows in read):
        _check_emails(db, outcome)
    _check_allotted(db, read, outcome)
    if any(rows.columns.by_email for rows in read):
        _find_owners(db, outcome)
    _gather_customers(db)
    _count(db, read, outcome)


def check_overlaps(db: sqlite3.Connection, read: list[Rows]) -> None:
    """See that no payment can be added twice, as far as that can be told without order ids.

    Raises:
        CommandFailed: it could; the message says of which file and what to do.
    """
    earlier = [
        (str(name), date.fromisoformat(first), date.fromisoformat(last), bool(by_order))
        for name, first, last, by_order in db.execute(
            "SELECT name, first_day, last_day, by_order FROM smetka_imports WHERE first_day IS NOT NULL"
        )
    ]
    for rows in read:
        if (days := rows.days()) is None:
            continue
        by_order = "order_id" in rows.columns.at
        for name, first, last, was_by_order in earlier:
            if days[0] <= last and first <= days[1] and not (by_order and was_by_order):
                _refuse(rows, f"{name}, which has payments from {first} to {last}")
        strangers = db.execute(
            "SELECT year, count(*) - ifnull((SELECT sum(payments) FROM smetka_import_years known "
            "WHERE known.year = user_spending.year), 0) AS others "
            "FROM user_spending WHERE year BETWEEN ? AND ? GROUP BY year HAVING others > 0 LIMIT 1",
            (days[0].year, days[1].year),
        ).fetchone()
        if strangers:
            _refuse(rows, f"{strangers[1]:,} payments of {strangers[0]} that came into the ledger otherwise")
        earlier.append((rows.told.name, *days, by_order))


def _refuse(rows: Rows, what: str) -> None:
    first, last = rows.days() or (date.min, date.max)
    order_ids = (
        ""
        if "order_id" in rows.columns.at
        else "Map order_id, so that orders are known again and only new ones are added, or "
    )
    told = f"{order_ids}say --despite-overlap if none is the same."
    raise CommandFailed(
        f"{rows.told.name} has payments from {first} to {last} and may repeat {what}. "
        f"{told[0].upper()}{told[1:]} Nothing was written."
    )


def _check_emails(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Two customers must not become one by a number, nor one e-mail be that of two."""
    reject(
        db,
        outcome,
        "email",
        "is another than on line {line}{of_file}; one id has two e-mails",
        "SELECT s.rowid, NULL, n.file, n.line FROM staged s JOIN ("
        "SELECT user_id, email, file, line, min(rowid) FROM staged "
        "WHERE user_id IS NOT NULL AND email IS NOT NULL GROUP BY user_id"
        ") n USING (user_id) WHERE s.email <> n.email AND fold(s.email) <> fold(n.email)",
    )
    reject(
        db,
        outcome,
        "email",
        "customer {reason} has another e-mail in the ledger",
        "SELECT s.rowid, s.user_id, NULL, NULL FROM staged s JOIN user_info u ON u.user_id = s.user_id "
        "WHERE s.email IS NOT NULL AND fold(u.email) <> '' "
        "GROUP BY s.rowid HAVING max(u.email = s.email OR fold(u.email) = fold(s.email)) = 0",
    )
    db.execute(
        "INSERT OR IGNORE INTO owner SELECT fold(email), user_id FROM user_info WHERE user_id IS NOT NULL "
        "AND fold(email) IN (SELECT fold(email) FROM staged WHERE user_id IS NOT NULL AND email IS NOT NULL)"
    )
    reject(
        db,
        outcome,
        "email",
        "is customer {reason}'s e-mail in the ledger",
        "SELECT s.rowid, min(o.user_id), NULL, NULL FROM staged s JOIN owner o ON o.email = fold(s.email) "
        "WHERE s.user_id IS NOT NULL GROUP BY s.rowid HAVING max(o.user_id = s.user_id) = 0",
    )


def _check_allotted(db: sqlite3.Connection, read: list[Rows], outcome: Outcome) -> None:
    """A number that Smetka gave to an e-mail is no number of the shop's, unless the e-mail says the same."""
    if not db.execute("SELECT 1 FROM smetka_allotted LIMIT 1").fetchone():
        return
    said = "number {reason} was given to another customer by an import without numbers"
    claimed = (
        "FROM staged s JOIN smetka_allotted a ON a.user_id = s.user_id "
        "LEFT JOIN user_info u ON u.user_id = s.user_id AND fold(u.email) = fold(s.email) "
        "WHERE u.user_id IS NULL"
    )
    # Rows that were read many at a time have lost their lines.
    found = db.execute(f"SELECT s.file, s.user_id {claimed} AND s.line IS NULL LIMIT 1").fetchone()
    if found:
        rows = next(rows for rows in read if rows.number == found[0])
        refused = Refused(
            f"cannot be taken: {said.format(reason=found[1])}; map the customers' e-mails as well",
            column=rows.columns.named["user_id"],
        )
        raise CommandFailed(f"{rows.told.name}: {refused} Nothing was written.") from refused
    reject(db, outcome, "user_id", said, f"SELECT s.rowid, s.user_id, NULL, NULL {claimed}")


_OTHER_NAMES = (
    "SELECT s.rowid, NULL, n.file, n.line FROM staged s JOIN ("
    "SELECT user_id, name_key, file, line, min(rowid) FROM staged "
    "WHERE user_id IS NOT NULL AND name_key IS NOT NULL GROUP BY user_id"
    ") n USING (user_id) WHERE s.name_key <> n.name_key"
)


def _find_owners(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Give rows that are known by e-mail the ids of customers that have it, or new ones."""
    db.execute("INSERT OR IGNORE INTO wanted SELECT email FROM staged WHERE user_id IS NULL ORDER BY rowid")
    for known in ("user_info", "staged"):
        db.execute(
            f"INSERT OR IGNORE INTO owner SELECT fold(email), user_id FROM {known} "  # noqa: S608 - ours
            "WHERE email IS NOT NULL AND user_id IS NOT NULL AND fold(email) IN (SELECT email FROM wanted)"
        )
    reject(
        db,
        outcome,
        "email",
        "is that of two customers; map user_id, or correct the ledger",
        "SELECT rowid, NULL, NULL, NULL FROM staged WHERE user_id IS NULL "
        "AND email IN (SELECT email FROM owner GROUP BY email HAVING count(*) > 1)",
    )
    (most,) = db.execute(
        "SELECT ifnull(max(user_id), 0) FROM ("
        "SELECT max(user_id) AS user_id FROM user_info WHERE typeof(user_id) = 'integer' UNION ALL "
        # Payments of nobody must not become those of somebody new.
        "SELECT max(user_id) FROM user_spending WHERE typeof(user_id) = 'integer' UNION ALL "
        "SELECT max(user_id) FROM payment UNION ALL SELECT max(user_id) FROM staged)"
    ).fetchone()
    (needed,) = db.execute("SELECT count(*) FROM wanted").fetchone()
    if most + needed > LARGEST_ID:
        raise CommandFailed(f"There are no ids left for new customers: {most} is taken.")
    db.execute(
        "INSERT INTO allotted SELECT ? + row_number() OVER (ORDER BY rowid), email FROM wanted "
        "WHERE email NOT IN (SELECT email FROM owner)",
        (max(most, 0),),
    )
    db.execute("INSERT INTO owner SELECT email, user_id FROM allotted")
    db.execute(
        "UPDATE staged SET user_id = (SELECT owner.user_id FROM owner WHERE owner.email = staged.email) "
        "WHERE user_id IS NULL"
    )


def _gather_customers(db: sqlite3.Connection) -> None:
    """The newest that is known of each customer; files of customers go before what orders say.

    Exports begin with the newest order or the oldest: the day counts, and the line among those of a day.
    """
    db.execute(
        "INSERT INTO customer (user_id, file) SELECT user_id, file FROM "
        "(SELECT user_id, file, min(rowid) FROM staged GROUP BY user_id)"
    )
    for column in ("name", "email", "age"):
        db.execute(
            f"UPDATE customer SET {column} = n.{column}, {column}_fills = n.fills FROM ("  # noqa: S608 - ours
            f"SELECT user_id, {column}, fills, "
            "max(rowid + day * 1099511627776 - fills * 4611686018427387904) FROM staged "
            f"WHERE {column} IS NOT NULL GROUP BY user_id) n WHERE n.user_id = customer.user_id"
        )
    db.execute(
        "INSERT INTO fresh SELECT user_id, file, name, email, age FROM customer "
        "WHERE user_id NOT IN (SELECT user_id FROM user_info WHERE user_id IS NOT NULL)"
    )
    given = ", ".join(
        f"CASE WHEN (NOT c.{column}_fills OR ifnull(u.{column}, '') = '') AND {differs} "
        f"THEN c.{column} END AS {column}"
        for column, differs in (
            ("name", "c.name IS NOT u.name"),
            ("email", "fold(c.email) IS NOT fold(u.email)"),
            ("age", "c.age IS NOT u.age"),
        )
    )
    db.execute(
        f"INSERT OR IGNORE INTO change SELECT * FROM (SELECT c.user_id, c.file, {given} "  # noqa: S608 - ours
        "FROM customer c "
        "JOIN user_info u ON u.user_id = c.user_id) WHERE coalesce(name, email, age) IS NOT NULL"
    )


def _count(db: sqlite3.Connection, read: list[Rows], outcome: Outcome) -> None:
    cents = 0
    for rows in read:
        if rows.columns.is_plain:
            cents += rows.cents
        else:
            # Some were left out since they were read.
            rows.years.clear()
    for file, year, payments, amount in db.execute(
        "SELECT file, year, count(*), sum(cents) FROM staged WHERE cents IS NOT NULL GROUP BY file, year"
    ).fetchall():
        next(rows for rows in read if rows.number == file).years[year] = payments
        cents += amount
    for rows in read:
        rows.told.payments = rows.years.total()
    outcome.payments = sum(rows.told.payments for rows in read)
    outcome.total = Money(cents)
    for table, attribute in (("fresh", "customers_added"), ("change", "customers_updated")):
        counted = db.execute(f"SELECT file, count(*) FROM {table} GROUP BY file")  # noqa: S608 - ours
        for file, count in counted.fetchall():
            setattr(outcome.files[file], attribute, count)
    outcome.customers_added = sum(file.customers_added for file in outcome.files)
    outcome.customers_updated = sum(file.customers_updated for file in outcome.files)
    (outcome.customers_unnamed,) = db.execute(
        "SELECT count(*) FROM fresh WHERE coalesce(name, email, age) IS NULL"
    ).fetchone()
