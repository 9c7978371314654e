"""Does the server do what we need of it? Tried with records of no meaning, once a process.

Some that speak MongoDB's protocol drop what they do not have without a word: validators, decimals, dates.
What they would do to a shop's records is then found out by the shop.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bson import Decimal128
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from smetka.storage.faults import Unfit, needed, passes
from smetka.storage.schema import CHECKS

Records = Collection[dict[str, Any]]

_AMOUNTS = (Decimal128("19.99"), Decimal128("1000000000000.10"))
_TIMES = (datetime(2025, 12, 31, 23, 0, 0, 1000, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def check(database: Database[dict[str, Any]]) -> None:
    """Try everything on records that are taken out again. Safe to repeat, and for several at once.

    It needs the collections that `ensure` makes, and no right beyond writing into them.

    Raises:
        Unfit: the server lacks something; all of it is named.
        PyMongoError: the server is away, or did not answer in time.
    """
    records = database[CHECKS.name]
    key = uuid.uuid4().hex
    try:
        _try_all(records, key)
    except Exception:
        with suppress(PyMongoError):  # what it lacks is worth more than this
            _tidy(records, key)
        raise
    _tidy(records, key)


def _try_all(records: Records, key: str) -> None:
    # Of retryable writes that are refused, the error says so itself.
    with needed("writes"):
        records.insert_one({"key": f"{key} writes"})
    lacking, words = [], ""
    for lack, does in _TRIED.items():
        try:
            is_fit = does(records, f"{key} {lack}")
        except OperationFailure as error:
            if passes(error):
                raise
            is_fit, words = False, words or str(error)
        if not is_fit:
            lacking.append(lack)
    if lacking:
        raise Unfit(tuple(lacking), words)


def _tidy(records: Records, key: str) -> None:
    # By the shard key. What a killed process leaves is of no meaning and in nobody's way.
    records.delete_many({"key": {"$gte": key, "$lt": f"{key}~"}})


def _keeps(records: Records, key: str, *, field: str, first: Any, then: Any) -> bool:
    records.insert_one({"key": key, field: first})
    inserted = records.find_one({"key": key}) or {}
    # As our changes are made: by what was read before.
    changed, again = (
        records.update_one({"key": key, field: first}, {"$set": {field: then}}).matched_count for _ in "12"
    )
    updated = records.find_one({"key": key}) or {}
    # Decimal128 of 0.1 and of 0.10 differ, as they do in the database.
    return (inserted.get(field), updated.get(field), changed, again) == (first, then, 1, 0)


def _keeps_rules(records: Records, key: str) -> bool:
    records.insert_one({"key": key})
    wrong = (
        partial(records.insert_one, {"key": f"{key} 2", "amount": "1"}),
        partial(records.insert_one, {"key": f"{key} 3", "name": "nobody"}),
        partial(records.update_one, {"key": key}, {"$set": {"amount": "1"}}),
    )
    refused = 0
    for write in wrong:
        try:
            write()
        except OperationFailure as error:
            if passes(error):
                raise
            refused += 1
    return refused == len(wrong)


def _keeps_one_of_each(records: Records, key: str) -> bool:
    records.insert_one({"key": key})
    try:
        records.insert_one({"key": key})
    except DuplicateKeyError:
        return True
    return False


def _tells_new_ones(records: Records, key: str) -> bool:
    first, second = (
        records.update_one({"key": key}, {"$set": {"at": at}}, upsert=True).upserted_id for at in _TIMES
    )
    return first is not None and second is None


def _sorts(records: Records, key: str) -> bool:
    # Pages of bonus customers are sorted by what has no index.
    times = enumerate((_TIMES[0], _TIMES[1], _TIMES[0]))
    records.insert_many([{"key": f"{key} {number}", "at": at} for number, at in times])
    mine = {"key": {"$gte": key, "$lt": f"{key}~"}}
    found = records.find(mine).sort([("at", DESCENDING), ("key", ASCENDING)]).limit(2)
    return [record["key"] for record in found] == [f"{key} 1", f"{key} 0"]


_TRIED: dict[str, Callable[[Records, str], bool]] = {
    "decimals": partial(_keeps, field="amount", first=_AMOUNTS[0], then=_AMOUNTS[1]),
    "dates": partial(_keeps, field="at", first=_TIMES[0], then=_TIMES[1]),
    "validators": _keeps_rules,
    "unique indexes": _keeps_one_of_each,
    "upserts": _tells_new_ones,
    "sorting": _sorts,
}
