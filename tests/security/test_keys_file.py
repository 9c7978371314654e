"""A key that was taken back is useless, and a door that was shut stays shut, whatever becomes of the disk."""

from __future__ import annotations

import os
import subprocess

import pytest

from smetka.errors import CommandFailed
from smetka.keys import KeyRing, create_key, list_keys, revoke_key
from smetka.small_files import write_over
from tests.e2e.torture import fill


@pytest.fixture
def full_disk(tmp_path):
    """A function that fills the small disk that it gives a folder of."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.process
def test_every_key_can_be_revoked_on_a_full_disk(full_disk):
    path = full_disk / "keys.json"
    tokens = [create_key(path, f"till {number}", "cashier") for number in range(20)]
    ring = KeyRing(path)
    fill(full_disk / "filler")
    with pytest.raises(CommandFailed, match="No space left"):
        create_key(path, "one more", "cashier")

    for number, token in enumerate(tokens):
        assert ring.role_of(token) == "cashier"
        revoke_key(path, f"till {number}")
        assert ring.role_of(token) is None

    assert sorted(file.name for file in full_disk.iterdir()) == ["filler", "keys.json", "keys.json.lock"]
    (full_disk / "filler").unlink()
    new = create_key(path, "till 1", "cashier")
    assert KeyRing(path).role_of(new) == "cashier"
    assert [key.revoked_at is None for key in list_keys(path)] == [False] * 20 + [True]


def test_a_file_that_has_no_room_is_left_as_it_was(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text("[]", encoding="ascii")

    with pytest.raises(OSError, match="No space left"):
        write_over(path, "[1]")

    assert path.read_text() == "[]"


def test_a_key_that_was_made_and_lost_between_two_requests_leaves_nothing_open(tmp_path):
    path = tmp_path / "keys.json"
    ring = KeyRing(path)
    assert not ring.ever_made
    before = ring.state

    create_key(path, "owner", "owner")
    path.unlink()

    assert ring.ever_made
    assert ring.state is not before  # whoever prepared answers for everybody prepares them anew
