"""Alive, ready, and how much was done."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from smetka.core.errors import CAUSES
from smetka.web import probes
from tests.selection import not_quick
from tests.storage import lying
from tests.waiting import eventually


def ready_in_the_end(shop, **options):
    """The first answer that says ready: a machine with much else to do may miss a probe's limit or two."""
    return eventually(lambda: (reply := shop.get("/readyz", **options)).status_code == 200 and reply)


def test_alive_asks_nobody(make_shop, tmp_path):
    shop = make_shop(ledger=str(tmp_path / "missing.db"), mongodb_uri="mongodb://127.0.0.1:1/x")

    assert shop.get("/healthz").json == {"status": "ok"}


def test_ready_names_every_part(shop):
    reply = ready_in_the_end(shop)

    assert reply.status_code == 200
    assert reply.json["ready"] is True
    assert list(reply.json["parts"]) == ["ledger", "mongodb", "worker", "telegram"]
    assert reply.json["parts"]["ledger"]["ready"] is True
    assert reply.json["parts"]["mongodb"]["ready"] is True
    assert reply.json["parts"]["worker"]["ready"] is False, "no worker runs in this test, and that is no 503"


def test_a_missing_ledger_is_not_ready_until_it_comes(make_shop, make_ledger, tmp_path, assert_problem):
    shop = make_shop(ledger=str(tmp_path / "later.db"))
    shop.services.warm_up()

    body = assert_problem(shop.get("/readyz"), 503, "not-ready")
    assert body["ready"] is False
    assert body["parts"]["ledger"]["ready"] is False
    assert body["parts"]["mongodb"]["ready"] is True
    make_ledger(name="later.db")
    assert ready_in_the_end(shop).status_code == 200


@pytest.fixture
@not_quick
def silent_server():
    """A port where connections are accepted and never answered, as by a MongoDB that hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"mongodb://127.0.0.1:{server.getsockname()[1]}/smetka"


def test_a_mongodb_that_hangs_is_not_ready_within_the_promised_time(make_shop, assert_problem, silent_server):
    shop = make_shop(mongodb_uri=silent_server)

    began = time.monotonic()
    body = assert_problem(shop.get("/readyz"), 503, "not-ready")

    assert probes.PROBE_SECONDS == 1.5
    assert time.monotonic() - began < 2 * 2.5
    assert body["parts"]["ledger"]["ready"] is True
    assert body["parts"]["mongodb"]["ready"] is False


def test_many_questions_to_a_part_that_hangs_keep_one_thread(shop, monkeypatch):
    monkeypatch.setattr(probes, "PROBE_SECONDS", 0.2)
    answered, hung = threading.Event(), []

    def hang():
        hung.append(1)
        answered.wait(20)

    monkeypatch.setattr(shop.app.extensions["smetka"].probes._probes[0], "_ask", hang)
    replies = [threading.Thread(target=shop.app.test_client().get, args=["/readyz"]) for _ in range(5)]
    for reply in replies:
        reply.start()
    for reply in replies:
        reply.join(15)
    answered.set()

    assert len(hung) == 1


def test_without_the_right_to_read_only_ready_is_told(make_shop, tmp_path, assert_problem):
    shop = make_shop(auth="required")
    assert ready_in_the_end(shop).json == {"ready": True}
    assert ready_in_the_end(shop, headers=shop.key("cashier")).json == {"ready": True}
    assert "parts" in ready_in_the_end(shop, headers=shop.key("reader")).json

    away = make_shop(auth="required", ledger=str(tmp_path / "missing.db"))
    body = assert_problem(away.get("/readyz"), 503, "not-ready")
    assert body["ready"] is False
    assert "parts" not in body


def test_metrics_count_by_template_and_never_by_id(shop):
    shop.get("/total_spent/1")
    shop.get("/total_spent/987654321012345")
    shop.get("/a-secret-path")
    shop.request("BREW", "/total_spent/1")

    assert ready_in_the_end(shop).status_code == 200
    text = shop.get("/metrics").text

    assert 'smetka_requests_total{method="GET",route="/total_spent/<user_id>",status="200"} 1.0' in text
    assert 'smetka_requests_total{method="GET",route="/total_spent/<user_id>",status="404"} 1.0' in text
    assert 'smetka_requests_total{method="other",route="(none)",status="405"} 1.0' in text
    assert 'smetka_request_seconds_count{route="/total_spent/<user_id>"} 2.0' in text
    assert 'smetka_up{part="ledger"} 1.0' in text
    assert 'smetka_up{part="mongodb"} 1.0' in text
    assert "987654321012345" not in text
    assert "a-secret-path" not in text


def test_metrics_tell_when_a_part_is_away(make_shop, tmp_path):
    shop = make_shop(ledger=str(tmp_path / "missing.db"))

    assert 'smetka_up{part="ledger"} 0.0' in shop.get("/metrics").text


@pytest.fixture
def lacking(new_mongodb_uri):
    """A server of MongoDB's protocol that has no validators."""
    server = lying.LyingServer(new_mongodb_uri, lying.no_validators(238))
    yield server.uri
    server.close()


def test_a_mongodb_that_lacks_something_is_not_ready_and_says_what(make_shop, lacking, assert_problem):
    shop = make_shop(mongodb_uri=lacking)
    shop.services.warm_up()

    body = assert_problem(shop.get("/readyz"), 503, "not-ready")
    refused = shop.post({"user_id": 1, "total_spending": 1834.5})

    assert body["parts"]["ledger"]["ready"] is True
    assert CAUSES["validators"] in body["parts"]["mongodb"]["detail"]
    assert "cannot be reached" not in str(body)
    detail = assert_problem(refused, 503, "bonus-store-unusable")["detail"]
    assert CAUSES["validators"] in detail
    assert "repeating does not help" in detail
    assert "Retry-After" not in refused.headers
    assert "не ги применува правилата за записите" in shop.get("/settings?lang=mk").text


def test_why_mongodb_is_away_is_told_without_its_address(make_shop, assert_problem):
    shop = make_shop(mongodb_uri="mongodb://shop:QXZ789@127.0.0.1:1/x?timeoutMS=500")

    def detail():
        return assert_problem(shop.get("/readyz"), 503, "not-ready")["parts"]["mongodb"]["detail"]

    eventually(lambda: detail() == f"MongoDB cannot be reached right now: {CAUSES['refused']}.")
