"""`smetka serve`: one command starts everything, keeps it running and stops it in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from pymongo import MongoClient

from smetka.data_directory import DataDirectory

TOKEN = "987654321:AAECanaryTokenThatMustNeverShowAnywhere"


def stored(uri: str) -> list[int]:
    """The user ids of the bonus records, one for each record."""
    with MongoClient(uri) as client:
        return sorted(record["user_id"] for record in client.get_default_database()["bonus_customers"].find())


def gone(processes: list[psutil.Process], seconds: float = 20) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def port_is_free(url: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections linger for a minute
        try:
            probe.bind(("127.0.0.1", urlsplit(url).port))
        except OSError:
            return False
    return True


def test_the_brief_works_end_to_end(new_shop):
    shop = new_shop().start()

    total = shop.get("/total_spent/10")
    averages = shop.get("/average_spending_by_age")
    first, second = shop.post(10), shop.post(10)

    assert (total.status_code, total.json()["total_spending"]) == (200, 1001)
    assert averages.json()["notification"]["status"] == "disabled"
    assert (first.status_code, second.status_code) == (201, 200)
    assert shop.get(first.headers["Location"]).json()["user_id"] == 10
    assert shop.stop() == 0


def test_status_says_what_runs_and_any_client_can_look_inside(new_shop):
    shop = new_shop().start()
    shop.post(11)

    status = shop.wait_until_ready()

    assert set(status) == {"url", "mongodb_uri", "pids", "ready"}
    assert set(status["pids"]) == {"parent", "web", "worker", "mongodb"}
    assert status["pids"]["parent"] == shop.process.pid
    assert {status["pids"]["worker"], status["pids"]["mongodb"], *status["pids"]["web"]} <= {
        p.pid for p in shop.family()
    }
    assert stored(status["mongodb_uri"]) == [11]


def test_records_outlive_a_stop(new_shop):
    shop = new_shop().start()
    assert [shop.post(n).status_code for n in (11, 12)] == [201, 201]
    assert shop.stop() == 0

    shop.start()

    assert stored(shop.status()["mongodb_uri"]) == [11, 12]
    assert shop.post(11).status_code == 200


def test_sigterm_stops_everything_with_status_0_and_frees_the_port(new_shop):
    shop = new_shop().start()
    url, family = shop.url, shop.family()

    assert shop.stop() == 0
    assert gone(family, 1)
    assert port_is_free(url)
    assert shop.status() == {}


def test_ctrl_c_on_a_terminal_stops_everything_in_order(new_shop):
    shop = new_shop().start()
    family = shop.family()

    os.killpg(shop.process.pid, signal.SIGINT)  # a terminal tells the whole group of the command

    assert shop.process.wait(20) == 0
    assert gone(family, 1)
    assert '"mongodb-away"' not in shop.log.read_text()  # the database ended last


def test_sigterm_lets_requests_under_way_finish(new_shop):
    shop = new_shop().start()
    address = ("127.0.0.1", urlsplit(shop.url).port)
    body = b'{"user_id": 20, "total_spending": 2000}'
    head = f"POST /write_to_mongodb HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(address, timeout=15) as client:
        client.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        shop.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(body[10:])
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert shop.process.wait(20) == 0
    shop.start()
    assert stored(shop.status()["mongodb_uri"]) == [20]


@pytest.mark.parametrize("part", ["web", "worker", "mongodb"])
def test_a_killed_part_is_started_again(new_shop, part):
    shop = new_shop().start()
    assert shop.post(30).status_code == 201
    before = shop.pids()

    os.kill(before[part], signal.SIGKILL)
    shop.wait_until(lambda: shop.pids()[part] != before[part])
    status = shop.wait_until_ready()

    assert shop.post(31).status_code == 201
    assert stored(status["mongodb_uri"]) == [30, 31]
    assert {name: pid for name, pid in shop.pids().items() if name != part} == {
        name: pid for name, pid in before.items() if name != part
    }
    assert shop.stop() == 0


def test_a_killed_web_worker_process_is_replaced(new_shop):
    shop = new_shop().start()
    workers = [pid for pid in shop.status()["pids"]["web"] if pid != shop.pids()["web"]]

    os.kill(workers[-1], signal.SIGKILL)
    shop.wait_until(lambda: workers[-1] not in shop.status()["pids"]["web"])
    shop.wait_until_ready()

    assert shop.get("/total_spent/10").status_code == 200
    assert shop.stop() == 0


def test_killing_the_parent_leaves_no_orphan_no_port_and_every_record(new_shop):
    shop = new_shop().start()
    url, family = shop.url, shop.family()
    acknowledged, stopping = [], threading.Event()

    def post_all() -> None:
        for user_id in range(1, 101):
            if stopping.is_set():
                return
            try:
                if shop.post(user_id).status_code in {200, 201}:
                    acknowledged.append(user_id)
            except requests.RequestException:
                return

    poster = threading.Thread(target=post_all)
    poster.start()
    time.sleep(0.5)
    shop.process.kill()
    shop.process.wait()
    stopping.set()
    poster.join()

    assert gone(family)
    assert port_is_free(url)
    shop.start()
    records = stored(shop.status()["mongodb_uri"])
    assert acknowledged
    assert set(acknowledged) <= set(records)
    assert len(records) == len(set(records))


def test_a_second_server_on_the_same_data_directory_is_refused_in_one_line(new_shop):
    shop = new_shop().start()

    second = shop.run("serve")

    assert second.returncode == 1
    assert str(shop.process.pid) in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert shop.get("/healthz").status_code == 200


def test_a_taken_port_is_one_line_and_status_1(new_shop):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        done = new_shop().run("serve", "--port", str(port))

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_of_two_that_start_at_once_on_one_port_one_has_it(new_shop):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shops = [new_shop("--port", str(port), name=name).start(wait=False) for name in ("one", "two")]
    shops[0].wait_until(lambda: any(shop.process.poll() is not None for shop in shops))
    shops.sort(key=lambda shop: shop.process.poll() is None)
    refused, serving = shops

    assert refused.process.wait(5) == 1
    assert refused.log.read_text().splitlines() == [
        f"smetka: Port {port} on 127.0.0.1 is already taken. Choose another with --port or SMETKA_PORT."
    ]
    serving.wait_until_ready()
    assert serving.stop() == 0


def test_a_reader_of_the_log_that_leaves_takes_nothing_along(new_shop):
    shop = new_shop()
    reader, writer = os.pipe()
    shop.process = subprocess.Popen(
        [*shop.command, *shop.arguments], env=shop.environment, cwd=shop.folder, stdout=writer, stderr=writer
    )
    os.close(writer)
    shop.log.touch()
    with os.fdopen(reader, "rb") as log:
        log.readline()
        shop.wait_until(shop.answers)
    shop.wait_until_ready()
    statuses = [
        shop.get(f"/total_spent/{n}?year=2026", headers={"X-Tab": str(n)}).status_code for n in range(1, 31)
    ]
    killed = shop.pids()["worker"]
    psutil.Process(killed).kill()
    shop.wait_until(lambda: shop.pids().get("worker") not in {killed, None})

    assert statuses == [200] * 30
    assert shop.post(1).status_code == 201
    assert shop.stop() == 0


def test_without_a_ledger_the_usage_is_wrong(new_shop):
    done = new_shop(SMETKA_LEDGER="").run("serve")

    assert (done.returncode, done.stdout) == (2, "")
    assert "SMETKA_LEDGER" in done.stderr


def test_a_mistyped_setting_is_wrong_usage(new_shop):
    done = new_shop(SMETKA_LEGDER="x").run("serve")

    assert done.returncode == 2
    assert "SMETKA_LEDGER" in done.stderr


def test_a_ledger_that_is_not_there_yet_is_503_until_it_is(new_shop, tmp_path):
    path = tmp_path / "later.db"
    shop = new_shop(ledger=path).start(wait=False)
    shop.wait_until(shop.answers)

    early = shop.get("/total_spent/1")
    with sqlite3.connect(path) as ledger:
        ledger.execute(
            "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER)"
        )
        ledger.execute("CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER)")
        ledger.execute("INSERT INTO user_info VALUES (1, 'A', NULL, 30)")
    ledger.close()

    assert (early.status_code, early.json()["type"]) == (503, "/problems/ledger-unavailable")
    assert shop.get("/total_spent/1").json()["total_spending"] == 0
    shop.wait_until_ready()


def test_a_hosted_mongodb_by_uri_alone(new_shop, mongodb_uri):
    shop = new_shop(SMETKA_MONGODB_URI=mongodb_uri).start()

    assert shop.post(40).status_code == 201
    status = shop.status()
    password = urlsplit(mongodb_uri).password
    assert "mongodb" not in shop.pids()
    assert stored(mongodb_uri) == [40]
    assert password not in json.dumps(status)
    assert shop.stop() == 0
    assert password not in shop.log.read_text()


def test_beyond_loopback_nobody_is_served_without_a_key(new_shop):
    shop = new_shop(SMETKA_ALLOWED_HOSTS="127.0.0.1,shop.example")

    refused = shop.run("serve")
    made = shop.run("key", "create", "till", "--role", "manager")
    shop.start()
    key = made.stdout.strip()

    assert refused.returncode == 1
    assert "smetka key create" in refused.stderr
    assert key.startswith("smk_")
    assert made.stdout.count("\n") == 1
    assert shop.get("/total_spent/10").status_code == 401
    assert shop.get("/total_spent/10", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert key not in shop.log.read_text()


def test_the_bots_token_is_only_where_messages_are_sent(new_shop):
    shop = new_shop(
        SMETKA_TELEGRAM_BOT_TOKEN=TOKEN,
        SMETKA_TELEGRAM_CHAT_IDS="4242",
        SMETKA_TELEGRAM_API_URL="http://127.0.0.1:9",
    ).start()
    answer = shop.get("/average_spending_by_age")
    time.sleep(1.5)

    places = {
        "logs": shop.log.read_text(),
        "answers": answer.text + shop.get("/readyz").text + shop.get("/metrics").text,
        "command lines": " ".join(" ".join(process.cmdline()) for process in shop.family()),
        "web environment": " ".join(
            value for pid in shop.status()["pids"]["web"] for value in psutil.Process(pid).environ().values()
        ),
        "settings": shop.run("settings").stdout,
    }
    assert answer.json()["notification"]["status"] == "queued"
    assert [place for place, text in places.items() if TOKEN in text] == []
    assert [place for place, text in places.items() if TOKEN.partition(":")[2] in text] == []


def test_a_mongodb_that_hangs_is_killed_and_started_again(new_shop):
    shop = new_shop().start()
    assert shop.post(50).status_code == 201
    hung = shop.pids()["mongodb"]

    os.kill(hung, signal.SIGSTOP)
    # A process at work in the kernel stops a moment later, and may answer until then.
    shop.wait_until(lambda: psutil.Process(hung).status() == psutil.STATUS_STOPPED)
    began = time.monotonic()
    refused = shop.post(51)
    took = time.monotonic() - began

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/bonus-store-unavailable")
    assert "Retry-After" in refused.headers
    assert took < 5
    assert shop.get("/average_spending_by_age").status_code == 200
    shop.wait_until(lambda: shop.pids()["mongodb"] != hung, seconds=90)
    shop.wait_until_ready()
    assert shop.post(51).status_code in {200, 201}
    assert 50 in stored(shop.status()["mongodb_uri"])


def test_a_web_process_that_hangs_is_killed_and_started_again(new_shop):
    shop = new_shop().start()
    assert shop.post(50).status_code == 201
    main = psutil.Process(shop.pids()["web"])
    (hung,) = main.children()

    hung.suspend()
    shop.wait_until(lambda: not hung.is_running() and shop.pids()["web"] != main.pid, seconds=90)
    shop.wait_until_ready()

    assert not main.is_running()
    assert shop.post(50).status_code == 200


def test_several_web_processes_share_the_port(new_shop):
    shop = new_shop(SMETKA_WORKERS="2").start()

    assert len(shop.status()["pids"]["web"]) == 3
    assert [shop.post(60).status_code for _ in range(4)] == [201, 200, 200, 200]
    assert {shop.get("/total_spent/10").status_code for _ in range(10)} == {200}
    assert shop.stop() == 0


def test_looking_at_the_status_keeps_nobody_from_starting(new_shop):
    shop = new_shop()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            DataDirectory(shop.data_dir).running()

    shop.data_dir.mkdir()
    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(50):
            DataDirectory(shop.data_dir).hold("serve").release()
    finally:
        stop.set()
        looker.join()


def test_headers_that_come_too_slowly_end_the_connection(new_shop):
    shop = new_shop().start()
    with socket.create_connection(("127.0.0.1", urlsplit(shop.url).port), timeout=20) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")

        answer = client.recv(4096)  # the promise is 5 s; the socket's own limit is four times that

    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
