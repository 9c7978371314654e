"""Which column of a file is which of our fields: by a platform's header, by its own name, or as told."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smetka.errors import WrongUsage
from smetka.ledger.imports.platforms import recognise
from smetka.ledger.imports.refused import Refused

FIELDS = (
    "user_id",
    "email",
    "name",
    "age",
    "birth_date",
    "money_spent",
    "date",
    "year",
    "order_id",
    "currency",
    "status",
    "refunded",
    "cancelled_at",
)
"""What a column can be; `outstanding` and `payment_method` beside these are Shopify's alone."""

_INSTEAD = {"date": "year", "year": "date", "age": "birth_date", "birth_date": "age"}
_UNSEEN = "payment_method"

_OF_PAYMENTS = FIELDS[FIELDS.index("money_spent") + 1 :]
_PAIR = re.compile(r'\s*([^=,"]*?)\s*=\s*("(?:[^"]|"")*"|[^,"]*)\s*(?:,|$)')
_LARGEST_MAPPING = 100_000

Mapped = Mapping[str, Sequence[str]]
"""Columns by field. A name may be made of several; a field without any is not taken from the file."""


def parse_mapping(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``FIELD=COLUMN,…``; a column may stand in double quotes, and hold commas and ``=`` then.

    Raises:
        WrongUsage: it is not written so, or names no field of ours.
    """
    mapped: dict[str, list[str]] = {}
    for text in texts:
        position = 0
        while position < len(text):
            found = _PAIR.match(text, position)
            if not found:
                raise WrongUsage(
                    f"--map is FIELD=COLUMN, several parted by commas; {text[position:]!r} is not written so."
                )
            field, column = found[1], found[2].strip()
            if column.startswith('"'):
                column = column[1:-1].replace('""', '"')
            _add(mapped, field, [column] if column else [])
            position = found.end()
    return mapped


def read_mapping(path: Path) -> dict[str, list[str]]:
    """Read a mapping file: TOML, or JSON by its name, of ``FIELD = "COLUMN"`` (or a list, for a name).

    Raises:
        WrongUsage: it cannot be read, or names no field of ours.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_MAPPING).decode("utf-8-sig")
        content: Any = (
            json.loads(raw, object_pairs_hook=_once) if path.suffix.lower() == ".json" else tomllib.loads(raw)
        )
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise WrongUsage(f"{path} is not a mapping in TOML or JSON: {error}.") from None
    if not isinstance(content, dict):
        raise WrongUsage(f'{path} must hold FIELD = "COLUMN" pairs.')
    mapped: dict[str, list[str]] = {}
    for field, columns in content.items():
        listed = [columns] if isinstance(columns, str) else columns
        if not isinstance(listed, list) or not all(isinstance(column, str) for column in listed):
            raise WrongUsage(f"{path}: {field} must be the name of a column.")
        _add(mapped, field, [column for column in listed if column])
    return mapped


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        fields = [field for field, _ in pairs]
        twice = next(field for field in fields if fields.count(field) > 1)
        raise WrongUsage(f"The field {twice} is mapped twice.")
    return content


def _add(mapped: dict[str, list[str]], field: str, columns: list[str]) -> None:
    if field not in FIELDS:
        raise WrongUsage(f"There is no field {field!r} to map; fields are {', '.join(FIELDS)}.")
    if field in mapped and field != "name":
        raise WrongUsage(f"The field {field} is mapped twice.")
    mapped.setdefault(field, []).extend(columns)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields stand in the rows of one file.

    Attributes:
        recognised: the platform's export that it is.
        at: places in a row by field.
        named: names of the columns by field, for people.
        has_items: several lines may be one order's, each with its total: the platform writes one for each
            item.
    """

    recognised: str | None
    at: Mapping[str, tuple[int, ...]]
    named: Mapping[str, str]
    has_items: bool = False

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
            and self.at.keys() <= {"user_id", "money_spent", "date", "year"}
            and "user_id" in self.at
            and not self.at.keys() >= {"date", "year"}
        )


def find_columns(header: Sequence[str], mapped: Mapped) -> Columns:
    """Find the fields in a header; what is told goes before what is found.

    Raises:
        WrongUsage: a column that was told is not there, or was told for two fields.
        Refused: too little is there to import anything; the reason says what is missing.
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
        found = {field: (own[field],) for field in FIELDS if field in own}
    of_platform = dict(found)
    told = {
        field: tuple(_place(header, column, field) for column in columns) for field, columns in mapped.items()
    }
    found = _without_told(found, told, header) | {field: places for field, places in told.items() if places}
    found = _complete(found, header)
    return Columns(
        recognised=platform.name if platform else None,
        at=found,
        named={
            field: (" + " if field == "name" else " or ").join(header[place] for place in places)
            for field, places in found.items()
            if field != _UNSEEN
        },
        has_items=platform is not None
        and all(found.get(field) == of_platform.get(field) for field in ("order_id", "money_spent")),
    )


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
    if "money_spent" not in found:
        found = {field: places for field, places in found.items() if field not in _OF_PAYMENTS}
        if found.keys() == {"user_id"}:
            raise Refused(
                "has neither amounts nor anything about customers; name a column by --map money_spent=…. "
                f"Its columns are {_listed(header)}"
            )
    elif not {"date", "year"} & found.keys():
        raise Refused(
            "has amounts but no column that says when they were paid; "
            f"name it by --map date=… or year=…. Its columns are {_listed(header)}"
        )
    return found


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(repr(column[:40]) for column in header[:20])
    return f"{shown} and {len(header) - 20:,} more" if len(header) > 20 else shown
