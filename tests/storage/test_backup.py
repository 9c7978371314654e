"""A backup holds what was acknowledged before it began, and is put back to the last bit or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bson import Decimal128, Int64, ObjectId

from smetka.core.errors import BonusStoreUnavailable, CommandFailed, WrongUsage
from smetka.keys import adopt_keys, create_key, list_keys
from smetka.storage import Storage
from smetka.storage import backup as backups
from smetka.storage.backup import COLLECTIONS, back_up, records, to_line
from smetka.storage.restore import restore

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
RELEASED = sorted((Path(__file__).parent / "backups").iterdir())


def customer(number, **more):
    return {
        "_id": ObjectId(),
        "user_id": Int64(number),
        "year": 2026,
        "total_spending": Decimal128("1834.50"),
        "threshold": Decimal128("1000.00"),
        "ledger_total": Decimal128("0.00"),
        "matches_ledger": False,
        "source": "api",
        "review": "pending",
        "stored_at": NOW,
        "updated_at": NOW.replace(microsecond=123000),
        **more,
    }


def fill(storage, count):
    with storage.within(60):
        storage.collection("bonus_customers").insert_many([customer(n) for n in range(1, count + 1)])


def everything(storage):
    return {name: sorted(to_line(name, record) for record in records(storage, name)) for name in COLLECTIONS}


COUNT = 70
"""Customers: restored in three batches."""


@pytest.fixture(scope="module")
def full(embedded_server):
    """A connection to a database with customers, which stays as it is."""
    storage = Storage(urlsplit(embedded_server.uri)._replace(path=f"/full_{ObjectId()}").geturl())
    fill(storage, COUNT)
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def backup(full, tmp_path_factory):
    """A backup of them, which stays as it is."""
    folder = tmp_path_factory.mktemp("backups") / "backup"
    back_up(full, folder, version="0.1.0", now=lambda: NOW)
    return folder


@pytest.fixture
def made(backup, tmp_path):
    """The same backup, to be harmed."""
    return shutil.copytree(backup, tmp_path / "backup")


@pytest.fixture
def empty(storage):
    """A connection to an empty database."""
    return storage


def test_every_record_comes_back_as_it_was(full, empty, backup):
    manifest = restore(empty, backup)

    assert everything(empty) == everything(full)
    assert manifest.files["bonus_customers.jsonl"].records == COUNT
    assert manifest.made_at == NOW


@pytest.mark.long
def test_every_record_comes_back_from_many_slices(storage, connect, new_mongodb_uri, tmp_path):
    fill(storage, 1203)
    back_up(storage, tmp_path / "backup", version="0.1.0", now=lambda: NOW)
    empty = connect(new_mongodb_uri)

    restore(empty, tmp_path / "backup")

    assert everything(empty) == everything(storage)


def test_only_its_owner_may_read_it(backup):
    assert backup.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in backup.iterdir()} == {0o600}


def test_while_it_is_written_to_it_holds_what_was_acknowledged_before(
    storage, tmp_path, connect, new_mongodb_uri
):
    fill(storage, 200)
    stop, acknowledged = threading.Event(), []

    def write():
        collection, number = storage.collection("bonus_customers"), 1000
        while not stop.is_set():
            number += 1
            change = {
                key: value for key, value in customer(number).items() if key not in {"_id", "user_id", "year"}
            }
            for user_id in (number, number % 200 + 1):
                collection.update_one(
                    {"user_id": Int64(user_id), "year": 2026}, {"$set": change}, upsert=True
                )
            acknowledged.append(number)

    writers = [threading.Thread(target=write)]
    writers[0].start()
    try:
        for attempt in range(3):
            before = set(range(1, 201)) | set(acknowledged)
            folder = tmp_path / str(attempt)
            manifest = back_up(storage, folder, version="0.1.0", now=lambda: NOW)
            found = [backups.from_line(line) for line in backups.lines(folder, manifest, "bonus_customers")]

            assert before <= {record["user_id"] for record in found}
            assert len({record["_id"] for record in found}) == len(found)
            assert all(record.keys() == customer(1).keys() for record in found)
    finally:
        stop.set()
        writers[0].join()
    restore(connect(new_mongodb_uri), tmp_path / "2")


def test_a_restore_that_was_interrupted_is_repeated(full, empty, backup, monkeypatch):
    from smetka.storage import restore as module

    insert, done = module._insert, []

    def fails_later(*arguments, **options):
        if len(done) == 1:
            raise BonusStoreUnavailable("gone")
        done.append(insert(*arguments, **options))

    monkeypatch.setattr(module, "_insert", fails_later)
    with pytest.raises(BonusStoreUnavailable):
        restore(empty, backup)
    monkeypatch.setattr(module, "_insert", insert)
    restore(empty, backup)
    restore(empty, backup)

    assert everything(empty) == everything(full)


def test_a_record_that_came_in_between_is_not_passed_over(empty, backup, monkeypatch):
    """As when a running server stores the same customer after it was looked whether nothing is there."""
    from smetka.storage import restore as module

    refuse_others = module._refuse_others

    def then_a_post(storage, source, manifest, name):
        refuse_others(storage, source, manifest, name)
        monkeypatch.setattr(module, "_refuse_others", refuse_others)
        fill(storage, 1)

    monkeypatch.setattr(module, "_refuse_others", then_a_post)
    with pytest.raises(CommandFailed, match="not this backup's"):
        restore(empty, backup)


def test_where_other_records_are_nothing_is_restored(empty, backup):
    fill(empty, 1)
    before = everything(empty)

    with pytest.raises(CommandFailed, match="not this backup's"):
        restore(empty, backup)
    assert everything(empty) == before


def damaged_manifest(folder):
    (folder / "manifest.json").write_text("{")


def deep_manifest(folder):
    (folder / "manifest.json").write_text("[" * 100_000)


def no_manifest(folder):
    (folder / "manifest.json").unlink()


def cut_short(folder):
    path = folder / "bonus_customers.jsonl"
    path.write_bytes(path.read_bytes()[:-100])


def changed(folder):
    path = folder / "bonus_customers.jsonl"
    path.write_bytes(path.read_bytes().replace(b"1834.50", b"9834.50", 1))


def a_file_less(folder):
    (folder / "deliveries.jsonl").unlink()


def newer(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2, "unknown": True}))


def of_a_kind_not_known(folder):
    """As when a newer version keeps one more collection."""
    (folder / "coupons.jsonl").write_text('{"_id": "x"}\n')
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["coupons.jsonl"] = {
        "records": 1,
        "sha256": hashlib.sha256(b'{"_id": "x"}\n').hexdigest(),
    }
    path.write_text(json.dumps(manifest))


def no_folder(folder):
    folder.rename(folder.with_name("moved"))


@pytest.mark.parametrize(
    "harm",
    [
        damaged_manifest,
        deep_manifest,
        no_manifest,
        cut_short,
        changed,
        a_file_less,
        newer,
        of_a_kind_not_known,
        no_folder,
    ],
)
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(empty, made, harm):
    harm(made)

    with pytest.raises(CommandFailed, match="backup"):
        restore(empty, made)
    assert everything(empty) == {name: [] for name in COLLECTIONS}


def test_a_file_that_the_manifest_does_not_name_is_not_restored(empty, made):
    path = made / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"]["deliveries.jsonl"]
    path.write_text(json.dumps(manifest))
    (made / "deliveries.jsonl").write_text("{}\n")
    restore(empty, made)

    assert everything(empty)["deliveries"] == []


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"5",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"_id": {"$oid": "x"}}',
        b'{"_id": {"$date": {}}}',
        b'{"total": {"$numberDecimal": "many"}}',
        b'{"a": {"$binary": {"base64": 1}}}',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_line_that_is_no_record_is_a_sentence(line):
    with pytest.raises(CommandFailed, match="is no record"):
        backups.from_line(line)


def test_records_with_fields_of_a_newer_version_are_refused_in_a_sentence(empty, made):
    path, name = made / "manifest.json", "bonus_customers.jsonl"
    content = (made / name).read_bytes() + to_line("bonus_customers", customer(5000, tier="gold"))
    (made / name).write_bytes(content)
    manifest = json.loads(path.read_text()) | {"smetka": "9.1.0"}
    manifest["files"][name] = {"records": COUNT + 1, "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(manifest))

    with pytest.raises(CommandFailed, match=r"Restore it with Smetka 9\.1\.0"):
        restore(empty, made)


def test_a_folder_that_holds_something_is_not_touched(full, backup):
    before = {file.name: file.read_bytes() for file in backup.iterdir()}

    with pytest.raises(WrongUsage, match="is there already"):
        back_up(full, backup, version="0.1.0", now=lambda: NOW)
    assert {file.name: file.read_bytes() for file in backup.iterdir()} == before


def test_an_empty_folder_will_do(full, tmp_path):
    (tmp_path / "backup").mkdir()
    back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)

    assert {file.name for file in (tmp_path / "backup").iterdir()} == {
        "manifest.json",
        *(f"{name}.jsonl" for name in COLLECTIONS),
    }


def test_when_mongodb_goes_away_there_is_no_backup(full, tmp_path, monkeypatch):
    def half(*_):
        yield customer(1)
        raise BonusStoreUnavailable("gone")

    monkeypatch.setattr(backups, "records", half)
    with pytest.raises(BonusStoreUnavailable):
        back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)
    assert list(tmp_path.glob("backup*")) == []


def test_a_full_disk_is_told_and_leaves_no_backup(full, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], check=True)
    try:
        with pytest.raises(CommandFailed, match="No space left"):
            back_up(full, disk / "backup", version="0.1.0", now=lambda: NOW)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_an_interrupted_backup_left_is_cleared_away(full, tmp_path):
    (tmp_path / "backup.part").mkdir(mode=0o700)
    (tmp_path / "backup.part" / "manifest.json").write_text("old")
    back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)

    assert [path.name for path in tmp_path.glob("backup*")] == ["backup"]


def test_what_somebody_else_left_under_that_name_is_not_touched(full, tmp_path):
    (tmp_path / "backup.part").mkdir()
    (tmp_path / "backup.part" / "thesis").write_text("years of work")

    with pytest.raises(WrongUsage, match="is in the way"):
        back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)
    assert (tmp_path / "backup.part" / "thesis").read_text() == "years of work"
    assert not (tmp_path / "backup").exists()


def test_two_backups_of_one_name_do_not_mix(full, tmp_path):
    part = tmp_path / "backup.part"
    part.mkdir(mode=0o700)
    (part / "deliveries.jsonl").write_text("the other one's")
    other = os.open(part, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        with pytest.raises(CommandFailed, match="Another backup is being written"):
            back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)
        assert (part / "deliveries.jsonl").read_text() == "the other one's"
    finally:
        os.close(other)
    back_up(full, tmp_path / "backup", version="0.1.0", now=lambda: NOW)

    assert [path.name for path in tmp_path.glob("backup*")] == ["backup"]


def test_a_link_to_an_empty_folder_will_do(full, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    back_up(full, tmp_path / "link", version="0.1.0", now=lambda: NOW)

    assert (tmp_path / "disk" / "manifest.json").exists()


def test_a_whole_disk_is_no_folder_for_one_backup(full, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        with pytest.raises(WrongUsage, match="Name a folder in it"):
            back_up(full, disk, version="0.1.0", now=lambda: NOW)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.name)
def test_a_backup_of_every_released_version_is_restored(empty, released):
    manifest = restore(empty, released)

    stored = {record["user_id"]: record for record in records(empty, "bonus_customers")}
    assert manifest.smetka == released.name
    assert {number: str(record["total_spending"]) for number, record in stored.items()} == {
        1: "2000.00",
        9223372036854775807: "1834.50",
    }
    assert [record["state"] for record in records(empty, "deliveries")] == ["delivered"]


def test_keys_come_back_where_none_were_made(tmp_path):
    create_key(tmp_path / "old.json", "till", "cashier")
    content = (tmp_path / "old.json").read_bytes()

    assert adopt_keys(tmp_path / "new.json", content)
    assert adopt_keys(tmp_path / "new.json", content)
    assert [key.name for key in list_keys(tmp_path / "new.json")] == ["till"]

    create_key(tmp_path / "other.json", "own", "owner")
    assert not adopt_keys(tmp_path / "other.json", content)
    assert [key.name for key in list_keys(tmp_path / "other.json")] == ["own"]
    with pytest.raises(CommandFailed, match="damaged"):
        adopt_keys(tmp_path / "third.json", b"{}x")


def test_a_lost_keys_file_is_not_replaced_by_an_older_one(tmp_path):
    create_key(tmp_path / "keys.json", "till", "cashier")
    content = (tmp_path / "keys.json").read_bytes()
    (tmp_path / "keys.json").unlink()

    assert not adopt_keys(tmp_path / "keys.json", content)
    assert list_keys(tmp_path / "keys.json") == ()
