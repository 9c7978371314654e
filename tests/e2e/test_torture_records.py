"""Whatever is killed, stopped, hung or full: what was acknowledged is there once, and all is well again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.e2e.torture import LONG_SECONDS, Posters, Visitor, brief_or_long, fill, tell

__all__ = ["tell"]


def victims(shop) -> list[psutil.Process]:
    """Every process but the parent, the web's two, the worker, MongoDB; none while one of them is missing."""
    try:
        pids = shop.pids()
        web = psutil.Process(pids["web"])
        found = [web, *web.children(), psutil.Process(pids["worker"]), psutil.Process(pids["mongodb"])]
    except psutil.NoSuchProcess:
        return []
    return found if len(found) == 4 else []


# Briefly: test_serve.py kills each part and the parent once, under the same clients.
@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
def test_a_kill_of_any_process_loses_nothing(running_shop, tell):
    shop, chance, kills = running_shop, random.Random(4), 80
    with Posters(shop, 8) as posters:
        for turn in range(kills):
            if turn and turn % 4 == 0:  # so that no part waits half a minute before it is started again
                assert shop.stop() == 0
                shop.start()
            time.sleep(chance.uniform(0.3, 1.5))
            shop.wait_until(lambda: victims(shop), seconds=90)[turn % 4].kill()
            posters.wait_for(20)
    shop.wait_until_ready()

    tell("kill -9 of each process, 8 clients post", kills=kills, **posters.check(shop.mongodb_uri))


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
def test_a_kill_of_the_parent_loses_nothing(running_shop, tell):
    shop, chance, kills = running_shop, random.Random(5), 20
    with Posters(shop, 8) as posters:
        for _ in range(kills):
            time.sleep(chance.uniform(0.3, 1.5))
            shop.process.kill()
            shop.process.wait()
            shop.start()
    tell("kill -9 of the parent", kills=kills, **posters.check(shop.mongodb_uri))


@brief_or_long("rounds", 1, 20)
def test_sigterm_under_load_answers_what_was_accepted_and_ends_well(running_shop, tell, rounds):
    slowest, chance, shop = 0.0, random.Random(6), running_shop
    with Posters(shop, 8) as posters:
        for _ in range(rounds):
            time.sleep(chance.uniform(0.2, 1.0))
            accepted = half_sent(shop)
            began = time.monotonic()
            shop.process.send_signal(signal.SIGTERM)
            accepted.sendall(b"}")
            with accepted:
                answer = accepted.recv(65536)
            status = shop.process.wait(20)
            slowest = max(slowest, time.monotonic() - began)
            assert (status, answer[:12]) == (0, b"HTTP/1.1 422"), answer
            shop.start()
    tell(
        "SIGTERM under 8 clients",
        rounds=rounds,
        slowest_stop=f"{slowest:.1f} s",
        **posters.check(shop.mongodb_uri),
    )
    assert slowest < 20


def half_sent(shop) -> socket.socket:
    """A connection with a request that the server has begun to read, and lacks one byte of."""
    client = socket.create_connection(("127.0.0.1", urlsplit(shop.url).port), timeout=15)
    head = "POST /write_to_mongodb HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: 2\r\n\r\n{{".encode())
    time.sleep(0.1)
    return client


@brief_or_long("customers", 20, 50)
def test_sixteen_clients_and_the_same_customers(running_shop, tell, customers):
    url = running_shop.url + "/write_to_mongodb"

    def post_all(seed):
        session, numbers = requests.Session(), list(range(1, customers + 1))
        random.Random(seed).shuffle(numbers)
        return [post(session, {"user_id": n, "total_spending": 2000 + seed, "year": 2026}) for n in numbers]

    def post(session, body):
        """As a client should: what is told as late, on a machine that is busy, is repeated."""
        status = session.post(url, json=body, timeout=30).status_code
        while status == 503:
            late.append(body)
            status = session.post(url, json=body, timeout=30).status_code
        return status

    late = []

    with ThreadPoolExecutor(16) as pool:
        statuses = [status for found in pool.map(post_all, range(16)) for status in found]
    with contextlib.closing(_client(running_shop)) as client:
        count = client.get_default_database().bonus_customers.count_documents({})

    tell(f"16 clients, the same {customers} customers", records=count, created=statuses.count(201))
    assert (count, statuses.count(201) + statuses.count(200)) == (customers, 16 * customers)
    assert customers - len(late) <= statuses.count(201) <= customers


