"""Issuing, and telling the managers of it, for the web server and the terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from smetka.bonus.campaigns import Campaign, Issue
from smetka.bonus.issuing import Confirmed, Issued, Issuing
from smetka.core.progress import Progress, unseen
from smetka.ledger import Ledger
from smetka.storage import Storage
from smetka.telegram.outbox import Outbox
from smetka.telegram.topics import ChatId


def issue_and_tell(
    name: str,
    by: str,
    *,
    ledger: Ledger,
    storage: Storage,
    outbox: Outbox,
    chats: Iterable[ChatId],
    now: Callable[[], datetime],
    confirmed: Confirmed,
    progress: Progress = unseen,
) -> Issued:
    """Issue a campaign's vouchers; one message to each chat for each issue, whoever repeats it.

    The message is queued after the vouchers are there. A run that is killed in between leaves it to the
    next one, whatever that one issues itself: what was told is known by the issue's own name.

    Raises:
        NotFound: there is no such campaign.
        Changed: it does not come to what was confirmed.
        LedgerUnavailable, BonusStoreUnavailable: what was done so far stays; repeat it.
    """
    issued = Issuing(ledger, storage, now=now, progress=progress).issue(name, by, confirmed=confirmed)
    told = tuple(chats)
    for issue in issued.lists:
        outbox.queue(f"issue {issue.id}", "campaign", _report(issued.campaign, issue), told)
    return issued


def _report(campaign: Campaign, issue: Issue) -> dict[str, Any]:
    budget = campaign.rules.budget
    return {
        "campaign": campaign.name,
        "year": campaign.rules.year,
        "currency": campaign.currency,
        "threshold": campaign.rules.threshold.number,
        "vouchers": issue.vouchers,
        "cost": issue.cost.number,
        "budget": None if budget is None else budget.number,
        "left_out": issue.left_out,
        "valid_from": str(campaign.rules.first_day),
        "valid_until": str(campaign.rules.last_day),
    }
