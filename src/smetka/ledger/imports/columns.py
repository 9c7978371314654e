"""Which column of a file is which of our fields: by a platform's header, by its own name, or as told."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smetka.core.errors import WrongUsage
from smetka.ledger.imports import header_words
from smetka.ledger.imports.header import numbered
from smetka.ledger.imports.mapping import FIELDS, Mapped
from smetka.ledger.imports.platforms import Platform, recognise
from smetka.ledger.imports.refused import Refused
from smetka.ledger.imports.watched import watched_places

_INSTEAD = {"date": "year", "year": "date", "age": "birth_date", "birth_date": "age"}
_UNSEEN = "payment_method"

_OF_PAYMENTS = FIELDS[FIELDS.index("money_spent") + 1 :]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields stand in the rows of one file.

    Attributes:
        recognised: the platform's export that it is.
        at: places in a row by field.
        named: names of the columns by field, for people.
        has_items: several lines may be one order's, each with its total: the platform writes one for each
            item, or somebody said so.
        items: a column of items, of which nobody said what its lines are.
        watched: places of columns that are mapped to nothing and may say that an amount is not what it
            seems, by the field that they speak of.
        dates_unused: of a list of customers, columns of days that are mapped to nothing.
        missing: columns of the platform's export that were cut off, and might take money off an order.
    """

    recognised: str | None
    at: Mapping[str, tuple[int, ...]]
    named: Mapping[str, str]
    has_items: bool = False
    items: str | None = None
    watched: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    dates_unused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def by_email(self) -> bool:
        """Customers are known by their e-mail addresses."""
        return "user_id" not in self.at

    @property
    def has_payments(self) -> bool:
        """Each row is a payment; otherwise a customer."""
        return "money_spent" in self.at

    @property
    def is_plain(self) -> bool:
        """Nothing but who, how much and when."""
        return (
            self.has_payments
            and not self.watched
            and not self.items
            and self.at.keys() <= {"user_id", "money_spent", "date", "year"}
            and "user_id" in self.at
            and not self.at.keys() >= {"date", "year"}
        )


def find_columns(header: Sequence[str], mapped: Mapped) -> Columns:
    """Find the fields in a header; what is told goes before what is found.

    Raises:
        WrongUsage: a column that was told is not there, or was told for two fields.
        Refused: too little is there to import anything, or to import it without a guess; the reason says
            what is missing.
    """
    platform = recognise(header)
    if platform and platform.hint and not {"user_id", "email"} & mapped.keys():
        raise Refused(platform.hint)
    # Names of ours are found in files of no known platform alone: Shopify's `Name` is an order's.
    found: dict[str, tuple[int, ...]] = {}
    if platform:
        for field, columns in platform.fields.items():
            if places := tuple(header.index(column) for column in columns if column in header):
                found[field] = places
    else:
        own = {column.lower(): place for place, column in reversed(list(enumerate(header)))}
        found = {field: (own[field],) for field in FIELDS if field in own and field != "item"}
    of_platform = dict(found)
    _check_single(found, header, mapped)
    told = {
        field: tuple(_place(header, column, field) for column in columns) for field, columns in mapped.items()
    }
    found = _without_told(found, told, header) | {field: places for field, places in told.items() if places}
    found = _complete(found, header)
    if "money_spent" not in found:
        found = _of_customers(found, header, told)
    elif platform and (cut := _cut(platform, platform.needs, found, told)):
        raise _columns_cut(platform, cut)
    used = {place for places in found.values() for place in places}
    return Columns(
        recognised=platform.name if platform else None,
        at=found,
        named={
            field: (" + " if field == "name" else " or ").join(header[place] for place in places)
            for field, places in found.items()
            if field != _UNSEEN
        },
        has_items="item" in found
        or (
            platform is not None
            and all(found.get(field) == of_platform.get(field) for field in ("order_id", "money_spent"))
        ),
        items=_items(header)
        if "money_spent" in found and not {"order_id", "item"} & (found.keys() | told.keys())
        else None,
        watched=watched_places(header, found, told) if "money_spent" in found else {},
        dates_unused=()
        if "money_spent" in found
        else tuple(name for name in header_words.of_days(header) if header.index(name) not in used),
        missing=tuple(_cut(platform, platform.should_have, found, told).values())
        if platform and "money_spent" in found
        else (),
    )


