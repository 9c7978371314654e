"""The figures of a campaign, followed by its changes, are those of a look at all its vouchers."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from smetka.bonus import followed, issuing
from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.figures import CampaignFigures
from smetka.bonus.issuing import Issuing
from smetka.bonus.redemptions import Order, Redemptions
from smetka.bonus.rules import Rules, Tier
from smetka.bonus.vouchers import STATUSES
from smetka.core.age_groups import AgeGroup, name_of_group
from smetka.core.errors import SmetkaError
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.storage import Storage

GROUPS = (AgeGroup("young", 0, 29), AgeGroup("old", 30, 200))
ZONE = ZoneInfo("Europe/Skopje")


@pytest.fixture
def shop(make_ledger):
    customers = [(n, f"Customer {n}", f"{n}@example.com", 18 + n % 40) for n in range(1, 31)]
    ledger = Ledger(str(make_ledger(customers, [(n, 1500.0 + 100 * n, 2026) for n in range(1, 31)])))
    yield ledger
    ledger.close()


@pytest.fixture
def campaigns(storage, clock):
    return Campaigns(storage, now=clock)


@pytest.fixture
def create(campaigns):
    def create(name, **changes):
        rules = {
            "year": 2026,
            "threshold": Money(1000_00),
            "voucher_value": Money(100_00),
            "first_day": date(2026, 11, 1),
            "last_day": date(2027, 1, 31),
            "tiers": (Tier(Money(3000_00), Money(250_00)),),
            **changes,
        }
        return campaigns.create(Rules(name, **rules), timezone="Europe/Skopje", currency="MKD")[0]

    return create


@pytest.fixture
def process(mongodb_uri, shop, clock):
    """Makes the parts of a process of its own: its figures, what changes vouchers, and its connection."""
    storages = []

    def process():
        storages.append(storage := Storage(mongodb_uri, patience=30))
        figures = CampaignFigures(shop.spending_by_customer, storage, groups=GROUPS, now=clock)
        return figures, Redemptions(storage, Audit(storage, now=clock), now=clock), storage

    yield process
    for each in storages:
        each.close()


def looked_at(storage, name, shop, now):
    """The figures by a look at every voucher."""
    with storage.within(60):
        found = list(storage.collection("vouchers").find({"campaign": name}))
    spent = shop.spending_by_customer(2026)

    def cents(vouchers):
        values = [int(each["value"].to_decimal() * 100) for each in vouchers]
        return {"vouchers": len(values), "value": Money(sum(values)).number}

    def status(voucher):
        kept, until = voucher["status"], voucher.get("reserved_until")
        if kept in ("redeemed", "void") or (kept == "reserved" and now < until):
            return kept
        return "expired" if now >= voucher["expires_at"] else "issued"

    def group(voucher):
        return name_of_group(spent.age_of(voucher["user_id"]), GROUPS)

    redeemed = [each for each in found if each["status"] == "redeemed"]
    days = Counter(each["redeemed_at"].astimezone(ZONE).date() for each in redeemed)
    return {
        "vouchers": cents(found),
        "by_status": {each: cents(v for v in found if status(v) == each) for each in STATUSES},
        "redeemed_by_day": [
            {"day": str(day), **cents(v for v in redeemed if v["redeemed_at"].astimezone(ZONE).date() == day)}
            for day in sorted(days)
        ],
        "by_age_group": [
            {
                "age_group": each,
                "issued": cents(v for v in found if group(v) == each),
                "redeemed": cents(v for v in redeemed if group(v) == each),
            }
            for each in ("young", "old", None)
        ],
    }


def told(figures, campaign):
    found = figures.of(campaign)
    return {name: found[name] for name in ("vouchers", "by_status", "redeemed_by_day", "by_age_group")}


def codes(storage, name):
    with storage.within(60):
        return [each["_id"] for each in storage.collection("vouchers").find({"campaign": name}, ["_id"])]


@pytest.mark.parametrize("seed", [1, 2])
def test_after_changes_by_two_processes_each_tells_what_a_look_at_all_tells(
    process, shop, storage, campaigns, create, clock, seed
):
    chance, processes = random.Random(seed), [process(), process()]
    for name in ("one", "two"):
        create(name)
        Issuing(shop, storage, now=clock).issue(name, "terminal")
    there = {name: codes(storage, name) for name in ("one", "two")}

    for _ in range(12):
        for _ in range(4):
            name = chance.choice(["one", "two"])
            action = chance.choice(["redeem", "reserve", "reverse", "void"])
            _, redemptions, _ = chance.choice(processes)
            try:
                redemptions.carry_out(chance.choice(there[name]), Order(action, "desk"))
            except SmetkaError:
                continue
        clock.time += chance.choice([timedelta(0), timedelta(seconds=30), timedelta(hours=20)])
        for figures, _, _ in processes:
            for name in ("one", "two"):
                assert told(figures, campaigns.get(name)) == looked_at(storage, name, shop, clock())

    clock.time += timedelta(days=90)
    assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())


def test_what_another_issue_adds_is_told_and_what_is_begun_as_far_as_it_is_written(
    process, shop, storage, campaigns, create, clock, tmp_path, monkeypatch
):
    monkeypatch.setattr(issuing, "CHUNK", 4)
    campaign = create("one", threshold=Money(2900_00))
    figures, redemptions, _ = process()
    assert told(figures, campaign)["vouchers"]["vouchers"] == 0
    Issuing(shop, storage, now=clock).issue("one", "terminal")
    assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("UPDATE user_spending SET money_spent = 5000")

    class Killed(BaseException):
        pass

    def kill(written, of):
        raise Killed

    with pytest.raises(Killed):
        Issuing(shop, storage, now=clock, progress=kill).issue("one", "terminal")
    for number in (1, 2):
        with storage.within(60):
            code = storage.collection("vouchers").find_one({"campaign": "one", "issue": number})["_id"]
        redemptions.carry_out(code, Order("redeem", "desk"))
    for _ in range(2):
        assert not campaigns.get("one").issued
        assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())
        clock.time += timedelta(hours=1)

    Issuing(shop, storage, now=clock).issue("one", "terminal")
    assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())


def test_what_is_known_is_not_read_again(process, shop, storage, campaigns, create, clock, monkeypatch):
    create("one")
    Issuing(shop, storage, now=clock).issue("one", "terminal")
    figures, redemptions, _ = process()
    figures.of(campaigns.get("one"))
    monkeypatch.delattr(followed, "records")

    redemptions.carry_out(codes(storage, "one")[0], Order("redeem", "desk"))

    assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())


def test_changes_are_asked_for_by_a_closed_range(watched, shop, campaigns, create, clock):
    storage, commands = watched
    create("one")
    Issuing(shop, storage, now=clock).issue("one", "terminal")
    figures = CampaignFigures(shop.spending_by_customer, storage, groups=GROUPS, now=clock)
    figures.of(campaigns.get("one"))
    commands.clear()

    figures.of(campaigns.get("one"))

    (asked,) = [each["filter"] for each in commands if each.get("find") == "vouchers"]
    assert set(asked) == {"changed_at"}
    assert set(asked["changed_at"]) == {"$gte", "$lt"}
    assert asked["changed_at"]["$gte"] == clock() - followed.MARGIN


def test_changes_by_a_clock_that_is_behind_are_seen(process, shop, storage, campaigns, create, clock):
    create("one")
    Issuing(shop, storage, now=clock).issue("one", "terminal")
    figures, _, other = process()
    figures.of(campaigns.get("one"))
    figures.of(campaigns.get("one"))

    def behind():
        return clock() - followed.MARGIN

    Redemptions(other, Audit(other, now=behind), now=behind).carry_out(
        codes(storage, "one")[0], Order("redeem", "desk")
    )

    assert told(figures, campaigns.get("one")) == looked_at(storage, "one", shop, clock())
