"""Ready for a sharded cluster: what is unique stays so there, and each change of a record finds its shard.

The embedded server has no shards. What is looked at here is what a cluster asks of its clients: the
declared indexes, and every write as it is sent.
"""

from __future__ import annotations

import ast
import re
import sqlite3
import sys
import uuid
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pymongo.monitoring
import pytest
from pymongo import ASCENDING, HASHED, IndexModel, MongoClient

import smetka
from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.collection import collect
from smetka.bonus.issuing import Confirmed, Issuing
from smetka.bonus.records import BonusCustomers
from smetka.bonus.redemptions import Order, Redemptions
from smetka.bonus.rules import Rules
from smetka.bonus.vouchers import of_campaign
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.storage import Storage, schema
from smetka.storage.backup import back_up
from smetka.storage.collection_rules import CollectionRules
from smetka.storage.lease import Lease
from smetka.storage.newest import NewestFirst
from smetka.storage.restore import restore
from smetka.telegram.chats import Chats
from smetka.telegram.delivery import DELIVERED, FAILED, WAITING
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.schedules import Schedules
from smetka.telegram.state import Health, beat
from tests.storage.test_walk import customer

SOURCES = Path(smetka.__file__).parent
PAGE = SOURCES.parent.parent / "docs" / "scaling.md"
RULES = {rules.name: rules for rules in schema.ALL}
BY_USER = (("user_id", ASCENDING), ("year", ASCENDING))


def broken(rules: CollectionRules) -> list[str]:
    """What a sharded cluster would refuse, or not keep, of a collection's rules."""
    key = list(rules.shard_key)
    fields = [field for field, _ in key]
    indexes = [(list(index.document["key"].items()), index.document.get("unique")) for index in rules.indexes]
    unique = [keys for keys, is_unique in indexes if is_unique]
    found = [
        f"{field} may be missing"
        for field in fields
        if field != "_id" and (field not in rules.fields or field in rules.optional)
    ]
    if any(kind == HASHED for _, kind in key):
        found += [f"{keys} cannot be unique beside a hashed key" for keys in unique]
    else:
        found += [f"{keys} does not begin with the shard key" for keys in unique if keys[: len(key)] != key]
        if all(keys[: len(key)] != key for keys, _ in indexes):
            found.append("no index carries the shard key")
    if "_id" not in fields and "_id" in rules.fields:
        found.append("`_id` has a meaning, and is unique in each shard alone")
    return found


@pytest.mark.parametrize("rules", schema.ALL, ids=lambda rules: rules.name)
def test_all_that_is_unique_begins_with_the_shard_key_or_is_the_id(rules):
    assert broken(rules) == []


@pytest.mark.parametrize(
    ("key", "index", "complaint"),
    [
        pytest.param(BY_USER, [("year", 1), ("user_id", 1)], "does not begin", id="the other way round"),
        pytest.param(BY_USER, [("user_id", 1)], "does not begin", id="unique on less than the key"),
        pytest.param((("_id", HASHED),), [("user_id", 1)], "beside a hashed", id="unique beside a hashed id"),
        pytest.param((("user_id", HASHED),), [("user_id", 1)], "beside a hashed", id="hashed, and unique"),
        pytest.param((("user_id", 1), ("gone", 1)), [("user_id", 1), ("gone", 1)], "missing", id="no such field"),
        pytest.param((("user_id", 1), ("note", 1)), [("user_id", 1), ("note", 1)], "missing", id="optional"),
        pytest.param((("year", 1),), None, "no index carries", id="no index"),
        pytest.param((("year", 1),), [("year", 1)], "in each shard alone", id="an id of our own beside it"),
    ],
)  # fmt: skip
def test_rules_that_a_cluster_could_not_keep_are_noticed(key, index, complaint):
    fields = {"user_id": {}, "year": {}, "note": {}}
    rules = CollectionRules(
        name="broken",
        version=1,
        fields=fields | ({"_id": {}} if "shard alone" in complaint else {}),
        optional=frozenset({"note"}),
        indexes=(IndexModel(index, name="index", unique=True),) if index else (),
        shard_key=key,
    )

    assert any(complaint in fault for fault in broken(rules))


