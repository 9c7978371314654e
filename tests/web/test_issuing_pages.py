"""A campaign's vouchers on its page: issued in the background, listed, exported."""

from __future__ import annotations

import csv
import io
import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest

from smetka.bonus import issuing
from smetka.bonus.campaigns import Campaigns
from smetka.bonus.issuing import Issuing
from smetka.bonus.redemptions import Order
from smetka.bonus.vouchers import of_campaign
from smetka.core.errors import Changed
from smetka.storage import batches
from tests.fixtures.web import BOT
from tests.waiting import eventually
from tests.web.browsing import (
    Browser,
    Cable,
    cards,
    entries,
    notes,
    plain,
    table,
)
from tests.web.campaigning import CUSTOMERS, NASTY, PAGE, PAYMENTS, holders, make

REFRESHED = '<noscript><meta http-equiv="refresh" content="5"></noscript>'

pytestmark = pytest.mark.shop(customers=CUSTOMERS, payments=PAYMENTS)


@pytest.fixture
def cable(mongodb_uri):
    """The line to MongoDB."""
    parts = urlsplit(mongodb_uri)
    cable = Cable(parts.port)
    # The server itself tells its own address, which leads past the cable.
    cable.uri = mongodb_uri.replace(f":{parts.port}/", f":{cable.port}/") + "&directConnection=true"
    yield cable
    cable.close()


def issue(browser):
    reply = browser.send(f"{PAGE}/issue", browser.get(f"{PAGE}/preview"))
    assert (reply.status_code, reply.headers["Location"]) == (303, PAGE)


def finished(browser):
    return eventually(lambda: "<progress" not in (page := browser.get(PAGE)).text and page)


# --- issued ----------------------------------------------------------------------------------


def test_issuing_goes_on_in_the_background_and_twice_at_once_is_one(make_shop, monkeypatch):
    shop = make_shop(auth="required", **BOT)
    browser = Browser(shop, "manager")
    make(browser)
    may_go_on, real, began = threading.Event(), Issuing._insert, []

    def insert(self, *arguments):
        began.append(threading.current_thread())
        if len(began) == 2:
            assert may_go_on.wait(30)
        return real(self, *arguments)

    monkeypatch.setattr(issuing, "CHUNK", 40)
    monkeypatch.setattr(Issuing, "_insert", insert)
    page = browser.get(f"{PAGE}/preview")
    browser.send(f"{PAGE}/issue", page)
    eventually(lambda: len(began) == 2)

    busy = browser.get(PAGE)
    assert re.search(r'max="(\d+)" value="(\d+)"', busy.text).groups() == ("110", "40")
    assert f'href="{PAGE}/preview"' not in busy.text
    assert REFRESHED in busy.text, "without scripts, too"
    elsewhere = Browser(shop, "reader", language="mk").get(PAGE)
    assert "Запишани ваучери: 40 / 110" in plain(elsewhere.text)
    browser.send(f"{PAGE}/issue", page)
    assert len(holders(shop)) == 40
    may_go_on.set()
    done = finished(browser)

    assert holders(shop) == list(range(1, 111))
    assert REFRESHED not in done.text
    assert len(set(began)) == 1, "the second time found the first at work"
    assert "110 vouchers were issued, worth 55,000.00 MKD" in notes(done)
    assert cards(done)["All vouchers"] == ("110", "55,000.00 MKD")
    assert entries(shop).count(("key the manager", "issue", "year-end")) == 1
    assert shop.count("deliveries") == 2, "each chat is told once"


def test_what_a_program_asked_for_is_seen_on_the_page(shop, browser, monkeypatch):
    """Whoever asked through the API hears nothing before its end."""
    make(browser)
    may_go_on, real, begun = threading.Event(), Issuing._insert, []

    def insert(self, *arguments):
        begun.append(1)
        if len(begun) == 2:
            assert may_go_on.wait(30)
        return real(self, *arguments)

    monkeypatch.setattr(issuing, "CHUNK", 40)
    monkeypatch.setattr(Issuing, "_insert", insert)
    client = shop.client
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/api/v1/campaigns/year-end/issue", json={})
        seen = eventually(lambda: re.search(r'max="(\d+)" value="(\d+)"', browser.get(PAGE).text))
        may_go_on.set()
        assert asked.result().status_code == 200

    assert seen.groups() == ("110", "40")
    assert "<progress" not in browser.get(PAGE).text


