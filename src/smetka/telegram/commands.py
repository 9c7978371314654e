"""What people may ask the bot, and what is answered: kinds of deliveries and their reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from smetka.core.canonical import LARGEST_ID, LATEST_YEAR, canonical
from smetka.core.errors import LedgerUnavailable, UnknownCustomer
from smetka.keys import Permission
from smetka.settings import Basis
from smetka.telegram.access import Asker
from smetka.telegram.figures import Figures

BASES: tuple[str, ...] = get_args(Basis)


@dataclass(frozen=True, slots=True)
class Answer:
    """A delivery to be queued for whoever asked. `speak` is the chat's language from now on."""

    kind: str
    report: dict[str, Any]
    speak: Literal["en", "mk"] | None = None


class Usage(Exception):
    """What came behind a command does not fit it; `field` is what does not."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


Words = Sequence[str]
Action = Callable[[Words, Asker, Figures], Answer]


def say(what: str, **values: Any) -> Answer:
    """A sentence of `messages/replies.py`."""
    return Answer("reply", {"say": what, **values})


def answer(name: str, words: Words, asker: Asker, figures: Figures | None) -> Answer:
    """What a command is answered with.

    Args:
        name: without the slash, in lower case.
        words: what stands behind it.
    """
    if name in {"help", "start"}:
        return say("help", commands=[n for n, (needs, _) in COMMANDS.items() if asker.may(needs)])
    if name == "language":
        return _language(words)
    needs, action = COMMANDS.get(name, (None, None))
    if needs is None or action is None:
        return say("not-understood")
    if not asker.may(needs):
        return say("not-allowed")
    if figures is None:
        return say("no-ledger")
    try:
        return action(words, asker, figures)
    except Usage as error:
        return say("usage", command=name, field=error.field)
    except UnknownCustomer as error:
        return say("unknown-customer", user_id=error.user_id)
    except LedgerUnavailable:
        return say("ledger-away")


def averages(year: int | None, basis: Basis | None, figures: Figures) -> Answer:
    """The averages, with buttons to go on with."""
    years = [figures.current_year, figures.current_year - 1, None]
    if year not in years:
        years.insert(0, year)
    return Answer("asked", {**figures.averages(year, basis), "buttons": True, "years": years})


def pressed(data: str, figures: Figures | None) -> Answer | None:
    """What a button under the averages is answered with; None of data that no button of ours has."""
    match data.split(" "):
        case ["averages", ("all" | _) as year, ("spender" | "payment" | "customer") as basis] if figures:
            try:
                return averages(None if year == "all" else canonical(year, LATEST_YEAR), basis, figures)
            except ValueError:
                return None
            except LedgerUnavailable:
                return say("ledger-away")
    return None


def _averages(words: Words, _asker: Asker, figures: Figures) -> Answer:
    rest = list(words)
    basis: Any = rest.pop().lower() if rest and rest[-1].lower() in BASES else None
    return averages(_year(rest), basis, figures)


def _total(words: Words, asker: Asker, figures: Figures) -> Answer:
    if not words:
        raise Usage("id")
    try:
        user_id = canonical(words[0], LARGEST_ID)
    except ValueError:
        raise Usage("id") from None
    report = figures.customer(user_id, _year(words[1:]))
    return Answer("customer", {**report, "personal": asker.sees_names})


def _due(words: Words, _asker: Asker, figures: Figures) -> Answer:
    return Answer("bonus", figures.bonus(_year(words) or figures.current_year))


def _shop(words: Words, _asker: Asker, figures: Figures) -> Answer:
    return Answer("shop", figures.shop(_year(words)))


def _year(words: Words) -> int | None:
    if len(words) > 1:
        raise Usage("too-much")
    if not words or words[0].lower() == "all":
        return None
    try:
        return canonical(words[0], LATEST_YEAR)
    except ValueError:
        raise Usage("year") from None


def _language(words: Words) -> Answer:
    match [word.lower() for word in words]:
        case ["en"]:
            return Answer("reply", {"say": "language"}, speak="en")
        case ["mk"]:
            return Answer("reply", {"say": "language"}, speak="mk")
    return say("usage", command="language", field="language")


COMMANDS: dict[str, tuple[Permission, Action]] = {
    "averages": (Permission.READ, _averages),
    "total": (Permission.READ, _total),
    "due": (Permission.READ, _due),
    "shop": (Permission.READ, _shop),
}
"""The commands that tell figures, and what each needs."""
