"""Putting a backup's records back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pymongo.errors import BulkWriteError

from smetka.core.errors import CommandFailed
from smetka.core.progress import Count, Progress, unseen
from smetka.storage.backup import (
    COLLECTIONS,
    LONGEST_LINE,
    Manifest,
    from_line,
    lines,
    read_manifest,
    to_line,
)
from smetka.storage.batches import DUPLICATE_KEY, SCATTERED
from smetka.storage.connection import Storage
from smetka.storage.schema import BONUS_CUSTOMERS
from smetka.storage.standings import NotedStandings, with_what_follows, year_and_standing
from smetka.storage.values import Record
from smetka.storage.walk import BATCH_SECONDS, records

_BREAKS_A_RULE = 121


def restore(storage: Storage, source: Path, *, progress: Progress = unseen) -> Manifest:
    """Put back every record of a backup, as it was. Nothing is written before all of it was seen whole.

    Safe to repeat after an interruption: records that are there already and are the backup's own
    stay. Any other record there is a reason to refuse.

    Args:
        progress: told how many of the backup's records are there.

    Raises:
        CommandFailed: the folder holds no whole backup, or the database holds other records.
        BonusStoreUnavailable: MongoDB went away; repeating goes on.
    """
    manifest = read_manifest(source)
    count = Count(
        progress, of=sum(manifest.files[file].records for file in manifest.files if file.endswith(".jsonl"))
    )
    for name in COLLECTIONS:
        _refuse_others(storage, source, manifest, name)
    noted = NotedStandings()
    for name in COLLECTIONS:
        found = [
            _insert(storage, name, batch, noted, version=manifest.smetka)
            for batch in _batches(count.over(lines(source, manifest, name)))
        ]
        if any(found):  # there before, or written by a running server in this moment: whose are they?
            _refuse_others(storage, source, manifest, name)
    return manifest


def _refuse_others(storage: Storage, source: Path, manifest: Manifest, name: str) -> None:
    there = (hashlib.sha256(to_line(name, record)).digest() for record in records(storage, name))
    first = next(there, None)
    if first is None:
        return
    ours = {hashlib.sha256(line).digest() for line in lines(source, manifest, name)}
    if first not in ours or any(record not in ours for record in there):
        raise CommandFailed(
            "There are records already that are not this backup's. Restore into an empty data directory "
            "(SMETKA_DATA_DIR), or an empty database."
        )


def _insert(storage: Storage, name: str, batch: list[Record], noted: NotedStandings, *, version: str) -> bool:
    """Write records; true when some were there already."""
    if name == BONUS_CUSTOMERS.name:
        batch = _with_what_follows(storage, batch, noted)
    with storage.within(BATCH_SECONDS):
        try:
            storage.collection(name).insert_many(batch, ordered=False)
        except BulkWriteError as error:
            details = error.details
            codes = {fault["code"] for fault in details["writeErrors"]}
            if _BREAKS_A_RULE in codes:
                raise CommandFailed(
                    f"The backup has records in {name} of a kind that this Smetka does not know. Restore it "
                    f"with Smetka {version}, which made it, into an empty data directory or database."
                ) from None
            if details["writeConcernErrors"] or codes != {DUPLICATE_KEY}:
                raise
            return True
    return False


def _with_what_follows(storage: Storage, batch: list[Record], noted: NotedStandings) -> list[Record]:
    """Bonus customers as they are kept: a backup has nothing that follows from the rest."""
    whole = [with_what_follows(record) for record in batch]
    with storage.within(BATCH_SECONDS):
        noted.note(storage.collection("bonus_years"), map(year_and_standing, whole))
    return whole


def _batches(found: Iterable[bytes]) -> Iterator[list[Record]]:
    """Records to be written together: never more in memory than the two longest could take."""
    batch: list[Record] = []
    size = 0
    for line in found:
        batch.append(from_line(line))
        size += len(line)
        if len(batch) == SCATTERED or size >= LONGEST_LINE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
