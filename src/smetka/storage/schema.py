"""The rules of our collections, kept by the server itself: validators and unique indexes.

No record holds a name or an e-mail: fields that are not listed are refused. A rule is only ever widened; who
changes one raises its collection's version, so that an older process beside a newer one does no harm.
"""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from smetka.storage.collection_rules import CollectionRules
from smetka.storage.standings import FOLLOWING, standings

_INTEGER = {"bsonType": ["int", "long"]}
_LONG = {"bsonType": "long"}
_MONEY = {"bsonType": "decimal"}
_TIME = {"bsonType": "date"}
_TEXT = {"bsonType": "string"}
_FLAG = {"bsonType": "bool"}
_CHAT = {"bsonType": ["int", "long", "string"]}
_RECORD = {"bsonType": "object"}
_LIST = {"bsonType": "array"}
_LANGUAGE = {"enum": ["en", "mk"]}
_ROLE = {"enum": ["reader", "cashier", "manager", "owner"]}


BONUS_CUSTOMERS = CollectionRules(
    name="bonus_customers",
    version=3,
    fields={
        "user_id": _LONG,
        "year": _INTEGER,
        "total_spending": _MONEY,
        "threshold": _MONEY,
        "ledger_total": _MONEY,
        "matches_ledger": _FLAG,
        "source": {"enum": ["api", "collected"]},
        "review": {"enum": ["none", "pending", "approved", "rejected"]},
        "stored_at": _TIME,
        "updated_at": _TIME,
        "basis_period": _TEXT,
        "ledger_year_total": _MONEY,
        "standing": {"enum": standings()},
        "level": _INTEGER,
        "total_cents": _LONG,
    },
    # Those that follow from others are brought along where they lack: see `upgrade`.
    optional=frozenset({"basis_period", "ledger_year_total", *FOLLOWING}),
    following=frozenset(FOLLOWING),
    # One record a customer and year, whoever races: no hashed key can promise that of two fields.
    shard_key=(("user_id", ASCENDING), ("year", ASCENDING)),
    indexes=(
        IndexModel([("user_id", ASCENDING), ("year", ASCENDING)], name="customer_year", unique=True),
        # Lists, each level by itself: see `ordered` and `standings`.
        IndexModel(
            [(name, ASCENDING) for name in ("standing", "year", "level", "total_cents", "user_id")],
            name="by_total",
            # So that it is made at once where an earlier version's records are, which it does not have. By
            # $gt: of $exists the embedded server does not know that it follows from a value.
            partialFilterExpression={"standing": {"$gt": ""}},
        ),
    ),
)

# `_id` is a year for which customers are stored, `standings` are those that there are or were among them. It
# follows from the records, and is written before the first of each.
BONUS_YEARS = CollectionRules(
    name="bonus_years", version=1, fields={"_id": _INTEGER, "standings": _LIST}, backed_up=False
)

# `_id` is the name. `secret` is what codes are derived from: whoever has it can work out every code.
# `issue` is the newest list of vouchers to write; `issued` says that all of it is written.
CAMPAIGNS = CollectionRules(
    name="campaigns",
    version=1,
    fields={
        "_id": _TEXT,
        "year": _INTEGER,
        "threshold": _MONEY,
        "voucher_value": _MONEY,
        "tiers": _LIST,
        "budget": _MONEY,
        "most_vouchers": _INTEGER,
        "first_day": _TEXT,
        "last_day": _TEXT,
        "timezone": _TEXT,
        "currency": _TEXT,
        "secret": {"bsonType": "binData"},
        "created_at": _TIME,
        "number": _INTEGER,
        "issue": _RECORD,
        "issued": _FLAG,
    },
    optional=frozenset({"budget", "most_vouchers", "issue"}),
)

# Who gets which voucher in one issue, a thousand a record, written before the vouchers themselves.
ISSUES = CollectionRules(
    name="issues",
    version=1,
    fields={
        "_id": _TEXT,
        "campaign": _TEXT,
        "number": _INTEGER,
        "user_ids": _LIST,
        "totals": _LIST,
        "values": _LIST,
        "approved": _LIST,
    },
)

# `_id` is the code. One document is the whole truth of a voucher: `history` are its changes, oldest
# first, and `revision` is what a change is compared with.
VOUCHERS = CollectionRules(
    name="vouchers",
    version=2,
    fields={
        "_id": _TEXT,
        "campaign": _TEXT,
        "user_id": _LONG,
        "value": _MONEY,
        "currency": _TEXT,
        "total_spending": _MONEY,
        "source": {"enum": ["ledger", "approved"]},
        "issue": _INTEGER,
        "status": {"enum": ["issued", "reserved", "redeemed", "void"]},
        "valid_from": _TIME,
        "expires_at": _TIME,
        "timezone": _TEXT,
        "issued_at": _TIME,
        "revision": _INTEGER,
        "reserved_until": _TIME,
        "holder": _TEXT,
        "redeemed_at": _TIME,
        "history": _LIST,
        "changed_at": _TIME,
    },
    optional=frozenset({"reserved_until", "holder", "redeemed_at", "history", "changed_at"}),
    # That there is one a customer and campaign is guarded by `_id`, which is derived from both.
    indexes=(
        IndexModel([("user_id", ASCENDING), ("campaign", ASCENDING)], name="customer_campaign"),
        # Of those that were ever changed: what has changed lately is followed by it.
        IndexModel([("changed_at", ASCENDING)], name="changed", sparse=True),
    ),
)

