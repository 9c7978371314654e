"""Nobody but us comes into the embedded MongoDB: not before it asks for a password, and not ever since."""

from __future__ import annotations

import psutil
import pytest
from pymongo import MongoClient

from smetka.core.errors import StartFailed
from smetka.storage import launch
from tests.waiting import eventually

pytestmark = pytest.mark.process


def test_nothing_listens_on_a_port_before_a_password_is_needed(make_server):
    server = make_server(home=None)
    sockets, ports = set(), set()

    def is_made() -> bool:
        # Until the user is made, the server runs below the process that becomes the one with access control.
        for process in psutil.Process(server.pid).children(recursive=True):
            ports.update(each.laddr.port for each in process.net_connections("inet"))
        sockets.update(each.name for each in server.home.path.glob("*.sock"))
        return bool(ports) or (server.home.path / "password").exists()

    server.spawn()
    eventually(is_made)

    assert (ports, sockets) == (set(), {launch.SOCKET})
    assert server.home.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_made_in_the_open_is_looked_at_and_refused_with_all_that_we_did_not_make(
    make_server,
):
    server = make_server()
    checked = server.home.storage / launch.CHECKED
    checked.unlink()  # as an earlier version left it
    server.start()
    assert checked.exists(), "it holds what we made alone, and is looked at once"
    assert not [*server.home.path.glob("*.sock")]
    assert server.probe()
    with MongoClient(server.uri) as client:
        client.shop.command("createUser", "root\n2", pwd="x", roles=[{"role": "root", "db": "admin"}])
        client.loot.kept.insert_one({})
        client.smetka.kept.insert_one({"_id": "ours"})
    server.stop()
    checked.unlink()

    with pytest.raises(StartFailed) as told:
        server.start()

    assert "the user 'root\\n2' of 'shop', the database 'loot'" in str(told.value)
    assert f"`touch {checked}`" in str(told.value)
    assert "\n" not in str(told.value)
    checked.touch()
    server.start()
    with MongoClient(server.uri) as client:
        assert client.smetka.kept.find_one() == {"_id": "ours"}
