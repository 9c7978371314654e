"""The records behind an announcement: what went out lately, and one new record per chat."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from smetka.storage import Storage
from smetka.telegram.delivery import FAILED, Record, insert_new, new_record
from smetka.telegram.reports import question_of, report_id_of
from smetka.telegram.topics import ChatId


class Announcements:
    """Reads and writes of `deliveries`, to be used inside of `storage.within`.

    The id of a record is made of what the report says, the number of that announcement and the
    chat. Processes that race find the same number by reading and so collide on the id: one record
    per chat remains. A chat that is missing from the announcement of the current cool-down (it was
    added to the settings since) joins that announcement.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def newest(self, question: str) -> int:
        """The number of the question's last announcement, -1 when there was none.

        To be read before `recent`: read after it, it may count records that were not seen there.
        """
        found = self._storage.collection("deliveries").find({"question": question}, {"sequence": 1})
        return max((int(record["sequence"]) for record in found.sort("sequence", -1).limit(1)), default=-1)

    def recent(self, chats: Sequence[ChatId], now: datetime, cooldown: timedelta) -> list[Record]:
        """The reports of averages queued for these chats within the cool-down.

        One from further ahead than a cool-down was queued before the clock was set back, and counts
        no more: else nothing would be told until the clock has caught up.
        """
        return list(
            self._storage.collection("deliveries").find(
                {
                    "chat": {"$in": list(chats)},
                    "created_at": {"$gt": now - cooldown, "$lt": now + cooldown},
                    "kind": "averages",
                },
                {"chat": 1, "question": 1, "sequence": 1, "state": 1, "created_at": 1, "report_id": 1},
            )
        )

    def numbers(
        self,
        question: str,
        due: Sequence[ChatId],
        *,
        newest: int,
        last: Mapping[ChatId, Record],
        since: datetime,
    ) -> dict[ChatId, int]:
        """For each due chat the number of the announcement its record will belong to.

        That is the newest announcement when it is of this cool-down and the chat has no part in it
        that has failed or is too old to count, else the one after it.

        Args:
            last: the newest record of this question within the cool-down, of each chat that has one.
            since: when the cool-down began that is over now.
        """
        number = max([newest, *(int(record["sequence"]) for record in last.values())])
        if not due or all(record["sequence"] != number for record in last.values()):
            return dict.fromkeys(due, number + 1)
        ids = {_id(question, str(number), chat): chat for chat in due}
        had_part = {
            ids[record["_id"]]
            for record in self._storage.collection("deliveries").find({"_id": {"$in": list(ids)}})
            # One that is there and counts was written by another process in this very moment.
            if record["state"] == FAILED or record["created_at"] <= since
        }
        return {chat: number + 1 if chat in had_part else number for chat in due}

    def insert(
        self, report: dict[str, Any], question: str, numbers: Mapping[ChatId, int], now: datetime
    ) -> list[Record]:
        """Write one record per chat in one go. Returns those written, not what another wrote first."""
        return insert_new(
            self._storage.collection("deliveries"),
            [
                _record(report, question, chat, announcement=str(number), sequence=number, now=now)
                for chat, number in numbers.items()
            ],
        )

    def insert_always(self, report: dict[str, Any], chats: Iterable[ChatId], now: datetime) -> list[Record]:
        """Write one record per chat, whatever went out before."""
        question, announcement = question_of(report), uuid.uuid4().hex
        return insert_new(
            self._storage.collection("deliveries"),
            [
                _record(report, question, chat, announcement=announcement, sequence=0, now=now)
                for chat in chats
            ],
        )


def _id(question: str, announcement: str, chat: ChatId) -> str:
    return f"{question}-{announcement}-{chat}"


def _record(
    report: dict[str, Any], question: str, chat: ChatId, *, announcement: str, sequence: int, now: datetime
) -> Record:
    return new_record(
        _id(question, announcement, chat),
        "averages",
        report,
        chat,
        question=question,
        report_id=report_id_of(question, announcement),
        sequence=sequence,
        now=now,
    )
