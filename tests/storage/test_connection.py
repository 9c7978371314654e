from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime

import dns.resolver
import psutil
import pytest
import structlog
from bson import Int64
from pymongo.errors import DuplicateKeyError

from smetka.errors import BonusStoreUnavailable
from smetka.storage import Storage
from tests.selection import not_quick

LEASE = {"_id": "sender", "owner": "me", "fence": 1, "until": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.fixture
@not_quick
def absent() -> str:
    """The URI of a server that is not there, with a password in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"mongodb://smetka:canary-password@127.0.0.1:{probe.getsockname()[1]}/smetka"


def test_making_one_connects_nothing(absent):
    threads = threading.active_count()
    start = time.monotonic()

    storage = Storage(absent)

    assert not storage.available
    assert threading.active_count() == threads
    assert time.monotonic() - start < 1


def test_what_is_written_is_read_back_with_aware_times(storage):
    with storage.translated():
        storage.collection("leases").insert_one(LEASE)
        assert storage.collection("leases").find_one() == LEASE
    assert storage.available


def test_every_write_waits_for_the_disk_and_the_majority(connect, mongodb_uri):
    storage = connect(mongodb_uri.replace("w=majority", "w=0").replace("journal=true", "journal=false"))

    assert storage.collection("leases").write_concern.document == {"w": "majority", "j": True}


@pytest.mark.parametrize(
    ("path", "database"), [("/shop", "shop"), ("/", "smetka"), ("", "smetka")], ids=["named", "slash", "none"]
)
def test_the_database_is_the_uris_else_smetka(connect, path, database):
    assert connect(f"mongodb://127.0.0.1:1{path}").collection("leases").database.name == database


def test_an_absent_server_is_told_in_time_and_then_at_once(connect, absent, refusal, eventually):
    storage = connect(absent)

    _, seconds = refusal(storage)
    assert seconds < 5

    eventually(lambda: "refused" in refusal(storage)[0].reason)
    for _ in range(3):
        _, seconds = refusal(storage)
        assert seconds < 0.5
    with pytest.raises(BonusStoreUnavailable):
        storage.ping()


def test_a_shorter_limit_holds_from_the_first_use_on(connect, absent, refusal):
    _, seconds = refusal(connect(absent), 0.25)

    assert seconds < 1


def test_it_is_well_again_by_itself_when_the_server_comes(make_server, connect, refusal, eventually):
    server = make_server()
    storage = connect(server.uri)
    refusal(storage)

    server.start()

    eventually(lambda: storage.available)
    with storage.translated():
        storage.collection("leases").insert_one(LEASE)


def test_a_hung_server_is_told_in_time_then_at_once_and_is_well_again(
    own_server, connect, refusal, eventually
):
    storage = connect(own_server.uri)
    storage.ping()
    os.kill(own_server.pid, signal.SIGSTOP)
    time.sleep(0.1)

    _, seconds = refusal(storage)
    assert seconds < 5
    _, seconds = refusal(storage)
    assert seconds < 0.5

    os.kill(own_server.pid, signal.SIGCONT)
    eventually(lambda: storage.available)
    storage.ping()


def test_sixteen_threads_on_a_hung_server_are_all_told_in_time(own_server, connect, refusal):
    storage = connect(own_server.uri)
    storage.ping()
    os.kill(own_server.pid, signal.SIGSTOP)
    time.sleep(0.1)
    took = []

    threads = [threading.Thread(target=lambda: took.append(refusal(storage)[1])) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(took) == 16
    assert max(took) < 5


def test_letting_go_of_a_hung_server_takes_no_time(own_server, connect):
    storage = connect(own_server.uri)
    storage.ping()
    os.kill(own_server.pid, signal.SIGSTOP)

    start = time.monotonic()
    storage.close()

    assert time.monotonic() - start < 5


def test_a_killed_server_is_told_in_time_and_is_well_again(own_server, connect, refusal, eventually):
    storage = connect(own_server.uri)
    with storage.translated():
        storage.collection("leases").insert_one(LEASE)
    os.kill(own_server.pid, signal.SIGKILL)
    eventually(lambda: own_server.poll() is not None)

    _, seconds = refusal(storage)
    assert seconds < 5

    own_server.spawn()
    eventually(lambda: storage.available)
    with storage.translated():
        assert storage.collection("leases").find_one() == LEASE


def test_a_server_that_came_back_empty_gets_its_rules_again(make_server, connect, refusal, eventually):
    first = make_server("first")
    first.start()
    storage = connect(first.uri)
    storage.ping()
    first.stop()
    refusal(storage)
    second = make_server("second", port=first.port)
    second.home.prepare()
    for name in ("password", "password.new"):
        (second.home.path / name).unlink(missing_ok=True)
    (second.home.path / "password.new").write_bytes((first.home.path / "password").read_bytes())
    second.start()

    eventually(lambda: storage.available)
    with storage.translated():
        assert "customer_year" in storage.collection("bonus_customers").index_information()


def test_a_wrong_password_is_told_without_it(connect, own_server, refusal):
    storage = connect(own_server.uri.replace("smetka:", "smetka:canary"))

    error, seconds = refusal(storage)

    assert "uthentication failed" in error.reason
    assert "canary" not in error.reason
    assert seconds < 5


@pytest.mark.process
def test_no_password_in_reasons_sentences_or_logs(connect, refusal):
    password = "p@ss:canary/42"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"mongodb://smetka:p%40ss%3Acanary%2F42@127.0.0.1:{closed.getsockname()[1]}/"
    with structlog.testing.capture_logs() as logs:
        error, _ = refusal(connect(uri))
        deadline = time.monotonic() + 30
        while not logs:  # one that was never there is told of after the third attempt
            assert time.monotonic() < deadline
            time.sleep(0.1)

    for text in (error.reason, str(error), str(logs)):
        assert password not in text
        assert "canary" not in text


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda leases: leases.insert_one(LEASE), id="the same key again"),
        pytest.param(
            lambda leases: leases.insert_one({**LEASE, "_id": "x", "name": "Ана"}), id="a rule broken"
        ),
        pytest.param(
            lambda leases: leases.insert_one({"_id": "x", "owner": "x" * 17_000_000}), id="too large"
        ),
        pytest.param(lambda leases: leases.insert_one({"_id": 2**63}), id="beyond 64 bits"),
        pytest.param(lambda leases: leases.insert_one({"_id": object()}), id="not storable"),
        pytest.param(lambda leases: leases.update_one({}, {"$nonsense": 1}), id="no such operator"),
    ],
)
def test_a_fault_of_one_use_leaves_the_server_available(storage, fault):
    with storage.translated():
        storage.collection("leases").insert_one(LEASE)

    with pytest.raises(BonusStoreUnavailable), storage.translated():
        fault(storage.collection("leases"))

    assert storage.available


def test_what_a_block_catches_itself_is_not_translated(storage):
    with storage.translated():
        storage.collection("leases").insert_one(LEASE)
        with pytest.raises(DuplicateKeyError):
            storage.collection("leases").insert_one(LEASE)


def test_integers_of_64_bits_pass(storage):
    with storage.translated():
        storage.collection("leases").insert_one({**LEASE, "fence": Int64(2**63 - 1)})
        assert storage.collection("leases").find_one()["fence"] == 2**63 - 1


def test_a_closed_one_refuses_and_leaves_no_thread(mongodb_uri, eventually):
    storage = Storage(mongodb_uri)
    storage.ping()

    storage.close()
    storage.close()

    with pytest.raises(BonusStoreUnavailable):
        storage.ping()
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "mongodb-probe"])


@pytest.mark.process
def test_a_resolver_that_is_silent_holds_nobody(connect, refusal, monkeypatch):
    # A name server of our own on loopback that never answers.
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        start = time.monotonic()
        storage = connect("mongodb+srv://smetka:canary@cluster.shop.test/smetka")
        assert time.monotonic() - start < 1

        error, seconds = refusal(storage)
        assert seconds < 5
        assert "canary" not in error.reason
        _, seconds = refusal(storage, 0.25)
        assert seconds < 1


def test_who_is_in_a_hurry_waits_in_vain_without_spoiling_it_for_others(own_server, connect):
    """A distant server is too slow for an announcement's 250 ms, and good for all else."""
    storage = connect(own_server.uri)
    storage.ping(10)
    os.kill(own_server.pid, signal.SIGSTOP)
    try:
        # A process at work in the kernel stops a moment later, and may answer until then.
        while psutil.Process(own_server.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        with pytest.raises(BonusStoreUnavailable), storage.within(0.1):
            storage.collection("leases").find_one({})
        with pytest.raises(BonusStoreUnavailable) as told, storage.within(0.1):
            storage.collection("leases").find_one({})
    finally:
        os.kill(own_server.pid, signal.SIGCONT)

    assert "a moment ago" in told.value.reason  # at once, without asking again
    with storage.translated():  # with time to wait: asked all the same
        storage.collection("leases").find_one({})
