"""`smetka backup` beside a running shop, and `smetka restore` for the next one."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import requests
from bson import Decimal128, Int64
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from smetka.storage.backup import back_up
from smetka.storage.home import Home
from tests.e2e.torture import brief_or_long


def post_until(shop, stop, acknowledged, first):
    number = first
    while not stop.is_set():
        number = number + 1 if number < first + 40 else first
        try:
            answer = shop.post(number, f"{2000 + time.monotonic_ns() % 1000}")
        except requests.RequestException:
            continue
        if answer.status_code in {200, 201}:
            acknowledged.append(number)


def test_what_was_acknowledged_before_is_in_the_next_shop(running_shop, new_shop, tmp_path):
    shop = running_shop
    stop, acknowledged = threading.Event(), []
    clients = [threading.Thread(target=post_until, args=(shop, stop, acknowledged, n)) for n in (1, 45)]
    for client in clients:
        client.start()
    shop.wait_until(lambda: len(acknowledged) > 20)
    before = set(acknowledged)
    done = shop.run("backup", str(tmp_path / "backup"), "--json")
    stop.set()
    for client in clients:
        client.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"]["bonus_customers.jsonl"]["records"] >= len(before)

    following = new_shop(name="following")
    done = following.run("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    assert "`smetka key list`" in done.stderr
    following.start()
    year = time.gmtime().tm_year
    for number in before:
        record = following.get(f"/api/v1/bonus-customers/{year}/{number}").json()
        assert (record["user_id"], record["source"]) == (number, "api")
        assert record["total_spending"] >= 2000

    refused = following.run("restore", str(tmp_path / "backup"))
    assert refused.returncode == 0  # its own records, once more
    following.post(91)
    refused = following.run("restore", str(tmp_path / "backup"))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not this backup's" in refused.stderr


def test_keys_work_in_the_next_shop_unless_it_has_keys_of_its_own(new_shop, tmp_path):
    shop = new_shop().start()
    key = shop.run("key", "create", "till", "--role", "reader").stdout.strip()
    assert shop.run("backup", str(tmp_path / "backup")).returncode == 0
    assert key not in "".join(file.read_text() for file in (tmp_path / "backup").iterdir())

    following = new_shop(name="following")
    assert following.run("restore", str(tmp_path / "backup")).returncode == 0
    following.start()
    assert following.get("/total_spent/1").status_code == 401
    assert following.get("/total_spent/1", headers={"Authorization": f"Bearer {key}"}).status_code == 200

    new = new_shop(name="next")
    new.run("key", "create", "ours", "--role", "owner")
    done = new.run("restore", str(tmp_path / "backup"))
    assert (done.returncode, "the backup's were left out" in done.stderr) == (0, True)
    assert "bonus_customers.jsonl" in done.stdout
    assert "keys.json" not in done.stdout  # not told as restored
    names = {key["name"] for key in json.loads(new.run("key", "list", "--json").stdout)}
    assert names == {"ours"}


def test_a_killed_backup_is_no_backup_and_in_nobodys_way(running_shop, tmp_path):
    shop = running_shop
    for number in range(1, 30):
        shop.post(number)
    for delay in (0.3, 0.8, 1.2):
        killed = subprocess.Popen(
            [*shop.command, "backup", str(tmp_path / "backup")], env=shop.environment, cwd=shop.folder
        )
        time.sleep(delay)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        if (tmp_path / "backup").exists():  # it was quicker
            assert (tmp_path / "backup" / "manifest.json").exists()
            return
    assert shop.run("backup", str(tmp_path / "backup")).returncode == 0
    assert len((tmp_path / "backup" / "bonus_customers.jsonl").read_text().splitlines()) == 29


@brief_or_long("many", 4_000, 20_000)
def test_a_killed_restore_is_simply_repeated(storage, new_shop, tmp_path, many):
    now = datetime.now(UTC)
    with storage.within(60):
        storage.collection("bonus_customers").insert_many(
            [
                {
                    "user_id": Int64(number),
                    "year": 2026,
                    **dict.fromkeys(("total_spending", "threshold", "ledger_total"), Decimal128("1834.50")),
                    "matches_ledger": True,
                    "source": "api",
                    "review": "none",
                    "stored_at": now,
                    "updated_at": now,
                }
                for number in range(1, many + 1)
            ]
        )
    back_up(storage, tmp_path / "backup", version="0.1.0", now=lambda: now)
    shop = new_shop()
    for share in (0.1, 0.3):  # the second has some of it there already
        killed = subprocess.Popen(
            [*shop.command, "restore", str(tmp_path / "backup")], env=shop.environment, cwd=shop.folder
        )
        while killed.poll() is None and restored(shop) < share * many:
            time.sleep(0.02)
        killed.kill()
        assert killed.wait() < 0  # it was at work
    done = shop.run("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr

    again = shop.run("backup", str(tmp_path / "again"))
    assert again.returncode == 0
    first, second = (
        sorted((tmp_path / name / "bonus_customers.jsonl").read_bytes().splitlines())
        for name in ("backup", "again")
    )
    assert first == second
    assert len(second) == many


def restored(shop) -> int:
    """How many records are in the MongoDB that a command runs for itself; none where it does not answer."""
    home = Home(shop.data_dir)
    uri = f"mongodb://smetka:{home.prepare()}@127.0.0.1:{home.last_port or 1}/smetka?authSource=admin"
    with MongoClient(uri, timeoutMS=500) as client, suppress(PyMongoError):
        return client.get_default_database().bonus_customers.count_documents({})
    return 0


def test_an_empty_data_directory_is_not_backed_up_as_if_it_were_the_servers(new_shop, tmp_path):
    shop = new_shop(home=None)
    done = shop.run("backup", str(tmp_path / "backup"))

    assert (done.returncode, done.stdout) == (1, "")
    assert "SMETKA_DATA_DIR" in done.stderr
    assert not (tmp_path / "backup").exists()


def test_without_mongodb_there_is_one_line_and_status_1(new_shop, tmp_path):
    shop = new_shop(SMETKA_MONGODB_URI="mongodb://127.0.0.1:9/smetka")
    shop.data_dir.mkdir()
    done = shop.run("backup", str(tmp_path / "backup"))

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert not (tmp_path / "backup").exists()
