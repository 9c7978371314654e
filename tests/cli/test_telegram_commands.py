"""`smetka schedule`, `telegram send|invite|chats|unpair|resume` and `deliveries retry|cancel`, through the front door."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from smetka.telegram.chats import Chats
from smetka.telegram.delivery import STATES
from smetka.telegram.invites import Invites
from smetka.telegram.outbox import Outbox
from smetka.telegram.standin import FakeTelegram
from smetka.telegram.standin.server import TOKEN

MANAGER, GROUP = 1001, -1002002


def now():
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _configured(monkeypatch, mongodb_uri, make_ledger):
    ledger = make_ledger([(1, "Ана", "a@example.com", 30)], [(1, 1000.5, 2025)])
    for name, value in {
        "MONGODB_URI": mongodb_uri,
        "LEDGER": ledger,
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_CHAT_IDS": f"{MANAGER},{GROUP}",
        "TELEGRAM_API_URL": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(f"SMETKA_{name}", str(value))


@pytest.fixture
def telegram(monkeypatch):
    """The stand-in, where commands ask Telegram for something."""
    with FakeTelegram(chats=(MANAGER, GROUP)) as telegram:
        monkeypatch.setenv("SMETKA_TELEGRAM_API_URL", telegram.url)
        yield telegram


@pytest.fixture
def outbox(storage):
    return Outbox(storage, now=now)


def test_a_schedule_is_added_listed_run_and_removed(smetka, outbox):
    status, out, _ = smetka("schedule", "add", "averages", "--cron", "0 9 * * mon", "--year", "current")
    assert (status, out.partition(" on ")[0]) == (0, "Schedule averages: averages, next")
    monday = r"Mon \d{4}-\d\d-\d\d 09:00"
    assert re.search(rf"{monday} \(Europe/Skopje\)\.\nAfter that: {monday}, {monday}\.\n$", out)

    listed = json.loads(smetka("schedule", "list", "--json")[1])
    assert [(s["name"], s["cron"], s["chats"], s["year"]) for s in listed] == [
        ("averages", "0 9 * * MON", "all", "current")
    ]
    assert "0 9 * * MON" in smetka("schedule", "list")[1]
    assert smetka("schedule", "run", "averages")[0] == 0
    assert {d.chat for d in outbox.newest(9)} == {MANAGER, GROUP}
    assert {d.schedule["name"] for d in outbox.newest(9)} == {"averages"}
    assert smetka("schedule", "remove", "averages")[:2] == (0, "Schedule averages is removed.\n")
    assert smetka("schedule", "remove", "averages") == (1, "", "smetka: There is no schedule averages.\n")
    assert "There is no schedule yet." in smetka("schedule", "list")[2]


def test_a_schedule_that_is_added_tells_its_next_three_times_to_programs_too(smetka):
    added = json.loads(smetka("schedule", "add", "shop", "--cron", "0 9 1 * *", "--json")[1])

    times = [
        datetime.fromisoformat(time).astimezone(ZoneInfo("Europe/Skopje")) for time in added["next_times"]
    ]
    assert added["next_at"] == added["next_times"][0]
    assert [(time.day, time.hour, time.minute) for time in times] == [(1, 9, 0)] * 3
    assert [(b.month - a.month) % 12 for a, b in pairwise(times)] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "more", "year"),
    [
        ("averages", ["--year", "2025", "--basis", "payment"], 2025),
        ("shop", [], None),
        ("bonus", ["--year", "2025"], 2025),
    ],
)
def test_a_report_is_sent_now(smetka, outbox, kind, more, year):
    status, out, _ = smetka("telegram", "send", kind, *more, "--chats", f"{GROUP}", "--json")

    (delivery,) = outbox.newest(9)
    assert (status, json.loads(out)) == (0, [delivery.id])
    assert (delivery.kind, delivery.chat, delivery.report["year"]) == (kind, GROUP, year)


def test_without_a_chat_nothing_can_be_sent(smetka, monkeypatch):
    monkeypatch.delenv("SMETKA_TELEGRAM_CHAT_IDS")

    assert "No chat is configured" in smetka("telegram", "send", "shop")[2]


@pytest.mark.usefixtures("telegram")
def test_an_invite_is_a_link_that_is_shown_once(smetka, storage):
    status, out, err = smetka("telegram", "invite", "--role", "owner", "--language", "mk", "--hours", "2")

    code = re.fullmatch(r"https://t\.me/smetka_standin_bot\?start=([A-Za-z0-9_-]{32})\n", out)[1]
    assert status == 0
    assert f"/start {code}" in err
    with storage.translated():
        assert code not in str(list(storage.collection("invites").find()))
    invite = Invites(storage, now=now).use(code, mark="update 1")
    assert (invite.role, invite.language) == ("owner", "mk")
    assert json.loads(smetka("telegram", "invite", "--json")[1])["role"] == "manager"


def test_chats_tell_who_they_are_and_what_is_wrong(smetka, storage, telegram):
    chats = Chats(storage, now=now)
    telegram.world.add_chat(5005)
    chats.pair(5005, 5005, "reader", "mk")
    chats.pause(GROUP, "Forbidden: bot was kicked")

    listed = {chat["chat"]: chat for chat in json.loads(smetka("telegram", "chats", "--json")[1])}

    assert {chat: (c["role"], c["gets_reports"], c["language"]) for chat, c in listed.items()} == {
        MANAGER: ("manager", True, "en"),
        GROUP: (None, True, "en"),
        5005: ("reader", False, "mk"),
    }
    assert listed[GROUP]["paused"] == "Forbidden: bot was kicked"
    assert "bot was kicked" in smetka("telegram", "chats")[1]
    assert smetka("telegram", "resume", str(GROUP))[0] == 0
    assert smetka("telegram", "resume", str(GROUP)) == (1, "", f"smetka: Chat {GROUP} is not paused.\n")
    assert smetka("telegram", "language", str(GROUP), "mk")[1] == f"Chat {GROUP} is written to in mk.\n"
    assert chats.get(GROUP).language == "mk"
    assert smetka("telegram", "unpair", "5005")[0] == 0
    assert smetka("telegram", "unpair", "5005")[0] == 1
    assert chats.get(5005).role is None


@pytest.mark.usefixtures("telegram")
def test_without_mongodb_the_settings_chats_are_shown_all_the_same(smetka, monkeypatch):
    monkeypatch.setenv("SMETKA_MONGODB_URI", "mongodb://127.0.0.1:9/smetka?timeoutMS=300")

    status, out, err = smetka("telegram", "chats")

    assert status == 0
    assert str(MANAGER) in out
    assert "chats that used an invite are not shown" in err


def test_deliveries_are_sent_again_and_cancelled_by_hand(smetka, outbox):
    (delivery_id,) = outbox.queue("a report", "shop", {"year": 2025}, [MANAGER])

    assert smetka("deliveries", "cancel", delivery_id)[:2] == (
        0,
        f"Delivery {delivery_id} to chat 1001 is cancelled.\n",
    )
    assert "is cancelled; only one that is queued" in smetka("deliveries", "cancel", delivery_id)[2]
    assert (
        json.loads(smetka("deliveries", "list", "--state", "cancelled", "--json")[1])[0]["id"] == delivery_id
    )
    assert json.loads(smetka("deliveries", "retry", delivery_id, "--json")[1])["state"] == "queued"
    assert smetka("deliveries", "retry", "nobody")[0] == 1
    assert "No message is held." in smetka("deliveries", "list", "--state", "held")[2]


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["in words", "in JSON"])
@pytest.mark.parametrize("state", STATES)
def test_the_list_ends_with_status_3_on_demand_when_somebody_must_see_to_a_message(
    smetka, outbox, storage, state, how
):
    assert smetka("deliveries", "list", "--exit-code", *how)[0] == 0
    first, _ = outbox.queue("a report", "shop", {"year": 2025}, [MANAGER, GROUP])
    with storage.translated():
        storage.collection("deliveries").update_one({"_id": first}, {"$set": {"state": state}})
    is_amiss = state in {"failed", "held", "unknown"}

    assert smetka("deliveries", "list", "--exit-code", *how)[0] == (3 if is_amiss else 0)
    assert smetka("deliveries", "list", "--exit-code", "--state", "queued", *how)[0] == 0
    assert smetka("deliveries", "list", *how)[0] == 0
