"""Files sent to a real server: megabytes, too many of them, by strangers, and cut short."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from smetka.keys import create_key
from tests.e2e.test_dashboard import axe, looks
from tests.e2e.torture import brief_or_long
from tests.fixtures.ledger import write_ledger
from tests.fixtures.product import make_shop_in
from tests.waiting import eventually

PATH = "/api/v1/ledger/imports?name=orders.csv"
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def shop(tmp_path_factory, prepared_home):
    """A running shop with an empty ledger, whose owner has a key."""
    folder = tmp_path_factory.mktemp("shop")
    ledger = write_ledger(folder / "shop.db")
    shop = make_shop_in(folder, prepared_home, "--no-worker", ledger=ledger)
    shop.key = create_key(shop.data_dir / "keys.json", "the owner", "owner")
    yield shop.start()
    shop.close()


def send(shop, data, *, key=True, query="", **options):
    headers = {"Content-Type": "text/csv", **({"Authorization": f"Bearer {shop.key}"} if key else {})}
    return requests.post(
        f"{shop.url}{PATH}{query}",
        data=data,
        headers=headers | options.pop("headers", {}),
        timeout=60,
        **options,
    )


def left(shop):
    """Files of the folder where they are received, with their sizes."""
    sizes = {}
    for path in (shop.data_dir / "uploads").rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                sizes[path.name] = path.stat().st_size
    return sizes


def gone(shop):
    return eventually(lambda: not left(shop))


def connect(shop, head, body=b""):
    place = urlsplit(shop.url)
    line = socket.create_connection((place.hostname, place.port), timeout=30)
    line.sendall(f"POST {PATH} HTTP/1.1\r\nHost: {place.netloc}\r\n{head}\r\n".encode() + body)
    return line


def answer(line):
    """The status of an answer, and what it says, as far as the other end sent it."""
    said = b""
    with contextlib.suppress(OSError):
        while piece := line.recv(65536):
            said += piece
    line.close()
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def memory(shop):
    """Resident bytes of the web server's processes."""
    web = psutil.Process(shop.pids()["web"])
    return sum(each.memory_info().rss for each in (web, *web.children(recursive=True)))


