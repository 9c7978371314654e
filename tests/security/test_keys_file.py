"""A key that was taken back is useless, and a door that was shut stays shut, whatever becomes of the disk."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest

from smetka.core.errors import CommandFailed
from smetka.files import small_files
from smetka.files.small_files import write_over
from smetka.keys import KeyRing, check_place, create_key, list_keys, revoke_key
from smetka.keys import ring as ring_module
from smetka.web.sessions import Sessions
from tests.e2e.torture import fill
from tests.rights import ONLY_ROOT


@pytest.fixture
def full_disk(tmp_path):
    """A function that fills the small disk that it gives a folder of."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", folder], check=True)
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


@pytest.mark.process
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_session_that_is_ended_on_a_full_disk_is_over_in_every_process(full_disk, everywhere):
    path = full_disk / "keys.json"
    create_key(path, "owner", "owner")
    one, other = (
        Sessions(full_disk / "keys.json.sessions", KeyRing(path), idle_seconds=60) for _ in range(2)
    )
    visits = [one.begin(one._keys.active("owner")) for _ in range(20)]
    cookies = [one.write(visit) for visit in visits]
    fill(full_disk / "filler")

    for visit, cookie in zip(visits, cookies, strict=True):
        assert everywhere or other.read(cookie) == visit
        one.end(visit, everywhere=everywhere)
        assert one.read(cookie) is None
        assert other.read(cookie) is None


@pytest.mark.process
def test_no_key_is_made_where_it_cannot_be_remembered_that_one_was(full_disk):
    path = full_disk / "keys.json"
    filler = full_disk / "filler"
    fill(filler)
    os.truncate(filler, filler.stat().st_size - 4096)  # room for the one file, and not for the other

    with pytest.raises(CommandFailed, match="No space left"):
        create_key(path, "owner", "owner")

    assert list_keys(path) == ()
    assert not KeyRing(path).ever_made
    filler.unlink()
    token = create_key(path, "owner", "owner")
    path.unlink()
    assert KeyRing(path).role_of(token) is None
    assert KeyRing(path).ever_made


@pytest.mark.parametrize("mode", [0o702, 0o777, 0o1777])
def test_in_a_folder_that_others_may_write_no_key_is_made_and_none_is_good(tmp_path, mode):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    path = folder / "keys.json"
    token = create_key(path, "owner", "owner")
    folder.chmod(mode)

    assert KeyRing(path).role_of(token) is None
    assert KeyRing(path).ever_made
    for change in (lambda: create_key(path, "more", "owner"), lambda: revoke_key(path, "owner")):
        with pytest.raises(CommandFailed, match=f"others may write .mode {mode:04o}.*chmod go-w"):
            change()

    folder.chmod(0o755)
    assert KeyRing(path).role_of(token) == "owner"
    create_key(path, "more", "reader")


def test_the_folder_of_a_link_to_the_keys_file_counts_too(tmp_path):
    real, open_ = tmp_path / "keys", tmp_path / "open"
    for folder in (real, open_):
        folder.mkdir(mode=0o700)
    token = create_key(real / "keys.json", "owner", "owner")
    (open_ / "link.json").symlink_to(real / "keys.json")
    assert KeyRing(open_ / "link.json").role_of(token) == "owner"

    open_.chmod(0o707)

    assert KeyRing(open_ / "link.json").role_of(token) is None
    assert KeyRing(real / "keys.json").role_of(token) == "owner"


def test_a_keys_file_that_others_may_write_is_good_for_nobody(tmp_path):
    path = tmp_path / "keys.json"
    token = create_key(path, "owner", "owner")
    path.chmod(0o602)

    ring = KeyRing(path)
    assert (ring.role_of(token), ring.ever_made) == (None, True)
    with pytest.raises(CommandFailed, match=r"may be written by others .mode 0602."):
        list_keys(path)

    path.chmod(0o644)
    assert ring.role_of(token) == "owner"


@ONLY_ROOT
def test_a_keys_file_of_somebody_else_is_good_for_nobody_but_in_his_own_folder(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    path = folder / "keys.json"
    token = create_key(path, "owner", "owner")
    os.chown(path, 54321, 54321)
    ring = KeyRing(path)
    assert (ring.role_of(token), ring.ever_made) == (None, True)
    with pytest.raises(CommandFailed, match="belongs to user 54321"):
        revoke_key(path, "owner")

    os.chown(folder, 54321, 54321)  # a container's volume: whoever has the folder decides anyway
    path.chmod(0o600)
    assert ring.role_of(token) == "owner"


@pytest.mark.timeout(60)
def test_links_that_lead_round_in_a_circle_are_no_keys_file(tmp_path):
    path = tmp_path / "keys.json"
    path.symlink_to(tmp_path / "again")
    (tmp_path / "again").symlink_to(path)

    assert KeyRing(path).ever_made
    for use in (check_place, list_keys, lambda path: create_key(path, "owner", "owner")):
        with pytest.raises(CommandFailed, match="Too many levels of symbolic links"):
            use(path)


def test_a_pipe_in_place_of_the_keys_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "keys.json", 0o600)

    with pytest.raises(CommandFailed, match="is not a file"):
        list_keys(tmp_path / "keys.json")
    assert KeyRing(tmp_path / "keys.json").ever_made


