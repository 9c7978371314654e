"""Which column is which of our fields, as somebody says it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from smetka.core.errors import WrongUsage

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
    "outstanding",
    "cancelled_at",
    "item",
)
"""What a column can be; `payment_method` beside these is Shopify's alone. `item` is only ever told:
that the lines of one order repeat its total."""

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
