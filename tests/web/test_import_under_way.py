"""A long import: how far it is, in the browser, while it runs."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smetka.core.errors import CommandFailed
from smetka.web import importing
from tests.fixtures.web import CUSTOMERS, PAYMENTS
from tests.waiting import eventually
from tests.web.browsing import form, plain
from tests.web.test_import_api import PLAIN, payments, send
from tests.web.test_import_page import Importer

pytestmark = pytest.mark.shop(customers=CUSTOMERS[:3], payments=PAYMENTS[:3])


class Held:
    """Imports stop halfway until they may go on."""

    def __init__(self, real):
        self.real, self.may_go_on, self.begun = real, threading.Event(), 0
        self.fault = None

    def __call__(self, *arguments, progress, dry_run, **options):
        if not dry_run:
            self.begun += 1
            progress(40, 100)
            assert self.may_go_on.wait(60)
            if self.fault:
                raise self.fault
        return self.real(*arguments, progress=progress, dry_run=dry_run, **options)


@pytest.fixture
def held(monkeypatch, shop):
    held = Held(importing.import_files)
    monkeypatch.setattr(importing, "import_files", held)
    monkeypatch.setattr(shop.works, "soon", 0.01)
    yield held
    held.may_go_on.set()


@pytest.fixture
def owner(shop):
    return Importer(shop, "owner")


def begun(owner, content=PLAIN):
    """The page that a long import leads to."""
    reply = owner.press(owner.choose(content))
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/import/done?file=")
    return reply.headers["Location"]


def ended(owner, place):
    return eventually(lambda: "<progress" not in (page := owner.get(place)).text and page)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Bytes of the file read: 40 / 100"), ("mk", "Прочитани бајти од датотеката: 40 / 100")],
)
def test_it_tells_how_far_it_is_until_it_tells_what_was_done(shop, held, language, said):
    owner = Importer(shop, "owner", language=language)
    place = begun(owner)
    page = eventually(lambda: said in plain((page := owner.get(place)).text) and page)

    assert re.search(r'max="(\d+)" value="(\d+)"', page.text).groups() == ("100", "40")
    assert 'hx-trigger="every 1s"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    assert owner.get(place).text.count("<progress") == 1, "after a reload, and in another tab"

    held.may_go_on.set()
    done = ended(owner, place)
    assert 'http-equiv="refresh"' not in done.text
    assert {"en": "The file is imported", "mk": "Датотеката е увезена"}[language] in plain(done.text)
    assert payments(shop)
    assert plain(owner.get(place).text) == plain(done.text), "again, when it is long over"


def test_pressed_twice_it_is_done_once(shop, owner, held):
    look = owner.choose(PLAIN)
    place = owner.press(look).headers["Location"]
    assert owner.press(look).headers["Location"] == place
    held.may_go_on.set()

    ended(owner, place)
    assert held.begun == 1


def test_whoever_may_import_sees_that_one_is_under_way(shop, owner, held):
    begun(owner)
    other = Importer(shop, "owner", name="another")

    assert "Bytes of the file read: 40 / 100" in plain(other.get("/import").text)
    held.may_go_on.set()
    assert ended(other, "/import").status_code == 200


def test_what_a_program_sends_is_seen_on_the_page(shop, owner, held):
    headers = shop.key("owner")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, shop, PLAIN, headers)
        eventually(lambda: held.begun or sent.done())
        assert not sent.done(), sent.result().text
        seen = eventually(lambda: "40 / 100" in (page := owner.get("/import")).text and page)
        held.may_go_on.set()
        assert sent.result().status_code == 201

    assert "<progress" in seen.text
    assert "<progress" not in owner.get("/import").text


def test_only_the_visit_that_sent_the_file_sees_what_became_of_it(shop, owner, held):
    place = begun(owner)
    other = Importer(shop, "owner", name="another")
    other.get("/import")

    assert other.get(place).headers["Location"] == "/import"
    held.may_go_on.set()
    ended(owner, place)
    assert other.get(place).headers["Location"] == "/import"
    for id_ in ("", "..", "x" * 22):
        assert owner.get(f"/import/done?file={id_}").headers["Location"] == "/import"


def test_what_the_file_is_refused_for_is_said_where_it_was_looked_at(shop, owner, held):
    before = payments(shop)
    look = owner.choose("user_id,money_spent,year\n1,10,2021\n2,ten,2021\n")
    data = form(look, "/import/done")
    del data["skip_rejected"]
    place = owner.client.post("/import/done", data=data, headers={"Accept": "text/html"}).headers["Location"]
    held.may_go_on.set()

    assert ended(owner, place).headers["Location"].startswith("/import/look?file=")
    assert payments(shop) == before


def test_what_fails_on_the_way_is_said_and_may_be_tried_again(shop, owner, held):
    held.fault = CommandFailed("The ledger is another's.")
    place = begun(owner)
    held.may_go_on.set()

    assert ended(owner, place).status_code >= 400
    assert owner.get(place.replace("done", "look")).status_code == 200, "the file is still here"