@brief_or_long("rows", 70_000, 700_000)
def test_megabytes_arrive_and_are_told_by_the_other_answers(shop, rows):
    remark = "x" * (8 * MEGABYTE // rows)
    lines = "".join(f"{1001 + n % 999},{n % 500}.25,{2001 + n % 5},{remark}\n" for n in range(rows))
    data = f"user_id,money_spent,year,remark\n{lines}".encode()
    assert len(data) > 8 * MEGABYTE
    before = memory(shop)

    reply = send(shop, data)

    assert reply.status_code == 201, reply.text
    assert (reply.json()["payments"], reply.json()["customers_added"]) == (rows, 999)
    assert gone(shop)
    assert memory(shop) - before < 120 * MEGABYTE
    headers = {"Authorization": f"Bearer {shop.key}"}
    assert shop.get("/total_spent/1001", headers=headers).json()["total_spending"] > 0
    again = send(shop, data)
    assert (again.status_code, again.json()["written"]) == (200, False)


def test_chunks_arrive_too(shop):
    parts = itertools.chain([b"user_id,money_spent,year\n"], (b"1,%d,1999\n" % n for n in range(1, 1001)))

    reply = send(shop, parts)

    assert (reply.status_code, reply.json()["payments"]) == (201, 1000)


@pytest.mark.parametrize("key", ["", "Authorization: Bearer smk_wrong\r\n"])
def test_strangers_are_refused_and_nothing_of_their_file_is_stored(shop, key):
    seen, done = {}, threading.Event()

    def watch():
        while not done.wait(0.002):
            seen.update(left(shop))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        line = connect(shop, f"{key}Content-Type: text/csv\r\nContent-Length: {100 * MEGABYTE}\r\n")
        with contextlib.suppress(OSError):  # refused, and so not listened to
            for _ in range(100):
                line.sendall(b"1,2,2020\n" * 116_509)
        status, _ = answer(line)
    finally:
        done.set()
        watcher.join()

    assert status == 401
    assert seen == {}


def test_a_client_that_waits_to_be_asked_is_refused_before_it_sends(shop):
    line = connect(shop, "Content-Type: text/csv\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n")

    status, body = answer(line)

    assert (status, json.loads(body)["type"]) == (401, "/problems/key-needed")


def test_more_than_the_limit_is_refused_by_its_declared_length(shop):
    head = f"Authorization: Bearer {shop.key}\r\nContent-Type: text/csv\r\n"
    began = time.monotonic()

    status, body = answer(connect(shop, f"{head}Content-Length: {300 * MEGABYTE}\r\n"))

    assert (status, json.loads(body)["type"]) == (413, "/problems/too-large")
    assert time.monotonic() - began < 5
    assert left(shop) == {}


def test_chunks_without_end_are_cut_at_the_limit(shop):
    piece = b"1,2,2020\n" * 116_509
    head = f"Authorization: Bearer {shop.key}\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n"
    line = connect(shop, head)
    before, sent = memory(shop), 0
    with contextlib.suppress(OSError):
        while sent < 400 * MEGABYTE:
            line.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            sent += len(piece)

    status, body = answer(line)

    assert (status, json.loads(body)["type"]) == (413, "/problems/too-large")
    assert sent < 220 * MEGABYTE
    assert gone(shop)
    assert memory(shop) - before < 60 * MEGABYTE


@pytest.mark.parametrize("length", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
def test_a_client_that_stops_in_the_middle_leaves_no_file(shop, length):
    body = b"user_id,money_spent,year\n" + b"1,2,1980\n" * 1000
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if "chunked" in length else body
    line = connect(shop, f"Authorization: Bearer {shop.key}\r\nContent-Type: text/csv\r\n{length}\r\n", chunk)
    eventually(lambda: left(shop))

    line.close()

    assert gone(shop)
    headers = {"Authorization": f"Bearer {shop.key}"}
    total = shop.get("/total_spent/1?year=1980", headers=headers)
    # The customer is there when another test's file was taken before.
    assert total.status_code == 404 or total.json()["total_spending"] == 0


# Briefly: tests/web/test_gateway.py, with less time.
@pytest.mark.long
def test_a_client_that_falls_silent_is_told_and_leaves_no_file(shop):
    head = f"Authorization: Bearer {shop.key}\r\nContent-Type: text/csv\r\nContent-Length: 5000\r\n"
    began = time.monotonic()

    status, body = answer(connect(shop, head, b"user_id,money_spent,year\n"))

    assert (status, json.loads(body)["type"]) == (408, "/problems/request-timeout")
    assert 9 < time.monotonic() - began < 25
    assert left(shop) == {}


def test_two_at_once_and_the_third_comes_again(shop):
    head = f"Authorization: Bearer {shop.key}\r\nContent-Type: text/csv\r\n"
    bodies = [b"user_id,money_spent,year\n1,5,%d\n" % year for year in (1991, 1993)]
    lines = [connect(shop, f"{head}Content-Length: {len(body)}\r\n", body[:30]) for body in bodies]
    eventually(lambda: len([*(shop.data_dir / "uploads").glob("*")]) == 2)

    third = send(shop, b"user_id,money_spent,year\n1,5,1995\n")
    stranger = send(shop, b"", key=False)
    figures = shop.get("/healthz")
    for line, body in zip(lines, bodies, strict=True):
        line.sendall(body[30:])
    statuses = [answer_of_open(line) for line in lines]

    assert (third.status_code, third.json()["type"]) == (503, "/problems/overloaded")
    assert third.headers["Retry-After"]
    assert (stranger.status_code, figures.status_code) == (401, 200)
    assert statuses == [201, 201]
    assert send(shop, b"user_id,money_spent,year\n1,5,1995\n").status_code == 201
    assert gone(shop)


def answer_of_open(line):
    status = int(line.recv(65536).split()[1])
    line.close()
    return status


@pytest.mark.parametrize(
    ("language", "size", "scheme", "scripts", "year"),
    [
        ("en", "desktop", "light", True, 1997),
        ("mk", "phone", "dark", True, 1994),
        ("en", "phone", "light", False, 1996),
    ],
)
def test_an_owner_imports_a_file_by_the_page(new_page, shop, tmp_path, language, size, scheme, scripts, year):
    file = tmp_path / "нарачки.csv"
    file.write_text(
        "user_id;money_spent;date\n"
        + "".join(f"{n};1.234;01/02/{year}\n" for n in range(1, 40))
        + f"40;ten;01/02/{year}\n",
        encoding="utf-8",
    )
    wrong = {}

    def look_closely(page, name):
        found = axe(page) if scripts else []
        wide = scripts and page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        if found or wide:
            wrong[name] = (found, wide)

    page = new_page(**looks(size, scheme, scripts=scripts))
    page.goto(f"{shop.url}/sign-in?lang={language}")
    page.fill("#key", shop.key)
    page.locator("main button").click()
    page.goto(f"{shop.url}/import")
    look_closely(page, "import")
    page.set_input_files("#file", file)
    page.locator("main button").click()
    assert page.locator("h1").inner_text() == "нарачки.csv"
    look_closely(page, "amounts")
    page.check('input[name="decimal"][value=","]')
    page.locator("main form[action='/import/look'] button").click()
    look_closely(page, "days")
    page.check('input[name="dates"][value="dmy"]')
    page.locator("main form[action='/import/look'] button").click()
    look_closely(page, "rejected")
    assert page.locator(".figure").first.inner_text() == "39"
    page.locator("main form[action='/import/done'] button").click()
    assert page.locator(".figure").first.inner_text() == "39"
    look_closely(page, "done")
    assert page.complaints == []
    assert wrong == {}
    assert gone(shop)


def test_the_folder_of_files_is_nobody_elses(shop):
    send(shop, b"")

    assert Path(shop.data_dir / "uploads").stat().st_mode & 0o777 == 0o700
