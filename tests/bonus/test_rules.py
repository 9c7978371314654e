"""A campaign's terms, and when its days begin and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smetka.bonus.campaigns import Campaign, beginning_of
from smetka.bonus.rules import EARLIEST_DAY, LATEST_DAY, Rules, Tier
from smetka.bonus.vouchers import status_at
from smetka.core.errors import InvalidValue
from smetka.core.money import Money


def rules(**changes):
    chosen = {
        "name": "year-end-2026",
        "year": 2026,
        "threshold": Money(2000_00),
        "voucher_value": Money(500_00),
        "first_day": date(2026, 12, 1),
        "last_day": date(2027, 1, 31),
        **changes,
    }
    return Rules(**chosen)


TIERS = (Tier(Money(10000_00), Money(3000_00)), Tier(Money(5000_00), Money(1500_00)))


@pytest.mark.parametrize(
    ("total", "value"),
    [
        (2000_01, 500_00),
        (5000_00, 500_00),
        (5000_01, 1500_00),
        (10000_00, 1500_00),
        (10000_01, 3000_00),
        (10**15, 3000_00),
    ],
)
def test_the_highest_tier_that_is_exceeded_wins(total, value):
    """And not one that is reached only; the order in which tiers were given does not matter."""
    assert rules(tiers=TIERS).value_for(Money(total)) == Money(value)
    assert rules(tiers=TIERS[::-1]) == rules(tiers=TIERS)


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": "a b"}, ["/name"]),
        ({"name": "-a"}, ["/name"]),
        ({"name": "a/b"}, ["/name"]),
        ({"name": "a" * 65}, ["/name"]),
        ({"name": "крај"}, ["/name"]),
        ({"name": "a\n"}, ["/name"]),
        ({"threshold": Money(-1)}, ["/threshold"]),
        ({"voucher_value": Money(0)}, ["/voucher_value"]),
        ({"budget": Money(-1)}, ["/budget"]),
        ({"most_vouchers": -1}, ["/most_vouchers"]),
        ({"last_day": date(2026, 11, 30)}, ["/valid_until"]),
        ({"first_day": date(1999, 12, 31)}, ["/valid_from"]),
        ({"last_day": date(9999, 12, 31)}, ["/valid_until"]),
        ({"tiers": (Tier(Money(2000_00), Money(600_00)),)}, ["/tiers"]),
        ({"tiers": (Tier(Money(5000_00), Money(500_00)),)}, ["/tiers"]),
        ({"tiers": (Tier(Money(5000_00), Money(600_00)), Tier(Money(5000_00), Money(700_00)))}, ["/tiers"]),
        ({"tiers": (Tier(Money(5000_00), Money(900_00)), Tier(Money(6000_00), Money(700_00)))}, ["/tiers"]),
        ({"tiers": tuple(Tier(Money(5000_00 + n), Money(600_00 + n)) for n in range(21))}, ["/tiers"]),
        (
            {"name": "", "voucher_value": Money(0), "budget": Money(-5)},
            ["/name", "/voucher_value", "/budget"],
        ),
    ],
)
def test_contradictions_are_all_named(changes, pointers):
    with pytest.raises(InvalidValue) as raised:
        rules(**changes).check()
    assert [fault.pointer for fault in raised.value.faults] == pointers


@pytest.mark.parametrize(
    "changes",
    [
        {"tiers": TIERS},
        {"threshold": Money(0)},
        {"budget": Money(0), "most_vouchers": 0},
        {"first_day": date(2027, 1, 31)},
        {"first_day": EARLIEST_DAY, "last_day": LATEST_DAY},
        {"name": "a" * 64},
    ],
)
def test_what_has_a_meaning_is_allowed(changes):
    rules(**changes).check()


def campaign(zone, first_day, last_day):
    return Campaign(
        rules=rules(first_day=first_day, last_day=last_day),
        timezone=zone,
        currency="MKD",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        number=0,
        issue=None,
        issued=True,
        secret=b"",
    )


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        # Winter and summer, and the days on which the clocks go.
        ("Europe/Skopje", date(2027, 1, 31), "2027-01-30T23:00Z", "2027-01-31T23:00Z"),
        ("Europe/Skopje", date(2026, 7, 15), "2026-07-14T22:00Z", "2026-07-15T22:00Z"),
        ("Europe/Skopje", date(2026, 3, 29), "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # 23 hours
        ("Europe/Skopje", date(2026, 10, 25), "2026-10-24T22:00Z", "2026-10-25T23:00Z"),  # 25 hours
        ("Europe/Skopje", date(2026, 12, 31), "2026-12-30T23:00Z", "2026-12-31T23:00Z"),
        ("Pacific/Auckland", date(2026, 12, 31), "2026-12-30T11:00Z", "2026-12-31T11:00Z"),
        ("Pacific/Auckland", date(2027, 4, 4), "2027-04-03T11:00Z", "2027-04-04T12:00Z"),  # 25 hours
        ("Pacific/Auckland", date(2026, 9, 27), "2026-09-26T12:00Z", "2026-09-27T11:00Z"),  # 23 hours
        # Midnight itself is skipped, or comes twice.
        ("America/Santiago", date(2026, 9, 6), "2026-09-06T04:00Z", "2026-09-07T03:00Z"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        ("UTC", date(2028, 2, 29), "2028-02-29T00:00Z", "2028-03-01T00:00Z"),
    ],
)
def test_a_voucher_is_valid_from_the_first_instant_of_a_local_day_to_the_last(zone, day, begins, ends):
    one = campaign(zone, day, day)
    assert (one.valid_from, one.expires_at) == (
        datetime.fromisoformat(begins),
        datetime.fromisoformat(ends),
    )
    # As the zone's own clock has it: the day before ends there, and the day after begins there.
    its = ZoneInfo(zone)
    last = one.expires_at - timedelta(microseconds=1)
    assert one.valid_from.astimezone(its).date() == last.astimezone(its).date() == day
    assert (one.valid_from - timedelta(microseconds=1)).astimezone(its).date() == day - timedelta(days=1)
    assert one.expires_at.astimezone(its).date() == day + timedelta(days=1)


@pytest.mark.parametrize("zone", ["Europe/Skopje", "Pacific/Auckland", "America/Santiago", "Africa/Cairo"])
def test_no_day_of_three_years_begins_in_another(zone):
    its, day = ZoneInfo(zone), date(2026, 1, 1)
    while day < date(2029, 1, 1):
        begins = beginning_of(day, its)
        assert begins.astimezone(its).date() == day
        assert (begins - timedelta(seconds=1)).astimezone(its).date() == day - timedelta(days=1)
        day += timedelta(days=1)


def test_a_day_that_a_zone_never_had_begins_where_the_next_does():
    """Apia went from 29 to 31 December 2011."""
    its = ZoneInfo("Pacific/Apia")
    assert beginning_of(date(2011, 12, 30), its) == beginning_of(date(2011, 12, 31), its)


def test_what_time_does_to_a_voucher():
    expires = datetime(2027, 1, 31, 23, tzinfo=UTC)
    held = datetime(2027, 1, 31, 22, tzinfo=UTC)
    second = timedelta(seconds=1)

    assert status_at("issued", expires, None, expires - second) == "issued"
    assert status_at("issued", expires, None, expires) == "expired"
    assert status_at("reserved", expires, held, held - second) == "reserved"
    assert status_at("reserved", expires, held, held) == "issued"
    assert status_at("reserved", expires, held, expires) == "expired"
    assert status_at("reserved", expires, expires + second, expires) == "reserved"
    assert status_at("reserved", expires, expires + second, expires + second) == "expired"
    assert status_at("redeemed", expires, None, expires + second) == "redeemed"
    assert status_at("void", expires, None, expires + second) == "void"
