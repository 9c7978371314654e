"""A preview that takes long tells how far it is."""

from __future__ import annotations

import threading

import pytest

from smetka.core.errors import LedgerUnavailable
from smetka.web.pages import campaigns
from tests.waiting import eventually
from tests.web.browsing import Browser, cards, plain
from tests.web.campaigning import CUSTOMERS, PAGE, PAYMENTS, make

pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS)
PREVIEW = f"{PAGE}/preview"


class Held:
    """Previews stop halfway until they may go on."""

    def __init__(self, real):
        self.real, self.may_go_on, self.begun, self.fault = real, threading.Event(), 0, None

    def __call__(self, *arguments, progress, **options):
        self.begun += 1
        progress(1200, 0)
        assert self.may_go_on.wait(60)
        if self.fault:
            raise self.fault
        return self.real(*arguments, progress=progress, **options)


@pytest.fixture
def held(monkeypatch, shop, browser):
    make(browser)
    held = Held(campaigns.preview)
    monkeypatch.setattr(campaigns, "preview", held)
    monkeypatch.setattr(shop.works, "soon", 0.01)
    yield held
    held.may_go_on.set()


def begun(browser):
    """The page that a long preview leads to."""
    reply = browser.get(PREVIEW)
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(f"{PREVIEW}?work=")
    return reply.headers["Location"]


def ended(browser, place):
    return eventually(lambda: "<progress" not in (page := browser.get(place)).text and page)


@pytest.mark.parametrize(("language", "said"), [("en", "Looked at: 1,200"), ("mk", "Прегледано: 1.200")])
def test_it_tells_how_far_it_is_until_it_is_shown(shop, held, language, said):
    browser = Browser(shop, language=language)
    place = begun(browser)
    page = eventually(lambda: said in plain((page := browser.get(place)).text) and page)

    assert 'hx-trigger="every 1s"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    assert "<progress" in Browser(shop).get(place).text, "in another tab"
    held.may_go_on.set()
    shown = ended(browser, place)

    assert shown.status_code == 200
    assert 'http-equiv="refresh"' not in shown.text
    assert {"en": "Qualify for a voucher", "mk": "Им следува ваучер"}[language] in cards(shown)
    assert held.begun == 1


def test_figures_that_were_shown_are_not_shown_again(held, browser):
    place = begun(browser)
    held.may_go_on.set()
    ended(browser, place)

    again = browser.get(place)

    assert (again.status_code, again.headers["Location"]) == (303, PREVIEW), "they may be others by now"
    assert browser.get(f"{PREVIEW}?work=whatever").headers["Location"] == PREVIEW


def test_one_that_cannot_be_finished_says_why(held, browser):
    held.fault = LedgerUnavailable("gone")
    place = begun(browser)
    held.may_go_on.set()

    assert ended(browser, place).status_code == 503
    assert browser.get(place).headers["Location"] == PREVIEW