def _client(shop):
    from pymongo import MongoClient

    return MongoClient(shop.mongodb_uri)


@brief_or_long("rounds", 1, 5)
def test_mongodb_hung_and_back_loses_nothing(running_shop, tell, rounds):
    shop = running_shop
    with Posters(shop, 8) as posters:
        for _ in range(rounds):
            posters.wait_for(50)
            hung = psutil.Process(shop.pids()["mongodb"])
            hung.suspend()
            shop.wait_until(lambda hung=hung: hung.status() == psutil.STATUS_STOPPED)
            assert refuses_like_a_fault(shop)
            visitor = Visitor(shop)
            for _ in range(3):
                visitor._note(lambda: requests.get(shop.url + "/total_spent/5", timeout=10))
            assert visitor.answers == {200: 3}
            assert visitor.usually < 2
            with contextlib.suppress(psutil.NoSuchProcess):
                hung.resume()
            shop.wait_until_ready()
    tell(
        "MongoDB hung, then back",
        slowest_post=f"{posters.slowest:.1f} s",
        **posters.check(shop.mongodb_uri),
    )
    assert posters.slowest < 5


def refuses_like_a_fault(shop) -> bool:
    """Whether a POST is 503 in time, with when to come again, and `/readyz` names MongoDB; statistics go on."""
    began = time.monotonic()
    refused = shop.post(7)
    took = time.monotonic() - began
    ready = shop.get("/readyz")
    assert shop.get("/average_spending_by_age").status_code == 200
    if refused.status_code != 503 or ready.status_code != 503:
        return False
    assert refused.json()["type"] == "/problems/bonus-store-unavailable"
    assert refused.headers["Retry-After"].isdecimal()
    assert took < 5  # twice the promised 2.5 s
    assert not ready.json()["parts"]["mongodb"]["ready"]
    return True


def test_a_mongodb_that_comes_later_is_found(new_shop, make_server, tell):
    server = make_server()
    shop = new_shop("--no-worker", SMETKA_MONGODB_URI=server.uri)
    shop.start(wait=False)
    shop.wait_until(shop.answers)
    assert refuses_like_a_fault(shop)
    server.start()
    shop.wait_until_ready()
    assert shop.post(7).status_code == 201
    assert shop.stop() == 0
    tell("MongoDB absent at start, then there", found="by itself")


def test_a_full_disk_loses_nothing_and_heals(new_shop, tmp_path, tell):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    shop = new_shop(home=None)
    shop.data_dir.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=700", "none", shop.data_dir], check=True)
    try:
        shop.start()
        with Posters(shop, 4) as posters:
            shop.wait_until(lambda: len(posters.acknowledged) > 100)
            filler = shop.data_dir / "filler"
            fill(filler)
            shop.wait_until(lambda: posters.answers[503] > 5, seconds=90)
            shop.wait_until(lambda: refuses_like_a_fault(shop), seconds=90)
            assert shop.get("/total_spent/5").status_code == 200
            assert shop.get("/average_spending_by_age").status_code == 200
            filler.unlink()
            known = len(posters.acknowledged)
            shop.wait_until(lambda: len(posters.acknowledged) > known + 50, seconds=120)
        shop.wait_until_ready()
        tell(
            "a full disk, then room again",
            slowest_post=f"{posters.slowest:.1f} s",
            **posters.check(shop.mongodb_uri),
        )
        assert posters.slowest < 5
        assert shop.stop() == 0
    finally:
        shop.close()
        subprocess.run(["umount", "-l", shop.data_dir], check=True)


def test_posts_that_hang_hold_up_no_question(running_shop, tell):
    shop = running_shop
    shop.post(1)
    hung = psutil.Process(shop.pids()["mongodb"])
    hung.suspend()
    shop.wait_until(lambda: hung.status() == psutil.STATUS_STOPPED)
    threads = [threading.Thread(target=lambda n=n: shop.post(n), daemon=True) for n in range(1, 31)]
    for thread in threads:
        thread.start()
    visitor = Visitor(shop)
    for number in range(20):
        visitor._note(lambda n=number: requests.get(f"{shop.url}/total_spent/{n + 1}", timeout=10))
    hung.resume()
    for thread in threads:
        thread.join()

    tell("30 POSTs hang in MongoDB", a_question=f"{visitor.usually:.2f} s")
    assert visitor.answers == {200: 20}
    assert visitor.usually < 2
