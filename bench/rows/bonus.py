"""The year-end: collecting, issuing and redeeming."""

from __future__ import annotations

import json
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from bench.commands import smetka_command
from bench.figures import Figure
from bench.ledgers import PAYMENTS_EACH, ledger
from bench.load import Load, WrongAnswer, fire
from bench.rows.sizes import Sizes, count
from bench.servers import mongodb_uri, smetka
from smetka.storage import Storage, schema
from smetka.storage.batches import SCATTERED
from smetka.storage.collection_rules import CollectionRules
from smetka.storage.schema import BONUS_CUSTOMERS, VOUCHERS
from smetka.storage.walk import records

_CAMPAIGN, _YEAR = "year-end", 2026
_RULES = ("--year", str(_YEAR), "--voucher-value", "100", "--valid-until", "2099-12-31", "--threshold", "0")

Documents = Database[dict[str, Any]]


@dataclass(frozen=True)
class _Run:
    """A command that was run: what it printed, how long it took, its largest resident memory."""

    told: Any
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class _Kind:
    """Something that writes a document for each customer."""

    what: str
    rules: CollectionRules
    command: tuple[str, ...]
    which: dict[str, Any]
    written: str


_COLLECT = _Kind(
    "`smetka bonus collect`",
    BONUS_CUSTOMERS,
    ("bonus", "collect", "--year", str(_YEAR)),
    {"year": _YEAR},
    "stored",
)
_ISSUE = _Kind(
    "`smetka campaign issue`",
    VOUCHERS,
    ("campaign", "issue", _CAMPAIGN),
    {"campaign": _CAMPAIGN},
    "vouchers_issued",
)


def year_end(sizes: Sizes) -> list[Figure]:
    """Collecting and issuing, whole commands, beside a bare `insert_many` of what they wrote."""
    few, many = sizes.bonus_customers // 10, sizes.bonus_customers
    of_few = _measure(sizes, few)
    return [
        figure
        for found, small in zip(_measure(sizes, many), of_few, strict=True)
        for figure in found.figures(many, few, small.first.megabytes)
    ]


@dataclass(frozen=True)
class _Found:
    """What came of one kind: the command twice, then the bare writer with and without a validator."""

    kind: _Kind
    first: _Run
    again: _Run
    documents: int
    bare_seconds: float
    without_validator_seconds: float

    def figures(self, many: int, few: int, few_megabytes: float) -> list[Figure]:
        what = f"{self.kind.what} of {count(many)} customers"
        rate = self.documents / self.first.seconds
        rows = [
            Figure(
                what,
                f"a bare `insert_many` of the same documents into a collection {how}",
                f"{rate:,.0f}/s",
                f"{self.documents / seconds:,.0f}/s",
                rate / (self.documents / seconds),
                0.5,
                at_least=True,
            )
            for how, seconds in (
                ("of the same index and validator", self.bare_seconds),
                ("of the same index", self.without_validator_seconds),
            )
        ]
        return [
            *rows,
            Figure(
                f"{what}, again",
                "the first time",
                f"{self.again.seconds:.1f} s",
                f"{self.first.seconds:.1f} s",
                self.again.seconds / self.first.seconds,
                1.0,
                at_least=False,
            ),
            Figure(
                f"{what}: largest memory",
                f"of {count(few)} customers",
                f"{self.first.megabytes:.0f} MB",
                f"{few_megabytes:.0f} MB",
                self.first.megabytes / few_megabytes,
                1.2,
                at_least=False,
            ),
        ]


def _measure(sizes: Sizes, customers: int) -> list[_Found]:
    path = ledger(sizes.folder, customers * PAYMENTS_EACH)
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", path, settings={"SMETKA_BONUS_THRESHOLD": "0"}),
        _client(folder) as client,
    ):
        _run(folder, path, "campaign", "create", _CAMPAIGN, *_RULES)
        return [_one(folder, path, client, kind) for kind in (_COLLECT, _ISSUE)]


