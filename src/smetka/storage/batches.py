"""Writing many records at once, no more at a time than the embedded server bears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from smetka.storage.values import Record
from smetka.storage.walk import BATCH_SECONDS

if TYPE_CHECKING:
    from smetka.storage.connection import Storage

T = TypeVar("T")

SCATTERED = 32
"""Records that are written together when their keys lie anywhere.

Each may be in a page of its own of the collection and of each index, and what an open transaction has
changed cannot leave the embedded server's cache of 24 MB. A hundred at a time filled it for good when there
were 63,000 vouchers, five hundred when there were 30,000.
"""

DUPLICATE_KEY = 11000


def insert_new(storage: Storage, name: str, records: Sequence[Record]) -> list[int]:
    """Insert those records whose keys are not there yet; the places of the others. Safe to repeat.

    Raises:
        BonusStoreUnavailable: MongoDB went away, or refused one for another reason; some may be written.
    """
    taken: list[int] = []
    begin = 0
    for part in parts(records):
        with storage.within(BATCH_SECONDS):
            try:
                storage.collection(name).insert_many(part, ordered=False)
            except BulkWriteError as error:
                faults = error.details["writeErrors"]
                if error.details["writeConcernErrors"] or any(f["code"] != DUPLICATE_KEY for f in faults):
                    raise
                taken += [begin + fault["index"] for fault in faults]
        begin += len(part)
    return taken


def update_all(storage: Storage, name: str, changes: Sequence[UpdateOne]) -> None:
    """Make changes that know nothing of each other.

    Raises:
        BonusStoreUnavailable: MongoDB went away; some may be made.
    """
    for part in parts(changes):
        with storage.within(BATCH_SECONDS):
            storage.collection(name).bulk_write(part, ordered=False)


def parts(several: Sequence[T]) -> Iterator[list[T]]:
    """As many records, or changes of them, at a time as may be written together."""
    for begin in range(0, len(several), SCATTERED):
        yield list(several[begin : begin + SCATTERED])
