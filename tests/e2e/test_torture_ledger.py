"""Every fault of the ledger, over HTTP: told in time, nothing touched, well again without a restart."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time

import pytest

from tests.e2e.torture import tell
from tests.fixtures.ledger import write_ledger
from tests.fixtures.product import SMETKA, make_shop_in

__all__ = ["tell"]


# Root reads what it may not read, unless it gives up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH for good.
LIKE_ANYBODY = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP; refused to whoever is not root, who has none
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory, prepared_home):
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "ledger").mkdir()
    customers = [(n, f"C{n}", None, 30) for n in range(1, 2001)]
    payments = [(n, 2000.10, 2026) for n in range(1, 2001)]
    ledger = write_ledger(folder / "ledger" / "shop.db", customers, payments)
    shutil.copy(ledger, folder / "sound.db")
    shop = make_shop_in(folder, prepared_home, "--no-worker", ledger=ledger)
    shop.command = [sys.executable, "-c", LIKE_ANYBODY, *SMETKA]
    yield shop.start()
    shop.close()


@pytest.fixture
def path(shop):
    """The ledger, sound before and after the test."""
    path, sound = shop.folder / "ledger" / "shop.db", shop.folder / "sound.db"
    yield path
    remove(path)
    shutil.copy(sound, path)


def remove(path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def missing(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("user_id,name\n1,Ana\n" * 1000)


def cut_in_half(path):
    os.truncate(path, path.stat().st_size // 2)


def replaced_by_one_cut_in_half(path):
    half = path.read_bytes()
    path.with_name("next.db").write_bytes(half[: len(half) // 2])
    path.with_name("next.db").replace(path)


def wrong_columns(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.executescript("CREATE TABLE user_info (id, name); CREATE TABLE user_spending (user_id, sum)")
    database.close()


def no_tables(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE other (x)")
    database.close()


def unreadable(path):
    path.chmod(0)


def a_dangling_link(path):
    path.unlink()
    path.symlink_to(path.with_name("nowhere.db"))


FAULTS = (
    missing,
    a_folder,
    empty,
    text,
    cut_in_half,
    replaced_by_one_cut_in_half,
    wrong_columns,
    no_tables,
    unreadable,
    a_dangling_link,
)


def listing(path):
    """What stands in the folder, with the ledger's bytes; a write-ahead log's side files aside."""
    names = {file.name for file in path.parent.iterdir() if not file.name.endswith(("-wal", "-shm"))}
    return names, path.read_bytes() if path.is_file() else None


def ask_all(shop):
    """Every endpoint that needs the ledger, each with the time its answer took."""
    asked = (
        lambda: shop.get("/total_spent/7"),
        lambda: shop.get("/average_spending_by_age"),
        lambda: shop.post(7),
    )
    for ask in asked:
        began = time.monotonic()
        answer = ask()
        yield answer, time.monotonic() - began


def is_well(shop) -> bool:
    """The three answer as on the first day, the figures included."""
    total, averages, stored = (answer for answer, _ in ask_all(shop))
    return (
        (total.status_code, averages.status_code, stored.status_code in {200, 201}) == (200, 200, True)
        and total.json()["total_spending"] == 2000.1
        and averages.json()["average_spending"]["25-30"] == 2000.1
    )


def assert_refused(shop) -> float:
    slowest = 0.0
    for answer, took in ask_all(shop):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (503, "/problems/ledger-unavailable")
        assert answer.headers["Retry-After"].isdecimal()
        assert str(shop.folder) not in answer.text
        slowest = max(slowest, took)
    ready = shop.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]["ledger"]["ready"]) == (503, False)
    assert slowest < 5  # twice the promised 2.5 s
    return slowest


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_told_and_heals(shop, path, tell, fault):
    assert is_well(shop)
    fault(path)
    before = listing(path)

    slowest = assert_refused(shop)
    assert listing(path) == before

    remove(path)
    shutil.copy(shop.folder / "sound.db", path)
    assert is_well(shop)
    tell(f"ledger: {fault.__name__.replace('_', ' ')}", slowest_refusal=f"{slowest:.2f} s")


def test_a_lock_is_told_and_heals(shop, path, tell):
    assert is_well(shop)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    slowest = assert_refused(shop)
    other.rollback()
    other.close()

    deadline = time.monotonic() + 10
    while not is_well(shop):
        assert time.monotonic() < deadline
    tell("ledger: locked", slowest_refusal=f"{slowest:.2f} s")


def test_one_mended_in_place_is_well(shop, path):
    cut_in_half(path)
    assert_refused(shop)
    with path.open("r+b") as file:
        file.write((shop.folder / "sound.db").read_bytes())

    assert is_well(shop)
