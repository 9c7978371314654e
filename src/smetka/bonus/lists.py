"""The lists of issues: who gets what, agreed on before the first voucher is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bson import Int64

from smetka.bonus.campaigns import Campaign, Issue
from smetka.core.errors import BonusStoreUnusable
from smetka.core.money import Money
from smetka.storage import Storage
from smetka.storage.values import decimal128, money
from smetka.storage.walk import BATCH_SECONDS


@dataclass(frozen=True, slots=True)
class Due:
    """One customer who is due a voucher. `approved` says that the total is a posted one, approved of."""

    user_id: int
    total: Money
    value: Money
    approved: bool


def keep(storage: Storage, campaign: Campaign, issue_id: str, number: int, dues: list[Due]) -> None:
    """Keep one chunk of the list that would be the campaign's next.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    record = {
        "_id": f"{issue_id}/{number}",
        "campaign": campaign.name,
        "number": campaign.number + 1,
        "user_ids": [Int64(due.user_id) for due in dues],
        "totals": [decimal128(due.total) for due in dues],
        "values": [decimal128(due.value) for due in dues],
        "approved": [due.approved for due in dues],
    }
    with storage.within(BATCH_SECONDS):
        storage.collection("issues").insert_one(record)


def forget(storage: Storage, issue_id: str, chunks: int) -> None:
    """Remove a list that did not become the campaign's.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    ids = [f"{issue_id}/{number}" for number in range(chunks)]
    with storage.within(BATCH_SECONDS):
        storage.collection("issues").delete_many({"_id": {"$in": ids}})


def chunks_of(storage: Storage, issue: Issue) -> Iterator[list[Due]]:
    """A list, in the order and the chunks in which it was kept.

    Raises:
        BonusStoreUnusable: a part of it is gone.
        BonusStoreUnavailable: MongoDB is away.
    """
    for number in range(issue.chunks):
        with storage.within(BATCH_SECONDS):
            record = storage.collection("issues").find_one({"_id": f"{issue.id}/{number}"})
        if record is None:
            raise BonusStoreUnusable(
                f"part {number} of the list of the issue {issue.id} is gone", ("issue list",)
            )
        yield _dues(record)


def beginning_of_chunk(storage: Storage, issue: Issue, number: int) -> int | None:
    """The customer whom a chunk of a list begins with; None when it is gone.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    with storage.translated():
        record = storage.collection("issues").find_one({"_id": f"{issue.id}/{number}"}, ("user_ids",))
    return int(record["user_ids"][0]) if record else None


def _dues(record: dict[str, Any]) -> list[Due]:
    columns: Iterable[tuple[Any, ...]] = zip(
        record["user_ids"], record["totals"], record["values"], record["approved"], strict=True
    )
    return [
        Due(int(user_id), money(total), money(value), approved) for user_id, total, value, approved in columns
    ]
