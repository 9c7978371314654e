"""Windows of messages, by a clock that tests move."""

from __future__ import annotations

import random

import pytest

from smetka.telegram.pacing import BOT_LIMIT, CHAT_LIMIT, GROUP_LIMIT, Pace, Window


def test_a_window_is_full_from_the_first_start_until_a_span_after_the_first_end():
    window = Window(2, 10.0)
    window.start()
    window.start()
    assert window.seconds_to_wait(100) == float("inf")
    window.end(101)
    assert window.seconds_to_wait(101) == 10
    window.end(104)

    assert window.seconds_to_wait(104) == 7
    assert window.seconds_to_wait(110.5) == 0.5
    assert window.seconds_to_wait(111) == 0
    assert not window.is_empty(113)
    assert window.is_empty(114)


@pytest.mark.parametrize("limit", [BOT_LIMIT, CHAT_LIMIT, GROUP_LIMIT], ids=["bot", "chat", "group"])
@pytest.mark.parametrize("seed", range(5))
def test_wherever_messages_are_counted_on_their_way_no_window_holds_too_many(limit, seed):
    """Calls of random length, several at once; each arrives somewhere between its start and its end."""
    most, seconds = limit
    chance = random.Random(seed)
    window, now, under_way, arrivals = Window(most, seconds), 0.0, [], []
    while len(arrivals) < 10 * most:
        for end in sorted(end for end in under_way if end <= now):
            under_way.remove(end)
            window.end(end)
        if len(under_way) < 8 and not window.seconds_to_wait(now):
            window.start()
            end = now + chance.choice([0.01, 0.2, 3.0]) * chance.random()
            under_way.append(end)
            arrivals.append(chance.uniform(now, end))
        now += chance.random() * seconds / most / 4
    arrivals.sort()

    assert all(later - first >= seconds for first, later in zip(arrivals, arrivals[most:], strict=False))


def test_chats_are_busy_each_for_itself_and_groups_for_longer():
    now = 0.0
    pace = Pace(lambda: now)
    for chat in (1, -2):
        pace.start(chat)
        pace.end(chat)
    assert sorted(pace.busy_chats()) == [-2, 1]
    now = 1.0
    assert pace.busy_chats() == []
    for _ in range(19):
        pace.remember(-2)
    pace.remember("@channel")
    now = 2.0
    assert pace.busy_chats() == [-2]
    now = 60.0
    assert pace.busy_chats() == []
