from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import dns.resolver
import psutil
import pytest
import structlog
from bson import Int64
from pymongo.errors import DuplicateKeyError

from smetka.core.errors import BonusStoreUnavailable
from smetka.storage import Storage, availability, connection
from smetka.storage.embedded import EmbeddedMongoDB
from tests.waiting import eventually

pytestmark = pytest.mark.process

LEASE = {"_id": "sender", "owner": "me", "fence": 1, "until": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.fixture
def absent() -> str:
    """The URI of a server that is not there, with a password in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    return f"mongodb://smetka:canary-password@{address}/smetka?timeoutMS=500"


@pytest.fixture(scope="module")
def server(tmp_path_factory, prepared_home):
    """A server for all tests of this module, which may hang or be killed; each leaves it running."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(prepared_home, folder / "mongodb")
    server = EmbeddedMongoDB(folder)
    server.start()
    yield server
    server.stop()


def in_half_a_second(server) -> str:
    """Its URI, for connections that notice soon that it is away. What must succeed is given longer."""
    return server.uri.replace("timeoutMS=2000", "timeoutMS=500")


@contextmanager
def hanging(server):
    os.kill(server.pid, signal.SIGSTOP)
    try:
        # A process at work in the kernel stops a moment later, and may answer until then.
        while psutil.Process(server.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def kill(server):
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: server.poll() is not None)


def test_the_shipped_limits():
    assert (availability.PAUSE_SECONDS, availability.LASTING_PAUSE_SECONDS) == (0.5, 5)
    assert availability.QUIET_ATTEMPTS == 3
    assert (connection.PING_SECONDS, connection.ENSURE_SECONDS) == (1, 30)


def test_making_one_connects_nothing(absent):
    threads = set(threading.enumerate())
    start = time.monotonic()

    storage = Storage(absent)

    assert not storage.available
    assert set(threading.enumerate()) <= threads  # one of an earlier test may end meanwhile
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


def test_an_absent_server_is_told_in_time_and_then_at_once(connect, absent, refusal):
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


def test_a_hung_server_is_told_to_all_in_time_then_at_once_and_is_well_again(server, connect, refusal):
    storage = connect(in_half_a_second(server))
    storage.ping(30)
    took = []

    with hanging(server):
        threads = [threading.Thread(target=lambda: took.append(refusal(storage)[1])) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, seconds = refusal(storage)

    assert len(took) == 16
    assert max(took) < 5
    assert seconds < 0.5
    eventually(lambda: storage.available)
    storage.ping(30)


def test_letting_go_of_a_hung_server_takes_no_time(server, connect):
    storage = connect(server.uri)
    storage.ping(30)

    with hanging(server):
        start = time.monotonic()
        storage.close()
        assert time.monotonic() - start < 5


def test_who_is_in_a_hurry_waits_in_vain_without_spoiling_it_for_others(server, connect):
    """A distant server is too slow for an announcement's 250 ms, and good for all else."""
    storage = connect(server.uri)
    storage.ping(30)

    with hanging(server):
        with pytest.raises(BonusStoreUnavailable), storage.within(0.1):
            storage.collection("leases").find_one({})
        with pytest.raises(BonusStoreUnavailable) as told, storage.within(0.1):
            storage.collection("leases").find_one({})

    assert "a moment ago" in told.value.reason  # at once, without asking again
    with storage.translated():  # with time to wait: asked all the same
        storage.collection("leases").find_one({})


def test_a_killed_server_is_told_in_time_and_found_again_by_those_who_knew_it_and_those_who_did_not(
    server, connect, refusal
):
    storage, new = (connect(in_half_a_second(server)) for _ in range(2))
    with storage.within(30):
        storage.collection("leases").insert_one(LEASE)
    kill(server)

    for one in (storage, new):
        _, seconds = refusal(one)
        assert seconds < 5

    server.spawn()
    for one in (storage, new):
        eventually(lambda one=one: one.available)
        with one.within(30):
            assert one.collection("leases").find_one() == LEASE


def test_a_server_that_came_back_empty_gets_its_rules_again(server, prepared_home, connect, refusal):
    storage = connect(in_half_a_second(server))
    storage.ping(30)
    kill(server)
    refusal(storage)
    shutil.rmtree(server.home.storage)
    shutil.copytree(prepared_home / "storage", server.home.storage)
    server.spawn()

    eventually(lambda: storage.available)
    with storage.within(30):
        assert "customer_year" in storage.collection("bonus_customers").index_information()


def test_a_wrong_password_is_told_without_it(connect, mongodb_uri, refusal):
    storage = connect(mongodb_uri.replace("smetka:", "smetka:canary"))

    error, seconds = refusal(storage)

    assert "uthentication failed" in error.reason
    assert "canary" not in error.reason
    assert seconds < 5


def test_no_password_in_reasons_sentences_or_logs(connect, refusal, monkeypatch):
    monkeypatch.setattr(availability, "QUIET_ATTEMPTS", 1)
    password = "p@ss:canary/42"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"mongodb://smetka:p%40ss%3Acanary%2F42@127.0.0.1:{closed.getsockname()[1]}/?timeoutMS=500"
    with structlog.testing.capture_logs() as logs:
        error, _ = refusal(connect(uri))
        eventually(lambda: logs)

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


def test_a_closed_one_refuses_and_leaves_no_thread(mongodb_uri):
    storage = Storage(mongodb_uri)
    storage.ping()

    storage.close()
    storage.close()

    with pytest.raises(BonusStoreUnavailable):
        storage.ping()
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "mongodb-probe"])


def test_a_resolver_that_is_silent_holds_nobody(connect, refusal, monkeypatch):
    # A name server of our own on loopback that never answers.
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        start = time.monotonic()
        storage = connect("mongodb+srv://smetka:canary@cluster.shop.test/smetka?timeoutMS=500")
        assert time.monotonic() - start < 1

        error, seconds = refusal(storage)
        assert seconds < 5
        assert "canary" not in error.reason
        _, seconds = refusal(storage, 0.25)
        assert seconds < 1