def test_no_collection_is_used_that_is_not_declared():
    used = {
        name
        for file in SOURCES.rglob("*.py")
        for name in re.findall(r"collection\(\"(\w+)\"\)", file.read_text())
    }
    declared = {rules.name for rules in vars(schema).values() if isinstance(rules, CollectionRules)}

    assert used
    assert used <= RULES.keys() == declared


def test_a_server_has_the_declared_indexes_and_no_other_unique_one(storage):
    storage.ping(30)
    database = storage.collection("leases").database

    for name, rules in RULES.items():
        there = database[name].index_information()
        assert {key for key, index in there.items() if index.get("unique") and key != "_id_"} == {
            index.document["name"] for index in rules.indexes if index.document.get("unique")
        }


@pytest.mark.parametrize("rules", schema.ALL, ids=lambda rules: rules.name)
def test_the_commands_in_the_documentation_are_of_the_declared_keys(rules):
    key = ", ".join(
        f'{field}: "{kind}"' if kind == HASHED else f"{field}: {kind}" for field, kind in rules.shard_key
    )
    is_unique = any(
        list(index.document["key"].items()) == list(rules.shard_key) and index.document.get("unique")
        for index in rules.indexes
    )
    wanted = f'sh.shardCollection("smetka.{rules.name}", {{{key}}}{", true" if is_unique else ""})'

    assert wanted in PAGE.read_text().splitlines()


# Every write as it is sent.

WRITES = {"insert", "update", "delete", "findAndModify"}
CALLS = {
    "insert_one", "insert_many", "update_one", "update_many", "replace_one", "delete_one", "delete_many",
    "bulk_write", "find_one_and_update", "find_one_and_replace", "find_one_and_delete",
}  # fmt: skip

# The probe is for the embedded server alone, in a database that is never sharded.
UNWATCHED = {"storage/embedded.py:probe"}

# Those that change many records at once need no key: each shard does its part.
OF_MANY = {("issues", "delete"), ("checks", "delete")}


class Listener(pymongo.monitoring.CommandListener):
    """Keeps every write with the function that asked for it."""

    def __init__(self):
        self.seen = []

    def started(self, event):
        if event.command_name in WRITES:
            self.seen.append((_asker(), event.command_name, event.command))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def _asker() -> str:
    frame = sys._getframe()
    while frame := frame.f_back:
        path, name = Path(frame.f_code.co_filename), frame.f_code.co_name
        if path.is_relative_to(SOURCES) and not name.startswith("<"):
            return f"{path.relative_to(SOURCES)}:{name}"
    raise AssertionError("a write of nobody")


def places_that_write() -> set[str]:
    """Every function that calls a writing method of the driver, by file and name."""
    found = set()
    for file in SOURCES.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS
                for node in ast.walk(function)
            ):  # fmt: skip
                found.add(f"{file.relative_to(SOURCES)}:{function.name}")
    return found


def of_one(kind: str, command: Mapping) -> list[tuple[Mapping, Mapping]]:
    """The filters and changes of what a command does to one record each; an insert's records as filters."""
    match kind:
        case "insert":
            return [(record, {}) for record in command["documents"]]
        case "update":
            return [(each["q"], each["u"]) for each in command["updates"] if not each.get("multi")]
        case "delete":
            return [(each["q"], {}) for each in command["deletes"] if each["limit"] == 1]
        case _:
            return [(command["query"], command.get("update", {}))]


def loose(kind: str, command: Mapping) -> list[str]:
    """What of a write would have to ask every shard, or would move a record from its shard."""
    key = [field for field, _ in RULES[command[kind]].shard_key]
    found = []
    for query, change in of_one(kind, command):
        named = [field for field in key if field in query and not isinstance(query[field], Mapping)]
        if named != key:
            found.append(f"{command[kind]} by {list(query)}")
        found += [
            f"{command[kind]} changes {field}"
            for fields in change.values()
            for field in key
            if not isinstance(fields, Mapping) or field in fields
        ]
    return found


