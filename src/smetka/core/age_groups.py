"""Age groups: inclusive ranges of whole years, as the shop draws them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

OLDEST_AGE = 150
"""Ages above this, or below 0, count as unknown."""

_RANGE = re.compile(r"([0-9]{1,3})-([0-9]{1,3})")
_ABOVE = re.compile(r">([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """Customers from `lowest` to `highest` years, both included, under the name the shop gave."""

    name: str
    lowest: int
    highest: int

    def __contains__(self, age: object) -> bool:
        return isinstance(age, int) and self.lowest <= age <= self.highest


def group_of(age: int | None, groups: Iterable[AgeGroup]) -> AgeGroup | None:
    """The group of an age; None for whoever is in none, or whose age is unknown."""
    return next((group for group in groups if age in group), None)


def name_of_group(age: int | None, groups: Iterable[AgeGroup]) -> str | None:
    """The name of that group."""
    group = group_of(age, groups)
    return group.name if group else None


def parse_age_groups(text: str) -> tuple[AgeGroup, ...]:
    """Read ``18-24,25-30,>47`` in the order given.

    Raises:
        ValueError: a range that is not ``from-to`` or ``>above``, is empty or overlaps another.
    """
    groups = tuple(_parse_group(part.strip()) for part in text.split(","))
    ordered = sorted(groups, key=lambda group: group.lowest)
    for younger, older in pairwise(ordered):
        if older.lowest <= younger.highest:
            raise ValueError(f"{younger.name} and {older.name} overlap")
    return groups


def _parse_group(text: str) -> AgeGroup:
    if match := _RANGE.fullmatch(text):
        lowest, highest = int(match[1]), int(match[2])
    elif match := _ABOVE.fullmatch(text):
        lowest, highest = int(match[1]) + 1, OLDEST_AGE
    else:
        raise ValueError(f"{text!r} is neither a range such as 18-24 nor one such as >47")
    if lowest > highest or highest > OLDEST_AGE:
        raise ValueError(f"{text} holds no age between 0 and {OLDEST_AGE}")
    return AgeGroup(text, lowest, highest)
