"""The orders of the files beside each other and the ledger: new, there already, changed since, or left out.

Rows that are no payments are set `aside` before anything else, with what is known of their orders. `orders`
has the first row of each order of a file that is one, `counted` the orders that stay as they are: the
ledger's, then those of files before. What repeats one of these is there already, or it differs and is told.
"""

from __future__ import annotations

import sqlite3

from smetka.core.errors import CommandFailed
from smetka.ledger.imports.contradictions import reject
from smetka.ledger.imports.outcome import Orders, Outcome
from smetka.ledger.imports.reasons import (
    CHANGED_ORDER,
    FURTHER_LINES,
    KNOWN_ORDER,
    NO_ORDERS,
    OTHER_AMOUNT,
    OTHER_CUSTOMER,
    OTHER_YEAR,
    REFUND_ROW,
    REFUND_TOLD,
    WITHOUT_CUSTOMER,
    code,
)
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.rows import Rows

_REASONS = {
    "further": FURTHER_LINES,
    "refund": REFUND_ROW,
    "refund_told": REFUND_TOLD,
    "nobody": WITHOUT_CUSTOMER,
    "known": KNOWN_ORDER,
    "changed": CHANGED_ORDER,
    "amount": OTHER_AMOUNT,
    "year": OTHER_YEAR,
    "customer": OTHER_CUSTOMER,
}


def settle_orders(db: sqlite3.Connection, read: list[Rows], outcome: Outcome) -> None:
    """Leave in `staged` what is new; count what is left out, rejected or told as changed."""
    _set_aside(db)
    for rows in read:
        if rows.columns.items is not None:
            _check_items(db, rows, rows.columns.items)
    if any("order_id" in rows.columns.at for rows in read):
        db.execute(
            "INSERT INTO orders SELECT order_id, file, min(rowid), line, cents, total, year, user_id, email "
            "FROM staged WHERE order_id IS NOT NULL GROUP BY order_id, file"
        )
    _settle_refunds(db, outcome)
    _settle_lines(db, read, outcome)
    _settle_repeated(db, read)
    _count(db, outcome)


def _set_aside(db: sqlite3.Connection) -> None:
    db.execute(
        "INSERT INTO aside SELECT rowid, file, line, order_id, left_out, cents, "
        "CASE left_out WHEN :nobody THEN cents ELSE total END, year FROM staged WHERE left_out IS NOT NULL",
        _REASONS,
    )
    db.execute("DELETE FROM staged WHERE left_out IS NOT NULL")


def _check_items(db: sqlite3.Connection, rows: Rows, column: str) -> None:
    """See that no order counts once for each of its items, where nobody said which lines are one order's.

    Raises:
        CommandFailed: it may.
    """
    found = db.execute(
        "SELECT min(line), max(line) FROM staged WHERE file = ? AND cents <> 0 "
        "GROUP BY coalesce(user_id, fold(email)), cents, day HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
        (rows.number,),
    ).fetchone()
    if found is None:
        return
    first, second = found
    refused = Refused(
        f"has a column of items, {column!r}, and one customer, day and amount on the lines {first} and "
        f"{second}: perhaps one order, with its total on each line. Name the order number by "
        "--map order_id=…, and item=… if the lines of an order repeat its total; --map order_id= says that "
        "each line is a payment of its own",
        code="items_or_payments",
        values=(column, str(first), str(second)),
    )
    raise CommandFailed(f"{rows.told.name}: {refused} Nothing was written.") from refused


