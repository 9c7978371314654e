"""The sender: what arrives, what waits, what stops, over real HTTP and a real MongoDB."""

from __future__ import annotations

import json
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import BonusStoreUnavailable
from smetka.storage.lease import Lease
from smetka.telegram import delivery as states
from smetka.telegram.client import TelegramClient
from smetka.telegram.sender import Manner, Sender
from tests.fixtures.clock import JUMPS
from tests.waiting import eventually

MANAGER, GROUP, OTHER = 1001, -2002, 3003


@pytest.fixture
def queued(announcer, make_report, outbox):
    """A function that announces a report and returns how its only delivery stands, whenever asked."""

    def queue(recipients=(MANAGER,), **report):
        told = announcer(recipients).announce(make_report(**report))

        def now():
            (delivery,) = (one for one in outbox.newest(9) if one.report_id == told.report_id)
            return delivery

        return now

    return queue


def test_a_queued_report_is_delivered_once(queued, sender, drain, telegram):
    delivery = queued()

    drain(sender)

    (message,) = telegram.messages(MANAGER)
    assert (delivery().state, delivery().message_id, delivery().attempt) == ("delivered", message.id, 1)
    assert delivery().delivered_at is not None
    assert f"Report {delivery().report_id}" in message.text
    assert "20,707.98" in message.text
    assert "Year 2025 · MKD" in message.text


def test_every_chat_gets_its_own(announcer, make_report, sender, drain, telegram):
    announcer((MANAGER, GROUP)).announce(make_report())

    drain(sender)

    assert len(telegram.messages(MANAGER)) == len(telegram.messages(GROUP)) == 1


def test_messages_are_in_the_shops_language(queued, make_sender, drain, telegram):
    queued()
    drain(make_sender(language="mk"))

    assert "Просечна потрошувачка" in telegram.messages(MANAGER)[0].text


def test_a_chat_gets_one_message_a_second_and_others_need_not_wait(
    announcer, make_report, sender, telegram, clock
):
    for year in (2023, 2024):
        announcer((MANAGER, GROUP)).announce(make_report(year=year))

    done = [sender.run_once() for _ in range(4)]

    assert done == [True, True, False, False]
    assert len(telegram.messages(MANAGER)) == len(telegram.messages(GROUP)) == 1
    clock.pass_(1)
    assert sender.run_once()


def test_flood_control_is_obeyed_by_the_chat_it_was_asked_for(
    announcer, make_report, sender, telegram, clock, outbox
):
    announcer((MANAGER, GROUP)).announce(make_report())
    telegram.fail_next("flood", retry_after=30)

    for _ in range(29):
        sender.run_once()
        clock.pass_(1)
    assert telegram.calls("send*") == 2
    assert (len(telegram.messages(MANAGER)), len(telegram.messages(GROUP))) == (0, 1)
    assert {one.chat: one.state for one in outbox.newest(9)} == {MANAGER: "waiting", GROUP: "delivered"}
    clock.pass_(5)
    assert sender.run_once()

    assert {one.state for one in outbox.newest(9)} == {"delivered"}
    assert {one.faults for one in outbox.newest(9)} == {0}
    assert sender.health.ok


def test_flood_control_of_a_second_chat_is_obeyed_by_the_whole_bot(
    announcer, make_report, sender, telegram, clock, outbox
):
    announcer((MANAGER, GROUP, OTHER)).announce(make_report())
    telegram.world.add_chat(OTHER)
    telegram.fail_next("flood", times=2, retry_after=30)

    for _ in range(29):
        sender.run_once()
        clock.pass_(1)
    assert telegram.calls("send*") == 2
    for _ in range(10):
        sender.run_once()
        clock.pass_(1)

    assert {one.state for one in outbox.newest(9)} == {"delivered"}
    assert {one.faults for one in outbox.newest(9)} == {0}


def test_a_group_gets_twenty_messages_a_minute(outbox, sender, telegram, clock, make_report):
    for number in range(25):
        outbox.queue(f"report {number}", "averages", make_report(), [GROUP])

    for _ in range(58):
        sender.run_once()
        clock.pass_(1)
    assert len(telegram.messages(GROUP)) == 20
    for _ in range(30):
        sender.run_once()
        clock.pass_(1)

    assert len(telegram.messages(GROUP)) == 25


