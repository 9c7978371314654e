from __future__ import annotations

import json
import statistics
import tracemalloc
from contextlib import closing
from dataclasses import FrozenInstanceError
from decimal import ROUND_HALF_UP, Decimal

import pytest

from smetka.core import exact_json
from smetka.core.age_groups import parse_age_groups
from smetka.ledger import Ledger
from smetka.ledger.spending import groups_of
from smetka.spending.averages import average_by_age_group

GROUPS = parse_age_groups("18-24,25-30,31-36,37-47,>47")


def averages_of(path, basis="spender", year=None, groups=GROUPS):
    with closing(Ledger(str(path))) as ledger:
        return average_by_age_group(ledger, groups, year).as_json(basis=basis, currency="MKD")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("spender", "20707.98 21603.96 20843.34 19865.90 21205.93"),
        ("payment", "2509.74 2471.58 2529.15 2495.84 2485.77"),
        ("customer", "10162.65 9903.95 9962.86 9524.09 10428.27"),
    ],
)
def test_the_real_ledger_has_the_known_averages(shared_ledger, basis, expected):
    answer = averages_of(shared_ledger, basis)

    assert list(answer["average_spending"]) == ["18-24", "25-30", "31-36", "37-47", ">47"]
    assert list(answer["average_spending"].values()) == [Decimal(amount) for amount in expected.split()]


@pytest.mark.shared_data
def test_the_answer_has_the_documented_shape(shared_ledger):
    answer = json.loads(exact_json.dumps(averages_of(shared_ledger)))

    assert list(answer) == [
        "average_spending", "basis", "year", "currency", "age_groups", "outside", "data_quality",
    ]  # fmt: skip
    assert (answer["basis"], answer["year"], answer["currency"]) == ("spender", None, "MKD")
    assert list(answer["age_groups"][0].items()) == [
        ("age_group", "18-24"),
        ("customers", 487),
        ("spenders", 239),
        ("payments", 1972),
        ("total_spending", 4949208.32),
        ("average_per_spender", 20707.98),
        ("average_per_payment", 2509.74),
        ("average_per_customer", 10162.65),
        ("median_per_spender", 20594.23),
        ("largest_share", 0.0099),
    ]
    assert answer["outside"] == {"customers": 0, "spenders": 0, "payments": 0, "total_spending": 0}
    assert answer["data_quality"] == {"ignored_payments": 0, "orphan_payments": 0}


@pytest.mark.parametrize(
    ("age", "group"),
    [(17, None), (18, "18-24"), (24, "18-24"), (25, "25-30"), (30, "25-30"), (31, "31-36"), (36, "31-36"),
     (37, "37-47"), (47, "37-47"), (48, ">47"), (120, ">47"), (150, ">47"), (151, None), (None, None), (-1, None),
     (24.9, "18-24"), ("abc", None)],
)  # fmt: skip
def test_both_ends_of_a_group_belong_to_it(make_ledger, age, group):
    answer = averages_of(make_ledger([(1, "a", None, age)], [(1, 10.5, 2023)]))

    assert [row["age_group"] for row in answer["age_groups"] if row["customers"]] == (
        [group] if group else []
    )
    assert answer["outside"]["customers"] == (0 if group else 1)
    assert answer["outside"]["total_spending"] == (0 if group else Decimal("10.5"))


def test_an_empty_group_has_counts_of_zero_and_no_averages(make_ledger):
    answer = averages_of(make_ledger([(1, "a", None, 20)]))

    assert answer["average_spending"] == dict.fromkeys(["18-24", "25-30", "31-36", "37-47", ">47"])
    young = answer["age_groups"][0]
    assert (young["customers"], young["average_per_customer"], young["average_per_spender"]) == (1, 0, None)


def test_averages_are_rounded_half_up_once(make_ledger):
    customers = [(1, "a", None, 20), (2, "b", None, 20), (3, "c", None, 30), (4, "d", None, 30)]
    payments = [(1, 0.01, 2023), (2, 0.02, 2023), (3, -0.01, 2023), (4, -0.02, 2023)]

    answer = averages_of(make_ledger(customers, payments))

    assert answer["average_spending"]["18-24"] == Decimal("0.02")
    assert answer["average_spending"]["25-30"] == Decimal("-0.02")


def test_zero_payments_and_refunds_make_a_spender_ignored_ones_do_not(make_ledger):
    customers = [(n, "a", None, 20) for n in range(1, 5)]
    payments = [(1, 0, 2023), (2, -3, 2023), (3, "abc", 2023)]

    row = averages_of(make_ledger(customers, payments))["age_groups"][0]

    assert (row["customers"], row["spenders"], row["payments"], row["total_spending"]) == (4, 2, 2, -3)


def test_a_group_is_all_of_its_ages_together(make_ledger):
    customers = [(n, "a", None, 17 + n) for n in range(1, 8)]
    payments = [(n, 1.5, 2023) for n in range(1, 8)]

    row = averages_of(make_ledger(customers, payments))["age_groups"][0]

    assert (row["customers"], row["spenders"], row["payments"], row["total_spending"]) == (
        7,
        7,
        7,
        Decimal("10.5"),
    )


def test_a_year_limits_payments_and_not_customers(make_ledger):
    path = make_ledger(
        [(1, "a", None, 20), (2, "b", None, 21)],
        [(1, 10, 2023), (2, 20, 2024), (1, "x", 2023), (1, None, 2024), (1, None, 2024), (9, 1, 2024)],
    )

    answer = averages_of(path, year=2024)

    row = answer["age_groups"][0]
    assert (answer["year"], row["customers"], row["spenders"], row["total_spending"]) == (2024, 2, 1, 20)
    assert answer["data_quality"] == {"ignored_payments": 2, "orphan_payments": 1}


