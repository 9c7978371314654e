"""What a collection accepts, as it is told to MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import HASHED, IndexModel


@dataclass(frozen=True)
class CollectionRules:
    """What one collection accepts. `optional` fields may be absent or null; the others may not."""

    name: str
    version: int
    fields: Mapping[str, Mapping[str, Any]]
    optional: frozenset[str] = frozenset()
    following: frozenset[str] = frozenset()
    """Fields that follow from others, which no backup has."""
    indexes: tuple[IndexModel, ...] = ()
    backed_up: bool = True
    """False for what belongs to processes that run now: leases, signs of life."""
    shard_key: tuple[tuple[str, int | str], ...] = (("_id", HASHED),)
    """What a sharded cluster divides the records by, as docs/scaling.md says: no index but this one, what
    begins with it and `_id` can be unique there, and a change of one record names all of it."""

    @property
    def validator(self) -> dict[str, Any]:
        """The rule in MongoDB's words. The title carries the version."""
        return {
            "$jsonSchema": {
                "title": f"{self.name} {self.version}",
                "bsonType": "object",
                "required": [field for field in self.fields if field not in self.optional],
                "properties": {"_id": {}} | {field: self._rule(field) for field in self.fields},
                "additionalProperties": False,
            }
        }

    def _rule(self, field: str) -> Mapping[str, Any]:
        rule = self.fields[field]
        return {"anyOf": [rule, {"bsonType": "null"}]} if field in self.optional else rule