def test_the_next_sender_knows_what_the_last_one_sent_to_a_group(
    outbox, make_sender, telegram, clock, make_report
):
    for number in range(25):
        outbox.queue(f"report {number}", "averages", make_report(), [GROUP])
    first = make_sender()
    for _ in range(15):
        first.run_once()
        clock.pass_(1)
    first._lease.release()

    second = make_sender()
    for _ in range(44):
        second.run_once()
        clock.pass_(1)

    assert len(telegram.messages(GROUP)) == 20


def test_faults_of_telegrams_are_retried_with_longer_and_longer_waits(queued, sender, telegram, clock):
    delivery = queued()
    telegram.fail_next("500", times=4)
    waits = []
    while delivery().state != "delivered":
        sender.run_once()
        wait = (delivery().next_attempt_at - clock()).total_seconds()
        waits.append(wait)
        assert delivery().state in {"waiting", "delivered"}
        assert sender.health.ok == (delivery().state == "delivered")
        clock.pass_(max(wait, 0))

    assert [low <= wait <= low * 1.25 for low, wait in zip((1, 2, 4, 8), waits, strict=False)] == [True] * 4
    assert len(telegram.messages(MANAGER)) == 1


@pytest.mark.parametrize("fault", ["none", "500"], ids=["queued", "waiting after a fault"])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_clock_delays_no_message(queued, sender, drain, telegram, clock, fault, jump):
    delivery = queued()
    if fault != "none":
        telegram.fail_next(fault)
        sender.run_once()
        assert delivery().state == "waiting"
    clock.jump(jump)
    clock.pass_(2)
    drain(sender)

    assert delivery().state == "delivered"
    assert len(telegram.messages(MANAGER)) == 1


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        pytest.param("500", "failed", id="refused: it failed"),
        pytest.param("502-html", "unknown", id="no answer: it may have arrived"),
    ],
)
def test_the_tenth_fault_is_the_last(queued, sender, telegram, clock, fault, state):
    delivery = queued()
    telegram.fail_next(fault, times=99)
    for _ in range(12):
        sender.run_once()
        clock.pass_(400)

    assert (delivery().state, delivery().faults) == (state, 10)
    assert telegram.calls("send*") == 10
    assert "10 attempts" in delivery().reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"blocked": True}, "Forbidden: bot was blocked by the user", id="blocked"),
        pytest.param({"started": False}, "Forbidden: bot can't initiate conversation with a user", id="new"),
        pytest.param(None, "Bad Request: chat not found", id="no such chat"),
    ],
)
def test_a_refused_message_stops_at_once_with_the_reason(queued, sender, drain, telegram, change, reason):
    delivery = queued((MANAGER,) if change else (5555,))
    for name, value in (change or {}).items():
        setattr(telegram.chat(MANAGER), name, value)

    drain(sender)

    assert (delivery().state, delivery().reason) == ("failed", reason)
    assert telegram.calls("send*") == 1


def test_a_chat_that_cannot_be_written_to_is_paused_until_somebody_resumes_it(
    queued, sender, drain, telegram, chats, clock
):
    queued()
    telegram.chat(MANAGER).blocked = True
    drain(sender)

    assert chats.get(MANAGER).paused == "Forbidden: bot was blocked by the user"
    assert sender.health.detail == "Telegram is reachable. Paused: chat 1001."
    telegram.chat(MANAGER).blocked = False
    second = queued(year=2024)
    clock.pass_(5)
    drain(sender)
    assert second().state == "held"
    assert second().reason == "The chat is paused: Forbidden: bot was blocked by the user"
    assert telegram.calls("send*") == 1

    assert chats.resume(MANAGER)
    third = queued(year=2023)
    clock.pass_(5)
    drain(sender)
    assert third().state == "delivered"
    assert sender.health.detail == "Telegram is reachable."


@pytest.mark.parametrize(
    ("description", "pauses"),
    [
        ("Bad Request: can't parse entities: Unclosed start tag at byte offset 3", False),
        ("Bad Request: message is too long", False),
        ("Bad Request: PHOTO_INVALID_DIMENSIONS", False),
        ("Bad Request: group is deactivated", True),
        ("Bad Request: chat not found", True),
    ],
)
def test_a_refusal_of_one_message_does_not_pause_its_chat(
    queued, sender, drain, telegram, chats, description, pauses
):
    delivery = queued()
    body = json.dumps({"ok": False, "error_code": 400, "description": description})
    telegram.fail_next("say", status=400, body=body)

    drain(sender)

    assert (delivery().state, delivery().reason) == ("failed", description)
    assert chats.get(MANAGER).paused == (description if pauses else None)


