"""`smetka serve`: one command starts everything, keeps it running and stops it in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psutil
import pytest
from pymongo import MongoClient

from tests.e2e.torture import Posters

TOKEN = "987654321:AAECanaryTokenThatMustNeverShowAnywhere"


# Probes processes without waiting five seconds in between, and five for an answer.
IMPATIENT = """
import smetka.runtime.probing, smetka.runtime.server
from smetka.cli import main
smetka.runtime.probing.PROBE_SECONDS, smetka.runtime.server.ANSWER_SECONDS = 0.5, 2
main()
"""


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


def test_the_brief_works_end_to_end_from_the_first_start_on(new_shop):
    shop = new_shop(home=None).start()

    total = shop.get("/total_spent/10")
    averages = shop.get("/average_spending_by_age")
    first, second = shop.post(10), shop.post(10)

    assert (total.status_code, total.json()["total_spending"]) == (200, 1001)
    assert averages.json()["notification"]["status"] == "disabled"
    assert (first.status_code, second.status_code) == (201, 200)
    assert shop.get(first.headers["Location"]).json()["user_id"] == 10
    assert shop.stop() == 0


def test_status_says_what_runs_and_any_client_can_look_inside(running_shop):
    running_shop.post(11)

    status = running_shop.status()

    assert set(status) == {"url", "mongodb_uri", "pids", "ready"}
    assert status["ready"] is True
    assert set(status["pids"]) == {"parent", "web", "worker", "mongodb"}
    assert status["pids"]["parent"] == running_shop.process.pid
    assert {status["pids"]["worker"], status["pids"]["mongodb"], *status["pids"]["web"]} <= {
        p.pid for p in running_shop.family()
    }
    assert stored(status["mongodb_uri"]) == [11]


def test_sigterm_lets_requests_finish_stops_everything_with_status_0_and_records_outlive_it(running_shop):
    shop = running_shop
    url, family = shop.url, shop.family()
    body = b'{"user_id": 20, "total_spending": 2000}'
    head = f"POST /write_to_mongodb HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    assert [shop.post(n).status_code for n in (11, 12)] == [201, 201]
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=15) as client:
        client.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        shop.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(body[10:])
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert shop.process.wait(20) == 0
    assert gone(family, 1)
    assert port_is_free(url)
    assert shop.status() == {}
    shop.start()
    assert stored(shop.mongodb_uri) == [11, 12, 20]
    assert shop.post(11).status_code == 200


def test_ctrl_c_on_a_terminal_stops_everything_in_order(running_shop):
    family = running_shop.family()

    os.killpg(running_shop.process.pid, signal.SIGINT)  # a terminal tells the whole group of the command

    assert running_shop.process.wait(20) == 0
    assert gone(family, 1)
    assert '"mongodb-away"' not in running_shop.log.read_text()  # the database ended last


@pytest.mark.parametrize("part", ["web", "worker", "mongodb"])
def test_a_killed_part_is_started_again_and_no_record_is_lost(running_shop, part):
    shop, before = running_shop, running_shop.pids()
    with Posters(shop, 2) as posters:
        posters.wait_for(20)
        os.kill(before[part], signal.SIGKILL)
        shop.wait_until(lambda: shop.pids()[part] != before[part])
        posters.wait_for(20)
    shop.wait_until_ready()

    posters.check(shop.mongodb_uri)
    assert {name: pid for name, pid in shop.pids().items() if name != part} == {
        name: pid for name, pid in before.items() if name != part
    }


def test_a_killed_web_worker_process_is_replaced_and_no_record_is_lost(running_shop):
    shop = running_shop
    workers = shop.web_pids()[1:]
    with Posters(shop, 2) as posters:
        posters.wait_for(20)
        os.kill(workers[-1], signal.SIGKILL)
        shop.wait_until(lambda: (found := shop.web_pids()[1:]) and workers[-1] not in found)
        posters.wait_for(20)
    shop.wait_until_ready()

    posters.check(shop.mongodb_uri)
    assert shop.get("/total_spent/10").status_code == 200


def test_killing_the_parent_leaves_no_orphan_no_port_and_every_record(running_shop):
    shop = running_shop
    url, family = shop.url, shop.family()
    with Posters(shop, 2) as posters:
        posters.wait_for(20)
        shop.process.kill()
        shop.process.wait()

    assert gone(family)
    assert port_is_free(url)
    shop.start()
    posters.check(shop.mongodb_uri)


def test_a_second_server_on_the_same_data_directory_is_refused_in_one_line(running_shop):
    second = running_shop.run("serve")

    assert second.returncode == 1
    assert str(running_shop.process.pid) in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert running_shop.get("/healthz").status_code == 200


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


def test_of_two_that_start_at_once_on_one_port_one_has_it(mongodb_uri, new_shop):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shops = [
        new_shop("--no-worker", "--port", str(port), name=name, SMETKA_MONGODB_URI=mongodb_uri)
        for name in ("one", "two")
    ]
    for shop in shops:
        shop.start(wait=False)
    shops[0].wait_until(lambda: any(shop.process.poll() is not None for shop in shops))
    shops.sort(key=lambda shop: shop.process.poll() is None)
    refused, serving = shops

    assert refused.process.wait(5) == 1
    assert refused.log.read_text().splitlines() == [
        f"smetka: Port {port} on 127.0.0.1 is already taken. Choose another with --port or SMETKA_PORT."
    ]
    serving.wait_until_ready()
    assert serving.stop() == 0


def test_a_reader_of_the_log_that_leaves_takes_nothing_along(mongodb_uri, new_shop):
    shop = new_shop(SMETKA_MONGODB_URI=mongodb_uri)
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
        shop.get(f"/total_spent/{n}?year=2026", headers={"Sec-Tab": str(n)}).status_code for n in range(1, 31)
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


def test_a_ledger_that_is_not_there_yet_is_503_until_it_is(mongodb_uri, new_shop, tmp_path):
    path = tmp_path / "later.db"
    shop = new_shop("--no-worker", ledger=path, SMETKA_MONGODB_URI=mongodb_uri).start(wait=False)
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


def test_a_hosted_mongodb_by_uri_alone(mongodb_uri, new_shop):
    shop = new_shop(SMETKA_MONGODB_URI=mongodb_uri).start()

    assert shop.post(40).status_code == 201
    status = shop.status()
    password = urlsplit(mongodb_uri).password
    assert "mongodb" not in shop.pids()
    assert stored(mongodb_uri) == [40]
    assert password not in json.dumps(status)
    assert shop.stop() == 0
    assert password not in shop.log.read_text()


def test_beyond_loopback_nobody_is_served_without_a_key(mongodb_uri, new_shop):
    shop = new_shop(
        "--no-worker", SMETKA_ALLOWED_HOSTS="127.0.0.1,shop.example", SMETKA_MONGODB_URI=mongodb_uri
    )

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
    shop.wait_until(lambda: "telegram-paused" in shop.log.read_text())  # it tried, and told what went wrong

    places = {
        "logs": shop.log.read_text(),
        "answers": answer.text + shop.get("/readyz").text + shop.get("/metrics").text,
        "command lines": " ".join(" ".join(process.cmdline()) for process in shop.family()),
        "web environment": " ".join(
            value for pid in shop.web_pids() for value in psutil.Process(pid).environ().values()
        ),
        "settings": shop.run("settings", "--json").stdout,
        "deliveries": shop.run("deliveries", "list", "--json").stdout,
        "status": str(shop.status()),
    }
    assert answer.json()["notification"]["status"] == "queued"
    assert [place for place, text in places.items() if TOKEN in text] == []
    assert [place for place, text in places.items() if TOKEN.partition(":")[2] in text] == []


def test_what_hangs_is_killed_and_started_again(new_shop):
    """MongoDB and the web server, which are probed apart from each other."""
    shop = new_shop("--no-worker")
    shop.command = [sys.executable, "-c", IMPATIENT]
    shop.start()
    assert shop.post(50).status_code == 201
    mongodb, main = psutil.Process(shop.pids()["mongodb"]), psutil.Process(shop.pids()["web"])
    (answering,) = main.children()
    time.sleep(2)  # so that both have answered a probe: whoever never has is given a minute

    mongodb.suspend()
    # A process at work in the kernel stops a moment later, and may answer until then.
    shop.wait_until(lambda: mongodb.status() == psutil.STATUS_STOPPED)
    began = time.monotonic()
    refused = shop.post(51)
    took = time.monotonic() - began
    averages = shop.get("/average_spending_by_age")
    answering.suspend()

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/bonus-store-unavailable")
    assert "Retry-After" in refused.headers
    assert took < 5
    assert averages.status_code == 200
    shop.wait_until(lambda: shop.pids()["mongodb"] != mongodb.pid, seconds=90)
    shop.wait_until(lambda: shop.pids()["web"] != main.pid and not answering.is_running(), seconds=90)
    shop.wait_until_ready()
    assert not main.is_running()
    assert shop.post(50).status_code == 200
    assert shop.post(51).status_code in {200, 201}


def test_several_web_processes_share_the_port(mongodb_uri, new_shop):
    shop = new_shop("--no-worker", SMETKA_WORKERS="2", SMETKA_MONGODB_URI=mongodb_uri).start()

    assert len(shop.web_pids()) == 3
    assert [shop.post(60).status_code for _ in range(4)] == [201, 200, 200, 200]
    assert {shop.get("/total_spent/10").status_code for _ in range(10)} == {200}
    assert shop.stop() == 0


def test_headers_that_come_too_slowly_end_the_connection(running_shop):
    with socket.create_connection(("127.0.0.1", urlsplit(running_shop.url).port), timeout=20) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")

        answer = client.recv(4096)  # the promise is 5 s; the socket's own limit is four times that

    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
