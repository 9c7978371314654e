"""Collecting: everybody who is due a bonus of a year, from the ledger into records."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import Int64
from pymongo import UpdateOne

from smetka.bonus.periods import Review, review_needed
from smetka.bonus.stored import BonusCustomer, bonus_customer
from smetka.core.money import Money
from smetka.core.progress import Progress, unseen
from smetka.ledger import Ledger, Spent
from smetka.storage import Storage
from smetka.storage.batches import insert_new, update_all
from smetka.storage.standings import FOLLOWING, NotedStandings, with_what_follows
from smetka.storage.values import decimal128, milliseconds
from smetka.storage.walk import BATCH_SECONDS

BATCH = 500
"""Customers who are looked at together: others wait for the database meanwhile."""

_LARGEST_ID = 2**63 - 1


@dataclass(slots=True)
class Collected:
    """What collecting did. `flagged` are those whose totals do not exceed the threshold any more."""

    due: int = 0
    stored: int = 0
    updated: int = 0
    unchanged: int = 0
    flagged: int = 0

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def collect(
    ledger: Ledger,
    storage: Storage,
    *,
    year: int,
    threshold: Money,
    now: Callable[[], datetime],
    progress: Progress = unseen,
) -> Collected:
    """Store everybody whose total of a year exceeds the threshold.

    Safe to repeat, to interrupt at any point and to run twice at once: each record is written by itself.
    One that was posted is kept, with both figures; one whose total does not exceed the threshold any
    more is marked for review and never removed. An approval stands until a figure changes, a rejection
    for good.

    Args:
        progress: told now and then how many of how many spenders were looked at.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: what was done so far stays.
    """
    spent = ledger.spending_by_customer(year)
    run = _Run(storage, year, threshold, milliseconds(now()), spent, Collected())
    batch: list[tuple[int, Money]] = []
    begin = -(2**63)
    for customer in spent.above(threshold):
        batch.append(customer)
        if len(batch) == BATCH:
            run.see_to(batch, begin, batch[-1][0])
            progress(bisect_left(spent.ids, batch[-1][0]), len(spent.ids))
            begin, batch = batch[-1][0] + 1, []
    run.see_to(batch, begin, _LARGEST_ID)
    progress(len(spent.ids), len(spent.ids))
    return run.collected


@dataclass(slots=True)
class _Run:
    storage: Storage
    year: int
    threshold: Money
    now: datetime
    spent: Spent
    collected: Collected
    noted: NotedStandings = field(default_factory=NotedStandings)

    def see_to(self, due: list[tuple[int, Money]], first: int, last: int) -> None:
        """Bring the records of all ids from `first` to `last` up to date; `due` are those due among them."""
        self.collected.due += len(due)
        missing = dict(due)
        for page in self._pages(first, last):
            self._bring_up_to_date(page, due=missing.keys() & {record.user_id for record in page})
            for record in page:
                missing.pop(record.user_id, None)
        raced = self._insert(missing)
        self.collected.stored += len(missing) - len(raced)
        if raced:  # another run, or a POST, was faster: now they are there
            for page in self._pages(min(raced), max(raced)):
                self._bring_up_to_date([record for record in page if record.user_id in raced], due=raced)

    def _pages(self, first: int, last: int) -> Iterator[list[BonusCustomer]]:
        """The records of all ids from `first` to `last`, by id, a batch at a time."""
        while first <= last:
            query = {"year": self.year, "user_id": {"$gte": Int64(first), "$lte": Int64(last)}}
            with self.storage.within(BATCH_SECONDS):
                found = self.storage.collection("bonus_customers").find(query)
                page = [bonus_customer(record) for record in found.sort("user_id", 1).limit(BATCH)]
            yield page
            if len(page) < BATCH:
                return
            first = page[-1].user_id + 1

    def _bring_up_to_date(self, page: list[BonusCustomer], *, due: set[int]) -> None:
        seen = ((record, self._change(record, is_due=record.user_id in due)) for record in page)
        changes = [(record, change) for record, change in seen if change is not None]
        if changes:
            self._note(change["standing"] for _, change in changes)
            updates = [self._update(record, change) for record, change in changes]
            update_all(self.storage, "bonus_customers", updates)

    def _insert(self, missing: dict[int, Money]) -> set[int]:
        """Write new records; returns the ids of those that were there all the same."""
        records = [self._record(user_id, total) for user_id, total in missing.items()]
        self._note(record["standing"] for record in records)
        taken = insert_new(self.storage, "bonus_customers", records)
        return {int(records[place]["user_id"]) for place in taken}

    def _record(self, user_id: int, total: Money) -> dict[str, Any]:
        record = {
            "user_id": Int64(user_id),
            "year": self.year,
            "total_spending": decimal128(total),
            "threshold": decimal128(self.threshold),
            "ledger_total": decimal128(total),
            "matches_ledger": True,
            "source": "collected",
            "review": "none",
            "stored_at": self.now,
            "updated_at": self.now,
            "basis_period": str(self.year),
            "ledger_year_total": decimal128(total),
        }
        return with_what_follows(record)

    def _note(self, standings: Iterable[str]) -> None:
        with self.storage.within(BATCH_SECONDS):
            years = self.storage.collection("bonus_years")
            self.noted.note(years, ((self.year, standing) for standing in standings))

    def _change(self, record: BonusCustomer, *, is_due: bool) -> dict[str, Any] | None:
        """What is to be written about a record that is there; nothing when every figure is as it was."""
        year_total = self.spent.of(record.user_id)
        # A posted total is its poster's word. A collected one is the ledger's, and follows it up.
        follows = record.source == "collected" and is_due
        total = year_total if follows else record.total
        # A total of all years was compared with the ledger's of all years: one year says nothing about it.
        ledger_total = year_total if record.basis_period == str(self.year) else record.ledger_total
        figures = (total, ledger_total, year_total, self.threshold)
        if figures == (record.total, record.ledger_total, record.year_total, record.threshold):
            self.collected.unchanged += 1
            return None
        review = self._review(record, total, ledger_total, year_total)
        if review == "pending" and not is_due:
            self.collected.flagged += 1
        else:
            self.collected.updated += 1
        newest = {
            "total_spending": decimal128(total),
            "ledger_total": decimal128(ledger_total),
            "threshold": decimal128(self.threshold),
            "matches_ledger": total == ledger_total,
            "review": review,
            "updated_at": self.now,
            "basis_period": record.basis_period,
            "ledger_year_total": decimal128(year_total),
        }
        whole = with_what_follows({"user_id": record.user_id, "source": record.source, **newest})
        return newest | {name: whole[name] for name in FOLLOWING}

    def _update(self, record: BonusCustomer, change: dict[str, Any]) -> UpdateOne:
        # Only if nobody wrote or decided in between, in the same millisecond even: else at the next run.
        key = {"user_id": Int64(record.user_id), "year": self.year}
        same = key | {"updated_at": record.updated_at, "review": record.review, "source": record.source}
        return UpdateOne(same, {"$set": change})

    def _review(self, record: BonusCustomer, total: Money, ledger_total: Money, year_total: Money) -> Review:
        """What is to be written about a record whose figures changed."""
        # That the year's total is looked at for the first time changes nothing that was decided.
        is_first_look = record.year_total is None and record.threshold == self.threshold
        if record.review == "rejected" or (record.review == "approved" and is_first_look):
            return record.review
        if record.review == "approved" and total != year_total:
            return "pending"  # what was approved goes beyond the year's, which is not what it was
        return review_needed(total, ledger_total, year_total, self.threshold)
