from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from smetka.core.age_groups import parse_age_groups
from smetka.core.money import Money
from smetka.ledger import Ledger, checkup, damage, file_session, slices
from smetka.ledger.checkup import check_up

GROUPS = parse_age_groups("18-24,25-30,31-36,37-47,>47")
WITHOUT_TYPES = """
    CREATE TABLE user_info (user_id, name, email, age);
    CREATE TABLE user_spending (user_id, money_spent, year);
"""


def check(path):
    with closing(Ledger(str(path))) as ledger:
        return check_up(ledger, GROUPS, current_year=2026)


def problems(path):
    return {problem.kind: (problem.count, problem.example) for problem in check(path).problems}


@pytest.mark.shared_data
def test_the_real_ledger_lacks_nothing_but_the_index(shared_ledger):
    found = check(shared_ledger)

    assert (found.customers, found.spenders, found.payments, found.counted_payments) == (
        3000,
        1444,
        12000,
        12000,
    )
    assert (found.total, found.years) == (Money.parse("29965853.28"), {2023: 12000})
    assert (found.youngest, found.oldest) == (18, 58)
    assert [problem.kind for problem in found.problems] == ["no-index"]
    assert "smetka ledger index" in found.problems[0].meaning


@pytest.mark.parametrize(
    ("payment", "kind"),
    [
        ((1, None, 2023), "amount-missing"),
        ((1, "abc", 2023), "amount-text"),
        ((1, b"5", 2023), "amount-bytes"),
        ((1, float("inf"), 2023), "amount-infinite"),
        ((1, float("-inf"), 2023), "amount-infinite"),
        ((1, -10000000000.01, 2023), "amount-too-large"),
        ((1, 1.005, 2023), "more-than-two-decimals"),
        ((1, 9999999999.995, 2023), "more-than-two-decimals"),
        ((1, -5, 2023), "refund"),
        ((1, 0, 2023), "zero-payment"),
        ((1, 5, None), "year-missing"),
        ((1, 5, 2023.5), "year-not-whole"),
        ((1, 5, "x"), "year-not-whole"),
        ((1, 5, float("inf")), "year-not-whole"),
        ((1, 5, 2027), "year-implausible"),
        ((1, 5, 23), "year-implausible"),
    ],
)
@pytest.mark.parametrize("schema", [None, WITHOUT_TYPES], ids=["the brief's schema", "no types"])
def test_each_oddity_of_a_payment_is_found_once(make_ledger, payment, kind, schema):
    ordinary = [(1, 9999999999.99, 2026), (1, 0.29, 1999), (1, 1e10, 2023)]
    path = make_ledger([(1, "a", None, 20)], [*ordinary, payment], schema=schema, index=True)

    found = problems(path)
    found.pop("column-type", None)

    assert found == {kind: (1, "a payment of customer 1")}


def test_text_amounts_that_count_are_told(make_ledger):
    path = make_ledger(
        [(1, "a", None, 20)], [(1, "5.25", 2023), (1, "-3", 2023)], schema=WITHOUT_TYPES, index=True
    )

    assert problems(path) == {
        "amount-as-text": (2, "a payment of customer 1"),
        "refund": (1, "a payment of customer 1"),
        "column-type": (5, "user_info.user_id"),
    }


def test_payments_of_nobody_are_told(make_ledger):
    path = make_ledger(
        [(1, "a", None, 20)], [(7, 1, 2023), (7, 2, 2023), (None, 3, 2023), (8, "x", 2023)], index=True
    )

    assert problems(path)["orphan-payment"] == (3, "a payment of customer 7")


@pytest.mark.parametrize(
    ("customer", "kind"),
    [
        ((5, "n", "e", None), "age-unknown"),
        ((5, "n", "e", "x"), "age-unknown"),
        ((5, "n", "e", 151), "age-unknown"),
        ((5, "n", "e", 17), "age-in-no-group"),
        ((0, "n", "e", 20), "id-not-positive"),
        ((-4, "n", "e", 20), "id-not-positive"),
    ],
)
def test_each_oddity_of_a_customer_is_found_once(make_ledger, customer, kind):
    path = make_ledger([(1, "a", None, 20), customer], index=True)

    assert problems(path) == {kind: (1, f"customer {customer[0]}")}


