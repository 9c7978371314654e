"""Everything that can go wrong, as a tree: a slug, a sentence for people and the values involved.

Nothing here knows HTTP or exit statuses. `web/problems.py` gives each `Refusal` its status,
`cli` gives each error its exit status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from smetka.core.money import Money


class SmetkaError(Exception):
    """Base of all errors that are meant to be read. `str(error)` is a whole sentence."""


# --- wrong usage and failed starts: the command line's -------------------------------------


class WrongUsage(SmetkaError):
    """The command, an option or a setting is wrong; nothing was started."""


class StartFailed(SmetkaError):
    """The command is right but cannot run here and now."""


class CommandFailed(SmetkaError):
    """The work a command was asked for failed."""


class NotAtOnce(Exception):
    """Asked not to wait, and would have had to. The same question, asked with patience, is answered."""


# --- refusals: answers to a question or an order --------------------------------------------


class Refusal(SmetkaError):
    """A question or an order that is not carried out.

    `slug` names the kind for programs and never changes; `title` is the same for every occurrence.
    """

    slug: ClassVar[str]
    title: ClassVar[str]

    members: Mapping[str, Any] = {}
    """What the answer has beside its sentence, for programs."""


class InvalidValue(Refusal):
    """Well-formed input that breaks a rule. Holds every fault found, not only the first."""

    slug = "invalid-value"
    title = "A value breaks a rule"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(f"{fault.name} {fault.detail}." for fault in faults))
        self.faults = faults


class Fault:
    """One broken rule: where (`pointer` into the body, or `parameter`) and which."""

    def __init__(self, detail: str, *, pointer: str | None = None, parameter: str | None = None) -> None:
        self.detail, self.pointer, self.parameter = detail, pointer, parameter

    @property
    def name(self) -> str:
        """What people call the place: the parameter, or the field of the body."""
        if self.parameter is not None:
            return self.parameter or "A parameter without a name"
        return (self.pointer or "").lstrip("/") or "The body"


class UnknownCustomer(Refusal):
    """The id is not in the ledger."""

    slug = "unknown-customer"
    title = "The customer is not in the ledger"

    def __init__(self, user_id: int) -> None:
        super().__init__(f"There is no customer {user_id} in the ledger.")
        self.user_id = user_id


class NotFound(Refusal):
    """Anything else that is asked for and is not there."""

    slug = "not-found"
    title = "There is nothing here"


class WrongState(Refusal):
    """What is asked for cannot be done in the state that the thing is in."""

    slug = "wrong-state"
    title = "The state forbids it"


class Changed(Refusal):
    """A decision is about figures, or a state, that are no longer what was seen. Nothing was changed.

    Attributes:
        members: as they are now.
    """

    slug = "changed"
    title = "It is no longer what was seen"

    def __init__(self, sentence: str, now: Mapping[str, Any]) -> None:
        super().__init__(sentence)
        self.members = now


class BelowThreshold(Refusal):
    """The customer has not spent enough for a bonus voucher; reaching the threshold is not enough."""

    slug = "below-threshold"
    title = "The spending does not exceed the bonus threshold"

    def __init__(self, total: Money, threshold: Money, currency: str) -> None:
        super().__init__(f"{total} {currency} does not exceed the bonus threshold of {threshold} {currency}.")
        self.total, self.threshold = total, threshold


class TotalMismatch(Refusal):
    """The posted total differs from the ledger's of its period, and the rules require them to be equal."""

    slug = "total-mismatch"
    title = "The total differs from the ledger's"

    def __init__(self, total: Money, ledger_total: Money, currency: str, year: int | None) -> None:
        super().__init__(
            f"The posted total of {total} {currency} differs from the ledger's {ledger_total} {currency} "
            f"for {'all years' if year is None else year}."
        )
        self.total, self.ledger_total = total, ledger_total


class Unavailable(Refusal):
    """A part outside of Smetka is away. Nothing was confirmed; asking again is safe.

    `reason` is for logs and the terminal: it may name paths and drivers' words. The sentence
    itself, which travels to whoever asked, names neither.
    """

    sentence: ClassVar[str]

    def __init__(self, reason: str) -> None:
        super().__init__(self.sentence)
        self.reason = reason


class LedgerUnavailable(Unavailable):
    """The shop's database cannot be read right now."""

    slug = "ledger-unavailable"
    title = "The ledger cannot be read right now"
    sentence = "The shop's ledger cannot be read right now. Nothing was changed; try again shortly."


CAUSES = {
    "refused": "its address refuses the connection",
    "unknown name": "its host name is not known",
    "no answer": "it does not answer in time",
    "TLS": "no secure connection (TLS) can be made",
    "password": "it refuses the user or the password",
    "rights": "its user lacks rights; the role readWrite on the database is enough",
    "collMod": "its user may not change validators (collMod), which this version of Smetka has to do once; "
    "beside readWrite, the role dbAdmin on the database has that right",
    "retryable writes": "it refuses retryable writes, which retryWrites=false in the URI turns off",
    "writes": "it refuses writes that the majority acknowledges",
    "decimals": "it does not keep decimal numbers (Decimal128) as they are",
    "dates": "it does not keep dates as they are",
    "validators": "it does not keep rules for records ($jsonSchema validators)",
    "unique indexes": "it does not keep unique indexes",
    "indexes": "it refuses indexes",
    "upserts": "it does not tell new records from old ones",
    "sorting": "it does not sort records",
    "issue list": "a part of an issue's list of customers is gone; restore a backup that has all of it",
    "campaign secrets": "campaigns' secrets are damaged: they make codes that are others' already",
    "order": "it refused something that was asked of it",
    "upgrade": "the records of an earlier version are being brought along, which is done once and takes some "
    "minutes for 100,000 of them",
}
"""Why MongoDB cannot be used, in words that name nothing internal."""


class BonusStoreUnavailable(Unavailable):
    """MongoDB is away. A write that was under way may have happened: its outcome is unknown.

    Attributes:
        causes: why, as in `CAUSES`, as far as it is clear.
    """

    slug = "bonus-store-unavailable"
    title = "MongoDB cannot be reached right now"
    sentence = (
        "MongoDB, which keeps the bonus records, cannot be reached right now. "
        "Nothing was confirmed; repeating the request is safe."
    )

    def __init__(self, reason: str, causes: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.causes = causes

    @classmethod
    def told(cls, causes: tuple[str, ...]) -> str:
        """The causes as a part of a sentence."""
        return "; ".join(CAUSES[cause] for cause in causes)


class BonusStoreLate(BonusStoreUnavailable):
    """MongoDB is there and did not answer this question in time. The outcome of a write is unknown."""

    slug = "bonus-store-late"
    title = "MongoDB did not answer this in time"
    sentence = (
        "MongoDB, which keeps the bonus records, works, but did not answer this in time. "
        "Nothing was confirmed; repeating the request is safe."
    )


class BonusStoreUnusable(BonusStoreUnavailable):
    """MongoDB answers, and refuses or lacks what is needed: repeating does not help until it is mended."""

    slug = "bonus-store-unusable"
    title = "MongoDB cannot be used as it is"

    def __init__(self, reason: str, causes: tuple[str, ...]) -> None:
        super().__init__(reason, causes)
        said = f"MongoDB, which keeps the bonus records, cannot be used as it is: {self.told(causes)}."
        self.args = (f"{said} Nothing was confirmed; repeating does not help until that is mended.",)
