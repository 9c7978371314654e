"""Pages in the order of a number: the same as those of all records, sorted, by closed ranges alone."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smetka.storage import ordered
from smetka.storage.ordered import Order, in_order, level_of, sampled

ORDER = Order("level", "cents", "user_id")
EXTREMES = (-(2**63), -1, 0, 1, 2**63 - 2)


class Records:
    """Records in memory, which answer nothing but what an index answers quickly."""

    def __init__(self, records):
        self.records, self.read = records, []

    def at_leisure(self, _seconds=0.0):
        return nullcontext()

    def collection(self, _name):
        return self

    def find(self, query, fields=None):
        *equal, (ranged, bounds) = query.items()
        # What the embedded server answers wrongly (secantusdb 0.7.0b3) is answered wrongly here too.
        least, most = bounds["$gte"], bounds["$lt"] - 1 if "$lt" in bounds else bounds["$lte"]
        if ranged == "cents" and "$lte" in bounds:
            most -= 1
        assert not any(isinstance(value, dict) for _, value in equal)
        assert [*query] in (["year", "level", "cents"], ["year", "cents", "level", "user_id"])
        found = [
            record
            for record in self.records
            if all(record[name] == value for name, value in equal) and least <= record[ranged] <= most
        ]
        self.read.append(len(found))
        return [{name: record[name] for name in fields} for record in found] if fields else found


def record(user_id, cents, year=2026):
    return {"user_id": user_id, "cents": cents, "year": year, "level": level_of(user_id)}


def in_plain_order(records, *, descending, after=None):
    sign = -1 if descending else 1
    places = sorted((sign * each["cents"], each["user_id"]) for each in records if each["year"] == 2026)
    if after is not None:
        places = [place for place in places if place > (sign * after[0], after[1])]
    return [(sign * cents, user_id) for cents, user_id in places]


def pages(records, limit, *, descending):
    """All pages, each asked for behind the last record of the one before."""
    after = None
    while page := [
        (each["cents"], each["user_id"])
        for each in islice(
            in_order(records, "any", ORDER, {"year": 2026}, limit, is_descending=descending, after=after),
            limit,
        )
    ]:
        yield page
        after = page[-1]


@pytest.fixture(scope="module", autouse=True)
def dense_samples():
    """One record in three is of the next level, so that a few records are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "SPREAD", 3)
        yield


few_cents = st.integers(0, 4)
any_cents = st.one_of(few_cents, st.integers(-(2**63), 2**63 - 2), st.sampled_from(EXTREMES))
ids = st.one_of(st.integers(1, 400), st.integers(1, 2**63 - 1))


@given(
    st.dictionaries(ids, st.tuples(any_cents, st.sampled_from([2025, 2026])), max_size=120),
    st.integers(1, 30),
    st.booleans(),
)
def test_pages_are_those_of_all_records_sorted(made, limit, descending):
    records = [record(user_id, cents, year) for user_id, (cents, year) in made.items()]

    found = list(pages(Records(records), limit, descending=descending))

    plain = in_plain_order(records, descending=descending)
    assert [place for page in found for place in page] == plain
    assert all(len(page) == limit for page in found[:-1])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "cents_of",
    [
        pytest.param(lambda n: n, id="all different"),
        pytest.param(lambda n: 100, id="all equal"),
        pytest.param(lambda n: n if n % 2 else 7, id="half of them equal"),
        pytest.param(lambda n: 2 ** (n % 60), id="over all sizes"),
    ],
)
def test_a_page_of_many_reads_few(cents_of, descending):
    records = Records([record(n, cents_of(n)) for n in range(1, 6_001)])
    for after in (None, (cents_of(3_000), 3_000), (cents_of(5_999), 5_999)):
        records.read.clear()

        page = [
            (each["cents"], each["user_id"])
            for each in islice(
                in_order(records, "any", ORDER, {"year": 2026}, 10, is_descending=descending, after=after), 10
            )
        ]

        assert page == in_plain_order(records.records, descending=descending, after=after)[:10]
        # Levels beyond the fourth there are none, so that the highest is read as a whole: 6,000 / 3⁴.
        assert sum(records.read) < 6_000 / 3**4 * 3


def test_levels_are_as_rare_as_they_should_be(monkeypatch):
    monkeypatch.setattr(ordered, "SPREAD", 32)
    levels = [level_of(n) for n in range(1, 50_001)]

    assert sum(level >= 1 for level in levels) == pytest.approx(50_000 / 32, rel=0.1)
    assert sum(level >= 2 for level in levels) == pytest.approx(50_000 / 32**2, rel=0.4)
    assert max(levels) <= 4


def test_a_customer_s_level_is_the_same_for_ever(monkeypatch):
    monkeypatch.setattr(ordered, "SPREAD", 32)

    assert [n for n in range(1, 100) if level_of(n)] == [5, 23, 85]


def test_the_sample_counts_the_second_level_and_higher():
    records = [record(n, n) for n in range(1, 400)]

    assert sampled(Records(records), "any", ORDER, {"year": 2026}) == sum(r["level"] >= 2 for r in records)