@pytest.mark.parametrize(
    ("ages", "harmless"),
    [([None, None], True), ([None, ""], True), ([None, "x"], False), ([None, 151], False), ([-1], False)],
)
@pytest.mark.parametrize("schema", [None, WITHOUT_TYPES], ids=["the brief's schema", "no types"])
def test_an_age_that_nobody_told_is_good_to_know_and_one_that_is_none_a_problem(
    make_ledger, ages, harmless, schema
):
    customers = [(n, "n", "e", age) for n, age in enumerate(ages, 1)]
    path = make_ledger(customers, [(1, 5, 2023)], schema=schema, index=True)

    [found] = [each for each in check(path).problems if each.kind == "age-unknown"]

    assert (found.count, found.harmless) == (len(ages), harmless)


def test_ids_that_stand_there_twice_or_not_at_all_are_told(make_ledger):
    customers = [
        (1, "a", None, 20),
        ("01", "b", None, 20),
        (1, "c", None, 20),
        (2, "d", None, 20),
        (None, "e", None, 20),
    ]
    path = make_ledger(customers, [(1, 5, 2023)], schema=WITHOUT_TYPES, index=True)

    found = problems(path)

    assert found["id-twice"] == (1, "customer 1")
    assert found["id-missing"] == (1, None)
    assert check(path).customers == 3


def test_no_name_and_no_address_is_ever_shown(make_ledger):
    customers = [("ana@example.com", "Ana", "ana@example.com", None)]
    payments = [("ana@example.com", "Ana", "Ana"), ("bob@example.com", 5, 2023)]
    path = make_ledger(customers, payments, schema=WITHOUT_TYPES)

    shown = str(check(path).as_json())

    assert "example.com" not in shown
    assert "Ana" not in shown


def test_a_missing_index_is_told_with_what_it_costs(make_ledger):
    without, found = check(make_ledger()), check(make_ledger(name="other.db", index=True))

    assert "ms; `smetka ledger index` makes it." in without.problems[0].meaning
    assert found.problems == ()


def test_an_empty_ledger_is_no_problem(make_ledger):
    found = check(make_ledger(index=True))

    assert (found.customers, found.payments, found.years, found.youngest, found.problems) == (
        0,
        0,
        {},
        None,
        (),
    )
    assert found.as_json()["first_year"] is None


@pytest.fixture
def odd(make_ledger):
    """Customers and payments with all that can be odd about them, in the shape that is looked at in slices."""
    chance = random.Random(7)
    ids = [None, -3, 0, 1.5, *range(1, 60)]
    amounts = [None, "x", b"5", -5, 0, 1.005, 1e11, float("inf"), 10.25, 99.9, 4]
    years = [None, 2023.5, "x", 23, 2023, 2024, 2030]
    payers = [None, "nobody", b"no", 1.5, 2**62, 900, 901, *ids, *[7] * 40]
    return make_ledger(
        [
            (number, f"n{number}", None, chance.choice([None, "x", 17, 20, 40, 151]))
            for number in range(-2, 50)
        ],
        [(chance.choice(payers), chance.choice(amounts), chance.choice(years)) for _ in range(900)],
        index=True,
    )


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_a_ledger_looked_at_in_slices_has_what_is_found_in_all_of_it_at_once(odd, monkeypatch, size):
    monkeypatch.setattr(slices, "_FIRST", size)
    monkeypatch.setattr(slices, "_FEWEST", size)
    monkeypatch.setattr(slices, "_MOST", size)
    in_slices = check(odd)
    monkeypatch.setattr(checkup, "can_be_sliced", lambda layout: False)

    assert in_slices == check(odd)
    assert len(in_slices.problems) > 12


def test_the_shop_can_write_between_two_slices_and_that_it_did_is_told(odd, monkeypatch):
    monkeypatch.setattr(slices, "_FIRST", 5)
    monkeypatch.setattr(slices, "_MOST", 5)
    before = check(odd)
    sliced = checkup.slices

    def while_the_shop_writes(*asked):
        with closing(sqlite3.connect(odd, isolation_level=None, timeout=0)) as shop:
            for number, found in enumerate(sliced(*asked)):
                yield found
                if number < 5:
                    shop.execute("INSERT INTO user_spending VALUES (1, 1, 2023), (49, 1, 2023)")

    monkeypatch.setattr(checkup, "slices", while_the_shop_writes)
    found = check(odd)

    told = [problem for problem in found.problems if problem.kind == "written-meanwhile"]
    assert [problem.harmless for problem in told] == [True]
    assert before.payments + 5 <= found.payments <= before.payments + 10


