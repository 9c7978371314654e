"""Topics of a forum: recipients of their own in one chat, whose pace, pauses and language they share."""

from __future__ import annotations

import json

import pytest

from smetka.telegram.topics import chat_of, join, split, topic_of

FORUM, SUMS, PLANS = -1001234567890, "-1001234567890:77", "-1001234567890:78"
MANAGER = 1001
CLOSED, GONE = "The topic is closed.", "There is no such topic in the chat, or it was deleted."


@pytest.fixture(autouse=True)
def forum(telegram):
    telegram.world.add_chat(SUMS)
    telegram.world.add_chat(PLANS)
    return telegram.chat(FORUM)


@pytest.fixture
def queue(outbox, make_report):
    def queue(name, chat, **report):
        (delivery_id,) = outbox.queue(name, "averages", make_report(**report), [chat])
        return lambda: outbox.get(delivery_id)

    return queue


@pytest.mark.parametrize(
    ("recipient", "chat", "topic"),
    [(5, 5, None), (FORUM, FORUM, None), (SUMS, FORUM, 77), ("@managers", "@managers", None)],
)
def test_a_recipient_is_a_chat_or_a_topic_in_one(recipient, chat, topic):
    assert split(recipient) == (chat, topic)
    assert (join(chat, topic), chat_of(recipient)) == (recipient, chat)
    assert topic_of(recipient) == f"{chat}:{topic or 1}"


def test_two_topics_of_one_chat_are_two_recipients(announcer, make_report, sender, drain, telegram):
    told = announcer((SUMS, PLANS, MANAGER)).announce(make_report())
    again = announcer((SUMS, PLANS, MANAGER)).announce(make_report())
    drain(sender)

    assert (told.status, told.recipients, again.status, again.recipients) == ("queued", 3, "already_sent", 3)
    assert [message.topic for message in telegram.messages(FORUM)] == [77, 78]
    assert len(telegram.messages(SUMS)) == len(telegram.messages(PLANS)) == 1


def test_a_cool_down_is_the_topics_own(announcer, make_report, sender, drain, telegram):
    announcer((SUMS,)).announce(make_report())
    told = announcer((SUMS, PLANS)).announce(make_report())
    drain(sender)

    assert (told.status, told.recipients) == ("queued", 1)
    assert [message.topic for message in telegram.messages(FORUM)] == [77, 78]


def test_what_goes_to_general_names_no_topic(queue, sender, drain, telegram):
    delivery = queue("general", FORUM)
    drain(sender)

    assert delivery().state == "delivered"
    assert [message.topic for message in telegram.messages(FORUM)] == [None]


def test_the_topics_of_a_chat_share_its_pace(queue, sender, telegram, clock):
    for number in range(12):
        queue(f"sums {number}", SUMS)
        queue(f"plans {number}", PLANS)
    queue("to the manager", MANAGER)

    assert [sender.run_once() for _ in range(3)] == [True, True, False]
    assert len(telegram.messages(FORUM)) == len(telegram.messages(MANAGER)) == 1
    for _ in range(58):
        clock.pass_(1)
        sender.run_once()
    assert len(telegram.messages(FORUM)) == 20


def test_more_that_waits_for_a_busy_chats_topics_than_is_looked_for_holds_nobody_up(
    queue, sender, telegram, clock
):
    queue("first", SUMS)
    assert sender.run_once()
    for number in range(30):
        queue(f"plans {number}", PLANS)
    clock.pass_(0.1)
    queue("to the manager", MANAGER)

    assert sender.run_once()
    assert len(telegram.messages(MANAGER)) == 1


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda forum: forum.closed_topics.add(77), CLOSED),
        (lambda forum: forum.topics.pop(77), GONE),
    ],
    ids=["closed", "deleted"],
)
def test_a_topic_that_cannot_be_written_to_pauses_itself_and_not_its_chat(
    queue, sender, drain, chats, forum, clock, break_it, reason
):
    break_it(forum)
    refused, other, general = queue("a", SUMS), queue("b", PLANS), queue("c", FORUM)
    drain(sender)
    later = queue("later", SUMS)
    clock.pass_(5)
    drain(sender)

    assert (refused().state, refused().reason) == ("failed", reason)
    assert (other().state, general().state) == ("delivered", "delivered")
    assert (later().state, later().reason) == ("held", f"The chat is paused: {reason}")
    assert (chats.get(SUMS).paused, chats.get(PLANS).paused, chats.get(FORUM).paused) == (reason, None, None)
    assert f"Paused: chat {SUMS}." in sender.health.detail


@pytest.mark.parametrize("words", ["TOPIC_CLOSED", "TOPIC_DELETED", "message thread not found"])
def test_no_refusal_of_a_topic_is_shown_raw(queue, sender, drain, telegram, words):
    body = json.dumps({"ok": False, "error_code": 400, "description": f"Bad Request: {words}"})
    telegram.fail_next("say", status=400, body=body)
    delivery = queue("a", SUMS)
    drain(sender)

    assert words not in delivery().reason
    assert delivery().reason.endswith(".")


