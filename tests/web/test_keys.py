"""The keys file: hashes only, written whole, read again when it changes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smetka.core.errors import CommandFailed, WrongUsage
from smetka.keys import ROLES, KeyRing, KeysFileDamaged, create_key, list_keys, revoke_key


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "keys.json"


def test_a_key_is_shown_once_and_only_its_hash_is_kept(path):
    token = create_key(path, "till 1", "cashier")

    assert token.startswith("smk_")
    assert len(token) >= 36
    assert token not in path.read_text()
    assert token[4:] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    [key] = list_keys(path)
    assert (key.name, key.role, key.revoked_at) == ("till 1", "cashier", None)


def test_a_ring_knows_its_keys_and_no_others(path):
    tokens = {role: create_key(path, role, role) for role in ROLES}
    ring = KeyRing(path)

    assert {role: ring.role_of(token) for role, token in tokens.items()} == {role: role for role in ROLES}
    for wrong in (
        "",
        "smk_",
        tokens["owner"][:-1],
        tokens["owner"] + "x",
        tokens["owner"].upper(),
        "\ud800",
        "x" * 9999,
    ):
        assert ring.role_of(wrong) is None


def test_a_ring_notices_new_and_revoked_keys_at_once(path):
    ring = KeyRing(path)
    assert not ring.ever_made

    first = create_key(path, "first", "reader")
    assert (ring.ever_made, ring.role_of(first)) == (True, "reader")
    second = create_key(path, "second", "owner")
    assert ring.role_of(second) == "owner"
    revoke_key(path, "first")
    assert (ring.role_of(first), ring.role_of(second)) == (None, "owner")


def test_revoking_the_last_key_does_not_open_the_door(path):
    create_key(path, "only", "owner")
    revoke_key(path, "only")

    assert KeyRing(path).ever_made


def test_a_name_can_be_used_again_once_its_key_is_revoked(path):
    create_key(path, "till", "cashier")
    with pytest.raises(CommandFailed, match="already"):
        create_key(path, "till", "cashier")
    revoke_key(path, "till")
    token = create_key(path, "till", "manager")

    assert KeyRing(path).role_of(token) == "manager"
    assert [key.revoked_at is None for key in list_keys(path)] == [False, True]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 65, "a\x1b[31m"])
def test_a_name_is_printable_and_short(path, name):
    with pytest.raises(WrongUsage):
        create_key(path, name, "reader")
    assert not path.exists()


def test_there_are_only_the_roles_there_are(path):
    with pytest.raises(WrongUsage, match="reader"):
        create_key(path, "x", "admin")


def test_what_is_not_there_cannot_be_revoked(path):
    with pytest.raises(CommandFailed, match="no key named ghost"):
        revoke_key(path, "ghost")


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b'{"version": 2, "keys": []}',
    b'{"version": 1, "keys": [{"name": "x"}]}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_shuts_everyone_out(path, content):
    token = create_key(path, "owner", "owner")
    good = path.read_bytes()
    ring = KeyRing(path)
    assert ring.role_of(token) == "owner"

    path.write_bytes(content)
    assert (ring.ever_made, ring.role_of(token)) == (True, None)
    assert KeyRing(path).ever_made
    for change in (
        lambda: create_key(path, "b", "owner"),
        lambda: revoke_key(path, "owner"),
        lambda: list_keys(path),
    ):
        with pytest.raises(CommandFailed, match=r"keys\.json is damaged"):
            change()
    assert path.read_bytes() == content

    path.write_bytes(good)
    assert ring.role_of(token) == "owner"


def test_a_file_that_cannot_be_read_shuts_everyone_out(path):
    path.mkdir(parents=True)
    ring = KeyRing(path)

    assert (ring.ever_made, ring.role_of("smk_x")) == (True, None)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["a pipe", "a folder"])
def test_what_is_no_file_shuts_everyone_out_and_is_not_read(path, make):
    path.parent.mkdir()
    make(path)

    with pytest.raises(KeysFileDamaged, match="is not a file"):
        list_keys(path)
    assert KeyRing(path).role_of("smk_x") is None
    assert KeyRing(path).ever_made


def test_a_file_that_disappears_does_not_open_the_door(path):
    create_key(path, "owner", "owner")
    ring = KeyRing(path)
    assert ring.ever_made

    path.unlink()

    assert ring.ever_made


WRITER = """
import sys
from pathlib import Path
from smetka.keys import create_key
print("here", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2]), 16, 4):
    create_key(Path(sys.argv[1]), f"key {number}", "reader")
"""


@pytest.mark.process
def test_those_who_write_at_once_lose_nothing(path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(first)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for first in range(4)
    ]
    assert [writer.stdout.readline() for writer in writers] == [b"here\n"] * 4
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4

    assert len(list_keys(path)) == 16
    assert sorted(file.name for file in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


def test_the_file_is_plain_json_of_version_1(path):
    create_key(path, "a", "reader")

    content = json.loads(path.read_text())

    assert content["version"] == 1
    assert set(content["keys"][0]) == {"name", "role", "hash", "created_at", "revoked_at"}


@pytest.mark.process
def test_the_command_line_needs_no_flask_for_keys():
    code = "import sys, smetka.keys; print('flask' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize(
    "lose",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("{}"),
        lambda path: path.rename(path.with_name("away")),
    ],
)
def test_a_lost_or_emptied_file_opens_the_door_to_nobody_even_after_a_restart(path, lose):
    token = create_key(path, "till", "owner")
    lose(path)

    ring = KeyRing(path)

    assert ring.ever_made
    assert ring.role_of(token) is None


def test_a_key_is_shown_even_where_the_disk_is_full_right_after_it(path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_text", full)
    token = create_key(path, "till", "reader")

    assert KeyRing(path).role_of(token) == "reader"
    assert KeyRing(path).ever_made


def test_a_key_that_was_not_made_locks_nobody_out(path):
    with pytest.raises(CommandFailed):
        revoke_key(path, "nobody")

    assert not KeyRing(path).ever_made