def seen_by(path):
    """How many payments each slice has."""
    count = "SELECT count(*) FROM user_spending WHERE {}"
    with closing(Ledger(str(path))) as ledger:
        return ledger.read(
            lambda opened: [
                found[0][0]
                for found in slices.slices(opened, lambda rows, part, where: rows(count.format(part), where))
            ],
            long=True,
        )


def test_a_customer_with_more_payments_than_fit_is_a_slice_and_those_after_are_others(
    make_ledger, monkeypatch
):
    monkeypatch.setattr(slices, "_FIRST", 4)
    monkeypatch.setattr(slices, "_FEWEST", 4)
    monkeypatch.setattr(slices, "_MOST", 4)
    payers = [None, 1, *[2] * 20, *range(3, 20)]
    path = make_ledger([], [(payer, 1, 2023) for payer in payers], index=True)

    nobodys, *found = seen_by(path)

    assert (nobodys, sum(found)) == (1, len(payers) - 1)
    assert found[:2] == [1, 20]
    assert max(found[2:]) <= 4


def test_slices_are_as_large_as_a_shop_can_wait_for(make_ledger, monkeypatch):
    """The clock goes on by a second a payment."""
    monkeypatch.setattr(slices, "_FIRST", 64)
    monkeypatch.setattr(slices, "_FEWEST", 1)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 8)
    path = make_ledger([], [(payer, 1, 2023) for payer in range(1, 200)], index=True)
    passed = 0

    class Clock:
        @staticmethod
        def perf_counter():
            return passed

    def take(rows, part, where):
        nonlocal passed
        found = rows(f"SELECT count(*) FROM user_spending WHERE {part}", where)[0][0]
        passed += found
        return found

    monkeypatch.setattr(slices, "time", Clock)
    with closing(Ledger(str(path))) as ledger:
        found = ledger.read(lambda opened: list(slices.slices(opened, take)), long=True)

    assert found[:4] == [0, 64, 8, 8]


def test_a_copy_that_the_shop_never_lets_come_to_its_end_is_given_up_and_that_is_told(odd, monkeypatch):
    monkeypatch.setattr(damage, "DIRECTLY_BYTES", 0)
    monkeypatch.setattr(file_session, "_PAGES", 1)
    with closing(sqlite3.connect(odd, isolation_level=None, timeout=0)) as shop:
        written = 0

        class Clock:
            monotonic = staticmethod(time.monotonic)

            @staticmethod
            def sleep(_):
                nonlocal written
                written += 1
                assert written < 50, "it begins anew without end"
                shop.execute("INSERT INTO user_spending VALUES (1, 1, 2023)")

        monkeypatch.setattr(damage, "time", Clock)

        assert "damage-not-looked-for" in problems(odd)


def test_without_room_for_a_copy_a_file_is_not_looked_at_for_damage(odd, monkeypatch):
    monkeypatch.setattr(damage, "DIRECTLY_BYTES", 0)
    monkeypatch.setattr(damage.shutil, "disk_usage", lambda _: SimpleNamespace(free=odd.stat().st_size))

    assert "damage-not-looked-for" in problems(odd)


def test_a_file_that_is_inconsistent_and_can_still_be_read_is_told(make_ledger, monkeypatch):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, 2023)], index=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, 'email TEXT', 'email TEXT NOT NULL')")
        database.commit()

    assert problems(path) == {"damaged": (1, None)}
    assert check(path).total == Money(500)
    monkeypatch.setattr(damage, "DIRECTLY_BYTES", 0)
    assert problems(path) == {"damaged": (1, None)}  # found in a copy


def test_years_are_counted_with_what_is_left_out(make_ledger):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, 2023), (1, None, 2023), (1, 5, 2020), (1, 5, 2020.5)])

    answer = check(path).as_json()

    assert answer["payments_by_year"] == {"2020": 1, "2023": 2}
    assert (answer["first_year"], answer["last_year"]) == (2020, 2023)
    assert (answer["payments"], answer["counted_payments"]) == (4, 3)
