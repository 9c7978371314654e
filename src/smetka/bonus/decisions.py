"""What people decide about stored customers: about the figures that they saw, with an entry in the audit."""

from __future__ import annotations

from smetka.bonus.audit import Audit
from smetka.bonus.records import BonusCustomers, Decision
from smetka.bonus.stored import BonusCustomer, Seen

ACTIONS: dict[Decision, str] = {"approved": "approve", "rejected": "reject", "removed": "remove"}
"""The names of decisions in the audit."""


def decide(
    customers: BonusCustomers,
    audit: Audit,
    decision: Decision,
    *,
    year: int,
    user_id: int,
    by: str,
    seen: Seen,
) -> BonusCustomer:
    """Decide about a customer who is stored for a bonus. The audit keeps the total that it was about.

    Raises:
        NotFound: the customer is not stored for that year.
        Changed: the figures are not those that were seen; nothing was changed.
    """

    def note(record: BonusCustomer) -> None:
        audit.note(ACTIONS[decision], by, amount=record.total, year=year, user_id=user_id)

    return customers.decide(year, user_id, decision, seen=seen, about_to=note)
