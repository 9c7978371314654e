"""Of which period a stored total is, and what follows from the ledger's total of the bonus's own year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smetka.core.money import NOTHING, Money
from smetka.language.translations import mark

ALL_YEARS = "all"
"""The period of a total that was posted without a year. Any other period is a year: `"2026"`."""

EXPLAINED = mark(
    "A total that was sent without a year covers all years, and is compared with the ledger's total for all "
    "years. Whether a voucher is due depends on the ledger's total for the year, or on an approval, which "
    "counts with the stored total."
)
UNKNOWN_EXPLAINED = mark(
    "Where the period is not known, an earlier version stored the total without it. Sending the total again "
    "settles it."
)
"""Both for whoever decides about records, in the reader's language."""

Review = Literal["none", "pending", "approved", "rejected"]


def review_needed(total: Money, ledger_total: Money, year_total: Money, threshold: Money) -> Review:
    """Whether somebody should look at a record that nobody has decided about.

    Nobody needs to when its total is the ledger's of the same period, and the ledger's own of the year
    exceeds the threshold: then the customer is due the bonus either way.
    """
    return "none" if total == ledger_total and year_total > threshold else "pending"


@dataclass(frozen=True, slots=True)
class Note:
    """What whoever stores a customer should know: a code for programs, and a sentence."""

    code: Literal["nothing-spent-in-year", "year-below-threshold"]
    detail: str

    def as_json(self) -> dict[str, str]:
        """Both, by name."""
        return {"code": self.code, "detail": self.detail}


def note_on(user_id: int, year: int, year_total: Money, threshold: Money, currency: str) -> Note | None:
    """What the ledger's total of the bonus's year means for a customer; None when the customer is due."""
    only_approved = "A voucher is issued only when the record is approved."
    if year_total == NOTHING:
        return Note(
            "nothing-spent-in-year",
            f"By the ledger, customer {user_id} spent nothing in {year}. {only_approved}",
        )
    if year_total <= threshold:
        return Note(
            "year-below-threshold",
            f"By the ledger, customer {user_id} spent {year_total} {currency} in {year}, which does not "
            f"exceed the threshold of {threshold} {currency}. {only_approved}",
        )
    return None