class Shop:
    """Figures for schedules, of a shop without any."""

    current_year = 2026

    def shop(self, year):
        return {"year": year, "customers": 0}


class Clock:
    def __init__(self):
        self.time = datetime(2026, 12, 30, 12, tzinfo=UTC)

    def __call__(self):
        return self.time


@pytest.fixture(scope="module")
def writes(embedded_server, tmp_path_factory):
    """All writes of a year in a shop: each place in the code that writes does so at least once."""
    listener, storages, clock, folder = Listener(), [], Clock(), tmp_path_factory.mktemp("shop")

    def connect(*older: Mapping) -> Storage:
        uri = urlsplit(embedded_server.uri)._replace(path=f"/test_{uuid.uuid4().hex[:12]}").geturl()
        if older:
            with MongoClient(uri) as client:
                client.get_default_database().bonus_customers.insert_many(older)
        storages.append(Storage(uri, patience=30))
        storages[-1]._address.options["event_listeners"] = [listener]
        storages[-1].ping(30)
        return storages[-1]

    storage = connect()
    store_customers(storage, clock)
    issue_and_redeem(storage, clock, folder)
    send_messages(storage, clock)
    look_after_chats(storage, clock)
    look_at_the_newest(storage)
    back_up(storage, folder / "backup", version="1", now=clock)
    restore(connect(), folder / "backup")
    connect(customer(1))
    yield listener.seen
    for each in storages:
        each.close()


def store_customers(storage, clock):
    customers = BonusCustomers(storage, clock)

    def store(user_id, cents, ledger_cents=2000_00, by=customers):
        by.store(user_id, 2026, Money(cents), threshold=Money(1000_00), ledger_total=Money(ledger_cents))

    for user_id in (1, 2, 3):
        store(user_id, 2000_00)
    store(1, 2500_00)
    store(1, 2600_00, by=BonusCustomers(storage, clock))  # a process that does not know the customer
    customers.decide(2026, 2, "approved")
    store(2, 2000_00)
    store(2, 3000_00)
    customers.decide(2026, 3, "rejected")
    store(3, 3000_00)
    customers.decide(2026, 3, "removed")