def test_a_closed_general_closes_no_other_topic(queue, sender, drain, chats, forum):
    forum.closed_topics.add(1)
    general, other = queue("a", FORUM), queue("b", SUMS)
    drain(sender)

    assert (general().state, other().state) == ("failed", "delivered")
    assert (chats.get(FORUM).paused, chats.get(SUMS).paused) == (CLOSED, None)
    assert chats.resume(FORUM)
    assert chats.get(FORUM).paused is None


def test_a_topic_is_resumed_by_itself_and_a_chat_leaves_its_topics_closed(chats):
    chats.pause_topic(SUMS, CLOSED)
    chats.pause(FORUM, "The bot was taken out of the group.")

    assert chats.get(PLANS).paused == "The bot was taken out of the group."
    assert not chats.resume(PLANS)
    assert chats.resume(FORUM)
    assert (chats.get(PLANS).paused, chats.get(SUMS).paused) == (None, CLOSED)
    assert chats.resume(SUMS)
    assert chats.get(SUMS).paused is None


def test_rights_that_are_taken_pause_all_topics_and_come_back_together(
    queue, sender, drain, telegram, clock, forum, chats
):
    forum.forbidden = {"photos", "text messages"}
    waited = [queue("a", SUMS), queue("b", PLANS), queue("c", FORUM)]
    drain(sender)
    assert {each().state for each in waited} == {"waiting"}
    assert telegram.calls("sendMessage") == 1, "one found out for all"

    forum.forbidden = set()
    clock.pass_(70)
    drain(sender)
    assert {each().state for each in waited} == {"delivered"}
    assert len(telegram.messages(FORUM)) == 3


def test_a_chat_is_not_tried_again_with_a_topic_that_is_closed(
    queue, sender, drain, telegram, chats, outbox, clock, forum
):
    forum.forbidden = {"photos", "text messages"}
    open_one = queue("a", PLANS)
    drain(sender)
    outbox.cancel(open_one().id)
    chats.pause_topic(SUMS, CLOSED)
    calls = telegram.calls("send*")
    clock.pass_(70)
    closed_one = queue("b", SUMS)
    drain(sender)

    assert (closed_one().state, closed_one().reason) == ("held", f"The chat is paused: {CLOSED}")
    assert telegram.calls("send*") == calls


def test_of_a_paused_chat_the_chat_is_named_and_not_its_topics(
    queue, sender, drain, chats, outbox, clock, forum
):
    forum.forbidden = {"photos", "text messages"}
    first, second = queue("a", SUMS), queue("b", PLANS)
    drain(sender)
    assert sender.health.detail == f"Telegram is reachable. Paused: chat {FORUM}."

    outbox.cancel(first().id)
    forum.forbidden = set()
    assert chats.resume(FORUM)
    drain(sender)
    assert second().state == "delivered"
    assert sender.health.detail == "Telegram is reachable."


def test_a_topic_that_is_closed_is_named_beside_a_chat_that_was_resumed(queue, sender, drain, chats, forum):
    forum.closed_topics.add(77)
    queue("a", SUMS)
    drain(sender)
    chats.pause(FORUM, "Forbidden: bot was kicked from the supergroup chat")
    queue("b", SUMS)
    drain(sender)
    chats.resume(FORUM)
    queue("c", SUMS)
    drain(sender)

    assert sender.health.detail == f"Telegram is reachable. Paused: chat {SUMS}."


def test_a_migrated_group_keeps_its_topics(queue, sender, drain, telegram, chats):
    telegram.world.add_chat("-2002:77")
    telegram.chat(-2002).migrated_to = FORUM
    delivery = queue("a", "-2002:77")
    drain(sender)

    assert (delivery().state, delivery().send_to) == ("delivered", SUMS)
    assert [message.topic for message in telegram.messages(FORUM)] == [77]
    queue("b", "-2002:77")
    queue("c", -2002)
    drain(sender)
    assert [message.topic for message in telegram.messages(FORUM)] == [77, 77, None]
    assert telegram.calls("send*") == 4, "the new id is remembered"
    assert chats.get("-2002:77").moved_to == SUMS


@pytest.mark.parametrize("by", [-2002, FORUM])
def test_a_migrated_group_is_resumed_by_either_id(queue, sender, drain, telegram, chats, clock, forum, by):
    telegram.chat(-2002).migrated_to = FORUM
    queue("a", -2002)
    drain(sender)
    forum.forbidden = {"photos", "text messages"}
    waits = queue("b", -2002)
    clock.pass_(5)
    drain(sender)
    assert waits().state == "waiting"

    forum.forbidden = set()
    assert chats.resume(by)
    drain(sender)
    assert (waits().state, chats.get(-2002).paused) == ("delivered", None)


def test_a_topic_of_a_migrated_group_is_resumed_alone(chats):
    chats.moved(-2002, FORUM)
    chats.pause_topic("-2002:77", CLOSED)
    chats.pause(-2002, "Forbidden: bot was kicked from the supergroup chat")

    assert chats.resume(SUMS)
    assert chats.get("-2002:77").paused == "Forbidden: bot was kicked from the supergroup chat"
    assert chats.resume(FORUM)
    assert chats.get("-2002:77").paused is None


def test_all_topics_speak_their_chats_language(queue, sender, drain, telegram, chats):
    chats.speak(SUMS, "mk")
    queue("a", PLANS)
    drain(sender)

    assert "Просечна потрошувачка" in telegram.messages(PLANS)[0].text