def _check_single(found: Mapping[str, tuple[int, ...]], header: Sequence[str], mapped: Mapped) -> None:
    """See that no field was found in one of two columns of a name, unless somebody said which it is."""
    for field, places in found.items():
        for place in places:
            if field not in mapped and (other := numbered(header[place], 2)) in header:
                raise Refused(
                    f"names two columns so; say which one is the {field}, by --map {field}=… with "
                    f"{header[place]!r} or {other!r}",
                    column=header[place],
                )


def _items(header: Sequence[str]) -> str | None:
    return next((name for name in header if header_words.ITEM.search(header_words.plain(name))), None)


def _without_told(
    found: Mapping[str, tuple[int, ...]], told: Mapping[str, tuple[int, ...]], header: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """What is found beside what is told: no told field, none that it stands for, and no told column."""
    taken: dict[int, str] = {}
    for field, places in told.items():
        for place in places:
            other = taken.setdefault(place, field)
            if other != field:
                raise WrongUsage(f"The column {header[place]!r} is mapped to {other} and to {field}.")
    gone = told.keys() | {_INSTEAD.get(field) for field, places in told.items() if places}
    kept = {
        field: tuple(place for place in places if place not in taken)
        for field, places in found.items()
        if field not in gone
    }
    return {field: places for field, places in kept.items() if places}


def _place(header: Sequence[str], column: str, field: str) -> int:
    if column in header:
        return header.index(column)
    alike = [place for place, name in enumerate(header) if name.casefold() == column.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(column, header, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {_listed(header)}."
    raise WrongUsage(f"There is no column {column!r} for {field}; {hint}")


def _complete(found: dict[str, tuple[int, ...]], header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The same without what means nothing there."""
    if not {"user_id", "email"} & found.keys():
        raise Refused(
            "has no column that says who the customer is; "
            f"name it by --map user_id=… or email=…. Its columns are {_listed(header)}"
        )
    if "money_spent" in found and not {"date", "year"} & found.keys():
        raise Refused(
            "has amounts but no column that says when they were paid; "
            f"name it by --map date=… or year=…. Its columns are {_listed(header)}"
        )
    if "item" in found and "order_id" not in found:
        raise Refused(
            "has no column with the numbers of orders, whose items its lines are; name it by --map order_id=…"
        )
    return found


def _of_customers(
    found: Mapping[str, tuple[int, ...]], header: Sequence[str], told: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """What is known of customers, in a file that is no list of orders whose amounts nobody named."""
    left = {field: places for field, places in found.items() if field not in _OF_PAYMENTS}
    if left.keys() == {"user_id"}:
        raise Refused(
            "has neither amounts nor anything about customers; name a column by --map money_spent=…. "
            f"Its columns are {_listed(header)}"
        )
    of_orders = header_words.of_orders(header) or [
        header[place] for field in _OF_PAYMENTS for place in told.get(field, ())
    ]
    if of_orders and "money_spent" not in told:
        raise Refused(
            f"looks like a list of orders by its column{'s' * (len(of_orders) > 1)} "
            f"{_listed(of_orders, 8)}. Name the amount paid and its date by --map money_spent=…,date=…; "
            "--map money_spent= says that it is a list of customers, from which no payments are taken",
            code="orders_or_customers",
            values=(_listed(of_orders, 8),),
        )
    return left


def _cut(
    platform: Platform,
    fields: Sequence[str],
    found: Mapping[str, tuple[int, ...]],
    told: Mapping[str, tuple[int, ...]],
) -> dict[str, str]:
    """Which of a platform's columns were cut off, and nobody said anything about, by their fields."""
    return {field: platform.fields[field][0] for field in fields if field not in found and field not in told}


def _columns_cut(platform: Platform, cut: Mapping[str, str]) -> Refused:
    columns = ", ".join(map(repr, cut.values()))
    return Refused(
        f"looks like {platform.name} without {columns}: what takes money off an order may be lost. "
        "Export every column, or name columns that say the same; "
        f"--map {','.join(f'{field}=' for field in cut)} says that there is nothing to lose",
        code="columns_cut",
        values=(platform.name, columns),
    )


def _listed(header: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(repr(column[:40]) for column in header[:most])
    return f"{shown} and {len(header) - most:,} more" if len(header) > most else shown
