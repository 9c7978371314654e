"""How long a ledger may keep those waiting who ask it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds.

    Attributes:
        connect: until a server lets one in; PostgreSQL's own library knows no fewer than two.
        question: a server's answer about one customer.
        together: a server's answer about a few customers, before each is asked for itself.
        long_question: a server's answer about all payments.
        grace: what a server's own limit is given before the connection is closed instead.
        cancel: until PostgreSQL has heard that its answer is not waited for any more.
        table_lock: how long a question waits for a lock on a whole table of PostgreSQL's.
        file_lock: how long a question waits for another process's lock on a SQLite file.
        file_question: a statement's answer from a SQLite file.
    """

    connect: int = 5
    question: int = 10
    together: int = 2
    long_question: int = 120
    grace: float = 3.0
    cancel: float = 2.0
    table_lock: float = 2.0
    file_lock: float = 1.2
    file_question: float = 30.0


USUAL = Limits()