def _settle_refunds(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Refunds as rows of their own: right beside an order's line that has taken them off, else rejected.

    An export writes a row for each refund, or for each item that came back, all with the refund's amount.
    """
    if not db.execute("SELECT 1 FROM aside WHERE reason = :refund LIMIT 1", _REASONS).fetchone():
        return
    db.execute(
        "UPDATE aside SET reason = :refund_told FROM ("
        "SELECT order_id, file, sum(DISTINCT -amount) AS least, sum(-amount) AS most FROM aside "
        "WHERE reason = :refund GROUP BY order_id, file) back "
        "LEFT JOIN orders o ON o.order_id = back.order_id AND o.file = back.file "
        "WHERE aside.reason = :refund AND aside.order_id = back.order_id AND aside.file = back.file "
        "AND CASE WHEN o.row IS NOT NULL THEN o.total - o.cents BETWEEN back.least AND back.most "
        "ELSE EXISTS (SELECT 1 FROM aside own WHERE own.order_id = back.order_id AND own.file = back.file "
        "AND own.reason NOT IN (:refund, :refund_told)) END",
        _REASONS,
    )
    _reject_beside(
        db,
        outcome,
        "order_id",
        "has a refund on line {line} that does not fit its refunded amount; correct the file, or export it "
        "without refund rows",
        "a.reason = :refund",
    )
    reject(
        db,
        outcome,
        "money_spent",
        "is negative, so a refund in a row of its own, and may already be taken off the order it belongs to. "
        "Leave such rows out, or map no refunded if refunds stand in such rows alone",
        "SELECT row, NULL, NULL, NULL FROM aside WHERE reason = :refund",
        values=_REASONS,
    )


def _settle_lines(db: sqlite3.Connection, read: list[Rows], outcome: Outcome) -> None:
    """Of several lines of one order in a file the first counts, and the others must say the same."""
    _reject_beside(
        db,
        outcome,
        "order_id",
        "stands on line {line} too, in another state; keep the line with the order's last state alone",
        "a.reason NOT IN (:nobody, :refund_told)",
    )
    _reject_beside(db, outcome, "order_id", _OTHER_AMOUNT, "a.reason = :nobody AND a.cents <> o.cents")
    again = "FROM staged s JOIN orders o USING (order_id, file) WHERE s.rowid <> o.row"
    single = ", ".join(str(rows.number) for rows in read if not rows.columns.has_items)
    reject(
        db,
        outcome,
        "order_id",
        "stands on line {line} already; keep one line of an order, or map item if its lines repeat its total",
        f"SELECT s.rowid, NULL, s.file, o.line {again} AND s.file IN ({single})",
    )
    reject(
        db,
        outcome,
        "order_id",
        _OTHER_AMOUNT,
        f"SELECT s.rowid, NULL, s.file, o.line {again} AND s.cents <> o.cents",
    )
    db.execute(
        "INSERT INTO aside (row, file, order_id, reason) "
        f"SELECT s.rowid, s.file, s.order_id, :further {again}",
        _REASONS,
    )
    db.execute("DELETE FROM staged WHERE rowid IN (SELECT row FROM aside)")
    # Of lines that are all left out, one is the order's: rather one with a state than one without a customer.
    db.execute(
        "UPDATE aside SET reason = :further WHERE reason NOT IN (:further, :refund_told) AND ("
        "EXISTS (SELECT 1 FROM orders o WHERE o.order_id = aside.order_id AND o.file = aside.file) OR "
        "EXISTS (SELECT 1 FROM aside own WHERE own.order_id = aside.order_id AND own.file = aside.file "
        "AND own.reason NOT IN (:further, :refund_told) "
        "AND (own.reason = :nobody, own.row) < (aside.reason = :nobody, aside.row)))",
        _REASONS,
    )
    db.execute(
        "UPDATE aside SET amount = NULL WHERE reason NOT IN (:further, :refund_told) AND EXISTS ("
        "SELECT 1 FROM aside own WHERE own.order_id = aside.order_id AND own.file = aside.file "
        "AND own.reason = :further AND own.amount <> aside.amount)",
        _REASONS,
    )


_OTHER_AMOUNT = "stands on line {line} too, with another amount; give one line an order, with its total"


def _reject_beside(db: sqlite3.Connection, outcome: Outcome, field: str, reason: str, where: str) -> None:
    """Reject all lines of an order that counts in a file beside a row of it, `a`, that is left out."""
    before = outcome.rejected
    reject(
        db,
        outcome,
        field,
        reason,
        "SELECT s.rowid, NULL, a.file, min(a.line) FROM aside a "  # noqa: S608 - ours
        "CROSS JOIN orders o ON o.order_id = a.order_id AND o.file = a.file "
        f"JOIN staged s ON s.order_id = o.order_id AND s.file = o.file WHERE {where} GROUP BY s.rowid",
        values=_REASONS,
    )
    if outcome.rejected > before:
        db.execute("DELETE FROM orders WHERE row NOT IN (SELECT rowid FROM staged)")


def _settle_repeated(db: sqlite3.Connection, read: list[Rows]) -> None:
    """Orders that the ledger has, or a file before, stay as they are there; what differs is told."""
    db.execute(
        "INSERT OR IGNORE INTO counted "
        "SELECT order_id, NULL, known.cents, year, user_id, nullif(trim(u.email), '') FROM ("
        "SELECT order_id FROM orders UNION ALL SELECT order_id FROM aside"
        ") CROSS JOIN smetka_orders known USING (order_id) "
        "LEFT JOIN smetka_buyers USING (order_id) LEFT JOIN user_info u USING (user_id)"
    )
    if len(read) > 1:
        db.execute(
            "INSERT OR IGNORE INTO counted SELECT order_id, file, cents, year, user_id, email FROM orders"
        )
    # A negative amount under the number of an order is a refund of it, not what it is worth now.
    db.execute(
        "INSERT INTO repeated SELECT order_id, s.row, s.file, c.file, "
        "CASE WHEN s.cents <> c.cents THEN :amount WHEN s.year <> c.year THEN :year "
        "WHEN ifnull(s.user_id <> c.user_id, fold(s.email) <> fold(c.email)) THEN :customer END, "
        "s.cents - iif(s.cents < 0 AND c.cents > 0, 0, c.cents), s.cents "
        "FROM orders s JOIN counted c USING (order_id) WHERE s.file IS NOT c.file",
        _REASONS,
    )
    # An order that is not paid yet in a file, and is in a later one, took its usual way.
    db.execute(
        "INSERT INTO repeated SELECT order_id, a.row, a.file, c.file, "
        "CASE WHEN a.reason <> :nobody THEN a.reason WHEN a.cents <> c.cents THEN :amount "
        "WHEN a.year <> c.year THEN :year END, a.cents - c.cents, a.cents "
        "FROM aside a JOIN counted c USING (order_id) WHERE a.file IS NOT c.file "
        "AND a.reason NOT IN (:further, :refund_told) AND (a.reason = :nobody OR a.cents IS NOT c.cents) "
        "AND NOT (ifnull(a.file < c.file, 0) AND code(a.reason) IN ('unpaid', 'partly_paid'))",
        _REASONS,
    )
    db.execute("DELETE FROM staged WHERE rowid IN (SELECT row FROM repeated)")
    db.execute("DELETE FROM aside WHERE (order_id, row) IN (SELECT order_id, row FROM repeated)")


def _count(db: sqlite3.Connection, outcome: Outcome) -> None:
    counts = "count(*), ifnull(sum(amount), 0), count(*) - count(amount)"
    for file, reason, *counted in db.execute(
        f"SELECT file, reason, {counts} FROM aside GROUP BY file, reason UNION ALL "  # noqa: S608 - ours
        f"SELECT file, iif(differs IS NULL, :known, :changed), {counts} FROM repeated "
        "GROUP BY file, differs IS NULL",
        _REASONS,
    ):
        told = outcome.files[file]
        told.left_out[reason] += counted[0]
        if reason not in NO_ORDERS:
            told.left_out_orders[reason] = Orders(*counted)
    # Of an order that differs in several files, what the last says is told.
    for differs, *counted in db.execute(
        f"SELECT differs, {counts} FROM (SELECT differs, cents AS amount, max(row) FROM repeated "  # noqa: S608 - ours
        "WHERE differs IS NOT NULL GROUP BY order_id) GROUP BY differs"
    ):
        outcome.changed[code(differs)] += Orders(*counted)
    # An order that is left out in one file and counts from another, or has changed, is told as that alone.
    for reason, *counted in db.execute(
        f"SELECT reason, {counts} FROM ("  # noqa: S608 - ours
        "SELECT :known AS reason, amount FROM repeated WHERE counted_in IS NULL "
        "GROUP BY order_id HAVING max(differs) IS NULL UNION ALL "
        "SELECT reason, amount FROM (SELECT reason, amount, max(row) FROM aside "
        "LEFT JOIN counted USING (order_id) WHERE reason NOT IN (:further, :refund_told) "
        "AND counted.file IS NULL AND ifnull(order_id, row) NOT IN "
        "(SELECT order_id FROM repeated WHERE differs IS NOT NULL) GROUP BY ifnull(order_id, row))"
        ") GROUP BY reason",
        _REASONS,
    ):
        outcome.left_out[code(reason)] += Orders(*counted)
