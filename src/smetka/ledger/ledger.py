"""The shop's own database: read, never written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smetka.core.age_groups import AgeGroup
from smetka.ledger import questions
from smetka.ledger.customers import Customer, CustomerSpending, Payment, YearSpending
from smetka.ledger.glance import Glance
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.questions import QuestionName
from smetka.ledger.source import Opened, Source
from smetka.ledger.spending import CustomerTotal, Person, SpendingByAge, SpendingByGroup, Spent
from smetka.ledger.sqlite_file import SQLiteFile
from smetka.settings.ledger_location import Server, ledger_location

T = TypeVar("T")


class Ledger:
    """The customers and payments in a SQLite file or on a database server, never written to.

    Opens nothing until asked. Threads may share one. Each answer is of one moment. One about a file
    reflects every commit made before the question; what is remembered of a server is at most as old as
    `server.MOST_REMEMBERED_SECONDS` says.

    Every method raises LedgerUnavailable while the database cannot be read, whatever the reason, and
    answers again as soon as it can. Other processes' locks are waited for a moment.

    Args:
        location: path of a SQLite file, or a URL: sqlite:///, postgresql+psycopg://, clickhousedb://.
        even_unfinished: half a copy will do, which nobody else is told any figure of.
        limits: of how long it is waited for.

    Raises:
        WrongUsage: `location` is none of these, or needs a package that is not installed.
    """

    def __init__(self, location: str, *, even_unfinished: bool = False, limits: Limits = USUAL) -> None:
        place = ledger_location(location)
        self.path: Path | None = place if isinstance(place, Path) else None
        self._source: Source = (
            _server(place, even_unfinished=even_unfinished, limits=limits)
            if isinstance(place, Server)
            else SQLiteFile(place, even_unfinished=even_unfinished, limits=limits)
        )

    @property
    def shown(self) -> str:
        """Where it is, for people: no password is in it."""
        return self._source.shown

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """What one customer spent, in one year or in all.

        Raises:
            UnknownCustomer: nobody has that id.
        """
        return self._source.read_now(lambda now: questions.total_spent(now.rows, now.layout, user_id, year))

    def totals_spent(self, user_ids: Sequence[int], year: int | None = None) -> dict[int, CustomerTotal]:
        """What each of a few customers spent, asked in one go; without those whom nobody knows."""
        return self._source.totals_spent(user_ids, year)

    def spending_by_age(self, year: int | None = None) -> SpendingByAge:
        """What all customers spent, in one year or in all, by their age today."""
        return self._source.read(
            lambda opened: questions.spending_by_age(opened.rows, opened.layout, year), long=True
        )

    def spending_by_group(self, groups: tuple[AgeGroup, ...], year: int | None = None) -> SpendingByGroup:
        """The same by groups of ages, which do not overlap, with what is in the middle of each."""
        return self._source.read(
            lambda opened: questions.spending_by_group(opened.rows, opened.layout, groups, year), long=True
        )

    def spending_by_customer(self, year: int | None = None) -> Spent:
        """What each customer with a payment that counts spent, in one year or in all."""
        return self._source.read(
            lambda opened: questions.spending_by_customer(opened.fold, opened.layout, year), long=True
        )

    def spending_by_year(self) -> tuple[YearSpending, ...]:
        """What all customers spent in each year, ascending; last what has no whole number as its year.

        Only payments that count, of customers in the ledger: it adds up to what `spending_by_age` does.
        """
        return self._source.read(
            lambda opened: questions.spending_by_year(opened.rows, opened.layout), long=True
        )

    def customers(
        self, limit: int, *, after: int | None = None, text: str = "", in_names: bool = False
    ) -> list[Customer]:
        """At most `limit` customers with positive whole numbers as ids, ascending, each id once.

        Without `text` a page costs the same wherever it starts, given a primary key; with one, up to a
        look at every customer. An id that stands there twice has its lowest known age, and a name and an
        e-mail of any of its rows that were found.

        Args:
            after: only ids above it, which is how to get the next page.
            text: only the customer whose id it is, when it is all digits; and with `in_names` those whose
                name or e-mail contains it, in lower, upper or title case.
            in_names: read names and e-mails, which are empty otherwise, and look for `text` in them.
        """
        return self._source.read_now(
            lambda now: questions.customers(
                now.rows, now.layout, limit, after=after, text=text, in_names=in_names
            )
        )

    def customer(self, user_id: int) -> CustomerSpending:
        """What one customer spent, in all and in each year.

        Raises:
            UnknownCustomer: nobody has that id.
        """
        return self._source.read_now(lambda now: questions.customer(now.rows, now.layout, user_id))

    def payments(self, user_id: int, limit: int, *, offset: int = 0) -> list[Payment]:
        """At most `limit` payments that bear an id, the newest year first, then the largest amount.

        Also those that do not count, last in their year; and those of an id that is in nobody's row.
        """
        return self._source.read_now(
            lambda now: questions.payments(now.rows, now.layout, user_id, limit, offset=offset)
        )

    def statement_of(
        self,
        question: QuestionName,
        *,
        by_year: bool = False,
        year: int | None = None,
        user_id: int | None = None,
        groups: tuple[AgeGroup, ...] = (),
    ) -> str:
        """The SQL that answers a question, to be shown, and to be run as it stands.

        Args:
            by_year: of one year instead of all; makes no difference to `spending_by_year`.
            year: which year; without it, `by_year` leaves `:year` in its place.
            user_id: whose, of `total_spent`; without it, `:user_id` is in its place.
            groups: of `spending_by_group`.
        """
        values = {name: value for name, value in (("year", year), ("user_id", user_id)) if value is not None}
        return self._source.read_now(
            lambda now: questions.statement_of(
                now.layout, question, by_year=by_year or year is not None, groups=groups, **values
            )
        )

    def person(self, user_id: int) -> Person | None:
        """A customer's name and e-mail, empty where none is stored; None when nobody has that id."""
        return self._source.read_now(lambda now: questions.person(now.rows, now.layout, user_id))

    def glance(self) -> Glance:
        """The file as it is now, for questions that must not wait.

        Raises:
            NotAtOnce: it is not open, or cannot be read, or is no file.
        """
        return self._source.glance()

    def version(self) -> int:
        """Grows whenever the data, and so an answer, may have changed."""
        return self._source.version()

    def ping(self) -> None:
        """Return if the ledger has the two tables with their columns, and a row of each can be read."""
        self._source.ping()
        self._source.read_now(lambda now: questions.sample(now.rows, now.layout))

    def read(self, ask: Callable[[Opened], T], *, long: bool = False) -> T:
        """Put a question of one's own.

        Args:
            long: `ask` reads all payments; only few such run at a time.
        """
        return self._source.read(ask, long=long)

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        self._source.close()


def _server(place: Server, *, even_unfinished: bool, limits: Limits) -> Source:
    # Late: drivers of databases that most shops do not have.
    if place.engine == "postgresql":
        from smetka.ledger.postgresql import PostgreSQL

        return PostgreSQL(place, even_unfinished=even_unfinished, limits=limits)
    from smetka.ledger.clickhouse import ClickHouse

    return ClickHouse(place, even_unfinished=even_unfinished, limits=limits)
