"""The worker as a process of its own: restarts, kills, orderly stops, and the token nowhere."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from smetka.runtime import worker
from smetka.settings import TOKEN_ELSEWHERE, Settings, load_settings
from smetka.storage import Storage
from smetka.telegram.deliveries import Deliveries
from smetka.telegram.outbox import Outbox
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.state import Health, beat, worker_state
from tests.fixtures.clock import JUMPS
from tests.waiting import eventually

pytestmark = pytest.mark.process

MANAGER = 1001
TOKEN = "987654321:CANARY-token-that-must-never-be-seen"
PATIENCE_SECONDS = 60


def now():
    return datetime.now(UTC)


@pytest.fixture
def mongodb_uri(mongodb_uri):
    return re.sub("timeoutMS=[0-9]+", "timeoutMS=30000", mongodb_uri)


@pytest.fixture
def storage(storage):
    storage.ping(30)
    return storage


@pytest.fixture
def telegram():
    with FakeTelegram(token=TOKEN, chats=(MANAGER,)) as telegram:
        yield telegram


START = """
import sys
from smetka.runtime import worker

worker.STOP_SECONDS = float(sys.argv[1])
sys.exit(worker.main([]))
"""


@pytest.fixture
def start_worker(mongodb_uri, telegram, tmp_path):
    """A function that starts a worker process; its log is in `.log`."""
    started = []

    def start(*, stop_seconds=worker.STOP_SECONDS, **more):
        environment = {
            "PATH": os.environ["PATH"],
            "SMETKA_MONGODB_URI": mongodb_uri,
            "SMETKA_TELEGRAM_BOT_TOKEN": TOKEN,
            "SMETKA_TELEGRAM_CHAT_IDS": str(MANAGER),
            "SMETKA_TELEGRAM_API_URL": telegram.url,
            **{name: value for name, value in more.items() if value is not None},
        }
        for name, value in more.items():
            if value is None:
                del environment[name]
        log = tmp_path / f"worker-{len(started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", START, str(stop_seconds)],
                env=environment,
                stderr=file,
                cwd=tmp_path,
            )
        process.log = log
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def announce(storage, year=2025):
    figures = {"customers": 3, "spenders": 2, "payments": 5, "total_spending": Decimal("10.5")}
    averages = {
        name: Decimal("105.25")
        for name in ("average_per_spender", "average_per_payment", "average_per_customer")
    }
    report = {
        "average_spending": {">47": Decimal("105.25")},
        "basis": "spender",
        "year": year,
        "currency": "MKD",
        "age_groups": [{"age_group": ">47", **figures, **averages}],
        "outside": {**figures, "customers": 0, "payments": 0},
        "data_quality": {"ignored_payments": 0, "orphan_payments": 0},
    }
    told = Deliveries(
        storage, recipients=[MANAGER], cooldown_seconds=600, now=now, limit_seconds=30
    ).announce(report)
    assert told.status == "queued"
    return told.report_id


def state_of(storage, report_id):
    found = [one for one in Outbox(storage, now=now).newest(50) if one.report_id == report_id]
    return found[0].state if found else None


def stop(process):
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE_SECONDS)


def test_the_shipped_limit_of_a_stop():
    assert worker.STOP_SECONDS == 3


@pytest.mark.parametrize("token", [TOKEN, None])
def test_a_count_that_takes_long_delays_neither_signs_of_life_nor_the_end(
    storage, mongodb_uri, telegram, token, monkeypatch
):
    settings = Settings(telegram_bot_token=token, telegram_api_url=telegram.url, telegram_commands="off")
    counting, go_on, told_to_stop = Event(), Event(), Event()
    it = worker.Worker(settings, Storage(mongodb_uri))

    def counts():
        counting.set()
        go_on.wait()
        return 0, now()

    monkeypatch.setattr(it._outbox, "delivered", counts)
    running = Thread(target=it.run, args=[lambda _: told_to_stop.wait(0.1)], daemon=True)
    running.start()
    try:
        assert counting.wait(PATIENCE_SECONDS)
        eventually(lambda: worker_state(storage, now()).worker.ok)
        told_to_stop.set()
        running.join(PATIENCE_SECONDS)
        assert not running.is_alive()
    finally:
        go_on.set()


def test_it_delivers_and_stops_in_order(storage, telegram, start_worker):
    report_id = announce(storage)
    process = start_worker()

    eventually(lambda: state_of(storage, report_id) == "delivered")
    eventually(lambda: worker_state(storage, now()).worker.ok)
    assert worker_state(storage, now()).telegram.ok
    began = time.monotonic()

    assert stop(process) == 0
    assert time.monotonic() - began < 2 * 3
    assert len(telegram.messages(MANAGER)) == 1
    events = [json.loads(line)["event"] for line in process.log.read_text().splitlines()]
    assert events[0] == "worker-started"
    assert events[-1] == "worker-stopped"


@pytest.mark.parametrize(
    ("on_unknown", "state", "copies"),
    [
        pytest.param("retry", "delivered", 2, id="retried: it arrives twice with the same id"),
        pytest.param("hold", "held", 1, id="held for an operator"),
    ],
)
def test_killed_between_acceptance_and_record(storage, telegram, start_worker, on_unknown, state, copies):
    telegram.fail_next("accept-hang")
    report_id = announce(storage)
    first = start_worker(SMETKA_TELEGRAM_ON_UNKNOWN=on_unknown)
    eventually(lambda: telegram.messages(MANAGER))
    first.kill()
    first.wait()
    assert state_of(storage, report_id) == "sending"

    start_worker(SMETKA_TELEGRAM_ON_UNKNOWN=on_unknown)

    eventually(lambda: state_of(storage, report_id) == state)
    assert len(telegram.messages(MANAGER)) == copies
    assert all(report_id in message.text for message in telegram.messages(MANAGER))


def test_a_restart_loses_and_doubles_nothing(storage, telegram, start_worker):
    delivered = []
    for year in (2020, 2021):
        delivered.append(announce(storage, year))
        process = start_worker()
        eventually(lambda: all(state_of(storage, one) == "delivered" for one in delivered))
        process.kill()
        process.wait()

    assert len(telegram.messages(MANAGER)) == 2


def test_a_stop_does_not_wait_for_a_telegram_that_hangs(storage, telegram, start_worker):
    telegram.fail_next("hang")
    announce(storage)
    process = start_worker(stop_seconds=0.5)
    eventually(lambda: telegram.calls("send*"))
    began = time.monotonic()

    assert stop(process) == 0
    assert time.monotonic() - began < 2 * 4


def test_the_message_under_way_is_finished_before_a_stop(storage, telegram, start_worker):
    telegram.fail_next("slow")
    report_id = announce(storage)
    process = start_worker()
    eventually(lambda: telegram.calls("send*"))

    assert stop(process) == 0
    assert state_of(storage, report_id) == "delivered"
    assert len(telegram.messages(MANAGER)) == 1


def test_mongodb_may_come_late_and_go_in_between(make_server, telegram, start_worker):
    server = make_server()
    process = start_worker(SMETKA_MONGODB_URI=server.uri)
    eventually(lambda: "worker-started" in process.log.read_text())
    storage = Storage(server.uri, patience=30)
    try:
        for year in (2024, 2025):
            server.start()
            eventually(lambda: _answers(storage))
            report_id = announce(storage, year)
            eventually(lambda report_id=report_id: state_of(storage, report_id) == "delivered")
            noticed = process.log.read_text().count('"mongodb-away"')
            server.stop()
            eventually(lambda noticed=noticed: process.log.read_text().count('"mongodb-away"') > noticed)
        time.sleep(1)
        assert process.poll() is None
    finally:
        storage.close()
    assert len(telegram.messages(MANAGER)) == 2
    assert process.log.read_text().count('"mongodb-away"') < 12  # an event each time, not a line each try


def _answers(storage):
    try:
        storage.ping(10)
    except Exception:
        return False
    return True


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(("reset",), id="after one fault"),
        pytest.param(
            ("500", "502-html", "reset", "truncated"), id="after four faults", marks=pytest.mark.long
        ),
    ],
)
def test_the_token_is_nowhere_to_be_seen(storage, telegram, start_worker, faults):
    seen = ""
    for fault in faults:
        telegram.fail_next(fault)
    telegram.fail_next(
        "say", status=400, body=json.dumps({"ok": False, "error_code": 400, "description": TOKEN})
    )
    report_id = announce(storage)
    process = start_worker()
    eventually(lambda: telegram.calls("send*"))
    seen += Path(f"/proc/{process.pid}/cmdline").read_text()
    eventually(lambda: state_of(storage, report_id) == "failed")
    with storage.translated():
        for name in ("deliveries", "workers", "leases"):
            seen += repr(list(storage.collection(name).find()))
    assert stop(process) == 0
    seen += process.log.read_text()

    assert "CANARY" not in seen
    assert "105.25" not in process.log.read_text()  # nor what the messages say; no time of day holds this


def test_a_wrong_token_is_told_and_the_message_waits(storage, telegram, start_worker):
    telegram.token = "1:the-right-one-is-another"
    report_id = announce(storage)
    start_worker()

    eventually(lambda: "401" in worker_state(storage, now()).telegram.detail)
    assert worker_state(storage, now()).worker.ok
    assert state_of(storage, report_id) == "queued"


def test_without_a_bot_it_idles_and_says_so(storage, start_worker):
    process = start_worker(SMETKA_TELEGRAM_BOT_TOKEN=None)

    eventually(lambda: worker_state(storage, now()).worker.ok)
    assert "No bot" in worker_state(storage, now()).telegram.detail
    assert stop(process) == 0


def test_a_bot_of_another_process_is_none_of_its_own(monkeypatch):
    monkeypatch.setenv("SMETKA_TELEGRAM_BOT_TOKEN", TOKEN_ELSEWHERE)

    assert worker._token(load_settings()) == ""


def test_no_worker_is_told(storage):
    state = worker_state(storage, now())

    assert not state.worker.ok
    assert "No worker" in state.worker.detail


def test_it_ends_with_its_parent(start_worker, mongodb_uri, telegram, tmp_path):
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'smetka.runtime.worker', '--parent', str(os.getpid())])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    environment = {"PATH": os.environ["PATH"], "SMETKA_MONGODB_URI": mongodb_uri}
    log = (tmp_path / "log").open("wb")
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=tmp_path,
    )
    child = int(parent.stdout.readline())
    eventually(lambda: b"worker-started" in (tmp_path / "log").read_bytes())
    parent.kill()
    parent.communicate()
    log.close()

    eventually(
        lambda: (
            not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text()
        )
    )


def test_wrong_settings_are_one_line_and_status_2(start_worker):
    process = start_worker(SMETKA_MONGODB_URI=None)

    assert process.wait(PATIENCE_SECONDS) == 2
    assert process.log.read_text().count("\n") == 1


def test_it_imports_neither_flask_nor_sqlalchemy():
    script = "import sys, smetka.runtime.worker; print([m for m in ('flask', 'sqlalchemy', 'werkzeug') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("jump", JUMPS)
def test_a_sign_of_life_from_before_the_clock_jumped_is_none(storage, jump):
    then = now()
    beat(storage, name="worker", telegram=Health(ok=True, detail="Telegram is reachable."), now=then)
    assert worker_state(storage, then).worker.ok

    assert not worker_state(storage, then + timedelta(seconds=jump)).worker.ok
