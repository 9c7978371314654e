"""Names and e-mails on pages and in files: for those who may see them, from the ledger as it is now."""

from __future__ import annotations

from collections.abc import Callable

from smetka.keys import Permission
from smetka.ledger import Person
from smetka.web import guards
from smetka.web.parts import services


def person_of() -> Callable[[int], Person] | None:
    """Finds who a customer is by the id, nameless when nobody has it; None for those who may not see."""
    return who if guards.may(Permission.OWN) else None


def who(user_id: int) -> Person:
    """Who a customer is, whoever asks."""
    return services().ledger.person(user_id) or Person("", "")