def test_gaps_between_groups_are_outside(make_ledger):
    path = make_ledger([(1, "a", None, 20), (2, "b", None, 30)], [(2, 5, 2023)])

    answer = averages_of(path, groups=parse_age_groups("40-50,18-24"))

    assert list(answer["average_spending"]) == ["40-50", "18-24"]
    assert answer["outside"] == {"customers": 1, "spenders": 1, "payments": 1, "total_spending": 5}


def test_a_report_is_made_once_a_basis_and_currency(make_ledger):
    with closing(Ledger(str(make_ledger([(1, "a", None, 20)], [(1, 10.5, 2023), (1, 1, 2023)])))) as ledger:
        averages = average_by_age_group(ledger, GROUPS, None)
    first = averages.report(basis="spender", currency="MKD")

    assert averages.report(basis="spender", currency="MKD") is first
    assert first.values == averages.as_json(basis="spender", currency="MKD")
    assert first.text == exact_json.dumps(first.values)
    for other in ({"basis": "payment", "currency": "MKD"}, {"basis": "spender", "currency": "EUR"}):
        assert averages.report(**other).values == averages.as_json(**other) != first.values


def test_what_is_shared_by_all_who_ask_cannot_be_changed(make_ledger):
    with closing(Ledger(str(make_ledger([(1, "a", None, 20)])))) as ledger:
        averages = average_by_age_group(ledger, GROUPS, None)
    row = averages.age_groups[0]

    for shared in (averages, row, row.figures, averages.report(basis="spender", currency="MKD")):
        for name in shared.__dataclass_fields__:
            with pytest.raises(FrozenInstanceError):
                setattr(shared, name, None)


@pytest.mark.parametrize(
    ("payments", "median", "share"),
    [
        pytest.param([], None, None, id="nobody paid"),
        pytest.param([(1, 5)], 5, "1.0000", id="one"),
        pytest.param([(1, 1), (2, 2), (3, 1000)], 2, "0.9970", id="the middle of three"),
        pytest.param([(1, 1), (2, 1.01)], Decimal("1.01"), "0.5025", id="between two, half a cent up"),
        pytest.param([(1, -1), (2, -1.01)], Decimal("-1.01"), None, id="half a cent away from nothing"),
        pytest.param([(1, 10), (1, 10), (2, 1)], Decimal("10.5"), "0.9524", id="of sums, not of payments"),
        pytest.param([(1, 100), (2, -50)], 25, "2.0000", id="more than all, where others got money back"),
        pytest.param([(1, 5), (2, -5)], 0, None, id="of nothing there is no share"),
        pytest.param([(1, 0), (2, 0), (3, 9)], 0, "1.0000", id="zero is a payment"),
        pytest.param([(1, 9), (2, "abc"), (9, 5)], 9, "1.0000", id="what does not count has no middle"),
    ],
)
def test_medians_and_shares_of_a_group(make_ledger, payments, median, share):
    path = make_ledger(
        [(n, "a", None, 20) for n in (1, 2, 3, 4)] + [(5, "b", None, 50)],
        [(n, amount, 2025) for n, amount in payments] + [(5, 77777, 2025)],
    )

    group, *others = averages_of(path)["age_groups"]

    expected = None if share is None else Decimal(share)
    assert (group["median_per_spender"], group["largest_share"]) == (median, expected)
    assert [each["median_per_spender"] for each in others] == [None, None, None, 77777]
    assert averages_of(path, year=2024)["age_groups"][4]["median_per_spender"] is None


def test_a_customer_of_two_rows_is_one_in_the_middle_of_the_younger_age(make_ledger):
    schema = "CREATE TABLE user_info (user_id, name, email, age); CREATE TABLE user_spending (user_id, money_spent, year);"
    customers = [(1, "a", None, 20), (1, "a", None, 50), (2, "b", None, 20), ("x", "c", None, 20)]
    payments = [(1, 4, 2025), (1, 6, 2025), (2, 1, 2025), ("x", 3, 2025)]

    group, *_, oldest = averages_of(make_ledger(customers, payments, schema=schema))["age_groups"]

    assert (group["spenders"], group["median_per_spender"]) == (3, 3)
    assert oldest["median_per_spender"] is None


@pytest.mark.parametrize("low", ["{}", "-3:{}"])
@pytest.mark.parametrize("count", [1, 2, 9362, 9363, 9364, 30_000, 30_001])
def test_the_middle_of_very_many_is_that_of_plain_arithmetic(count, low):
    sums = [place * 7919 % 1_000_003 for place in range(count)]
    listed = ",".join(low.format(each) for each in sums)
    more = -3_000_000 if ":" in low else 0

    found = groups_of([("paid", "18-24", 0, count, count, listed, None, 0, sum(sums))], GROUPS).rows[0]

    middle = Decimal(statistics.median(sums)) + more
    assert found.median.decimal == (middle / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert found.largest.cents == max(sums) + more


def test_the_middle_of_very_many_takes_no_more_memory_than_their_numbers():
    count = 200_000
    row = ("paid", "18-24", 0, count, count, ",".join(map(str, range(10**6, 10**6 + count))), None, 0, 0)
    tracemalloc.start()
    try:
        groups_of([row], GROUPS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak / count < 60  # a number in a list takes 40 bytes, a text for each 60 more