# Append-only. `_id` begins with the time, so that it is the order too.
AUDIT = CollectionRules(
    name="audit",
    version=2,
    fields={
        "_id": _TEXT,
        "at": _TIME,
        "by": _TEXT,
        "action": _TEXT,
        "campaign": _TEXT,
        "code": _TEXT,
        "user_id": _LONG,
        "year": _INTEGER,
        "reference": _TEXT,
        "reason": _TEXT,
        "amount": _MONEY,
        "customers": _INTEGER,
    },
    optional=frozenset({"campaign", "code", "user_id", "year", "reference", "reason", "amount", "customers"}),
    indexes=(
        IndexModel([("at", ASCENDING), ("_id", ASCENDING)], name="pages"),
        IndexModel([("code", ASCENDING)], name="of_code", sparse=True),
    ),
)

DELIVERIES = CollectionRules(
    name="deliveries",
    version=3,
    fields={
        "_id": _TEXT,
        "kind": _TEXT,
        "question": _TEXT,
        "sequence": _INTEGER,
        "report_id": _TEXT,
        "report": _RECORD,
        "chat": _CHAT,
        "send_to": _CHAT,
        "language": _LANGUAGE,
        "schedule": _RECORD,
        "sent": _LIST,
        "without": _LIST,
        "state": {
            "enum": ["queued", "sending", "delivered", "waiting", "unknown", "failed", "held", "cancelled"]
        },
        "attempt": _INTEGER,
        "faults": _INTEGER,
        "owner": _TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
        "next_attempt_at": _TIME,
        "delivered_at": _TIME,
        "message_id": _INTEGER,
        "reason": _TEXT,
    },
    optional=frozenset("send_to language schedule sent without owner delivered_at message_id reason".split()),
    indexes=(
        IndexModel([("state", ASCENDING), ("next_attempt_at", ASCENDING)], name="due"),
        IndexModel([("chat", ASCENDING), ("created_at", ASCENDING)], name="recent_of_chat"),
        IndexModel([("question", ASCENDING), ("sequence", ASCENDING)], name="announcements"),
        IndexModel([("created_at", ASCENDING), ("_id", ASCENDING)], name="pages"),
        IndexModel([("state", ASCENDING), ("created_at", ASCENDING)], name="pages_of_state"),
        IndexModel([("updated_at", ASCENDING)], name="touched"),
    ),
)

# `_id` as the settings name it. `person` is who has the role. No titles: a private chat's is a person's name.
CHATS = CollectionRules(
    name="chats",
    version=2,
    fields={
        "_id": _CHAT,
        "role": _ROLE,
        "person": _INTEGER,
        "language": _LANGUAGE,
        "paused": _TEXT,
        "again_at": _TIME,
        "refused_since": _TIME,
        "moved_to": _CHAT,
        "updated_at": _TIME,
    },
    optional=frozenset({"role", "person", "language", "paused", "again_at", "refused_since", "moved_to"}),
    indexes=(IndexModel([("person", ASCENDING)], name="person"),),
)

# `_id` is a hash of the invite's code, which is shown once and kept nowhere.
INVITES = CollectionRules(
    name="invites",
    version=1,
    fields={
        "_id": _TEXT,
        "role": _ROLE,
        "language": _LANGUAGE,
        "created_at": _TIME,
        "expires_at": _TIME,
        "used_by": _TEXT,
        "used_at": _TIME,
    },
    optional=frozenset({"language", "used_by", "used_at"}),
)

# `fired` are the latest periods that were seen to, so that none is sent twice or passed over when a
# clock jumps; `revision` is what a change is compared with.
SCHEDULES = CollectionRules(
    name="schedules",
    version=1,
    fields={
        "_id": _TEXT,
        "kind": {"enum": ["averages", "bonus", "shop"]},
        "cron": _TEXT,
        "chats": _LIST,
        "year": _TEXT,
        "basis": _TEXT,
        "created_at": _TIME,
        "fired": _LIST,
        "revision": _INTEGER,
    },
    optional=frozenset({"basis"}),
)

LEASES = CollectionRules(
    name="leases",
    version=1,
    fields={"_id": _TEXT, "owner": _TEXT, "fence": _INTEGER, "until": _TIME},
    backed_up=False,
)

WORKERS = CollectionRules(
    name="workers",
    version=3,
    fields={"_id": _TEXT, "alive_at": _TIME, "telegram": _RECORD, "deliveries": _RECORD, "counted_at": _TIME},
    optional=frozenset({"deliveries", "counted_at"}),
    backed_up=False,
)

# `_id` is a collection's name, `places` where its records lie in time: a hint that anybody may write anew.
MARKS = CollectionRules(
    name="marks",
    version=1,
    fields={"_id": _TEXT, "places": _LIST},
    backed_up=False,
)

# Records of no meaning, by which a server is tried and which are taken out again.
CHECKS = CollectionRules(
    name="checks",
    version=1,
    fields={"key": _TEXT, "amount": _MONEY, "at": _TIME},
    optional=frozenset({"amount", "at"}),
    shard_key=(("key", ASCENDING),),
    indexes=(IndexModel([("key", ASCENDING)], name="key", unique=True),),
    backed_up=False,
)

# What was brought along from earlier versions: see `upgrade`.
UPGRADES = CollectionRules(
    name="upgrades", version=1, fields={"_id": _TEXT, "finished_at": _TIME}, backed_up=False
)

ALL = (
    BONUS_CUSTOMERS,
    BONUS_YEARS,
    CAMPAIGNS,
    ISSUES,
    VOUCHERS,
    AUDIT,
    DELIVERIES,
    CHATS,
    INVITES,
    SCHEDULES,
    LEASES,
    WORKERS,
    MARKS,
    CHECKS,
    UPGRADES,
)