@pytest.mark.process
def test_serve_does_not_start_with_keys_where_others_may_write(new_shop, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o707)
    shop = new_shop(SMETKA_KEYS_FILE=str(folder / "keys.json"))

    refused = shop.run("serve")

    assert refused.returncode == 1
    assert "which others may write (mode 0707) and so decide who gets in" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_key_that_was_made_and_lost_between_two_requests_leaves_nothing_open(tmp_path):
    path = tmp_path / "keys.json"
    ring = KeyRing(path)
    assert not ring.ever_made
    before = ring.state

    create_key(path, "owner", "owner")
    path.unlink()

    assert ring.ever_made
    assert ring.state is not before  # whoever prepared answers for everybody prepares them anew


@ONLY_ROOT
def test_whoever_owns_a_folder_on_the_way_decides_too(tmp_path):
    data, middle, real = (tmp_path / name for name in ("data", "middle", "real"))
    for folder in (data, middle, real):
        folder.mkdir(mode=0o755)
    token = create_key(real / "keys.json", "owner", "owner")
    (middle / "keys.json").symlink_to(real / "keys.json")
    (data / "keys.json").symlink_to(middle / "keys.json")
    assert KeyRing(data / "keys.json").role_of(token) == "owner"

    os.chown(middle, 54321, -1)

    assert KeyRing(data / "keys.json").role_of(token) is None
    with pytest.raises(CommandFailed, match=f"the folder {middle} of user 54321"):
        check_place(data / "keys.json")


@pytest.mark.parametrize("bits", [0o666, 0o600])
def test_a_file_of_sessions_that_somebody_else_wrote_lets_nobody_in(tmp_path, bits):
    path, secret = tmp_path / "keys.json", "a" * 64
    create_key(path, "owner", "owner")
    file = tmp_path / "keys.json.sessions"
    file.write_text(f'{{"secret": "{secret}"}}')
    file.chmod(bits)

    sessions = Sessions(file, KeyRing(path), idle_seconds=60)

    assert (sessions.secret == secret) is (bits == 0o600)


def test_a_session_names_its_key_by_all_of_its_mark(tmp_path):
    path = tmp_path / "keys.json"
    create_key(path, "owner", "owner")
    sessions = Sessions(tmp_path / "keys.json.sessions", KeyRing(path), idle_seconds=60)
    session = sessions.begin(sessions._keys.active("owner"))

    assert sessions.key_of(session) is not None
    assert sessions.key_of(replace(session, mark="")) is None
    assert sessions.key_of(replace(session, mark=session.mark[:15])) is None


def test_revoking_remembers_that_a_key_was_made_where_that_was_lost(tmp_path):
    path = tmp_path / "keys.json"
    create_key(path, "owner", "owner")
    (tmp_path / "keys.json.lock").unlink()

    revoke_key(path, "owner")
    path.unlink()

    assert KeyRing(path).ever_made


def test_keys_that_are_read_while_they_are_written_over_are_read_again(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    token = create_key(path, "till", "cashier")
    whole, torn = path.read_text(), path.read_text().replace('"keys"', '"ke')
    ring = KeyRing(path)
    path.write_text(torn)
    monkeypatch.setattr(small_files.time, "sleep", lambda _seconds: path.write_text(whole))

    assert ring.role_of(token) == "cashier"


def test_a_damaged_file_is_looked_at_again_though_it_seems_the_same(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    token = create_key(path, "till", "cashier")
    ring, whole = KeyRing(path), path.read_text()
    path.write_text("damaged")
    assert ring.role_of(token) is None
    path.write_text(whole)
    monkeypatch.setattr(ring_module, "stamp", lambda _path, seen=ring._known.stamp: seen)

    assert ring.role_of(token) == "cashier"


def test_a_key_that_is_revoked_through_a_link_is_revoked_in_the_file(tmp_path):
    file, link = tmp_path / "keys.json", tmp_path / "by-a-link.json"
    token = create_key(file, "till", "cashier")
    link.symlink_to(file)
    other = create_key(link, "another", "cashier")
    ring = KeyRing(file)
    assert [ring.role_of(each) for each in (token, other)] == ["cashier", "cashier"]

    revoke_key(link, "till")

    assert [ring.role_of(each) for each in (token, other)] == [None, "cashier"]
    assert link.is_symlink()
    link.unlink()
    assert KeyRing(link).ever_made


def test_no_key_is_made_where_a_link_leads_to_a_folder_that_others_may_write(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "keys.json").symlink_to(tmp_path / "open" / "keys.json")

    with pytest.raises(CommandFailed, match="which others may write"):
        create_key(tmp_path / "keys.json", "owner", "owner")

    assert [*(tmp_path / "open").iterdir()] == []
