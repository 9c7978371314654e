"""Deliveries over HTTP: pages, one of them, again, never."""

from __future__ import annotations

import pytest

from smetka.telegram.delivery import FAILED, SENDING
from tests.fixtures.clock import NOW
from tests.fixtures.web import BOT

pytestmark = pytest.mark.shop(shared=True, **BOT)

REPORT = {"year": 2026, "currency": "MKD"}


@pytest.fixture
def queue(shop):
    """A function that queues a report for so many chats; all of one instant, as the clock stands still."""
    return lambda chats, name="a report": shop.services.outbox.queue(name, "shop", REPORT, chats)


def pages(shop, exact):
    reply = exact(shop.get("/api/v1/deliveries", query_string={"limit": 3}))
    yield reply["items"]
    while reply["next"]:
        reply = exact(shop.get("/api/v1/deliveries", query_string={"limit": 3, "cursor": reply["next"]}))
        yield reply["items"]


def test_a_delivery_is_listed_as_it_is(shop, queue, exact):
    (delivery_id,) = queue([111])

    assert exact(shop.get("/api/v1/deliveries")) == {
        "items": [
            {
                "id": delivery_id,
                "kind": "shop",
                "report_id": shop.services.outbox.get(delivery_id).report_id,
                "chat": 111,
                "state": "queued",
                "attempts": 0,
                "queued_at": "2026-11-23T17:20:31Z",
                "next_attempt_at": "2026-11-23T17:20:31Z",
                "delivered_at": None,
                "message_id": None,
                "messages": [],
                "schedule": None,
                "reason": None,
            }
        ],
        "next": None,
    }
    assert exact(shop.get(f"/api/v1/deliveries/{delivery_id}"))["id"] == delivery_id


def test_pages_hold_every_delivery_once_also_those_of_one_instant(shop, queue, exact):
    expected = queue(range(1, 11))

    found = [[item["id"] for item in page] for page in pages(shop, exact)]

    assert [len(page) for page in found] == [3, 3, 3, 1]
    assert sorted(delivery for page in found for delivery in page) == sorted(expected)


def test_a_last_page_that_is_full_has_no_next(shop, queue, exact):
    queue(range(1, 7))

    assert [len(page) for page in pages(shop, exact)] == [3, 3]


def test_the_list_keeps_to_a_state_and_a_chat(shop, queue, exact):
    first, second = queue([111, -1001234567890])
    outbox = shop.services.outbox
    outbox.settle(outbox.claim(outbox.get(first), "me"), FAILED, reason="gone")

    assert [d["id"] for d in exact(shop.get("/api/v1/deliveries?state=failed"))["items"]] == [first]
    assert [d["id"] for d in exact(shop.get("/api/v1/deliveries?chat=-1001234567890"))["items"]] == [second]
    (in_topic,) = queue(["-1001234567890:77"], name="in a topic")
    listed = exact(shop.get("/api/v1/deliveries?chat=-1001234567890:77"))["items"]
    assert [(each["id"], each["chat"]) for each in listed] == [(in_topic, "-1001234567890:77")]
    assert [d["id"] for d in exact(shop.get("/api/v1/deliveries?chat=-1001234567890"))["items"]] == [second]
    assert exact(shop.get("/api/v1/deliveries?state=held"))["items"] == []


def test_a_wrong_parameter_is_named(shop, assert_problem):
    problem = assert_problem(shop.get("/api/v1/deliveries?chat=me"), 422, "invalid-value")

    assert [fault["parameter"] for fault in problem["errors"]] == ["chat"]


def test_what_failed_is_sent_again_on_somebodys_word(shop, queue, exact):
    (delivery_id,) = queue([111])
    outbox = shop.services.outbox
    outbox.settle(outbox.claim(outbox.get(delivery_id), "me"), FAILED, faults=10, reason="gone")

    reply = shop.request("POST", f"/api/v1/deliveries/{delivery_id}/retry")

    assert reply.status_code == 200
    told = exact(reply)
    assert (told["state"], told["reason"], told["next_attempt_at"]) == (
        "queued",
        None,
        "2026-11-23T17:20:31Z",
    )
    assert outbox.get(delivery_id).faults == 0
    assert outbox.due(1)[0].id == delivery_id


def test_what_is_not_sent_yet_is_cancelled_and_can_come_back(shop, queue, exact):
    (delivery_id,) = queue([111])

    assert exact(shop.request("POST", f"/api/v1/deliveries/{delivery_id}/cancel"))["state"] == "cancelled"
    assert shop.services.outbox.due(1) == []
    assert exact(shop.request("POST", f"/api/v1/deliveries/{delivery_id}/retry"))["state"] == "queued"


def test_the_state_may_forbid_both(shop, queue, assert_problem):
    (delivery_id,) = queue([111])
    outbox = shop.services.outbox
    outbox.claim(outbox.get(delivery_id), "me")

    for order in ("retry", "cancel"):
        problem = assert_problem(
            shop.request("POST", f"/api/v1/deliveries/{delivery_id}/{order}"), 409, "wrong-state"
        )
        assert problem["detail"].startswith(f"Delivery {delivery_id} is sending; only one that is ")
    assert outbox.get(delivery_id).state == SENDING


@pytest.mark.parametrize("path", ["", "/retry", "/cancel"])
def test_a_delivery_that_is_not_there_is_404(shop, assert_problem, path):
    method = "POST" if path else "GET"

    problem = assert_problem(shop.request(method, f"/api/v1/deliveries/nobody{path}"), 404, "not-found")

    assert problem["detail"] == "There is no delivery nobody."


def test_another_sites_page_cancels_nothing(shop, queue, assert_problem):
    (delivery_id,) = queue([111])

    reply = shop.request(
        "POST", f"/api/v1/deliveries/{delivery_id}/cancel", headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert_problem(reply, 403, "cross-site")
    assert shop.services.outbox.get(delivery_id).state == "queued"


def test_the_metrics_tell_how_many_are_in_each_state(shop):
    from smetka.telegram.state import Health, beat

    beat(
        shop.services.storage,
        name="worker",
        telegram=Health(ok=True, detail="Telegram is reachable."),
        now=NOW,
        deliveries={"queued": 3, "failed": 1},
    )

    text = shop.get("/metrics").get_data(as_text=True)

    assert 'smetka_deliveries{state="queued"} 3.0' in text
    assert 'smetka_deliveries{state="failed"} 1.0' in text
    assert 'smetka_up{part="telegram"} 1.0' in text