def test_a_failed_message_may_be_announced_again(
    queued, announcer, make_report, sender, drain, telegram, clock, chats
):
    queued()
    telegram.chat(MANAGER).blocked = True
    drain(sender)
    telegram.chat(MANAGER).blocked = False
    chats.resume(MANAGER)
    clock.pass_(5)

    told = announcer().announce(make_report())
    drain(sender)

    assert told.status == "queued"
    assert told.report_id in telegram.messages(MANAGER)[0].text


@pytest.mark.parametrize("by_hand", ["retry", "cancel"])
def test_an_operator_decides_about_what_is_held(queued, outbox, make_sender, drain, telegram, clock, by_hand):
    delivery = queued()
    telegram.fail_next("accept-reset")
    sender = make_sender(on_unknown="hold")
    drain(sender)
    assert delivery().state == "held"

    getattr(outbox, by_hand)(delivery().id)
    clock.pass_(2)
    drain(sender)

    assert delivery().state == {"retry": "delivered", "cancel": "cancelled"}[by_hand]
    assert len(telegram.messages(MANAGER)) == {"retry": 2, "cancel": 1}[by_hand]


@pytest.mark.parametrize("token", ["4242:a-token-that-was-revoked-long-ago"])
def test_a_wrong_token_pauses_everything_and_says_so(queued, make_sender, drain, telegram, clock, token):
    delivery = queued()
    sender = make_sender(token=token)
    for _ in range(20):
        sender.run_once()
        clock.pass_(30)

    assert delivery().state == "queued"
    assert delivery().attempt == 0
    assert (sender.health.ok, "401" in sender.health.detail) == (False, True)
    drain(make_sender())  # does nothing: the other one holds the lease
    assert telegram.messages(MANAGER) == []


def test_a_token_revoked_in_between_pauses_everything_until_it_is_right_again(
    queued, announcer, make_report, sender, drain, telegram, clock
):
    queued()
    drain(sender)
    right, telegram.token = telegram.token, "4242:another-token-from-now-on"
    delivery = queued(year=2024)
    while not sender.run_once():
        clock.pass_(1)

    assert (delivery().state, delivery().faults, sender.health.ok) == ("waiting", 0, False)

    telegram.token = right
    clock.pass_(61)
    drain(sender)
    assert (delivery().state, sender.health.ok) == ("delivered", True)


def test_a_migrated_group_is_followed(queued, announcer, make_report, sender, drain, telegram, clock):
    telegram.world.add_chat(-1002002)
    telegram.chat(GROUP).migrated_to = -1002002
    delivery = queued((GROUP,))

    drain(sender)

    assert (delivery().state, delivery().send_to) == ("delivered", -1002002)
    assert len(telegram.messages(-1002002)) == 1
    announcer((GROUP,)).announce(make_report(year=2020))
    drain(sender)
    assert len(telegram.messages(-1002002)) == 2
    assert telegram.calls("send*") == 3  # the new id is remembered


def test_the_next_sender_knows_where_a_group_moved(
    queued, announcer, make_report, make_sender, drain, telegram, chats, clock
):
    telegram.world.add_chat(-1002002)
    telegram.chat(GROUP).migrated_to = -1002002
    queued((GROUP,))
    first = make_sender()
    drain(first)
    first._lease.release()

    announcer((GROUP,)).announce(make_report(year=2020))
    second = make_sender()
    second.run_once()  # it takes the lease, and counts what the first one sent just now
    clock.pass_(1)
    drain(second)

    assert chats.get(GROUP).moved_to == -1002002
    assert telegram.calls("send*") == 3
    assert len(telegram.messages(-1002002)) == 2


def test_a_chat_is_written_to_in_its_own_language(announcer, make_report, sender, drain, telegram, chats):
    chats.speak(GROUP, "mk")
    announcer((MANAGER, GROUP)).announce(make_report())

    drain(sender)

    assert "Average spending" in telegram.messages(MANAGER)[0].text
    assert "Просечна потрошувачка" in telegram.messages(GROUP)[0].text


