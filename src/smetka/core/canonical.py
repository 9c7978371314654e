"""Numbers as people may write them where a number is asked for as text: one spelling each."""

from __future__ import annotations

import re

LARGEST_ID = 2**63 - 1
LATEST_YEAR = 9999

_CANONICAL = re.compile(r"[1-9][0-9]{0,18}")


def canonical(text: object, largest: int) -> int:
    """A whole number from 1 to `largest` in ASCII digits, without sign or leading zero.

    Raises:
        ValueError: anything else; the message states the rule, to go on from the value's name.
    """
    if isinstance(text, str) and _CANONICAL.fullmatch(text) and int(text) <= largest:
        return int(text)
    raise ValueError(
        f"must be a whole number from 1 to {largest}, in plain digits without sign or leading zero"
    )
