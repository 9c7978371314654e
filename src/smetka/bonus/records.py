"""The records of customers due a year-end bonus, in MongoDB."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, Literal, TypedDict, Unpack

from bson import Int64
from pymongo.errors import DuplicateKeyError

from smetka.bonus.customer_lists import TOGETHER, Chosen, Position, Sort, listed
from smetka.bonus.periods import ALL_YEARS, review_needed
from smetka.bonus.stored import BonusCustomer, Seen, StoredCustomer, bonus_customer
from smetka.core.errors import NotFound
from smetka.core.money import Money
from smetka.storage import Storage
from smetka.storage.standings import FOLLOWING, NotedStandings, with_what_follows
from smetka.storage.values import decimal128, milliseconds

Decision = Literal["approved", "rejected", "removed"]
"""What somebody may decide about a record; removed is one that is taken away."""

_UNSEEN = Seen()
_FIGURES = (
    "total_spending",
    "basis_period",
    "ledger_total",
    "ledger_year_total",
    "source",
    "matches_ledger",
)
"""What a decision is about, as it is kept; a name that a record of an earlier version lacks is null."""

_OPEN = {"review": {"$in": ["none", "pending"]}}

MOST_FIRST_TIMES = 10_000
"""Customers of whom it is remembered when they were stored first: about 2 MB."""


class _Which(TypedDict, total=False):
    year: int | None
    source: str | None
    review: str | None
    matches: bool | None
    sort: Sort
    after: Position | None


class BonusCustomers:
    """Keeps one record a customer and year, whoever races. Thread-safe; times are UTC.

    Every method raises BonusStoreUnavailable when MongoDB is away. Then the outcome of a write is
    unknown, and repeating it is safe.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now
        self._first_times = _FirstTimes()
        self._noted = NotedStandings()

    def store(
        self,
        user_id: int,
        year: int,
        total: Money,
        *,
        threshold: Money,
        ledger_total: Money,
        year_total: Money | None = None,
    ) -> StoredCustomer:
        """Store a customer, or the newest total of one who is stored already.

        Returns when the record is on disk by majority. Safe to repeat.

        Args:
            year_total: what the ledger says of the year, when `total` and `ledger_total` are of all years;
                None when they are of the year.
        """
        basis_period, in_year = (str(year), ledger_total) if year_total is None else (ALL_YEARS, year_total)
        # MongoDB keeps milliseconds: what is answered now is what is read later.
        now = milliseconds(self._now())
        matches = total == ledger_total
        newest = {
            "total_spending": decimal128(total),
            "threshold": decimal128(threshold),
            "ledger_total": decimal128(ledger_total),
            "matches_ledger": matches,
            "source": "api",
            "review": review_needed(total, ledger_total, in_year, threshold),
            "updated_at": now,
            "basis_period": basis_period,
            "ledger_year_total": decimal128(in_year),
        }
        with self._storage.translated():
            created, stored_at = self._update_or_insert(user_id, year, newest, now)
        self._first_times.remember(user_id, year, stored_at)
        return StoredCustomer(
            created=created,
            user_id=user_id,
            year=year,
            total=total,
            threshold=threshold,
            ledger_total=ledger_total,
            matches_ledger=matches,
            stored_at=stored_at,
            basis_period=basis_period,
            year_total=in_year,
        )

    def get(self, year: int, user_id: int) -> BonusCustomer:
        """One record.

        Raises:
            NotFound: the customer is not stored for that year.
        """
        return bonus_customer(self._find(year, user_id))

    def of_customer(self, user_id: int) -> list[BonusCustomer]:
        """A customer's records of all years, the latest first."""
        with self._storage.translated():
            found = self._storage.collection("bonus_customers").find({"user_id": Int64(user_id)})
            return sorted(map(bonus_customer, found), key=lambda each: -each.year)

    def listed(
        self,
        *,
        year: int | None = None,
        source: str | None = None,
        review: str | None = None,
        matches: bool | None = None,
        sort: Sort = "user_id",
        after: Position | None = None,
        wanted: int = TOGETHER,
    ) -> Iterator[BonusCustomer]:
        """Records by year, the latest first, and within it as `sort` says; read as they are asked for.

        Args:
            after: the one to go on behind, in its own order.
            wanted: how many are likely to be read.
        """
        chosen, order = Chosen(source, review, matches), after.sort if after else sort
        return listed(self._storage, chosen, year=year, sort=order, after=after, wanted=wanted)

    def page(self, limit: int, **which: Unpack[_Which]) -> list[BonusCustomer]:
        """The first of `listed`, so many."""
        return list(islice(self.listed(wanted=limit, **which), limit))

    def decide(
        self,
        year: int,
        user_id: int,
        decision: Decision,
        *,
        seen: Seen = _UNSEEN,
        about_to: Callable[[BonusCustomer], object] = lambda _record: None,
    ) -> BonusCustomer:
        """Do what somebody decided about a customer. Safe to repeat; the last word stands.

        It is about the figures of one moment: a record whose figures change meanwhile is looked at anew.

        Args:
            seen: what whoever decides saw.
            about_to: told before anything is changed, of the record that it will happen to.

        Returns:
            The record as it is then, or as it was when it was removed.

        Raises:
            NotFound: the customer is not stored for that year.
            Changed: the figures are not those that were seen.
        """
        told = None
        while True:
            raw = self._find(year, user_id)
            record = bonus_customer(raw)
            seen.check(record)
            if told != Seen.of(record):
                about_to(record)
                told = Seen.of(record)
            if self._decide(raw, decision):
                return record if decision == "removed" else self.get(year, user_id)

    def _decide(self, raw: dict[str, Any], decision: Decision) -> bool:
        """Carry it out, unless the figures are not as they were read any more."""
        key = _key(raw["user_id"], raw["year"])
        as_read = key | {name: raw.get(name) for name in _FIGURES}
        customers = self._storage.collection("bonus_customers")
        with self._storage.translated():
            if decision == "removed":
                return bool(customers.delete_one(as_read).deleted_count)
            decided = with_what_follows({**raw, "review": decision})
            self._note(raw["year"], decided["standing"])
            change = {name: decided[name] for name in ("review", *FOLLOWING)}
            change["updated_at"] = milliseconds(self._now())
            return bool(customers.update_one(as_read, {"$set": change}).matched_count)

    def _find(self, year: int, user_id: int) -> dict[str, Any]:
        with self._storage.translated():
            found = self._storage.collection("bonus_customers").find_one(_key(user_id, year))
        if found is None:
            raise NotFound(f"Customer {user_id} is not stored for the {year} bonus.")
        return dict(found)

    def _update_or_insert(
        self, user_id: int, year: int, newest: dict[str, Any], now: datetime
    ) -> tuple[bool, datetime]:
        """Whether the record is new, and when it was stored first."""
        newest = _with_what_follows(user_id, newest)
        self._note(year, newest["standing"])
        known = self._first_times.of(user_id, year)
        if known is not None:
            # Half the work for those who are posted again: that the record has this time is the proof.
            one = {**_key(user_id, year), "stored_at": known} | _OPEN
            if self._storage.collection("bonus_customers").update_one(one, {"$set": newest}).matched_count:
                return False, known
        # The unique key decides: whoever races on the same customer, one inserts. On the embedded server this
        # is a third less work than an upsert.
        new = {**_key(user_id, year), **newest, "stored_at": now}
        while True:  # each time round, somebody has decided or removed in between
            try:
                self._storage.collection("bonus_customers").insert_one(new)
            except DuplicateKeyError:
                if self._update(user_id, year, newest):
                    return False, self._stored_at(user_id, year)
            else:
                return True, now

    def _update(self, user_id: int, year: int, newest: dict[str, Any]) -> bool:
        """Write the newest figures of one who is stored; False when somebody removed or decided meanwhile."""
        customers, key = self._storage.collection("bonus_customers"), _key(user_id, year)
        if customers.update_one(key | _OPEN, {"$set": newest}).matched_count:
            return True
        # What somebody has decided: a rejection stands, and an approval for as long as the total does, and
        # what it is of (None: an earlier version's, which may be either).
        approved = {
            "review": "approved",
            "total_spending": newest["total_spending"],
            "basis_period": {"$in": [newest["basis_period"], None]},
        }
        for decided in ({"review": "rejected"}, approved):
            kept = _with_what_follows(user_id, {**newest, "review": decided["review"]})
            self._note(year, kept["standing"])
            if customers.update_one(key | decided, {"$set": kept}).matched_count:
                return True
        another = {"review": {"$ne": "rejected"}, "$nor": [_OPEN, approved]}
        return bool(customers.update_one(key | another, {"$set": newest}).matched_count)

    def _note(self, year: int, standing: str) -> None:
        self._noted.note(self._storage.collection("bonus_years"), [(year, standing)])

    def _stored_at(self, user_id: int, year: int) -> datetime:
        record = self._storage.collection("bonus_customers").find_one(_key(user_id, year), {"stored_at": 1})
        # It may have been removed since; then it was stored for as long as it was there: until now.
        return record["stored_at"] if record else milliseconds(self._now())


class _FirstTimes:
    """When customers were stored first, of those seen last. Thread-safe; may be out of date."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: OrderedDict[tuple[int, int], datetime] = OrderedDict()

    def of(self, user_id: int, year: int) -> datetime | None:
        return self._times.get((user_id, year))

    def remember(self, user_id: int, year: int, time: datetime) -> None:
        with self._lock:
            self._times[user_id, year] = time
            self._times.move_to_end((user_id, year))
            if len(self._times) > MOST_FIRST_TIMES:
                self._times.popitem(last=False)


def _with_what_follows(user_id: int, change: dict[str, Any]) -> dict[str, Any]:
    whole = with_what_follows({"user_id": user_id, **change})
    del whole["user_id"]
    return whole


def _key(user_id: int, year: int) -> dict[str, Any]:
    return {"user_id": Int64(user_id), "year": year}
