"""The newest records come first, whatever their times are and however dense they lie."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smetka.storage import ensure, newest
from smetka.storage.newest import NewestFirst

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def entry(moment, code="A"):
    return {
        "_id": f"{round(moment.timestamp() * 1000):014d}-{secrets.token_hex(6)}",
        "at": moment,
        "by": "terminal",
        "action": "redeem",
        "code": code,
    }


def in_order(entries):
    return [each["_id"] for each in sorted(entries, key=lambda each: (each["at"], each["_id"]), reverse=True)]


def pages(line, size, **filters):
    """All pages of a list, one after the other."""
    found, before = [], None
    while page := line.page(size, before=before, **filters):
        found += page
        before = page[-1]["at"], page[-1]["_id"]
    return [each["_id"] for each in found]


@pytest.fixture
def small_steps(monkeypatch):
    for name, value in {"STEP": 3, "WIDEST": 4, "KEPT_EACH": 2, "FOLLOWED_SECONDS": 0.0}.items():
        monkeypatch.setattr(newest, name, value)


def add(storage, entries):
    if entries:
        with storage.within(60):
            storage.collection("audit").insert_many(entries)


def bursts(steps):
    """Entries, so many at once, so many milliseconds after those before."""
    moment = NOW
    for milliseconds, count in steps:
        moment += timedelta(milliseconds=milliseconds)
        yield from (entry(moment, code="AB"[number % 2]) for number in range(count))


# Much at one time, little over years, and clocks that were set back.
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 60_000, 10**10, -(10**10)]), st.integers(1, 9)), max_size=4
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=STEPS, later=STEPS, size=st.integers(3, 9))
def test_pages_are_those_of_a_sorted_list(storage, small_steps, first, later, size):
    with storage.within(60):
        storage.collection("audit").delete_many({})
        storage.collection("marks").delete_many({})
    line, there = NewestFirst(storage, "audit", "at"), []
    for steps in (first, later):
        made = list(bursts(steps))
        add(storage, made)
        there += made

        assert pages(line, size) == in_order(there)
        assert pages(line, size, only={"code": "A"}) == in_order(e for e in there if e["code"] == "A")
    # What another process finds kept is as good.
    assert pages(NewestFirst(storage, "audit", "at"), size) == in_order(there)


def test_the_shipped_steps():
    assert (newest.STEP, newest.WIDEST, newest.KEPT_EACH, newest.FOLLOWED_SECONDS) == (64, 32, 16, 5.0)


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(days=300)])
def test_a_page_asks_for_closed_ranges_with_little_in_them(watched, small_steps, gap):
    storage, commands = watched
    entries = [entry(NOW + timedelta(milliseconds=number)) for number in range(200)]
    entries.append(entry(NOW + gap + timedelta(seconds=1)))
    add(storage, entries)
    line = NewestFirst(storage, "audit", "at")
    line.page(1)
    line._again_at = float("inf")
    place = entries[100]["at"], entries[100]["_id"]
    commands.clear()

    assert [each["_id"] for each in line.page(3, before=place)] == in_order(entries[97:100])

    asked = [each["filter"] for each in commands if each.get("find") == "audit" and "sort" not in each]
    assert asked
    for query in asked:
        bounds = query["_id"] if "_id" in query else query["at"]
        assert set(bounds) == {"$gte", "$lt"}
        field, of = ("_id", query["at"]) if "_id" in query else ("at", None)
        within = [
            each
            for each in entries
            if bounds["$gte"] <= each[field] < bounds["$lt"] and of in (None, each["at"])
        ]
        assert len(within) <= 3 * newest.STEP


def test_what_came_late_between_marks_is_marked_too(storage, small_steps):
    add(storage, [entry(NOW + timedelta(days=number)) for number in range(20)])
    line = NewestFirst(storage, "audit", "at")
    line.page(20)
    marks = len(line._marks)
    late = [entry(NOW + timedelta(days=5, seconds=number)) for number in range(60)]
    add(storage, late)

    assert len(pages(line, 6)) == 80

    assert len(line._marks) >= marks + len(late) // newest.STEP - 1


def test_without_the_index_the_pages_are_the_same(storage):
    made = list(bursts([(1, 5), (10**10, 3), (0, 4)]))
    add(storage, made)
    with storage.within(60):
        storage.collection("audit").drop_index("pages")

    assert pages(NewestFirst(storage, "audit", "at"), 4) == in_order(made)


def test_an_index_of_many_records_is_not_made_afterwards(storage, monkeypatch):
    monkeypatch.setattr(ensure, "MOST_INDEXED_LATER", 3)
    audit = storage.collection("audit")
    with storage.within(60):
        audit.drop_index("pages")
        add(storage, [entry(NOW) for _ in range(4)])
        ensure.ensure(audit.database)
        assert "pages" not in audit.index_information()
        audit.delete_many({})
        ensure.ensure(audit.database)
        assert "pages" in audit.index_information()
