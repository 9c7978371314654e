"""Vouchers over HTTP: the cash desk, the checkout, and whoever guesses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from smetka.bonus.codes import ALPHABET, check_symbol, derive

CUSTOMERS = ((1, "Ана Петрова", "ana@example.com", 30), (2, "Big Buyer", "big@example.com", 61))
PAYMENTS = ((1, 3000, 2026), (2, 2000, 2026))
RULES = {"year": 2026, "threshold": 1000, "voucher_value": 500}
pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS)


def issue(shop, *, valid_from="2026-11-01", valid_until="2027-01-31"):
    """The shop with the vouchers of a campaign."""
    headers = shop.key("owner") if shop.settings.auth == "required" else {}
    rules = {**RULES, "name": "year-end", "valid_from": valid_from, "valid_until": valid_until}
    assert shop.post(rules, path="/api/v1/campaigns", headers=headers).status_code == 201
    reply = shop.request("POST", "/api/v1/campaigns/year-end/issue", headers=headers)
    assert reply.json["vouchers_issued"] == 2
    items = shop.get("/api/v1/campaigns/year-end/vouchers", headers=headers).json["items"]
    shop.codes = {voucher["user_id"]: voucher["code"] for voucher in items}
    return shop


@pytest.fixture
def shop(shop):
    return issue(shop)


def act(shop, action, code=None, body=None, **headers):
    path = f"/api/v1/vouchers/{code or shop.codes[1]}/{action}"
    if body is None:
        return shop.request("POST", path, headers=headers)
    return shop.post(body, path=path, headers=headers)


def status(shop, code=None):
    return shop.get(f"/api/v1/vouchers/{code or shop.codes[1]}").json["status"]


def test_a_voucher_is_redeemed_once(shop, assert_problem):
    reply = act(shop, "redeem", body={"reference": "order 7", "user_id": 1})
    second = act(shop, "redeem", body={"reference": "order 8"})

    assert (reply.status_code, reply.json) == (
        200,
        {
            "code": shop.codes[1],
            "status": "redeemed",
            "value": 500,
            "currency": "MKD",
            "user_id": 1,
            "campaign": "year-end",
            "reference": "order 7",
            "redeemed_at": "2026-11-23T17:20:31Z",
        },
    )
    problem = assert_problem(second, 409, "already-redeemed")
    assert problem["redeemed_at"] == "2026-11-23T17:20:31Z"
    assert "order 7" not in second.text
    assert status(shop) == "redeemed"


def test_no_body_at_all_redeems_too(shop):
    assert act(shop, "redeem").status_code == 200


@pytest.mark.parametrize(
    "spelling",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.replace('-', ' ')} ",
        lambda code: code.replace("-", "–"),
        lambda code: "".join(chr(ord(c) + 0xFEE0) if c != "-" else c for c in code),
    ],
    ids=["small letters", "no dashes", "spaces", "other dashes", "full-width"],
)
def test_spellings_of_a_code_are_repaired(shop, spelling):
    assert act(shop, "redeem", code=spelling(shop.codes[1])).status_code == 200


def test_a_mistyped_code_is_told_apart_from_an_unknown_one(shop, assert_problem):
    code = shop.codes[1]
    other = ALPHABET[(ALPHABET.index(code[0]) + 1) % 31] + code[1:]
    never_issued = derive(b"another secret", 1)

    for method, action in (("GET", ""), ("POST", "/redeem"), ("POST", "/reserve"), ("POST", "/reverse")):
        for wrong in (other, code[:-1], f"{code}A", "0" * 12, "%D0%B6", "x" * 150):
            assert_problem(shop.request(method, f"/api/v1/vouchers/{wrong}{action}"), 404, "mistyped-code")
        assert_problem(shop.request(method, f"/api/v1/vouchers/{never_issued}{action}"), 404, "unknown-code")


def test_another_customers_voucher_is_not_redeemed(shop, assert_problem):
    assert_problem(act(shop, "redeem", body={"user_id": 2}), 409, "other-customer")
    assert status(shop) == "issued"


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("redeem", {"user_id": 0}, "/user_id"),
        ("redeem", {"reference": "a\u202eb"}, "/reference"),
        ("reserve", {"minutes": 1441}, "/minutes"),
        ("void", {}, "/reason"),
        ("reverse", {"reason": ""}, "/reason"),
    ],
)
def test_wrong_bodies_change_nothing(shop, assert_problem, action, body, pointer):
    problem = assert_problem(act(shop, action, body=body), 422, "invalid-value")

    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert status(shop) == "issued"
    assert shop.count("audit") == 2, "of the campaign alone"


def test_a_voucher_waits_for_its_first_day_and_ends_with_its_last(make_shop, clock, assert_problem):
    shop = issue(make_shop(), valid_from="2026-12-01", valid_until="2027-01-31")
    clock.time = datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)  # Skopje: 30 November, 23:59:59
    early = assert_problem(act(shop, "redeem"), 409, "not-yet-valid")
    clock.time = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)  # Skopje: 1 February, 00:00:00
    late = assert_problem(act(shop, "redeem"), 410, "expired")
    assert status(shop) == "expired"
    clock.time -= timedelta(microseconds=1)
    reply = act(shop, "redeem")

    assert (early["valid_from"], early["valid_from_instant"]) == ("2026-12-01", "2026-11-30T23:00:00Z")
    assert (late["valid_until"], late["expired_at"]) == ("2027-01-31", "2027-01-31T23:00:00Z")
    assert "until the end of 31 January 2027 (Europe/Skopje)" in late["detail"]
    assert reply.status_code == 200


def test_a_reservation_is_for_its_own_checkout_and_lapses(shop, clock, assert_problem):
    reply = act(shop, "reserve", body={"reference": "cart 1"})
    other = assert_problem(act(shop, "redeem", body={"reference": "cart 2"}), 409, "reserved")
    assert_problem(act(shop, "redeem"), 409, "reserved")
    assert_problem(act(shop, "reserve", body={"reference": "cart 2"}), 409, "reserved")

    assert (reply.status_code, reply.json["reserved_until"]) == (200, "2026-11-23T17:35:31Z")
    assert other["reserved_until"] == "2026-11-23T17:35:31Z"
    assert status(shop) == "reserved"
    clock.time += timedelta(minutes=15)
    assert status(shop) == "issued"
    assert act(shop, "redeem", body={"reference": "cart 2"}).status_code == 200


def test_a_checkout_redeems_what_it_reserved(shop):
    act(shop, "reserve", body={"reference": "cart 1", "minutes": 5})
    longer = act(shop, "reserve", body={"reference": "cart 1", "minutes": 60})
    reply = act(shop, "redeem", body={"reference": "cart 1"})

    assert longer.json["reserved_until"] == "2026-11-23T18:20:31Z"
    assert (reply.status_code, reply.json["status"]) == (200, "redeemed")


def test_a_reservation_is_honoured_beyond_the_last_day_until_its_own_end(make_shop, clock, assert_problem):
    shop = issue(make_shop(), valid_until="2026-11-23")
    clock.time = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # Skopje: 23:30
    cart = {"reference": "cart 1"}
    held = act(shop, "reserve", body={**cart, "minutes": 60})
    other = assert_problem(act(shop, "redeem", body={"reference": "cart 2"}), 409, "reserved")

    assert (held.json["reserved_until"], held.json["valid_until"]) == ("2026-11-23T23:30:00Z", "2026-11-23")
    assert "until 00:30 on 24 November 2026 (Europe/Skopje)" in other["detail"]

    clock.time = datetime(2026, 11, 23, 23, 29, 59, tzinfo=UTC)
    assert status(shop) == "reserved"
    assert_problem(act(shop, "redeem", body={"reference": "cart 2"}), 410, "expired")
    assert_problem(act(shop, "redeem"), 410, "expired")
    assert_problem(act(shop, "reserve", body={**cart, "minutes": 60}), 410, "expired")
    reply = act(shop, "redeem", body=cart)
    assert (reply.status_code, reply.json["redeemed_at"]) == (200, "2026-11-23T23:29:59Z")


def test_a_reservation_that_outlived_the_voucher_ends_with_its_promise(make_shop, clock, assert_problem):
    shop = issue(make_shop(), valid_until="2026-11-23")
    clock.time = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)
    act(shop, "reserve", body={"reference": "cart 1", "minutes": 1})
    clock.time += timedelta(minutes=1)

    assert status(shop) == "expired"
    assert_problem(act(shop, "redeem", body={"reference": "cart 1"}), 410, "expired")
    assert_problem(act(shop, "void", body={"reason": "no"}), 410, "expired")
    assert_problem(act(shop, "reverse"), 409, "wrong-state")


def test_a_reservation_that_outlived_the_voucher_can_be_released_and_made_void(make_shop, clock):
    shop = issue(make_shop(), valid_until="2026-11-23")
    clock.time = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)
    for code in shop.codes.values():
        act(shop, "reserve", code=code, body={"reference": "cart 1", "minutes": 60})
    clock.time += timedelta(minutes=30)

    assert act(shop, "reverse").json["status"] == "expired"
    assert act(shop, "void", code=shop.codes[2], body={"reason": "sent back"}).json["status"] == "void"


@pytest.mark.parametrize(
    ("zone", "last_day", "before_midnight"),
    [
        ("Europe/Skopje", "2027-03-28", datetime(2027, 3, 28, 21, 59, 59, tzinfo=UTC)),
        ("Europe/Skopje", "2027-10-31", datetime(2027, 10, 31, 22, 59, 59, tzinfo=UTC)),
        ("Asia/Kolkata", "2027-01-31", datetime(2027, 1, 31, 18, 29, 59, tzinfo=UTC)),
        ("America/Santiago", "2027-09-04", datetime(2027, 9, 5, 3, 59, 59, tzinfo=UTC)),
    ],
    ids=["clocks forward", "clocks back", "half an hour off", "a day that begins at one"],
)
def test_what_is_taken_back_after_the_last_day_is_expired(
    make_shop, clock, assert_problem, zone, last_day, before_midnight
):
    shop = issue(make_shop(timezone=zone), valid_until=last_day)
    clock.time, key = before_midnight, {"Idempotency-Key": "sent back"}
    act(shop, "redeem")
    act(shop, "redeem", code=shop.codes[2])
    in_time = act(shop, "reverse", code=shop.codes[2])
    clock.time += timedelta(seconds=1)
    late = act(shop, "reverse", **key)

    assert (in_time.json["status"], late.json["status"]) == ("issued", "expired")
    assert late.json["valid_until"] == last_day
    assert status(shop) == status(shop, shop.codes[2]) == "expired"
    assert act(shop, "reverse", **key).json == late.json
    assert_problem(act(shop, "redeem"), 410, "expired")
    by_status = shop.get("/api/v1/campaigns/year-end").json["by_status"]
    assert {state: each["vouchers"] for state, each in by_status.items() if each["vouchers"]} == {
        "expired": 2
    }


def test_a_void_voucher_stays_void(shop, assert_problem):
    assert act(shop, "void", body={"reason": "printed twice"}).json["status"] == "void"
    for action in ("redeem", "reserve", "reverse"):
        assert_problem(act(shop, action), 409, "void")
    assert_problem(act(shop, "void", body={"reason": "again"}), 409, "void")
    history = shop.get(f"/api/v1/vouchers/{shop.codes[1]}").json["history"]
    assert [(event["action"], event["reason"]) for event in history] == [
        ("issue", None),
        ("void", "printed twice"),
    ]


def test_a_reversed_voucher_is_redeemed_once_again(shop, assert_problem):
    assert_problem(act(shop, "reverse"), 409, "wrong-state")
    act(shop, "redeem", body={"reference": "order 7"})
    assert_problem(act(shop, "void", body={"reason": "no"}), 409, "already-redeemed")
    assert act(shop, "reverse", body={"reason": "cancelled"}).json["status"] == "issued"
    assert_problem(act(shop, "reverse"), 409, "wrong-state")
    assert act(shop, "redeem", body={"reference": "order 8"}).status_code == 200
    assert_problem(act(shop, "redeem"), 409, "already-redeemed")

    history = shop.get(f"/api/v1/vouchers/{shop.codes[1]}").json["history"]
    assert [event["action"] for event in history] == ["issue", "redeem", "reverse", "redeem"]
    assert [event["reference"] for event in history] == [None, "order 7", None, "order 8"]


def test_the_same_key_has_the_same_answer(shop, clock, assert_problem):
    key = {"Idempotency-Key": "order-7-attempt"}
    first = act(shop, "redeem", body={"reference": "order 7"}, **key)
    clock.time += timedelta(hours=1)
    again = act(shop, "redeem", body={"reference": "order 7"}, **key)
    other_body = act(shop, "redeem", body={"reference": "order 8"}, **key)
    other_key = act(shop, "redeem", body={"reference": "order 7"}, **{"Idempotency-Key": "another"})

    assert (again.status_code, again.json) == (200, first.json)
    assert_problem(other_body, 422, "key-reused")
    assert_problem(other_key, 409, "already-redeemed")
    act(shop, "reverse")
    assert_problem(act(shop, "redeem", body={"reference": "order 7"}, **key), 409, "changed")
    assert status(shop) == "issued", "an old answer redeems nothing"


def test_a_key_that_is_none_is_refused(shop, assert_problem):
    reply = act(shop, "redeem", **{"Idempotency-Key": "x" * 256})

    problem = assert_problem(reply, 422, "invalid-value")
    assert [fault["parameter"] for fault in problem["errors"]] == ["Idempotency-Key"]


@pytest.mark.shop(auth="required")
def test_another_askers_key_of_the_same_text_is_another_key(shop, assert_problem):
    first, second = shop.key("cashier", "till 1"), shop.key("cashier", "till 2")

    assert act(shop, "redeem", **first, **{"Idempotency-Key": "1"}).status_code == 200
    assert_problem(act(shop, "redeem", **second, **{"Idempotency-Key": "1"}), 409, "already-redeemed")


def test_the_same_key_in_flight_is_told_to_wait(shop, monkeypatch, assert_problem):
    from smetka.bonus import redemptions

    replies = []
    key = {"Idempotency-Key": "1"}
    find = redemptions.vouchers.find

    def slow(*asked):
        if not replies:
            replies.append(None)
            replies.append(act(shop, "redeem", **key))
        return find(*asked)

    monkeypatch.setattr(redemptions.vouchers, "find", slow)

    assert act(shop, "redeem", **key).status_code == 200
    assert_problem(replies[1], 409, "in-progress")
    assert act(shop, "redeem", **key).status_code == 200


def test_of_64_at_once_one_wins(shop):
    with ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda n: act(shop, "redeem", body={"reference": f"order {n}"}), range(64)))

    assert sorted(reply.status_code for reply in replies) == [200] + [409] * 63
    [winner] = [reply.json for reply in replies if reply.status_code == 200]
    losers = [reply.json for reply in replies if reply.status_code == 409]
    assert {loser["type"] for loser in losers} == {"/problems/already-redeemed"}
    history = shop.get(f"/api/v1/vouchers/{shop.codes[1]}").json["history"]
    assert [event["reference"] for event in history] == [None, winner["reference"]]


def test_reversals_at_once_revive_a_voucher_once(shop):
    act(shop, "redeem")
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: act(shop, "reverse").status_code, range(16)))

    assert sorted(replies) == [200] + [409] * 15


@pytest.mark.shop(auth="required")
def test_whoever_guesses_is_slowed_and_nobody_else_is(shop, assert_problem):
    guesser, cashier = shop.key("cashier", "guesser"), shop.key("cashier", "till")
    here, there = {"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "192.0.2.8"}

    def show(code, headers, environ):
        return shop.get(f"/api/v1/vouchers/{code}", headers=headers, environ_overrides=environ)

    guesses = [show(derive(b"guess", n), guesser, here).status_code for n in range(25)]
    mistyped = [show("AAAA-AAAA-AAAB", cashier, there).status_code for _ in range(40)]

    assert guesses == [404] * 20 + [429] * 5
    assert mistyped == [404] * 40, "a typing mistake is no guess"
    limited = show(shop.codes[1], guesser, there)
    assert_problem(limited, 429, "too-many-requests")
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert show(shop.codes[1], cashier, here).status_code == 429, "the address is slowed, whatever key"
    assert show(shop.codes[1], cashier, there).status_code == 200


@pytest.mark.shop(auth="required")
def test_a_cashier_sees_what_happened_and_not_who_did_it(shop):
    cashier, manager = shop.key("cashier", "till 1"), shop.key("manager", "the boss")
    act(shop, "redeem", **cashier)
    address = f"/api/v1/vouchers/{shop.codes[1]}"

    assert "till 1" not in shop.get(address, headers=cashier).text
    events = shop.get(address, headers=manager).json["history"]
    assert [event.get("by") for event in events] == [None, "key till 1"]


@pytest.mark.shop(auth="required")
def test_the_audit_says_who_did_what_and_whether_it_happened(shop, clock, exact):
    cashier, owner = shop.key("cashier", "till 1"), shop.key("owner", "the owner")
    clock.time += timedelta(seconds=1)
    act(shop, "redeem", body={"reference": "order 7"}, **cashier)
    act(shop, "redeem", body={"reference": "order 8"}, **cashier)
    clock.time += timedelta(seconds=1)
    # What a process that was killed in between leaves behind:
    shop.services.audit.note("redeem", "key till 1", code=shop.codes[2], campaign="year-end", user_id=2)

    first = exact(shop.get("/api/v1/audit?limit=2", headers=owner))
    rest = exact(shop.get(f"/api/v1/audit?limit=50&cursor={first['next']}", headers=owner))

    told = [
        (entry["by"], entry["action"], entry["user_id"], entry["reference"], entry["happened"])
        for entry in first["items"] + rest["items"]
    ]
    assert told[:2] == [
        ("key till 1", "redeem", 2, None, False),
        ("key till 1", "redeem", 1, "order 7", True),
    ]
    assert {(by, action) for by, action, *_ in told[2:]} == {
        ("key a owner", "issue"),
        ("key a owner", "create-campaign"),
    }
    assert rest["next"] is None


def test_codes_in_this_test_are_as_they_should_be():
    code = derive(b"guess", 1).replace("-", "")
    assert check_symbol(code[:11]) == code[11]
