"""The stand-in's page in a real browser: messages arrive, people write and press, no script anywhere."""

from __future__ import annotations

import re

import pytest
import requests

from tests.telegram.conftest import MANAGER


@pytest.fixture
def say(telegram):
    """A function that has the bot send something."""

    def say(text, **more):
        url = f"{telegram.url}/bot{telegram.token}/sendMessage"
        assert requests.post(url, json={"chat_id": MANAGER, "text": text, **more}, timeout=20).json()["ok"]

    return say


def complaints(page):
    """What went wrong; that a browser asks every site for an icon is its own business."""
    return [text for text in page.complaints if "404" not in text]


@pytest.mark.parametrize("width", [360, 1200])
def test_what_arrives_is_seen_without_loading_again_and_typing_is_not_disturbed(page, telegram, say, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(telegram.url)
    box = page.get_by_label("Message to Chat 1001")
    box.fill("half a sen")

    say("<b>Total</b> 5", parse_mode="HTML")

    chat = page.frame_locator("iframe >> nth=0")
    chat.locator("b", has_text="Total").wait_for()
    assert box.input_value() == "half a sen"
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("script").count() == 0


def test_what_a_person_writes_and_presses_reaches_the_bot(page, telegram, say):
    buttons = [[{"text": "2025", "callback_data": "averages 2025 spender"}]]
    say("x", reply_markup={"inline_keyboard": buttons})
    page.goto(telegram.url)
    page.get_by_label("Message to Chat 1001").fill("/averages <2025>")
    page.get_by_role("button", name="Send").first.click()
    chat = page.frame_locator("iframe >> nth=0")
    chat.get_by_text("/averages <2025>").wait_for()

    chat.get_by_role("button", name="2025").click()
    page.wait_for_function("() => true")
    page.get_by_role("button", name="Block the bot").first.click()
    page.get_by_role("button", name="Unblock the bot").first.wait_for()

    kinds = [next(iter(set(update) - {"update_id", "at"})) for update in telegram.world.updates]
    assert kinds == ["message", "callback_query", "my_chat_member"]
    assert telegram.world.updates[1]["callback_query"]["data"] == "averages 2025 spender"
    assert complaints(page) == []


def test_a_link_with_an_invite_lets_a_new_person_start(page, telegram):
    page.goto(f"{telegram.url}/t.me?start=a_Code-1")
    page.get_by_label("The person, a number").fill("5005")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name=re.compile("5005")).wait_for()

    assert telegram.world.updates[0]["message"]["text"] == "/start a_Code-1"
    assert complaints(page) == []
