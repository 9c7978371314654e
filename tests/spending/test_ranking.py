"""Spenders in the order of what they spent, beside plain arithmetic."""

from __future__ import annotations

import statistics
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smetka.core.age_groups import OLDEST_AGE, parse_age_groups
from smetka.core.money import NOTHING, Money
from smetka.ledger import Spent
from smetka.ledger.values import PART
from smetka.spending.ranking import MOST_CLASSES, Ranking, by_age_group

# Few different amounts, so that many are equal; refunds; and sums beyond 64 bits.
AMOUNTS = st.one_of(
    st.sampled_from([-5_00, -1, 0, 1, 99, 100, 1000_00, 1000_01]),
    st.integers(-(10**6), 10**7),
    st.integers(-(2**80), 2**80),
)
TOTALS = st.lists(AMOUNTS, max_size=60)
THRESHOLDS = st.one_of(st.sampled_from([0, 1, 100, 1000_00, 1000_01]), st.integers(0, 10**14))
GROUPS = parse_age_groups("18-24,25-30,31-36,37-47,>47")


def rounded(value):
    """Half up, away from zero, to the cent."""
    whole = int(abs(value) + Fraction(1, 2))
    return Money(-whole if value < 0 else whole)


def spent_of(rows):
    """`rows` are (id, age, cents)."""
    return Spent((user_id, age, *divmod(cents, PART)) for user_id, age, cents in rows)


@given(TOTALS)
@example([])
@example([2**63])
@example([-(2**63) - 1, 5])
def test_median_mean_and_top_tenth_are_those_of_plain_arithmetic(totals):
    ranking, count = Ranking(totals), len(totals)
    tenth = len([n for n in range(count) if n * 10 < count])

    assert len(ranking) == count
    assert ranking.total == Money(sum(totals))
    assert ranking.top_tenth == (tenth, Money(sum(sorted(totals, reverse=True)[:tenth])))
    if count:
        assert ranking.median == rounded(statistics.median([Fraction(cents) for cents in totals]))
        assert ranking.mean == rounded(Fraction(sum(totals), count))
    else:
        assert (ranking.median, ranking.mean) == (None, None)


@given(TOTALS, AMOUNTS, AMOUNTS)
def test_how_many_spent_more_is_counted(totals, one, other):
    assume(totals)
    ranking = Ranking(totals)
    for limit in (one, other, *totals):
        over = [cents for cents in totals if cents > limit]
        assert ranking.above(Money(limit)) == len(over)
        assert ranking.total_above(Money(limit)) == Money(sum(over))
        assert ranking.place(Money(limit)) == 1 + len(over)
        assert ranking.between(Money(limit), Money(one)) == len([c for c in totals if limit <= c <= one])


def test_who_spent_most_is_the_first_and_equals_share_a_place():
    ranking = Ranking([500, 900, 900, 900, 100])

    assert [ranking.place(Money(cents)) for cents in (900, 500, 100)] == [1, 4, 5]


@given(TOTALS, THRESHOLDS)
@example([-5, -3], 0)
@example([0], 0)
@example([1000_00] * 9 + [10**12], 1000_00)
@example([2**70] * 3, 1)
@example([100], 10**14)
def test_every_spender_is_in_exactly_one_class(totals, threshold):
    classes = Ranking(totals).classes(Money(threshold))
    if not totals:
        assert classes == []
        return

    assert len(classes) <= MOST_CLASSES
    assert all(one.high is not None and one.high == next_one.low for one, next_one in pairwise(classes))
    for each in classes:
        low = min(totals) if each.low is None else each.low.cents
        high = max(totals) + 1 if each.high is None else each.high.cents
        assert each.customers == len([cents for cents in totals if low <= cents < high])
    assert sum(each.customers for each in classes) == len(totals)
    assert (classes[0].low is None) == (min(totals) < 0)
    assert all(each.low is not None for each in classes[1:])
    assert classes[0].high == NOTHING if min(totals) < 0 else classes[0].low == NOTHING


@given(TOTALS, THRESHOLDS)
def test_classes_have_one_round_width_and_reach_far_enough(totals, threshold):
    assume(totals)
    classes = Ranking(totals).classes(Money(threshold))

    [width] = {c.high.cents - c.low.cents for c in classes if c.low is not None and c.high is not None}
    digits = str(width // 100)
    assert width % 100 == 0
    assert digits[0] in "125"
    assert not digits[1:].strip("0")
    end = max(each.high.cents for each in classes if each.high is not None)
    nine_tenths = sorted(totals)[len(totals) * 9 // 10]
    assert end >= nine_tenths
    if 0 < threshold <= nine_tenths * 2:
        assert end > threshold
    assert max(totals) < end or classes[-1].high is None


def test_a_threshold_far_beyond_all_does_not_flatten_the_classes():
    classes = Ranking(range(100, 20_100, 100)).classes(Money(10**9))

    assert max(each.high.cents for each in classes if each.high is not None) < 10**5


@given(
    st.dictionaries(
        st.integers(-(2**63), 2**63 - 1),
        st.tuples(st.none() | st.integers(0, OLDEST_AGE), AMOUNTS),
        max_size=40,
    ),
    st.lists(AMOUNTS, max_size=3),
)
def test_each_age_group_ranks_its_own(customers, nameless):
    rows = [(user_id, *its) for user_id, its in sorted(customers.items())]
    spent = spent_of([*rows, *(("abc", 30, cents) for cents in nameless)])

    found = by_age_group(spent, GROUPS)

    expected = defaultdict(list)
    for _, age, cents in rows:
        names = [group.name for group in GROUPS if age is not None and group.lowest <= age <= group.highest]
        expected[names[0] if names else None].append(cents)
    assert list(found) == [*(group.name for group in GROUPS), None]
    for name, ranking in found.items():
        assert len(ranking) == len(expected[name])
        assert ranking.total == Money(sum(expected[name]))
        for cents in expected[name]:
            place = 1 + len([other for other in expected[name] if other > cents])
            assert ranking.place(Money(cents)) == place
    # The shop's ranking has those too whose ids are no numbers.
    assert Ranking.of(spent).total == Money(sum(cents for *_, cents in rows) + sum(nameless))
    assert len(Ranking.of(spent)) == len(rows) + len(nameless)


@pytest.mark.parametrize("age", [0, 17, 18, 24, 25, 47, 48, OLDEST_AGE, None])
def test_the_edges_of_age_groups(age):
    found = by_age_group(spent_of([(1, age, 5)]), GROUPS)
    group = next((g.name for g in GROUPS if age is not None and age in g), None)

    assert {name: len(ranking) for name, ranking in found.items() if len(ranking)} == {group: 1}
