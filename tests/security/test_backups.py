"""Whoever made a backup's folder may have put anything in it: a restore reads files, and each to its end."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc

import pytest

from smetka.core.errors import CommandFailed, WrongUsage
from smetka.keys import create_key, stored_keys
from smetka.storage import backup as backups
from smetka.storage import restore as restoring
from smetka.storage import safety_copy
from smetka.storage.backup import KEYS, MANIFEST, _appearing, keys_in, read_manifest
from tests.rights import ONLY_ROOT

RECORDS = "vouchers.jsonl"


@pytest.fixture
def folder(tmp_path):
    """A backup of one record and a keys file."""
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / KEYS).write_text("{}\n")
    (folder / RECORDS).write_text('{"_id": "x"}\n')
    describe(folder)
    return folder


def describe(folder):
    """Write a manifest by which all that stands there is right."""
    files = {
        name: {
            "records": (folder / name).read_bytes().count(b"\n"),
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in (KEYS, RECORDS)
    }
    manifest = {"format": 1, "smetka": "1.0", "made_at": "2026-11-24T08:30:00Z", "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def linked(path):
    """To a file of the very same content: only that it is a link is wrong."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def endless(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def piped(path):
    path.unlink()
    os.mkfifo(path)


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", [MANIFEST, RECORDS, KEYS])
@pytest.mark.parametrize(
    ("put", "said"),
    [
        (linked, "is a link"),
        (endless, "is a link"),
        (piped, "is no regular file"),
        (a_folder, "is no regular file"),
    ],
)
def test_what_is_no_file_is_refused_by_name(folder, name, put, said):
    put(folder / name)

    with pytest.raises(CommandFailed, match=f"{folder / name} {said}.* Use another backup"):
        read_manifest(folder)


def test_the_keys_are_looked_at_when_they_are_read_too(folder):
    manifest = read_manifest(folder)
    assert keys_in(folder, manifest) == b"{}\n"
    linked(folder / KEYS)

    with pytest.raises(CommandFailed, match="is a link"):
        keys_in(folder, manifest)


@pytest.mark.parametrize("name", [MANIFEST, RECORDS])
def test_a_record_without_end_is_refused_by_name(folder, name):
    """A gigabyte without a line's end, of which the disk holds nothing."""
    os.truncate(folder / name, 2**30)
    tracemalloc.start()

    with pytest.raises(CommandFailed, match=f"{folder / name} .*longer than any that Smetka makes"):
        read_manifest(folder)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * backups.LONGEST_LINE


def test_long_records_are_written_one_at_a_time(monkeypatch):
    monkeypatch.setattr(restoring, "LONGEST_LINE", 100)
    found = [b'{"_id": "%s"}\n' % (b"x" * size) for size in (90, 5, 5, 70, 200)]

    batches = list(restoring._batches(found))

    assert [[len(record["_id"]) for record in batch] for batch in batches] == [[90], [5, 5, 70], [200]]


def test_a_restore_says_what_is_good_again(smetka, tmp_path, mongodb_uri, monkeypatch):
    monkeypatch.setenv("SMETKA_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SMETKA_DATA_DIR", str(tmp_path / "data"))
    assert smetka("backup", tmp_path / "made")[0] == 0

    status, _, told = smetka("restore", tmp_path / "made")

    assert status == 0
    for words in ("revoked", "`smetka key list`", "`smetka telegram chats`"):
        assert words in told


def test_keys_that_are_good_for_nobody_are_not_backed_up(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    path = folder / "keys.json"
    create_key(path, "owner", "owner")
    assert stored_keys(path) == path.read_bytes()
    assert stored_keys(tmp_path / "keys" / "none.json") is None

    path.chmod(0o666)
    with pytest.raises(CommandFailed, match="may be written by others"):
        stored_keys(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(CommandFailed, match="is not a file"):
        stored_keys(path)


def test_the_backup_before_an_upgrade_leaves_such_keys_out(tmp_path):
    create_key(tmp_path / "keys.json", "owner", "owner")
    assert safety_copy._keys(tmp_path / "keys.json")
    (tmp_path / "keys.json").chmod(0o666)

    assert safety_copy._keys(tmp_path / "keys.json") is None


@ONLY_ROOT
def test_an_empty_folder_of_somebody_else_is_no_place_for_a_backup(tmp_path):
    (tmp_path / "backup").mkdir()
    os.chown(tmp_path / "backup", 54321, -1)

    with pytest.raises(WrongUsage, match="is a folder of somebody else's"), _appearing(tmp_path / "backup"):
        pass