def shop_of(path: Path, spent: int) -> Ledger:
    """A ledger of seven customers who spent so much each in 2026."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            f"""
            CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER);
            CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
            INSERT INTO user_info (user_id) VALUES (1), (2), (3), (4), (5), (6), (7);
            INSERT INTO user_spending SELECT user_id, {spent}, 2026 FROM user_info;
            """
        )
    return Ledger(str(path))


def issue_and_redeem(storage, clock, folder):
    ledger, later = shop_of(folder / "shop.db", 1500), shop_of(folder / "later.db", 1700)
    for each in (ledger, later):
        clock.time += timedelta(minutes=1)
        collect(each, storage, year=2026, threshold=Money(1000_00), now=clock)
    rules = Rules("gifts", 2026, Money(1000_00), Money(100_00), date(2026, 12, 1), date(2027, 1, 31))
    campaigns = Campaigns(storage, now=clock)
    campaigns.create(rules, timezone="Europe/Skopje", currency="MKD")
    before = campaigns.get("gifts")
    issuing = Issuing(ledger, storage, now=clock)
    issuing._begin(before, Confirmed())
    issuing._begin(before, Confirmed())  # a run that lost the race: its list is taken away again
    issuing.issue("gifts", "manager")
    redemptions = Redemptions(storage, Audit(storage, now=clock), now=clock)
    first, second, *_ = of_campaign(storage, "gifts")
    for action in ("reserve", "redeem", "reverse"):
        redemptions.carry_out(first.code, Order(action, "desk", key=action))
    redemptions.carry_out(second.code, Order("void", "manager"))
    for each in (ledger, later):
        each.close()


def send_messages(storage, clock):
    outbox, lease = Outbox(storage, now=clock), Lease(storage, "sender", now=clock, seconds=0)
    assert lease.hold()
    assert lease.hold()  # renewed
    first, second, third = outbox.queue("week 52", "shop", {"year": 2026}, [1, 2, "@shop"])
    claimed = outbox.claim(outbox.get(first), lease.owner)
    assert outbox.settle(claimed, DELIVERED, message_id=1, delivered_at=clock(), reason=None)
    assert outbox.settle(outbox.claim(outbox.get(second), lease.owner), FAILED, reason="Blocked.")
    outbox.retry(second)
    outbox.cancel(third)
    lease.release()
    beat(
        storage,
        name="worker",
        telegram=Health(ok=True, detail="Fine."),
        now=clock(),
        deliveries={"queued": 1},
    )
    schedules = Schedules(storage, recipients=[1], timezone=ZoneInfo("Europe/Skopje"), now=clock)
    schedules.add("shop", "0 9 * * *")
    clock.time += timedelta(days=1)
    assert schedules.fire(Shop()) == 1
    schedules.remove("shop")


def look_after_chats(storage, clock):
    chats, invites = Chats(storage, now=clock), Invites(storage, now=clock)
    code, _ = invites.make("manager")
    assert invites.use(code, mark="update 1")
    chats.pair(5, 5, "manager", "mk")
    chats.moved(-5, -100500)
    chats.speak(5, "en")
    chats.pause(5, "Blocked.")
    outbox = Outbox(storage, now=clock)
    (waiting,) = outbox.queue("week 53", "shop", {"year": 2026}, ["5:77"])
    later = clock() + timedelta(hours=1)
    assert outbox.settle(outbox.claim(outbox.get(waiting), "me"), WAITING, next_attempt_at=later)
    assert chats.resume(5)
    assert outbox.get(waiting).next_attempt_at < later
    assert chats.unpair(5)


def look_at_the_newest(storage):
    line = NewestFirst(storage, "audit", "at")
    assert line.page(1)
    line._keep()


def test_each_write_of_one_record_names_the_whole_shard_key_and_leaves_it_as_it_is(writes):
    assert [fault for _, kind, command in writes for fault in loose(kind, command)] == []


def test_what_changes_many_records_at_once_is_what_the_documentation_lists(writes):
    of_many = {
        (command[kind], kind)
        for _, kind, command in writes
        for each in command.get(f"{kind}s", ())
        if each.get("multi") or each.get("limit") == 0
    }

    assert of_many == OF_MANY
    assert all(f"`{name}`" in PAGE.read_text() for name, _ in of_many)


def test_every_place_in_the_code_that_writes_was_watched(writes):
    assert {asker for asker, _, _ in writes} == places_that_write() - UNWATCHED


def update(name, query, **change):
    return "update", {"update": name, "updates": [{"q": query, "u": {"$set": change}}]}


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        pytest.param(*update("bonus_customers", {"user_id": 1}), id="half the key"),
        pytest.param(*update("bonus_customers", {"_id": 1}), id="an id that is not the key"),
        pytest.param(
            *update("bonus_customers", {"user_id": 1, "year": 2026}, year=2027), id="the key changes"
        ),
        pytest.param(*update("vouchers", {"user_id": 1}), id="another field"),
        pytest.param(*update("vouchers", {"_id": {"$gt": ""}}), id="a range"),
        pytest.param("insert", {"insert": "bonus_customers", "documents": [{"user_id": 1}]}, id="no year"),
        pytest.param("delete", {"delete": "vouchers", "deletes": [{"q": {}, "limit": 1}]}, id="a deletion"),
        pytest.param("findAndModify", {"findAndModify": "vouchers", "query": {}}, id="any one"),
    ],
)
def test_a_write_that_names_less_would_be_noticed(kind, command):
    assert loose(kind, command)