@pytest.mark.parametrize(
    ("begun", "told"), [((), 0), ((0,), 0), ((0, 1), 40), ((0, 1, 2), 80)], ids=["none", "1", "2", "all"]
)
def test_how_far_another_server_is_is_found_by_what_it_wrote(shop, browser, monkeypatch, begun, told):
    make(browser)
    real, number = Issuing._insert, itertools.count()

    def insert(self, *arguments):
        return real(self, *arguments) if next(number) in begun else None

    monkeypatch.setattr(issuing, "CHUNK", 40)
    monkeypatch.setattr(Issuing, "_insert", insert)
    services = shop.services
    Issuing(services.ledger, services.storage, now=services.now).issue("year-end", "test")
    found = services.campaigns.get("year-end")

    assert issuing.written(services.storage, found, found.issue) == told


def test_a_page_that_an_issue_ends_under_asks_again(shop, browser, monkeypatch):
    make(browser)
    may_go_on, real_insert, real_get = threading.Event(), Issuing._insert, Campaigns.get
    works = shop.app.extensions["smetka"].works

    def insert(self, *arguments):
        assert may_go_on.wait(30)
        return real_insert(self, *arguments)

    def get(self, name):
        found = real_get(self, name)
        if self is shop.services.campaigns:  # the page's, not the issue's own
            may_go_on.set()
            eventually(lambda: not works.get("issue year-end").is_running)
        return found

    monkeypatch.setattr(Issuing, "_insert", insert)
    issue(browser)
    monkeypatch.setattr(Campaigns, "get", get)
    page = browser.get(PAGE)

    assert "<progress" in page.text
    assert 'hx-trigger="every 1s"' in page.text
    assert cards(browser.get(PAGE))["All vouchers"][0] == "110"


def test_an_issue_without_mongodb_says_why_and_goes_on_when_repeated(make_shop, cable, monkeypatch):
    shop = make_shop(mongodb_uri=cable.uri)
    shop.services.storage.ping(30)  # a busy machine may take longer than a page
    browser, other = Browser(shop), Browser(shop, language="mk")
    make(browser)
    real, written = Issuing._insert, []

    def insert(self, *arguments):
        written.append(1)
        if len(written) == 2:
            cable.cut()
        return real(self, *arguments)

    monkeypatch.setattr(batches, "BATCH_SECONDS", 3.0)  # of two minutes' patience
    monkeypatch.setattr(issuing, "CHUNK", 40)
    monkeypatch.setattr(Issuing, "_insert", insert)
    issue(browser)
    eventually(lambda: not shop.app.extensions["smetka"].works.get("issue year-end").is_running)
    assert browser.get(PAGE).status_code == 503
    assert browser.get("/bonus").status_code == 200
    cable.mend()
    eventually(lambda: browser.get(PAGE).status_code == 200)

    for visit, words in ((browser, "It stopped early"), (other, "Запре пред крајот")):
        assert any(note.startswith(words) and "MongoDB" in note for note in notes(visit.get(PAGE)))
    assert len(holders(shop)) == 40
    issue(browser)
    assert f'href="{PAGE}/preview"' in finished(browser).text
    assert holders(shop) == list(range(1, 111))


def test_an_interrupted_issue_of_nobody_is_gone_on_with(shop, browser, monkeypatch):
    """As after a crash: the list is agreed on, half of it is written, and no work is known."""
    make(browser)
    real, written = Issuing._insert, []

    def insert(self, *arguments):
        written.append(1)
        if len(written) == 2:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(issuing, "CHUNK", 40)
    monkeypatch.setattr(Issuing, "_insert", insert)
    with pytest.raises(KeyboardInterrupt):
        Issuing(shop.services.ledger, shop.services.storage, now=shop.services.now).issue("year-end", "test")
    page = browser.get(PAGE)

    assert any("started but not finished" in note for note in notes(page))
    # The chunk that was begun last may not be whole.
    assert "Vouchers written: 0 / 110" in plain(page.text)
    assert 'hx-trigger="every 5s"' in page.text
    assert REFRESHED in page.text
    assert "being issued" in plain(browser.get("/bonus").text)
    assert len(holders(shop)) == 40
    issue(browser)
    assert not any("started but not finished" in note for note in notes(finished(browser)))
    assert holders(shop) == list(range(1, 111))
    assert shop.services.campaigns.get("year-end").issued


