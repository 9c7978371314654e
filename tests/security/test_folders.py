"""A folder that is there is closed only when nobody else can be using it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import structlog

from smetka.core.errors import StartFailed
from smetka.files.data_directory import OURS, DataDirectory
from smetka.storage import home
from smetka.storage.home import Home
from tests.rights import ONLY_ROOT


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o7777


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("bits", "file", "told"),
    [
        (0o755, "shop.db", "(mode 0755) and holds what Smetka did not make, such as 'shop.db'"),
        (0o710, "shop\n.db", "(mode 0710) and holds what Smetka did not make, such as 'shop\\n.db'"),
        (0o755, "keys.json-notes", "such as 'keys.json-notes'"),
        (0o755, "demo-site", "such as 'demo-site'"),
        (0o755, "mongodb.old", "such as 'mongodb.old'"),
        (0o1777, None, "(mode 1777) and is for everybody's files"),
    ],
)
def test_a_folder_that_others_use_is_refused_with_its_mode_and_stays_as_it_is(folder, bits, file, told):
    if file:
        (folder / file).touch()
    (folder / "smetka.lock").touch()
    folder.chmod(bits)

    with pytest.raises(StartFailed) as refused:
        DataDirectory(folder).hold("serve")

    assert told in str(refused.value)
    assert f"`chmod 700 {folder}`" in str(refused.value)
    assert mode(folder) == bits


@pytest.mark.parametrize("name", ["uploads", "mongodb", "demo", "keys.json"])
def test_a_name_that_others_use_too_makes_no_folder_ours(folder, name):
    (folder / name).mkdir()

    with pytest.raises(StartFailed, match=f"holds what Smetka did not make, such as '{name}'"):
        DataDirectory(folder).hold("serve")

    assert mode(folder) == 0o755
    assert [each.name for each in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    "files",
    [
        (),
        (
            "keys.json",
            "keys.json.lock",
            "keys.json.sessions",
            "keys.json.sessions.lock",
            "mongodb",
            "smetka.lock",
        ),
    ],
)
def test_an_open_folder_that_is_empty_or_holds_our_files_alone_is_closed(folder, files):
    for name in files:
        (folder / name).touch()

    DataDirectory(folder).hold("serve").release()

    assert mode(folder) == 0o700


def test_a_closed_folder_may_hold_whatever_it_holds(folder):
    folder.chmod(0o2700)
    (folder / "shop.db").touch()

    DataDirectory(folder).hold("serve").release()

    assert mode(folder) == 0o2700


def test_the_databases_folder_is_treated_likewise(folder):
    (folder / "mongodb").mkdir()
    (folder / "mongodb" / "storage").mkdir()
    (folder / "mongodb").chmod(0o750)

    with pytest.raises(StartFailed, match=r"mode 0750.*'storage'"):
        Home(folder).prepare()
    assert mode(folder / "mongodb") == 0o750

    (folder / "mongodb" / "secantusd.toml").touch()
    Home(folder).prepare()
    assert mode(folder / "mongodb") == 0o700


@pytest.mark.process
def test_a_folder_is_closed_with_a_word_that_is_no_part_of_an_answer(new_shop):
    shop = new_shop()
    (shop.data_dir / "smetka.lock").touch()
    shop.data_dir.chmod(0o755)

    done = shop.run("deliveries", "list", "--json")

    assert json.loads(done.stdout) == []
    assert "folder closed to others" in done.stderr
    assert mode(shop.data_dir) == 0o700


@ONLY_ROOT
def test_a_folder_of_somebody_else_is_used_with_a_warning(folder):
    folder.chmod(0o700)
    os.chown(folder, 54321, 54321)

    with structlog.testing.capture_logs() as lines:
        DataDirectory(folder).hold("serve").release()

    assert [(line["event"], line["owner"]) for line in lines] == [
        ("the folder belongs to somebody else, who can read and change all that is in it", 54321)
    ]


@pytest.mark.process
def test_every_file_that_we_make_is_known_as_ours(running_shop):
    running_shop.run("key", "list")
    made = {each.name for each in running_shop.data_dir.iterdir()}

    assert made - OURS == set()
    assert {each.name for each in (running_shop.data_dir / "mongodb").iterdir()} - home.OURS == set()


@ONLY_ROOT
@pytest.mark.parametrize("bits", [0o777, 0o700])
@pytest.mark.parametrize("name", ["keys.json.sessions", "running.json.part", "mongodb"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_somebody_else_put_into_it_is_refused_by_name(folder, bits, name, kind):
    (folder / "smetka.lock").touch()
    entry = folder / name
    {
        "file": entry.touch,
        "folder": entry.mkdir,
        "link": lambda: entry.symlink_to("/etc/hostname"),
    }[kind]()
    os.chown(entry, 54321, -1, follow_symlinks=False)
    folder.chmod(bits)

    with pytest.raises(StartFailed, match=f"{name} belongs to user 54321"):
        DataDirectory(folder).hold("serve")

    assert mode(folder) == bits


def test_a_link_of_ones_own_in_it_is_followed(folder, tmp_path):
    (tmp_path / "a large disk").mkdir()
    (folder / "mongodb").symlink_to(tmp_path / "a large disk")
    (folder / "smetka.lock").touch()

    DataDirectory(folder).hold("serve").release()


def test_what_is_told_of_a_running_server_is_written_through_no_link(folder, tmp_path):
    folder.chmod(0o700)
    (tmp_path / "precious").write_text("as it was")
    (folder / "running.json.part").symlink_to(tmp_path / "precious")

    DataDirectory(folder).hold("serve").release()

    assert (tmp_path / "precious").read_text() == "as it was"


@ONLY_ROOT
def test_nobody_else_says_what_runs_here(folder):
    with DataDirectory(folder).hold("serve"):
        assert DataDirectory(folder).running().command == "serve"
        os.chown(folder / "running.json", 54321, -1)

        assert DataDirectory(folder).running() is None
