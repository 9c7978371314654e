"""Before an upgrade changes the embedded server's records, a backup of them is there, once."""

from __future__ import annotations

import shutil
from contextlib import closing
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from smetka.runtime import worker
from smetka.settings import Settings
from smetka.shop import services
from smetka.storage import Storage, safety_copy, upgrade
from smetka.storage.backup import read_manifest
from smetka.storage.restore import restore
from tests.storage.test_upgrade import are_whole


@pytest.fixture
def data_dir(embedded_server):
    folder = embedded_server.home.path.parent
    (folder / "keys.json").write_text("{}")
    yield folder
    (folder / "keys.json").unlink()
    backups = folder / "backups"
    backups.unlink() if backups.is_file() else shutil.rmtree(backups, ignore_errors=True)


def upgraded(uri, data_dir):
    with capture_logs() as logs, closing(Storage(uri, patience=30, data_dir=data_dir)) as storage:
        storage.wait_for_upgrade()
        storage.ping(30)
    return [entry for entry in logs if "upgrade" in entry["event"]]


def test_a_whole_backup_is_there_before_the_first_record_is_changed(
    older, new_mongodb_uri, data_dir, few_together, monkeypatch, mongodb_uri
):
    whole, seen = upgrade._upgrade, []

    def looks_first(*arguments):
        seen.append(read_manifest(data_dir / "backups" / "before-upgrade-1"))
        whole(*arguments)

    monkeypatch.setattr(upgrade, "_upgrade", looks_first)
    before = list(older.bonus_customers.find())
    logs = upgraded(new_mongodb_uri, data_dir)

    assert seen[0].files["bonus_customers.jsonl"].records == 40
    assert "keys.json" in seen[0].files
    assert [path.name for path in (data_dir / "backups").iterdir()] == ["before-upgrade-1"]
    assert (data_dir / "backups").stat().st_mode & 0o077 == 0
    assert [(entry["event"], entry["folder"]) for entry in logs] == [
        ("backed-up-before-upgrade", str(data_dir / "backups" / "before-upgrade-1"))
    ]
    assert are_whole(older)
    with closing(Storage(mongodb_uri, patience=30)) as empty:
        restore(empty, data_dir / "backups" / "before-upgrade-1")
        with empty.translated():
            back = list(empty.collection("bonus_customers").find())
    assert [record["_id"] for record in back] == [record["_id"] for record in before]


def test_one_that_was_stopped_makes_no_second_one(older, new_mongodb_uri, data_dir, few_together):
    def stops(*_):
        raise OverflowError("stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upgrade, "_upgrade", stops)
        with closing(Storage(new_mongodb_uri, patience=30, data_dir=data_dir)) as storage:
            storage._availability.why_away(30)
    upgraded(new_mongodb_uri, data_dir)

    assert [path.name for path in (data_dir / "backups").iterdir()] == ["before-upgrade-1"]
    assert are_whole(older)


def test_an_older_backup_stays(older, new_mongodb_uri, data_dir, few_together):
    (data_dir / "backups" / "before-upgrade-1").mkdir(parents=True)
    upgraded(new_mongodb_uri, data_dir)

    assert sorted(path.name for path in (data_dir / "backups").iterdir()) == [
        "before-upgrade-1",
        "before-upgrade-2",
    ]


def test_one_that_cannot_be_written_is_told_and_stops_nothing(older, new_mongodb_uri, data_dir, few_together):
    (data_dir / "backups").write_text("in the way")
    logs = upgraded(new_mongodb_uri, data_dir)

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("not-backed-up-before-upgrade", "warning")
    ]
    assert are_whole(older)


def test_a_disk_that_it_would_fill_is_left_alone(older, new_mongodb_uri, data_dir, few_together, monkeypatch):
    monkeypatch.setattr(safety_copy.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    logs = upgraded(new_mongodb_uri, data_dir)

    assert [entry["event"] for entry in logs] == ["not-backed-up-before-upgrade"]
    assert "too little room" in logs[0]["reason"]
    assert list((data_dir / "backups").iterdir()) == []
    assert are_whole(older)


def test_of_a_hosted_server_none_is_made(older, new_mongodb_uri, data_dir, few_together, tmp_path):
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "password").write_text("of another server")
    for folder in (tmp_path, tmp_path / "nothing", None):
        older.upgrades.delete_many({})
        older.bonus_customers.update_many({}, {"$unset": {"standing": 1}})
        upgraded(new_mongodb_uri, folder)

    assert are_whole(older)
    assert not (tmp_path / "backups").exists()
    assert not (data_dir / "backups").exists()


def test_of_a_new_database_none_is_made(new_mongodb_uri, data_dir):
    assert upgraded(new_mongodb_uri, data_dir) == []
    assert not (data_dir / "backups").exists()


def test_the_web_server_and_the_worker_know_where(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(services, "Storage", lambda _uri, **more: opened.append(more) or Storage(_uri))
    monkeypatch.setattr(worker, "Storage", lambda _uri, **more: opened.append(more))
    monkeypatch.setattr(worker, "Worker", lambda *_: SimpleNamespace(run=lambda _wait: None))
    monkeypatch.setattr(worker.signal, "pthread_sigmask", lambda *_: None)
    settings = Settings(
        mongodb_uri="mongodb://127.0.0.1:9/smetka", ledger=str(tmp_path / "x.db"), data_dir=tmp_path
    )
    services.build_services(settings).close()
    worker.run(settings)

    assert [more["data_dir"] for more in opened] == [tmp_path, tmp_path]
