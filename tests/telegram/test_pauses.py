"""What a chat does not allow: pictures, files, messages for a while; what is done meanwhile and afterwards."""

from __future__ import annotations

import json

import pytest

from smetka.telegram.outbox import Outbox
from smetka.telegram.pauses import LONGEST_REST, TRIED_FOR

MANAGER, GROUP = 1001, -2002
TEXTS = "Bad Request: not enough rights to send text messages to the chat"


@pytest.fixture
def queue(outbox, make_report):
    """A function that queues a report for the group, and returns how its delivery stands whenever asked."""

    def queue(name="report", chat=GROUP, **report):
        (delivery_id,) = outbox.queue(name, "averages", make_report(**report), [chat])
        return lambda: outbox.get(delivery_id)

    return queue


@pytest.fixture
def work(sender, clock):
    """A function that lets the sender work for a time, looking every so often."""

    def work(minutes, step=30):
        for _ in range(int(minutes * 60 / step)):
            while sender.run_once():
                clock.pass_(1)
            clock.pass_(step)

    return work


def many_groups(make_report):
    """A report of more age groups than are told without a file."""
    report = make_report()
    group = report["age_groups"][0]
    names = [f"{age}-{age + 1}" for age in range(18, 48, 2)]
    return {
        "average_spending": dict.fromkeys(names, 100),
        "age_groups": [{**group, "age_group": name} for name in names],
    }


# --- pictures and files ----------------------------------------------------------------------


def test_where_pictures_are_forbidden_the_figures_arrive_as_text(queue, sender, drain, telegram, chats):
    telegram.chat(GROUP).forbidden = {"photos"}
    delivery = queue()
    drain(sender)

    (message,) = telegram.messages(GROUP)
    assert message.photo is None
    assert "20,707.98" in message.text
    assert (delivery().state, delivery().reason, delivery().faults) == ("delivered", None, 0)
    assert delivery().delivered_at is not None
    assert chats.get(GROUP).paused is None
    assert sender.health.detail == "Telegram is reachable."


def test_pictures_that_are_allowed_again_are_sent_again(queue, sender, drain, telegram, clock):
    telegram.chat(GROUP).forbidden = {"photos"}
    queue()
    drain(sender)
    telegram.chat(GROUP).forbidden = set()
    queue("another")
    clock.pass_(5)
    drain(sender)

    assert [message.photo is not None for message in telegram.messages(GROUP)] == [False, True]


@pytest.mark.parametrize("forbidden", [{"documents"}, {"photos", "documents"}])
def test_a_file_that_is_forbidden_keeps_nothing_else_back(
    queue, sender, drain, telegram, chats, make_report, forbidden
):
    telegram.chat(GROUP).forbidden = forbidden
    delivery = queue(**many_groups(make_report))
    drain(sender)

    messages = telegram.messages(GROUP)
    assert (delivery().state, chats.get(GROUP).paused) == ("delivered", None)
    assert len(messages) == len(delivery().sent)
    assert [message for message in messages if message.document] == []
    assert "46-47" in "\n".join(message.text for message in messages)
    assert any(message.photo for message in messages) == ("photos" not in forbidden)


@pytest.mark.parametrize("code", [400, 403])
@pytest.mark.parametrize("description", ["CHAT_SEND_PHOTOS_FORBIDDEN", "CHAT_SEND_MEDIA_FORBIDDEN"])
def test_pictures_are_forbidden_in_other_words_too(queue, sender, drain, telegram, code, description):
    body = json.dumps({"ok": False, "error_code": code, "description": f"Bad Request: {description}"})
    telegram.fail_next("say", status=code, body=body, method="sendPhoto")
    delivery = queue()
    drain(sender)

    assert delivery().state == "delivered"
    assert [message.photo for message in telegram.messages(GROUP)] == [None]


# --- rights ----------------------------------------------------------------------------------


def test_rights_that_are_given_back_after_hours_send_all_that_waited_once(
    queue, work, telegram, chats, clock, sender
):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    waited = [queue(f"report {number}") for number in range(3)]
    work(4 * 60, step=300)

    assert {each().state for each in waited} == {"waiting"}
    assert chats.get(GROUP).paused == TEXTS
    assert "Paused: chat -2002" in sender.health.detail
    late = queue("late")
    telegram.chat(GROUP).forbidden = set()
    work(70, step=300)

    assert {each().state for each in (*waited, late)} == {"delivered"}
    assert len(telegram.messages(GROUP)) == 4
    assert (chats.get(GROUP).paused, chats.get(GROUP).again_at) == (None, None)
    assert sender.health.detail == "Telegram is reachable."


