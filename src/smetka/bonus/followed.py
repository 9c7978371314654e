"""The vouchers of campaigns as a process knows them: read once, then followed by what changes.

To read 100,000 vouchers takes seconds, so it is done once. Every change of a voucher has the time at which
it was made, and each question asks for those made since shortly before the last one: what was acknowledged,
by whichever process, is known to the next question. What an issue has added is read from its list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from smetka.bonus.campaigns import Campaign
from smetka.bonus.lists import chunks_of
from smetka.storage import Storage
from smetka.storage.values import money
from smetka.storage.walk import records

MARGIN = timedelta(minutes=2)
"""What the clocks of processes may differ by, with the time that a write may take."""

_END = datetime(9999, 12, 31, tzinfo=UTC)
_FIELDS = ("campaign", "user_id", "value", "status", "reserved_until", "redeemed_at")


@dataclass(frozen=True, slots=True)
class State:
    """What became of a voucher, as it is kept."""

    status: str
    reserved_until: datetime | None
    redeemed_at: datetime | None


AS_ISSUED = State("issued", None, None)


@dataclass(slots=True)
class Vouchers:
    """The vouchers of one campaign: customers in ascending order, and what theirs are worth in cents.

    Attributes:
        states: of those that are not as they were issued.
        on_change: told of each change: the customer, the value in cents, the states before and after.
        additions: how often vouchers were added.
    """

    secret: bytes = field(repr=False)
    issues: int
    user_ids: array[int] = field(default_factory=lambda: array("q"))
    cents: array[int] = field(default_factory=lambda: array("q"))
    states: dict[int, State] = field(default_factory=dict)
    on_change: Callable[[int, int, State, State], object] | None = None
    additions: int = 0

    def add(self, found: Iterable[tuple[int, int]]) -> None:
        """Take in vouchers that were issued, those that are known already too."""
        there = dict(zip(self.user_ids, self.cents, strict=True)) | dict(found)
        self.user_ids = array("q", sorted(there))
        self.cents = array("q", (there[user_id] for user_id in self.user_ids))
        self.additions += 1

    def change(self, user_id: int, after: State) -> None:
        """Take in what became of one, which may be of a list that is still being written."""
        place = bisect_left(self.user_ids, user_id)
        before = self.states.get(user_id, AS_ISSUED)
        if before == after:
            return
        self.states[user_id] = after
        if self.on_change is not None and self.user_ids[place : place + 1] == array("q", [user_id]):
            self.on_change(user_id, self.cents[place], before, after)


class FollowedVouchers:
    """Knows the vouchers of the campaigns that were asked for; one for each process.

    Hold `lock` while you use what `of` returns.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now
        self._known: dict[str, Vouchers] = {}
        self._since: datetime | None = None
        self._has_index = False
        self.lock = RLock()

    def of(self, campaign: Campaign) -> Vouchers:
        """The vouchers of a campaign as they are now, of a list that is being written as many as are there.

        Args:
            campaign: as it was read a moment ago.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        with self.lock:
            began = self._now() - MARGIN
            known = self._known.get(campaign.name)
            if known is None or not self._goes_on(known, campaign):
                # What has changed since the reading began is asked for once more.
                self._since = began if self._since is None else min(self._since, began)
                known = self._read(campaign)
            if not self._can_follow():
                return known
            if campaign.issued:
                self._known[campaign.name] = known
            self._follow({} if campaign.issued else {campaign.name: known})
            self._since = began
            return known

    def _can_follow(self) -> bool:
        """Whether changes can be asked for: not where an older folder lacks the index."""
        if not self._has_index:
            with self._storage.translated():
                self._has_index = "changed" in self._storage.collection("vouchers").index_information()
        return self._has_index

    def _goes_on(self, known: Vouchers, campaign: Campaign) -> bool:
        """Whether the campaign is as it was, or one more list of it is written."""
        # The secret, since another campaign may have been given the name of one that was taken away.
        if known.secret != campaign.secret or not campaign.issued:
            return False
        if known.issues == campaign.number - 1 and campaign.issue is not None:
            chunks = chunks_of(self._storage, campaign.issue)
            known.add((due.user_id, due.value.cents) for dues in chunks for due in dues)
            known.issues = campaign.number
        return known.issues == campaign.number

    def _read(self, campaign: Campaign) -> Vouchers:
        read = Vouchers(campaign.secret, campaign.number)
        if not campaign.number:
            return read
        for record in records(self._storage, "vouchers", {"campaign": campaign.name}, _FIELDS):
            user_id = int(record["user_id"])
            # In ascending order, as the walk is.
            read.user_ids.append(user_id)
            read.cents.append(money(record["value"]).cents)
            if (state := _state(record)) != AS_ISSUED:
                read.states[user_id] = state
        return read

    def _follow(self, unfinished: dict[str, Vouchers]) -> None:
        """Take in all changes of the last time."""
        with self._storage.at_leisure():
            query = {"changed_at": {"$gte": self._since, "$lt": _END}}
            changed = list(self._storage.collection("vouchers").find(query, _FIELDS))
        for record in changed:
            for known in (self._known, unfinished):
                if vouchers := known.get(record["campaign"]):
                    vouchers.change(int(record["user_id"]), _state(record))


def _state(record: dict[str, Any]) -> State:
    return State(record["status"], record.get("reserved_until"), record.get("redeemed_at"))
