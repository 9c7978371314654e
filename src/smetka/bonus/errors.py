"""Why a campaign or a voucher does not do what is asked of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from smetka.core.errors import Refusal
from smetka.core.exact_json import instant


class CampaignExists(Refusal):
    """There is a campaign of this name, with other rules."""

    slug = "campaign-exists"
    title = "There is such a campaign, with other rules"


class MistypedCode(Refusal):
    """What was given cannot be a code, whoever issued it; nobody was asked."""

    slug = "mistyped-code"
    title = "The voucher's code is mistyped"

    def __init__(self) -> None:
        super().__init__("The code is mistyped: compare it with the voucher, symbol by symbol.")


class UnknownCode(Refusal):
    """A well-formed code that was never issued."""

    slug = "unknown-code"
    title = "No voucher has this code"

    def __init__(self) -> None:
        super().__init__("The code is well-formed, but no voucher has it.")


class NotYetValid(Refusal):
    """The voucher's first day has not come."""

    slug = "not-yet-valid"
    title = "The voucher is not valid yet"

    def __init__(self, first_day: date, timezone: str, valid_from: datetime) -> None:
        super().__init__(f"The voucher is valid from {_words(first_day)} on ({timezone}).")
        self.members: dict[str, Any] = {
            "valid_from": str(first_day),
            "valid_from_instant": instant(valid_from),
        }


class Expired(Refusal):
    """The voucher's last day is over."""

    slug = "expired"
    title = "The voucher has expired"

    def __init__(self, last_day: date, timezone: str, expires_at: datetime) -> None:
        super().__init__(
            f"The voucher was valid until the end of {_words(last_day)} ({timezone}); "
            f"it expired at {instant(expires_at)}."
        )
        self.members: dict[str, Any] = {"valid_until": str(last_day), "expired_at": instant(expires_at)}


class Voided(Refusal):
    """Somebody has made the voucher void."""

    slug = "void"
    title = "The voucher is void"

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The voucher was made void at {instant(at)}.")
        self.members: dict[str, Any] = {"voided_at": instant(at)}


class AlreadyRedeemed(Refusal):
    """Somebody was first. Tells when, and not who."""

    slug = "already-redeemed"
    title = "The voucher is redeemed already"

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The voucher was redeemed at {instant(at)}.")
        self.members: dict[str, Any] = {"redeemed_at": instant(at)}


class Reserved(Refusal):
    """The voucher is held for a checkout, and this is not that one."""

    slug = "reserved"
    title = "The voucher is reserved"

    def __init__(self, until: datetime, timezone: str) -> None:
        local = until.astimezone(ZoneInfo(timezone))
        super().__init__(
            f"The voucher is reserved for another checkout until {local:%H:%M} on {_words(local.date())} "
            f"({timezone})."
        )
        self.until, self.timezone = until, timezone
        self.members: dict[str, Any] = {"reserved_until": instant(until)}


class OtherCustomer(Refusal):
    """The voucher is somebody else's than the customer who was named."""

    slug = "other-customer"
    title = "The voucher is another customer's"

    def __init__(self, user_id: int) -> None:
        super().__init__(f"The voucher is not customer {user_id}'s.")


class KeyReused(Refusal):
    """The Idempotency-Key came before, with another request."""

    slug = "key-reused"
    title = "The Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came before with another request about this voucher.")


class InProgress(Refusal):
    """The same request, by its Idempotency-Key, is being carried out right now."""

    slug = "in-progress"
    title = "The same request is being carried out"

    def __init__(self) -> None:
        super().__init__("The request with this Idempotency-Key is being carried out; ask again shortly.")


def _words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