def test_the_pauses_between_the_tries_grow_to_an_hour(queue, sender, telegram, chats, clock):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    queue()
    sender.run_once()  # by which it is known that it is to be a text
    clock.pass_(1)
    pauses = []
    for tries in range(1, 12):
        while sender.run_once():
            pass
        assert telegram.calls("sendMessage") == tries
        pause = (chats.get(GROUP).again_at - clock()).total_seconds()
        pauses.append(pause / 60)
        clock.pass_(pause - 1)
        while sender.run_once():
            pass
        assert telegram.calls("sendMessage") == tries, "it is not tried before"
        clock.pass_(1)

    assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_after_half_a_day_the_chat_stays_paused_until_somebody_resumes_it(
    queue, work, telegram, chats, clock, outbox
):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    first, second = queue("first"), queue("second")
    work(TRIED_FOR.total_seconds() / 60 + 120, step=600)
    calls = telegram.calls("send*")
    work(120, step=600)

    assert telegram.calls("send*") == calls, "it is tried no more"
    assert (first().state, second().state) == ("held", "held")
    assert first().reason == f"The chat is paused: {TEXTS}"
    assert (chats.get(GROUP).paused, chats.get(GROUP).again_at) == (TEXTS, None)

    telegram.chat(GROUP).forbidden = set()
    assert chats.resume(GROUP)
    third = queue("third")
    outbox.retry(first().id)
    work(1)
    assert (first().state, second().state, third().state) == ("delivered", "held", "delivered")


def test_a_resume_by_hand_works_at_once(queue, work, telegram, chats):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    waited = [queue("one"), queue("two")]
    work(3 * 60, step=300)
    telegram.chat(GROUP).forbidden = set()

    assert chats.resume(GROUP)
    work(0.5, step=5)
    assert {each().state for each in waited} == {"delivered"}
    assert len(telegram.messages(GROUP)) == 2


def test_others_are_written_to_meanwhile(queue, work, telegram):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    queue()
    other = queue("to the manager", chat=MANAGER)
    work(1, step=5)

    assert other().state == "delivered"


def test_the_next_sender_tries_again_when_the_last_one_would_have(
    queue, make_sender, drain, telegram, clock, chats
):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    delivery = queue()
    first = make_sender()
    drain(first)
    first._lease.release()
    telegram.chat(GROUP).forbidden = set()
    second = make_sender()
    drain(second)
    assert delivery().state == "waiting"
    clock.pass_(70)
    drain(second)

    assert (delivery().state, chats.get(GROUP).paused) == ("delivered", None)


def test_a_clock_that_was_ahead_keeps_no_chat_paused(queue, sender, drain, telegram, clock, storage):
    telegram.chat(GROUP).forbidden = {"photos", "text messages"}
    clock.jump(24 * 3600)
    delivery = queue()
    drain(sender)
    clock.jump(-24 * 3600)
    telegram.chat(GROUP).forbidden = set()
    clock.pass_(LONGEST_REST.total_seconds() + 60)
    another = queue("another")
    drain(sender)

    assert (delivery().state, another().state) == ("delivered", "delivered")


@pytest.mark.parametrize(
    "description",
    [
        "have no rights to send a message",
        "need administrator rights in the channel chat",
        "CHAT_WRITE_FORBIDDEN",
        "CHAT_SEND_PLAIN_FORBIDDEN",
        "CHAT_RESTRICTED",
    ],
)
def test_want_of_rights_has_many_words(queue, sender, drain, telegram, chats, description):
    body = json.dumps({"ok": False, "error_code": 400, "description": f"Bad Request: {description}"})
    telegram.fail_next("say", status=400, body=body)
    delivery = queue()
    drain(sender)

    assert (delivery().state, chats.get(GROUP).again_at is None) == ("waiting", False)


def test_a_kicked_bot_is_not_tried_again(queue, sender, drain, telegram, chats):
    telegram.chat(GROUP).blocked = True
    delivery = queue()
    drain(sender)

    assert (delivery().state, chats.get(GROUP).again_at) == ("failed", None)


def test_records_of_earlier_versions_are_read_as_ever(storage, chats, clock, make_report):
    storage.collection("chats").insert_one(
        {"_id": GROUP, "paused": "The bot was taken out of the group.", "updated_at": clock()}
    )
    outbox = Outbox(storage, now=clock)
    outbox.queue("old", "averages", make_report(), [GROUP])

    assert chats.get(GROUP).paused == "The bot was taken out of the group."
    assert chats.get(GROUP).again_at is None
    assert outbox.newest(1)[0].without == ()
