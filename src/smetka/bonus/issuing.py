"""Issuing: one voucher for each customer who is due one, however often, and however often interrupted.

An issue is first a list of who gets what, kept in MongoDB and agreed on by one compare-and-set on the
campaign; then the vouchers of that list. Whoever finds a list that is not finished finishes it, and no
new one is made before. So runs that are killed, repeated or side by side write the vouchers that one
undisturbed run would have written, and the budget holds: each list is made when all vouchers of the
lists before it are there to be counted. What was confirmed is compared before anything is written: with
the list that a run makes, and with one that it finds, whoever began it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from bson import Int64

from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaign, Campaigns, Issue
from smetka.bonus.codes import derive
from smetka.bonus.lists import Due, beginning_of_chunk, chunks_of, forget, keep
from smetka.bonus.plan import plan
from smetka.core.errors import BonusStoreUnusable, Changed
from smetka.core.money import NOTHING, Money
from smetka.core.progress import Progress, unseen
from smetka.ledger import Ledger
from smetka.storage import Storage
from smetka.storage.batches import insert_new
from smetka.storage.values import decimal128, milliseconds
from smetka.storage.walk import records_of

CHUNK = 500
"""Customers in one record of a list, and how often progress is told."""

MOST_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Issued:
    """What issuing did.

    Attributes:
        campaign: as it is afterwards.
        lists: the newest one that was there, and those that this run wrote; none of them empty.
        vouchers, cost: of the lists that this run finished; those of a run that was killed included.
        left_out: due, and not reached by the budget.
    """

    campaign: Campaign
    lists: tuple[Issue, ...]
    vouchers: int
    cost: Money
    left_out: int

    def as_json(self) -> dict[str, Any]:
        """The body of `POST /api/v1/campaigns/<name>/issue`."""
        return {
            "campaign": self.campaign.name,
            "currency": self.campaign.currency,
            "vouchers_issued": self.vouchers,
            "cost": self.cost.number,
            "customers_left_out": self.left_out,
            "issues": self.campaign.number,
        }


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The preview's figures that somebody issues by: with the vouchers that are there already, or begun.

    None is what was not said.
    """

    customers_reached: int | None = None
    cost_within_budget: Money | None = None

    def check(self, campaign: Campaign, customers: int, cost: Money) -> None:
        """Whether a list comes to what was confirmed.

        Raises:
            Changed: it does not; with what it comes to.
        """
        if self.customers_reached in (None, customers) and self.cost_within_budget in (None, cost):
            return
        raise Changed(
            f"The figures of campaign {campaign.name} are no longer what was seen: it reaches {customers} "
            f"customers for {cost} {campaign.currency} now. Nothing was written that was not seen.",
            {
                "customers_reached": customers,
                "cost_within_budget": cost.number,
                "currency": campaign.currency,
            },
        )


_ANY = Confirmed()


