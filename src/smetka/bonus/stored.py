"""A customer as stored for a year's bonus: what a record says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smetka.bonus.periods import ALL_YEARS, Review, note_on
from smetka.core.errors import Changed
from smetka.core.exact_json import instant
from smetka.core.money import Money
from smetka.storage.values import money


@dataclass(frozen=True, slots=True)
class BonusCustomer:
    """A record as it was read. `year` is the bonus's; `review` says whether a person should look.

    Attributes:
        basis_period: what `total` and `ledger_total` are of: the year, or `ALL_YEARS`. None when that is not
            known: of what was posted, earlier versions did not write it down.
        ledger_total: what the ledger said of that period: at the last collecting, if it is the year, else
            when the total was posted.
        year_total: what the ledger said of the year when somebody looked last; None when nobody has.
    """

    user_id: int
    year: int
    total: Money
    threshold: Money
    ledger_total: Money
    matches_ledger: bool
    source: str
    review: Review
    stored_at: datetime
    updated_at: datetime
    basis_period: str | None
    year_total: Money | None

    def as_json(self, currency: str) -> dict[str, Any]:
        """The body of `GET /api/v1/bonus-customers/<year>/<user_id>`."""
        return {
            "user_id": self.user_id,
            "year": self.year,
            "total_spending": self.total.number,
            "currency": currency,
            "threshold": self.threshold.number,
            "ledger_total": self.ledger_total.number,
            "matches_ledger": self.matches_ledger,
            "source": self.source,
            "review": self.review,
            "stored_at": instant(self.stored_at),
            "updated_at": instant(self.updated_at),
            "basis_period": self.basis_period,
            "ledger_year_total": None if self.year_total is None else self.year_total.number,
        }


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """What became of storing a customer. `created` is true for exactly one of all who store the same."""

    created: bool
    user_id: int
    year: int
    total: Money
    threshold: Money
    ledger_total: Money
    matches_ledger: bool
    stored_at: datetime
    basis_period: str
    year_total: Money

    @property
    def url(self) -> str:
        """Path of the record."""
        return f"/api/v1/bonus-customers/{self.year}/{self.user_id}"

    def as_json(self, currency: str) -> dict[str, Any]:
        """The body of `POST /write_to_mongodb`."""
        note = note_on(self.user_id, self.year, self.year_total, self.threshold, currency)
        return {
            "message": f"Customer {self.user_id} is stored for the {self.year} bonus.",
            "user_id": self.user_id,
            "total_spending": self.total.number,
            "year": self.year,
            "currency": currency,
            "threshold": self.threshold.number,
            "ledger_total": self.ledger_total.number,
            "matches_ledger": self.matches_ledger,
            "stored_at": instant(self.stored_at),
            "basis_period": self.basis_period,
            "ledger_year_total": self.year_total.number,
            "note": None if note is None else note.as_json(),
        }


_SEEN = ("total", "basis_period", "ledger_total", "year_total")

PERHAPS_UNKNOWN = {"basis_period": "basis_period", "year_total": "ledger_year_total"}
"""What an earlier version did not write down: as `Seen` and as answers name it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The figures of a record that somebody decides about, as they were seen; None is what was not said.

    Attributes:
        unknown: names of figures that were shown as not known.
    """

    total: Money | None = None
    basis_period: str | None = None
    ledger_total: Money | None = None
    year_total: Money | None = None
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, record: BonusCustomer) -> Seen:
        """All of a record that was shown."""
        unknown = frozenset(name for name in PERHAPS_UNKNOWN if getattr(record, name) is None)
        return cls(record.total, record.basis_period, record.ledger_total, record.year_total, unknown)

    def check(self, record: BonusCustomer) -> None:
        """Whether the record still says so.

        Raises:
            Changed: it does not; with its figures as they are.
        """
        now = Seen.of(record)
        is_as_seen = all(getattr(self, name) in (None, getattr(now, name)) for name in _SEEN)
        if is_as_seen and all(getattr(now, name) is None for name in self.unknown):
            return
        of = " for all years" if record.basis_period == ALL_YEARS else ""
        year_total = record.year_total
        raise Changed(
            f"The figures of customer {record.user_id} for the {record.year} bonus are no longer what was "
            f"seen: the stored total is {record.total}{of} now, the ledger's {record.ledger_total}. Nothing "
            "was changed.",
            {
                "total_spending": record.total.number,
                "basis_period": record.basis_period,
                "ledger_total": record.ledger_total.number,
                "ledger_year_total": None if year_total is None else year_total.number,
                "matches_ledger": record.matches_ledger,
                "review": record.review,
            },
        )


def bonus_customer(record: dict[str, Any]) -> BonusCustomer:
    """A record as it was read."""
    year, ledger_total = int(record["year"]), money(record["ledger_total"])
    basis_period, year_total = record.get("basis_period"), record.get("ledger_year_total")
    if basis_period is None and record["source"] == "collected":
        basis_period = str(year)  # an earlier version's: what is collected always was of the year
    if year_total is not None:
        year_total = money(year_total)
    elif basis_period == str(year):
        year_total = ledger_total
    return BonusCustomer(
        user_id=int(record["user_id"]),
        year=year,
        total=money(record["total_spending"]),
        threshold=money(record["threshold"]),
        ledger_total=ledger_total,
        matches_ledger=record["matches_ledger"],
        source=record["source"],
        review=record["review"],
        stored_at=record["stored_at"],
        updated_at=record["updated_at"],
        basis_period=basis_period,
        year_total=year_total,
    )
