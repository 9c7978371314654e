"""An invite that others read is used up, wherever and however it stands there; codes cannot be tried without end."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import Mock

import pytest

from smetka.core.errors import BonusStoreUnavailable
from smetka.telegram.bot import Bot
from smetka.telegram.chats import Chats
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.questions import MOST_A_MINUTE, Questions

PERSON, GROUP, CHANNEL = 5005, -2002, -1006006


@pytest.fixture
def invites(storage, clock):
    return Invites(storage, now=clock)


@pytest.fixture
def bot(storage, clock, invites):
    return Bot(
        None,
        chats=Chats(storage, now=clock),
        outbox=Outbox(storage, now=clock),
        invites=invites,
        figures=None,
        recipients=(),
        now=clock,
    )


@pytest.fixture
def said(storage, clock):
    """What was said where, sorted."""
    outbox = Outbox(storage, now=clock)
    return lambda: sorted((each.chat, each.report["say"]) for each in outbox.newest(99))


def update(number, chat=GROUP, **message):
    kind = {GROUP: "supergroup", CHANNEL: "channel"}.get(chat, "private")
    person = {} if chat == CHANNEL else {"from": {"id": PERSON, "is_bot": False}}
    name = "channel_post" if chat == CHANNEL else "message"
    return {"update_id": number, name: {"chat": {"id": chat, "type": kind}, **person, **message}}


def _letters(number):
    """Text of which no two parts are the same."""
    return "".join(f"{n:x}." for n in range(0x1000, 0x1000 + number)).replace(".", "g")[:number]


PLACES = {
    "by its link": lambda code: {"text": f"who wants this? https://t.me/a_bot?start={code}"},
    "as a group's link": lambda code: {"text": f"https://t.me/a_bot?startgroup={code}&x=1"},
    "by itself": lambda code: {"text": code},
    "behind a command to another bot": lambda code: {"text": f"/start@another_bot {code}"},
    "under a picture": lambda code: {"caption": f"see {code}."},
    "in a link that shares its link": lambda code: {
        "text": f"https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fa_bot%3Fstart%3D{code}"
    },
    "in a link within a link within a link": lambda code: {
        "text": f"https://a.example/?u=https%3A%2F%2Ft.me%2Fshare%3Furl%3Dt.me%252Fa_bot%253Fstart%253D{code}"
    },
    "behind what a code may have too": lambda code: {"text": f"invite_{code}-for-you"},
    "behind many that are none": lambda code: {"text": " ".join([*(f"{n:032}" for n in range(100)), code])},
    "behind other words": lambda code: {"text": "this", "entities": [{"url": f"tg://x?start={code}"}]},
    "in what is answered": lambda code: {
        "text": "/due",
        "reply_to_message": {"text": f"t.me/a_bot?start={code}"},
    },
    "in what is quoted": lambda code: {"text": "this?", "quote": {"text": code}},
    "in what is pinned": lambda code: {"pinned_message": {"caption": code}},
    "behind a button": lambda code: {
        "text": "this",
        "reply_markup": {"inline_keyboard": [[{"text": "open", "url": f"https://t.me/a_bot?start={code}"}]]},
    },
    "in a poll": lambda code: {"poll": {"question": "whose?", "options": [{"text": code}]}},
    "in a link behind thousands of letters": lambda code: {
        "text": f"{_letters(3900)} https://t.me/a_bot?start=%{ord(code[0]):02X}{code[1:]}"
    },
    "in a link behind words and another one": lambda code: {
        "text": _letters(4096),
        "entities": [
            {"url": f"https://a.example/{_letters(1500)}"},
            {"url": f"https://t.me/a_bot?start={code}"},
        ],
    },
    "in what a long question answers": lambda code: {
        "text": f"/due {_letters(4085)}",
        "reply_to_message": {"text": f"{_letters(4000)} t.me/a_bot?start={code}"},
    },
    "forwarded": lambda code: {"text": f"/start {code}", "forward_origin": {"type": "user"}},
    "by somebody hidden": lambda code: {"text": f"/start {code}", "sender_chat": {"id": GROUP}},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("role", ["owner", "reader"])
def test_an_invite_that_others_read_is_used_up_and_that_is_said(bot, invites, said, place, role):
    code, _ = invites.make(role)
    message = update(1, **place(code))
    bot.handle(message)
    bot.handle(message)  # as it comes again, when nothing was confirmed

    assert said() == [(GROUP, "invite-seen")]
    bot.handle(update(2, PERSON, text=f"/start {code}"))
    assert said()[1:] == [(PERSON, "stranger")]


AROUND = {
    "in the title where something is said": lambda chat, code: {
        "message": {"chat": {**chat, "title": f"t.me/a_bot?start={code}"}, "text": "hello"}
    },
    "behind a button that is pressed": lambda chat, code: {
        "callback_query": {"data": "x", "message": {"chat": chat, "text": f"t.me/a_bot?start={code}"}}
    },
    "in the title where a button is pressed": lambda chat, code: {
        "callback_query": {"data": "x", "message": {"chat": {**chat, "title": f"{code}"}, "date": 0}}
    },
    "in the title of a group that takes the bot in": lambda chat, code: {
        "my_chat_member": {"chat": {**chat, "title": f"t.me/a_bot?start={code}"}, "new_chat_member": {}}
    },
}


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
@pytest.mark.parametrize("place", AROUND.values(), ids=AROUND.keys())
def test_an_invite_in_any_update_of_such_a_chat_is_used_up_and_that_is_said(bot, invites, said, place, kind):
    code, _ = invites.make("reader")
    bot.handle({"update_id": 1, **place({"id": GROUP, "type": kind}, code)})

    assert said() == [(GROUP, "invite-seen")]
    assert not invites.among([code], mark="another")


def test_an_invite_that_the_limit_refuses_in_a_group_is_used_up(bot, invites, said):
    code, _ = invites.make("manager")
    for number in range(MOST_A_MINUTE):
        bot.handle(update(number, text="/start nonsense"))
    bot.handle(update(50, text=f"/start {code}"))

    assert said() == [(GROUP, "invite-seen")]
    assert not invites.among([code], mark="another")


def test_an_invite_that_the_limit_refused_is_told_of_however_late_that_can_be_kept(
    bot, invites, said, clock, monkeypatch
):
    code, _ = invites.make("manager")
    for number in range(MOST_A_MINUTE):
        bot.handle(update(number, text="/start nonsense"))
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "queue", Mock(side_effect=BonusStoreUnavailable("away")))
        with pytest.raises(BonusStoreUnavailable):
            bot.handle(update(50, text=f"/start {code}"))
    clock.pass_(61)
    bot.handle(update(50, text=f"/start {code}"))

    assert said() == [(GROUP, "invite-seen")]


def test_an_owners_invite_given_in_a_group_is_used_up(bot, invites, said):
    code, _ = invites.make("owner")
    bot.handle(update(1, text=f"/start {code}"))

    assert said() == [(GROUP, "invite-seen")]
    assert not invites.among([code], mark="another")


def test_another_invite_given_in_a_group_connects_it(bot, invites, said):
    code, _ = invites.make("reader")
    bot.handle(update(1, text=f"/start {code}"))
    bot.handle(update(1, text=f"/start {code}"))

    assert said() == [(GROUP, "paired")]


def test_an_invite_in_a_channel_is_used_up(bot, invites, said):
    code, _ = invites.make("manager")
    bot.handle(update(1, CHANNEL, caption=f"t.me/a_bot?start={code}"))

    assert said() == [(CHANNEL, "invite-seen")]
    assert not invites.among([code], mark="another")


def test_nothing_is_said_of_what_is_no_invite_or_was_one(bot, invites, said):
    code, _ = invites.make("owner")
    invites.use(code, mark="somebody")
    for number, text in enumerate((code, "x" * 32, f"{code}0", "a commit: " + "0a" * 20)):
        bot.handle(update(number, text=text))

    assert said() == []


def test_wrong_codes_leave_no_record_each(bot, invites, said):
    code, _ = invites.make("reader")
    bot.handle(update(1, PERSON, text=f"/start {code}"))
    for number in range(2, 200):
        bot.handle(update(number, PERSON, text=f"/start wrong-{number}"))

    assert said() == [(PERSON, "invite-not-valid"), (PERSON, "paired"), (PERSON, "too-many")]


def test_beyond_the_limit_no_code_is_looked_for(bot, invites, clock, said):
    code, _ = invites.make("reader")
    for number in range(MOST_A_MINUTE):
        bot.handle(update(number, PERSON, text=f"/start wrong-{number}"))
    bot.handle(update(50, PERSON, text=f"/start {code}"))
    assert said() == [(PERSON, "stranger")]

    clock.pass_(61)
    bot.handle(update(51, PERSON, text=f"/start {code}"))
    assert said() == [(PERSON, "paired"), (PERSON, "stranger")]


def test_strangers_fill_no_memory(clock):
    questions = Questions(clock)
    for chat in range(30_000):
        assert not questions.are_too_many(chat, chat)
        if chat % 9000 == 0:
            clock.pass_(timedelta(minutes=2).total_seconds())

    assert len(questions._asked) <= 20_000
