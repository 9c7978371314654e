"""Invites: codes that work once, for a while, and give whoever uses one a role."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from smetka.keys import RoleName
from smetka.storage import Storage

LONGEST_CODE = 64
"""What Telegram carries behind `?start=`."""


@dataclass(frozen=True, slots=True)
class Invite:
    """What an invite gives."""

    role: RoleName
    language: Literal["en", "mk"] | None


class Invites:
    """Makes invites and takes them. Thread-safe.

    Of a code only its SHA-256 is kept: it has 192 random bits, so there is nothing to guess. Every method
    raises BonusStoreUnavailable when MongoDB is away.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now

    def make(
        self, role: RoleName, *, language: Literal["en", "mk"] | None = None, hours: float = 24
    ) -> tuple[str, datetime]:
        """A new code, told only now, and when it ends."""
        code, now = secrets.token_urlsafe(24), self._now()
        ends = now + timedelta(hours=hours)
        record: dict[str, Any] = {"_id": _hash(code), "role": role, "created_at": now, "expires_at": ends}
        with self._storage.translated():
            self._storage.collection("invites").insert_one(
                record if language is None else {**record, "language": language}
            )
        return code, ends

    def among(self, codes: Iterable[str], *, mark: str) -> dict[str, Invite]:
        """Those of some texts that `use` would take now, and what each gives."""
        expected = {"$or": [{"used_by": mark}, {"used_by": None, "expires_at": {"$gt": self._now()}}]}
        with self._storage.translated():
            found = {record["_id"]: record for record in self._storage.collection("invites").find(expected)}
        if not found:
            return {}  # nothing to look for
        return {
            code: invite
            for code in codes
            if (record := found.get(_hash(code))) and (invite := self._given(record, mark))
        }

    def use(self, code: str, *, mark: str) -> Invite | None:
        """Use a code up; None when it gives nothing, or another was faster.

        Args:
            mark: of this very use: the same one again is told the same.
        """
        record = self._find(code)
        invite = self._given(record, mark) if record else None
        if record is None or invite is None or record.get("used_by") == mark:
            return invite
        with self._storage.translated():
            result = self._storage.collection("invites").update_one(
                {"_id": record["_id"], "used_by": None}, {"$set": {"used_by": mark, "used_at": self._now()}}
            )
        return invite if result.matched_count else None

    def _given(self, record: dict[str, Any], mark: str) -> Invite | None:
        used_by = record.get("used_by")
        is_fresh = used_by is None and record["expires_at"] > self._now()
        return Invite(record["role"], record.get("language")) if is_fresh or used_by == mark else None

    def _find(self, code: str) -> dict[str, Any] | None:
        if not 1 <= len(code) <= LONGEST_CODE:
            return None
        with self._storage.translated():
            return self._storage.collection("invites").find_one({"_id": _hash(code)})


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