def _one(folder: Path, path: Path, client: MongoClient[dict[str, Any]], kind: _Kind) -> _Found:
    first = _run(folder, path, *kind.command)
    again = _run(folder, path, *kind.command)
    with closing(Storage(mongodb_uri(folder / "smetka"))) as storage:
        documents = list(records(storage, kind.rules.name, kind.which))
    if not len(documents) == first.told[kind.written] > again.told[kind.written] == 0:
        raise WrongAnswer(f"{kind.what} wrote {first.told}, then {again.told}: {len(documents)} documents")
    bench = client[f"bench_{kind.rules.name}"]
    schema.ensure(bench)
    bare = _insert(bench[kind.rules.name], documents)
    bench["bare"].create_indexes(list(kind.rules.indexes))
    without_validator = _insert(bench["bare"], documents)
    return _Found(kind, first, again, len(documents), bare, without_validator)


def _client(folder: Path) -> MongoClient[dict[str, Any]]:
    return MongoClient(mongodb_uri(folder / "smetka"), timeoutMS=60_000)


def _insert(collection: Collection[dict[str, Any]], documents: list[dict[str, Any]]) -> float:
    began = time.perf_counter()
    # More at a time would fill the embedded server's cache for good.
    for place in range(0, len(documents), SCATTERED):
        collection.insert_many(documents[place : place + SCATTERED], ordered=False)
    return time.perf_counter() - began


def _run(folder: Path, path: Path, *arguments: str) -> _Run:
    """Run a command beside the server; its printed JSON must say what it did."""
    done = smetka_command(folder / "smetka", path, *arguments, "--json")
    return _Run(json.loads(done.printed), done.seconds, done.megabytes)


def redeeming(sizes: Sizes) -> list[Figure]:
    """One client at the cash desk, beside a bare `update_one` of the same fields, each on disk."""
    path = ledger(sizes.folder, sizes.payments)
    ours, theirs = [], []
    with (
        sizes.workplace() as folder,
        smetka(folder / "smetka", path) as server,
        _client(folder) as client,
    ):
        vouchers = sizes.posts * sizes.rounds
        limit = ("--most-vouchers", str(vouchers))
        _run(folder, path, "campaign", "create", _CAMPAIGN, *_RULES, *limit)
        _run(folder, path, *_ISSUE.command)
        documents = list(client["smetka"]["vouchers"].find())
        codes = [document["_id"] for document in documents]
        bench = client["bench"]
        schema.ensure(bench)
        _insert(bench["vouchers"], documents)
        for place in range(0, vouchers, sizes.posts):
            portion = codes[place : place + sizes.posts]
            load = Load(
                "/api/v1/vouchers/{id}/redeem",
                portion,
                '{"reference": "order 1"}',
                (200,),
                '"redeemed"',
                clients=1,
                seconds=None,
            )
            ours.append(fire(server, load).median)
            theirs.append(statistics.median(_updates(bench, portion)))
        for stored in (client["smetka"]["vouchers"], bench["vouchers"]):
            if (found := stored.count_documents({"status": "redeemed"})) != vouchers:
                raise WrongAnswer(f"{stored.full_name} has {found} redeemed vouchers, not {vouchers}")
    mine, bare = statistics.median(ours), statistics.median(theirs)
    return [
        Figure(
            "redeeming a voucher, one client, median",
            "a bare `update_one` by pymongo, same MongoDB",
            f"{mine * 1000:.2f} ms",
            f"{bare * 1000:.2f} ms",
            mine / bare,
            4.0,
            at_least=False,
        )
    ]


def _updates(bench: Documents, codes: list[str]) -> list[float]:
    """Redeem each as an update that only the first of two could make; how long each took."""
    took = []
    for code in codes:
        began = time.perf_counter()
        change = {"$set": {"status": "redeemed", "revision": 1}}
        bench["vouchers"].update_one({"_id": code, "revision": 0}, change)
        took.append(time.perf_counter() - began)
    return took