def test_a_chat_whose_calls_hang_delays_no_other(
    storage, outbox, chats, telegram, announcer, make_report, clock
):
    telegram.fail_next("hang")
    clients = [TelegramClient(telegram.token, telegram.url, timeout=(5, 30)) for _ in range(4)]
    sender = Sender(
        outbox,
        chats,
        Lease(storage, "sender", now=clock),
        clients,
        manner=Manner("en", ZoneInfo("Europe/Skopje"), "retry"),
        now=clock,
        stopping=Event(),
    )
    others = range(3001, 3007)
    for chat in others:
        telegram.world.add_chat(chat)
    announcer((MANAGER,)).announce(make_report())
    sender.run_once()
    announcer(tuple(others)).announce(make_report(year=2024))

    def everyone_was_told():
        sender.run_once()
        return all(telegram.messages(chat) for chat in others)

    eventually(everyone_was_told)

    assert telegram.messages(MANAGER) == []
    assert not sender.finish(0.1)
    for client in clients:
        client.close()


@pytest.mark.parametrize("fault", ["accept-reset", "truncated", "reset", "502-html"])
def test_an_unknown_outcome_is_retried_and_the_report_id_tells_the_repeat(
    queued, sender, drain, telegram, clock, fault
):
    delivery = queued()
    telegram.fail_next(fault)
    sender.run_once()

    assert delivery().state == "waiting"
    clock.pass_(5)
    drain(sender)

    copies = 1 + fault.startswith(("accept", "truncated"))
    assert (delivery().state, len(telegram.messages(MANAGER))) == ("delivered", copies)
    assert len({message.text for message in telegram.messages(MANAGER)}) == 1


@pytest.mark.parametrize("fault", ["accept-reset", "truncated", "reset", "502-html"])
def test_an_unknown_outcome_is_held_when_so_configured(queued, make_sender, drain, telegram, clock, fault):
    delivery = queued()
    telegram.fail_next(fault)
    sender = make_sender(on_unknown="hold")

    drain(sender)
    clock.pass_(10_000)
    drain(sender)

    assert delivery().state == "held"
    assert telegram.calls("send*") == 1


@pytest.mark.parametrize("on_unknown", ["retry", "hold"])
def test_without_a_connection_everything_waits_as_long_as_it_takes(
    queued, make_sender, drain, telegram, clock, on_unknown
):
    delivery = queued()
    sender = make_sender(on_unknown=on_unknown, url="http://127.0.0.1:1")
    for _ in range(50):
        sender.run_once()
        clock.pass_(100)

    assert (delivery().state, delivery().faults) == ("queued", 0)
    assert not sender.health.ok


def test_only_one_of_two_senders_sends_and_the_other_takes_over(
    announcer, make_report, make_sender, drain, telegram, clock
):
    first, second = make_sender(), make_sender()
    announcer().announce(make_report())

    drain(first)
    assert (first.is_active, second.run_once(), second.is_active) == (True, False, False)
    announcer().announce(make_report(year=2024))
    clock.pass_(30)
    assert not second.run_once()
    clock.pass_(31)  # the first one has been silent for longer than its lease
    drain(second)

    assert len(telegram.messages(MANAGER)) == 2
    assert (first.run_once(), first.is_active) == (False, False)


@pytest.mark.parametrize(("on_unknown", "state"), [("retry", "delivered"), ("hold", "held")])
def test_what_a_lost_sender_was_sending_has_an_unknown_outcome(
    queued, outbox, make_sender, drain, telegram, clock, on_unknown, state
):
    delivery = queued()
    outbox.claim(delivery(), "somebody-else#1")

    sender = make_sender(on_unknown=on_unknown)
    drain(sender)
    clock.pass_(5)
    drain(sender)

    assert delivery().state == state
    assert len(telegram.messages(MANAGER)) == (on_unknown == "retry")


def test_a_sender_that_lost_its_lease_cannot_settle_what_the_next_one_took(queued, outbox):
    delivery = queued()
    early = outbox.claim(delivery(), "first#1")
    outbox.settle(early, states.WAITING)
    late = outbox.claim(delivery(), "second#2")

    assert not outbox.settle(early, states.FAILED, reason="too late")
    assert outbox.settle(late, states.DELIVERED, message_id=7)
    assert (delivery().state, delivery().message_id, delivery().reason) == ("delivered", 7, None)


