"""A voucher is held for a checkout, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smetka.bonus.redemptions import MOST_CHANGES, Order
from smetka.core.errors import WrongState
from tests.security.vouchering import act, issue

CART, OTHER = {"reference": "cart 1", "minutes": 60}, {"reference": "cart 2"}
pytestmark = pytest.mark.shop(customers=((1, "A", "a@example.com", 30),), payments=((1, 3000, 2026),))


@pytest.fixture
def shop(shop):
    return issue(shop)


def test_however_often_it_is_reserved_anew_a_hold_ends_a_day_after_it_began(shop, clock, assert_problem):
    first = clock()
    until = []
    for _ in range(48):
        until.append(act(shop, "reserve", CART).json["reserved_until"])
        clock.time += timedelta(minutes=30)

    end = f"{first + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    assert max(until) == until[-1] == end
    clock.time = first + timedelta(days=1) - timedelta(seconds=1)
    assert_problem(act(shop, "redeem", OTHER), 409, "reserved")
    clock.time += timedelta(seconds=1)
    assert_problem(act(shop, "reserve", CART), 409, "wrong-state")
    assert shop.voucher()["status"] == "issued"
    assert act(shop, "redeem", OTHER).status_code == 200


def test_taken_anew_after_it_lapsed_it_is_the_same_hold(shop, clock, assert_problem):
    """Also with another's hold in between: two that take turns would hold it for ever."""
    first = clock()
    act(shop, "reserve", CART)
    clock.time += timedelta(hours=12)
    act(shop, "reserve", OTHER)
    clock.time += timedelta(hours=11, minutes=30)
    assert (
        act(shop, "reserve", CART).json["reserved_until"] == f"{first + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    )
    clock.time += timedelta(hours=1)

    assert_problem(act(shop, "reserve", CART), 409, "wrong-state")
    assert act(shop, "redeem", {"reference": "cart 1"}).status_code == 200, (
        "what cannot be held can be redeemed"
    )


def test_without_a_reference_the_hold_is_the_keys_and_ends_too(shop, clock, assert_problem):
    act(shop, "reserve", {"minutes": 1440})
    clock.time += timedelta(days=1)

    assert_problem(act(shop, "reserve", {"minutes": 1}), 409, "wrong-state")


def test_a_day_after_it_lapsed_it_begins_anew(shop, clock, assert_problem):
    """A basket that comes back days later is held again."""
    act(shop, "reserve", {"reference": "cart 1", "minutes": 1440})
    clock.time += timedelta(days=2) - timedelta(seconds=1)
    assert_problem(act(shop, "reserve", CART), 409, "wrong-state")

    clock.time += timedelta(seconds=1)

    until = f"{clock() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert act(shop, "reserve", CART).json["reserved_until"] == until


def test_after_a_release_it_begins_anew(shop, clock):
    act(shop, "reserve", CART)
    act(shop, "reverse", {})
    clock.time += timedelta(hours=30)

    assert act(shop, "reserve", CART).status_code == 200


def test_redeeming_and_undoing_in_turns_comes_to_an_end(shop):
    """A till can neither begin a hold anew for ever by it, nor let a voucher's record grow without end."""
    tills = shop.services.redemptions
    for _ in range(MOST_CHANGES // 2):
        tills.carry_out(shop.code, Order("redeem", "key till"))
        tills.undo(shop.code, "key till", revision=None)
    tills.carry_out(shop.code, Order("redeem", "key till"))

    with pytest.raises(WrongState):
        tills.undo(shop.code, "key till", revision=None)

    assert shop.voucher()["revision"] == MOST_CHANGES + 1
    assert act(shop, "reverse", {}).status_code == 200, "a manager still takes it back"