def test_figures_that_changed_while_it_began_are_told_in_the_visitors_language(shop, monkeypatch):
    browser, other = Browser(shop), Browser(shop, language="mk")
    make(browser)
    changed = Changed("They are no longer what was seen.", {})
    monkeypatch.setattr(Issuing, "_begin", Mock(side_effect=changed))
    issue(browser)
    finished(browser)

    for visit, words in (
        (browser, "They are no longer what was seen."),
        (other, "Веќе не е она што беше видено."),
    ):
        assert [note for note in notes(visit.get(PAGE)) if note.endswith(words)]
    assert "no longer" not in other.get(PAGE).text


def test_a_fault_of_ours_is_said_without_its_reason(shop, browser, monkeypatch, capsys):
    make(browser)
    monkeypatch.setattr(Issuing, "_write", lambda *_: 1 / 0)
    issue(browser)
    page = finished(browser)

    assert any(note.startswith("It stopped early") for note in notes(page))
    assert "ZeroDivisionError" not in page.text
    assert "ZeroDivisionError" in capsys.readouterr().out


# --- its vouchers ----------------------------------------------------------------------------


@pytest.fixture
def issued(shop, browser):
    make(browser)
    Issuing(shop.services.ledger, shop.services.storage, now=shop.services.now).issue("year-end", "test")
    return {voucher.user_id: voucher.code for voucher in of_campaign(shop.services.storage, "year-end")}


def test_vouchers_are_listed_to_the_last_with_inert_names(shop, browser, issued):
    shop.services.redemptions.carry_out(issued[2], Order("redeem", "test"))
    found, path = [], PAGE
    while path:
        page = browser.get(path)
        found += table(page, 'id="vouchers"')
        more = re.search(r'href="([^"]+)">Next page', page.text)
        path = more and more[1]
        assert "<script>alert" not in page.text

    assert [(int(row[0]), row[2]) for row in found] == sorted(issued.items())
    assert found[1][1] == NASTY
    assert found[1][4].startswith("redeemed 23.11.2026 18:20")
    assert cards(page)["redeemed"] == ("1", "500.00 MKD")
    assert browser.get(f"{PAGE}?after=x").status_code == 422


@pytest.mark.parametrize(("language", "excel"), [("en", ""), ("en", "?excel=1"), ("mk", "?excel=1")])
def test_the_file_has_every_voucher_and_no_formula(shop, issued, language, excel):
    reply = Browser(shop, language=language).get(f"{PAGE}/vouchers.csv{excel}")
    text = reply.data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if language == "mk" else ","))

    assert reply.headers["Content-Disposition"] == 'attachment; filename="year-end.csv"'
    assert reply.data.startswith(b"\xef\xbb\xbf") == bool(excel)
    point = "," if language == "mk" else "."
    for (n, code), row in zip(sorted(issued.items()), rows[1:], strict=True):
        name = NASTY if n == 2 else f"'=Купувач {n}"
        assert row[:4] == [str(n), f"{1000 + n}{point}00", code, f"500{point}00"]
        assert row[-2:] == [name, f"'+{n}@example.com"]
    assert rows[0][:3] == ["user_id", "total_spending", "code"]


def test_the_file_of_one_state_has_those_of_it(shop, browser, issued):
    shop.services.redemptions.carry_out(issued[7], Order("redeem", "test"))

    assert browser.get(f"{PAGE}/vouchers.csv?status=redeemed").text.count("\r\n") == 2
    assert browser.get(f"{PAGE}/vouchers.csv?status=issued").text.count("\r\n") == 110
    assert browser.get(f"{PAGE}/vouchers.csv?status=lost").status_code == 422


def test_readers_see_figures_and_no_code_no_name_and_no_button(make_shop):
    shop = make_shop(auth="required")
    owner, reader = Browser(shop, "owner"), Browser(shop, "reader")
    make(owner)
    issue(owner)
    finished(owner)
    code = next(of_campaign(shop.services.storage, "year-end")).code
    page = reader.get(PAGE)

    assert cards(page)["All vouchers"][0] == "110"
    assert code in owner.get(PAGE).text
    for seen in (page, reader.get(f"{PAGE}/preview"), reader.get("/customers/1")):
        assert code not in seen.text
        assert "Купувач" not in seen.text
        assert "<form" not in seen.text.partition("<main")[2]
    assert reader.get(f"{PAGE}/vouchers.csv").status_code == 403
    manager = Browser(shop, "manager")
    assert (code in manager.get(PAGE).text, "Купувач" in manager.get(PAGE).text) == (True, False)
    assert "name" not in manager.get(f"{PAGE}/vouchers.csv").text.splitlines()[0]