class Issuing:
    """Issues the vouchers of campaigns. Every run may be repeated, killed and run beside others."""

    def __init__(
        self,
        ledger: Ledger,
        storage: Storage,
        *,
        now: Callable[[], datetime],
        progress: Progress = unseen,
    ) -> None:
        self._ledger, self._storage, self._now, self._progress = ledger, storage, now, progress
        self._campaigns = Campaigns(storage, now=now)
        self._audit = Audit(storage, now=now)

    def issue(self, name: str, by: str, *, confirmed: Confirmed = _ANY) -> Issued:
        """Write a voucher for everybody who is due one and does not have one, as far as the budget goes.

        Args:
            confirmed: what the vouchers must come to, with those that are there already and those of a
                list that another run began. It is compared with the very list that is written, and
                before a list that was begun is finished.

        Raises:
            NotFound: there is no such campaign.
            Changed: it comes to something else; nothing was begun or finished, and a list that was
                begun before waits for whoever confirms it.
            LedgerUnavailable, BonusStoreUnavailable: what was done so far stays, and is gone on with by
                the next run.
        """
        vouchers, cost = 0, NOTHING
        self._campaigns.get(name)
        self._audit.note(
            "issue",
            by,
            campaign=name,
            amount=confirmed.cost_within_budget,
            customers=confirmed.customers_reached,
        )
        lists: dict[str, Issue] = {}
        while True:
            campaign = self._campaigns.get(name)
            if campaign.issue is not None:
                lists[campaign.issue.id] = campaign.issue
            begun = None
            if campaign.issued:
                begun = self._begin(campaign, confirmed)
                if begun is None:
                    continue  # another run was faster: its list it is
                if not begun.vouchers:
                    return Issued(campaign, tuple(lists.values()), vouchers, cost, begun.left_out)
                campaign = replace(campaign, number=campaign.number + 1, issue=begun, issued=False)
                lists[begun.id] = begun
            elif confirmed != _ANY:
                confirmed.check(campaign, *plan(campaign, self._ledger, self._storage).comes_to())
            assert campaign.issue is not None
            self._write(campaign, campaign.issue)
            self._campaigns.finish(campaign)
            vouchers, cost = vouchers + campaign.issue.vouchers, cost + campaign.issue.cost
            if begun is not None:
                return Issued(
                    self._campaigns.get(name), tuple(lists.values()), vouchers, cost, begun.left_out
                )

    def _begin(self, campaign: Campaign, confirmed: Confirmed) -> Issue | None:
        """Make a list of those who get a voucher now the newest; None when another run's is.

        One of nobody is made, and not kept.
        """
        found = plan(campaign, self._ledger, self._storage)
        issue_id = f"{campaign.name}/{campaign.number + 1}/{secrets.token_hex(4)}"
        chunks, vouchers, cost = 0, 0, NOTHING
        for chunk in _chunks(found.new()):
            keep(self._storage, campaign, issue_id, chunks, chunk)
            chunks, vouchers = chunks + 1, vouchers + len(chunk)
            cost = sum((due.value for due in chunk), cost)
        left_out = sum(1 for _ in found.left_out())
        try:
            confirmed.check(campaign, found.there.vouchers + vouchers, found.there.cost + cost)
        except Changed:
            forget(self._storage, issue_id, chunks)
            raise
        issue = Issue(issue_id, chunks, milliseconds(self._now()), vouchers, cost, left_out)
        if vouchers and not self._campaigns.begin(campaign, issue):
            forget(self._storage, issue_id, chunks)
            return None
        return issue

    def _write(self, campaign: Campaign, issue: Issue) -> None:
        written = 0
        for dues in chunks_of(self._storage, issue):
            self._insert(campaign, issue, dues)
            written += len(dues)
            self._progress(written, issue.vouchers)

    def _insert(self, campaign: Campaign, issue: Issue, dues: list[Due], attempt: int = 0) -> None:
        """Write the vouchers that are missing."""
        if attempt == MOST_ATTEMPTS:
            raise BonusStoreUnusable("codes are somebody else's again and again", ("campaign secrets",))
        template = _template(campaign, issue)
        records = [_record(template, campaign, due, attempt) for due in dues]
        taken = insert_new(self._storage, "vouchers", records)
        if not taken:
            return
        # There already: from a run before or beside this one. Or, once in thousands of years, two
        # customers' codes are the same: then the later gets his next.
        codes = [records[place]["_id"] for place in taken]
        found = records_of(self._storage, "vouchers", codes, ("campaign", "user_id"))
        owners = {each["_id"]: (each["campaign"], each["user_id"]) for each in found}
        again = [
            dues[place]
            for place in taken
            if owners.get(records[place]["_id"]) != (campaign.name, dues[place].user_id)
        ]
        if again:
            self._insert(campaign, issue, again, attempt + 1)


def written(storage: Storage, campaign: Campaign, issue: Issue) -> int:
    """About how many vouchers of a list are there, whoever writes them: each run does so in its order.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    first, behind = 0, issue.chunks  # of the chunks that are not begun
    while first < behind:
        middle = (first + behind) // 2
        due = beginning_of_chunk(storage, issue, middle)
        code = None if due is None else derive(campaign.secret, due, 0)
        if code is not None and any(records_of(storage, "vouchers", [code], ("_id",))):
            first = middle + 1
        else:
            behind = middle
    return min(max(first - 1, 0) * CHUNK, issue.vouchers)


def _chunks(dues: Iterator[Due]) -> Iterator[list[Due]]:
    while chunk := list(islice(dues, CHUNK)):
        yield chunk


def _template(campaign: Campaign, issue: Issue) -> dict[str, Any]:
    return {
        "campaign": campaign.name,
        "currency": campaign.currency,
        "issue": campaign.number,
        "status": "issued",
        "valid_from": campaign.valid_from,
        "expires_at": campaign.expires_at,
        "timezone": campaign.timezone,
        "issued_at": issue.planned_at,
        "revision": 0,
    }


def _record(template: dict[str, Any], campaign: Campaign, due: Due, attempt: int) -> dict[str, Any]:
    return {
        "_id": derive(campaign.secret, due.user_id, attempt),
        **template,
        "user_id": Int64(due.user_id),
        "value": decimal128(due.value),
        "total_spending": decimal128(due.total),
        "source": "approved" if due.approved else "ledger",
    }
