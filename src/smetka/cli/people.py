"""Names and e-mails beside records, from the ledger as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from smetka.ledger import Ledger, Person
from smetka.settings import Settings, named_ledger


@contextmanager
def people(settings: Settings) -> Iterator[Callable[[int], Person]]:
    """Finds a customer's name and e-mail by the id; both empty for whoever is not in the ledger."""
    with closing(Ledger(named_ledger(settings))) as ledger:
        yield lambda user_id: ledger.person(user_id) or Person("", "")
