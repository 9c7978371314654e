"""Lists of stored customers: filtered, sorted and cut as plain Python would, whoever wrote the records."""

from __future__ import annotations

import random
from itertools import product

import pytest

from smetka.bonus import customer_lists
from smetka.bonus.customer_lists import Position, Sort
from smetka.bonus.plan import decided, decided_as_listed
from smetka.bonus.records import BonusCustomers
from smetka.core.money import Money
from smetka.storage import ordered
from smetka.storage.standings import NotedStandings, year_and_standing

SORTS = Sort.__args__


@pytest.fixture(params=["few", "many"])
def size(request, monkeypatch):
    """Whether sixty records are few, which are looked through, or many, which are sought for."""
    monkeypatch.setattr(ordered, "SPREAD", 2)
    if request.param == "many":
        monkeypatch.setattr(customer_lists, "MANY", 1)
        monkeypatch.setattr(customer_lists, "FEW", 10)
    return request.param


@pytest.fixture
def stored(customers, storage, clock, size, as_stored):
    """Sixty of two years: of every decision, agreement and source, several with the same total or time."""
    records = storage.collection("bonus_customers")
    if not as_stored:
        _store(customers, clock)
        as_stored += records.find()
    else:
        NotedStandings().note(storage.collection("bonus_years"), map(year_and_standing, as_stored))
        records.insert_many(as_stored)
    return [*customers.listed(year=2026), *customers.listed(year=2025)]


@pytest.fixture(scope="module")
def as_stored():
    """The same as it lies in MongoDB: it is stored once by the product and put back for each test."""
    return []


def _store(customers, clock):
    chance = random.Random(7)
    for user_id in chance.sample(range(1, 400), k=60):
        clock.pass_(chance.choice([0, 0, 3]))
        total = Money(chance.choice([1500_00, 1500_01, chance.randint(1000_01, 9000_00)]))
        spent = chance.choice([total, Money(5000_00)])
        year = chance.choice([2025, 2026, 2026])
        customers.store(user_id, year, total, threshold=Money(1000_00), ledger_total=spent)
        if decision := chance.choice(["approved", "rejected", None, None]):
            customers.decide(year, user_id, decision)


def plain(stored, sort, **chosen):
    """The list as it should be, from all records."""
    name, sign = sort.lstrip("-"), -1 if sort.startswith("-") else 1
    value = {
        "user_id": lambda each: each.user_id,
        "total_spending": lambda each: each.total.cents,
        "stored_at": lambda each: each.stored_at.timestamp(),
    }[name]
    fit = [
        each
        for each in stored
        if chosen.get("year") in {None, each.year}
        and chosen.get("source") in {None, each.source}
        and chosen.get("review") in {None, each.review}
        and chosen.get("matches") in {None, each.matches_ledger}
    ]
    return sorted(fit, key=lambda each: (-each.year, sign * value(each), each.user_id))


def walked(customers, sort, limit, **chosen):
    """All pages, one after the other."""
    found, after = [], None
    while page := customers.page(limit, sort=sort, after=after, **chosen):
        found += page
        after = Position.of(page[-1], sort)
    return found


def test_all_records_are_there(stored):
    assert len(stored) == 60
    assert {each.review for each in stored} == {"none", "pending", "approved", "rejected"}


@pytest.mark.parametrize("sort", SORTS)
def test_a_list_is_what_plain_python_makes_of_all_records(customers, stored, sort):
    filters = product((None, "pending", "approved"), (None, True, False), (None, 2026))
    for number, (review, matches, year) in enumerate(filters, SORTS.index(sort)):
        chosen = {"review": review, "matches": matches, "year": year}

        # By pages each combination in two of the six orders, in one piece in the others.
        found = walked(customers, sort, 7 if number % 3 == 0 else 100, **chosen)

        assert found == plain(stored, sort, **chosen), chosen


def test_what_was_decided_is_in_the_next_list(customers, stored):
    for each in plain(stored, "user_id", review="pending", year=2026)[:5]:
        customers.decide(2026, each.user_id, "approved")

        assert each.user_id in [
            one.user_id for one in customers.listed(review="approved", sort="-total_spending")
        ]
        assert each.user_id not in [
            one.user_id for one in customers.listed(review="pending", sort="total_spending")
        ]


def test_a_total_that_changed_has_its_new_place(customers, stored):
    last = plain(stored, "-total_spending", year=2026)[-1]

    customers.store(last.user_id, 2026, Money(9999_00), threshold=Money(1000_00), ledger_total=Money(9999_00))

    assert customers.page(1, year=2026, sort="-total_spending")[0].user_id == last.user_id


def test_who_was_removed_is_in_no_list(customers, stored):
    first = plain(stored, "-total_spending", year=2026)[0]
    customers.decide(2026, first.user_id, "removed")

    for sort in SORTS:
        assert first.user_id not in [each.user_id for each in customers.listed(year=2026, sort=sort)]


def test_another_process_s_records_are_there_too(customers, stored, storage, clock):
    others = BonusCustomers(storage, clock)
    others.store(1000, 2024, Money(2000_00), threshold=Money(1000_00), ledger_total=Money(2000_00))

    assert [each.user_id for each in customers.listed(year=2024, sort="-total_spending")] == [1000]


def test_what_was_decided_is_the_same_by_lists_and_by_a_look_at_every_record(stored, storage):
    by_lists = decided_as_listed(storage, 2026)

    assert by_lists == decided(storage, 2026)
    assert by_lists.approved
    assert by_lists.rejected
