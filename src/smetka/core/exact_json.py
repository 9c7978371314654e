"""JSON without surprises: amounts are never floats, and input is one strict value or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import simplejson

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects that is read; ours need two."""


def _encoder(indent: int | None) -> simplejson.JSONEncoder:
    return simplejson.JSONEncoder(
        use_decimal=True,
        allow_nan=False,
        indent=indent,
        separators=(",", ":") if indent is None else (",", ": "),
    )


_COMPACT = _encoder(None)


class Written(str):
    """A JSON value that is written already."""

    __slots__ = ()


def with_member(written: str, name: str, value: Any) -> Written:
    """A JSON object that is written already, with one more member at its end."""
    return Written(f'{written[:-1]},"{name}":{dumps(value)}}}')


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON. A Decimal becomes a number to the last digit; text is escaped to ASCII."""
    if isinstance(value, Written):
        return value
    return _COMPACT.encode(value) if indent is None else _encoder(indent).encode(value)


def instant(time: datetime) -> str:
    """An aware time as it stands in JSON: UTC, whole seconds (RFC 3339)."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def loads(raw: bytes) -> Any:
    """Read exactly one JSON value (RFC 8259), every fractional number as a Decimal.

    Refused beyond what the standard library refuses: NaN and Infinity, the same key twice, a byte
    order mark, bad UTF-8, escaped lone surrogates and nesting deeper than `MAX_DEPTH`.

    Raises:
        ValueError: with a sentence for the caller, and nothing of the input in it.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("The body is not valid UTF-8.") from None
    if not text.strip(" \t\r\n"):
        raise ValueError("The body is empty; a JSON object is needed.")
    if text.startswith("\ufeff"):
        raise ValueError("The body begins with a byte order mark, which JSON does not allow.")
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"The body is not valid JSON at line {error.lineno}, column {error.colno}."
        ) from None
    _refuse_surrogates(value)
    return value


def _depth(text: str) -> int:
    """How deep brackets nest, those inside of strings left out."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that Decimal cannot hold. It is a JSON number all the same: one that no rule
        # about values allows, however large or small exactly.
        mantissa, _, exponent = text.lower().partition("e")
        if not mantissa.strip("-0."):
            return Decimal(0)
        sign = "-" if mantissa.startswith("-") else ""
        return Decimal(f"{sign}1E{'-' if exponent.startswith('-') else '+'}1000")


def _integer(text: str) -> int | Decimal:
    # int() refuses thousands of digits with a message about interpreter settings.
    return int(text) if len(text) <= 100 else _decimal(text)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("The body names the same key twice in one object.")
    return value


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("The body holds half of a surrogate pair, which is no character.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