def test_only_one_of_two_claims_succeeds(queued, outbox):
    seen = queued()()

    assert outbox.claim(seen, "first#1").attempt == 1
    assert outbox.claim(seen, "second#1") is None


def test_mongodb_lost_between_acceptance_and_record_does_not_double_the_message(
    queued, sender, drain, telegram, outbox, monkeypatch
):
    delivery = queued()
    settle, times = outbox.settle, []

    def lose_the_first(*arguments, **fields):
        times.append(1)
        if len(times) == 1:
            raise BonusStoreUnavailable("the connection broke")
        return settle(*arguments, **fields)

    monkeypatch.setattr(outbox, "settle", lose_the_first)
    with pytest.raises(BonusStoreUnavailable):
        sender.run_once()
    drain(sender)

    assert delivery().state == "delivered"
    assert len(telegram.messages(MANAGER)) == 1


def test_a_claim_whose_confirmation_was_lost_is_sent_once(
    queued, sender, drain, telegram, outbox, monkeypatch
):
    delivery = queued()
    claim, times = outbox.claim, []

    def lose_the_first(*arguments):
        times.append(claim(*arguments))
        if len(times) == 1:
            raise BonusStoreUnavailable("the connection broke")
        return times[-1]

    monkeypatch.setattr(outbox, "claim", lose_the_first)
    with pytest.raises(BonusStoreUnavailable):
        sender.run_once()
    drain(sender)

    assert (delivery().state, delivery().faults) == ("delivered", 0)
    assert len(telegram.messages(MANAGER)) == 1


def test_a_record_that_cannot_be_written_as_a_message_stops_no_other(
    announcer, make_report, storage, sender, drain, telegram, outbox
):
    announcer((MANAGER, GROUP)).announce(make_report())
    with storage.translated():
        storage.collection("deliveries").update_one({"chat": MANAGER}, {"$unset": {"report.outside": ""}})

    drain(sender)

    assert {one.chat: one.state for one in outbox.newest(9)} == {MANAGER: "failed", GROUP: "delivered"}


@pytest.fixture
def long_report(make_report):
    """Averages of so many groups that they go as a picture, texts and a file."""
    report = make_report()
    rows = [{**report["age_groups"][0], "age_group": f"{age}-{age}"} for age in range(151)]
    return {**report, "age_groups": rows, "average_spending": {row["age_group"]: 123456789 for row in rows}}


def shown(message):
    return "picture" if message.photo else "file" if message.document else "text"


@pytest.mark.parametrize("faults", [0, 1, 2, 3])
def test_each_part_of_a_long_message_arrives_once_whatever_goes_wrong_in_between(
    outbox, sender, telegram, clock, long_report, faults
):
    (delivery_id,) = outbox.queue("long", "averages", long_report, [MANAGER])
    for _ in range(16):
        if faults and len(telegram.messages(MANAGER)) == 2 and telegram.calls("send*") == 2:
            telegram.fail_next("500", times=faults)
        sender.run_once()
        clock.pass_(3)

    delivery = outbox.get(delivery_id)
    assert delivery.state == "delivered"
    assert [shown(message) for message in telegram.messages(MANAGER)] == ["picture", "text", "text", "file"]
    assert list(delivery.sent) == ["chart", "table-1", "table-2", "csv"]
    assert list(delivery.sent.values()) == [message.id for message in telegram.messages(MANAGER)]
    assert delivery.message_id == telegram.messages(MANAGER)[0].id
    assert delivery.faults == faults


def test_the_parts_of_one_message_come_before_the_next_message(outbox, sender, telegram, clock, long_report):
    for name in ("first", "second"):
        outbox.queue(name, "averages", long_report, [MANAGER])
        clock.pass_(1)
    for _ in range(10):
        sender.run_once()
        clock.pass_(2)

    assert [shown(m) for m in telegram.messages(MANAGER)] == ["picture", "text", "text", "file"] * 2


def test_another_sender_goes_on_where_the_last_one_stopped(outbox, make_sender, telegram, clock, long_report):
    outbox.queue("long", "averages", long_report, [MANAGER])
    for _ in range(4):
        sender = make_sender()
        sender.run_once()
        clock.pass_(2)
        sender.run_once()
        sender._lease.release()
        clock.pass_(2)

    assert [shown(m) for m in telegram.messages(MANAGER)] == ["picture", "text", "text", "file"]
