"""Makes what `schema` declares, where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from smetka.storage.collection_rules import CollectionRules
from smetka.storage.faults import Unfit, needed
from smetka.storage.schema import ALL

NAMESPACE_EXISTS = 48
CANNOT_CREATE_INDEX = 67
MOST_INDEXED_LATER = 2000
"""Records of which the embedded server makes an index afterwards: it puts each entry on the disk by itself,
a thousand in 2 s, and answers nobody meanwhile."""
MOST_LOOKED_AT = 150_000
"""The same of an index that none of them belongs in yet: it looks at each, 100,000 in 3 to 9 s."""
UNAUTHORIZED = 13


def ensure(database: Database[dict[str, Any]]) -> bool:
    """Make the collections, validators and indexes that are missing.

    Safe to repeat, and for several processes at once; existing records are not looked at.

    Returns:
        A collection was missing.

    Raises:
        Unfit: the server does not have such, or the user may not change those of an earlier version.
        PyMongoError: the server is away, or refuses.
    """
    there = {info["name"]: info.get("options", {}) for info in database.list_collections()}
    for rules in ALL:
        with needed("validators"):
            if rules.name not in there:
                _create(database, rules)
            elif _is_older(there[rules.name].get("validator", {}), rules):
                _widen(database, rules)
        if rules.indexes:
            _index(database[rules.name], rules)
    return any(rules.name not in there for rules in ALL)


def _index(records: Collection[dict[str, Any]], rules: CollectionRules) -> None:
    is_unique = any(index.document.get("unique") for index in rules.indexes)
    with needed("unique indexes" if is_unique else "indexes"):
        if not is_unique and _would_take_long(records, rules):
            return
        try:
            records.create_indexes(list(rules.indexes))
        except OperationFailure as error:
            # Some make no index where records are, not even one that is there.
            if error.code != CANNOT_CREATE_INDEX or not _has_all(records, rules):
                raise


def _would_take_long(records: Collection[dict[str, Any]], rules: CollectionRules) -> bool:
    """Whether an index that only makes faster is better left out: lists are read as a whole then."""
    there = records.index_information()
    missing = [index.document for index in rules.indexes if index.document["name"] not in there]
    most = min((MOST_LOOKED_AT if each.get("sparse") else MOST_INDEXED_LATER for each in missing), default=0)
    return (
        bool(missing)
        and "secantusVersion" in records.database.command("buildInfo")
        and records.estimated_document_count() > most
    )


def _has_all(records: Collection[dict[str, Any]], rules: CollectionRules) -> bool:
    there = records.index_information()
    return all(
        name in there and bool(there[name].get("unique")) == bool(index.document.get("unique"))
        for index in rules.indexes
        for name in [index.document["name"]]
    )


def _create(database: Database[dict[str, Any]], rules: CollectionRules) -> None:
    try:
        database.create_collection(rules.name, check_exists=False, validator=rules.validator)
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:  # another process was faster
            raise


def _widen(database: Database[dict[str, Any]], rules: CollectionRules) -> None:
    try:
        database.command("collMod", rules.name, validator=rules.validator, validationLevel="strict")
    except OperationFailure as error:
        # The role readWrite has every right that we need but this one.
        if error.code != UNAUTHORIZED:
            raise
        raise Unfit(("collMod",), str(error)) from None


def _is_older(validator: Mapping[str, Any], rules: CollectionRules) -> bool:
    title = str(validator.get("$jsonSchema", {}).get("title", ""))
    version = title.rpartition(" ")[2]
    return not version.isdecimal() or int(version) < rules.version
