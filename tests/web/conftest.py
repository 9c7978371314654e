"""A shop behind the WSGI application: a real ledger, a real MongoDB, a clock that stands still."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

CUSTOMERS = (
    (1, "Ана Петрова", "ana@example.com", 30),
    (2, "Nobody Bought", "none@example.com", 44),
    (3, "Big Buyer", "big@example.com", 61),
    (9223372036854775807, "The Last", "last@example.com", 22),
)
PAYMENTS = ((1, 1000.1, 2025), (1, 834.4, 2026), (3, 9999.99, 2026), (9223372036854775807, 5, 2024))
NOW = datetime(2026, 11, 23, 17, 20, 31, tzinfo=UTC)
BOT = {"telegram_bot_token": "123456:ABCDEFGHIJ-klmnop", "telegram_chat_ids": "111,222"}


class Shop:
    """What a test needs of one running application."""

    def __init__(self, settings, now):
        from smetka.services import build_services
        from smetka.web import create_app

        self.settings = settings
        self.services = build_services(settings, now=now)
        if settings.telegram_bot_token:
            self.services.warm_up()  # as the server does: an announcement has 250 ms
        self.app = create_app(settings, self.services)
        self.client = self.app.test_client()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def request(self, method, path, **options):
        return self.client.open(path, method=method, **options)

    def post(self, body, *, path="/write_to_mongodb", content_type="application/json", **options):
        """POST a body as it is; anything else than text or bytes as JSON."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(path, data=data, content_type=content_type, **options)

    def chunked(self, body: bytes, **options):
        """POST without a length, as a server that has undone the chunks hands it over."""
        environ = {
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
        }
        return self.client.post(
            "/write_to_mongodb", content_type="application/json", environ_overrides=environ, **options
        )

    def key(self, role, name=None):
        """A new key as the header that carries it."""
        from smetka.keys import create_key

        token = create_key(self.settings.effective_keys_file, name or f"a {role}", role)
        return {"Authorization": f"Bearer {token}"}

    def count(self, collection):
        return self.services.storage.collection(collection).count_documents({})

    def stored_customers(self):
        found = self.services.storage.collection("bonus_customers").find({}, {"user_id": 1})
        return sorted(record["user_id"] for record in found)


@pytest.fixture
def make_shop(make_ledger, mongodb_uri, tmp_path):
    """A function that opens a shop with the given settings; the usual customers unless told otherwise."""
    from smetka.settings import Settings

    opened = []

    def make(*, customers=CUSTOMERS, payments=PAYMENTS, now=lambda: NOW, **settings):
        if "ledger" not in settings:
            settings["ledger"] = str(make_ledger(customers, payments, name=f"shop{len(opened)}.db"))
        values = {"mongodb_uri": mongodb_uri, "data_dir": tmp_path / "data"} | settings
        shop = Shop(Settings.model_validate(values), now)
        opened.append(shop)
        return shop

    yield make
    for shop in opened:
        shop.services.close()


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def exact():
    """Reads an answer's JSON with every fraction as a Decimal."""
    return lambda reply: json.loads(reply.get_data(as_text=True), parse_float=Decimal)


@pytest.fixture
def assert_problem():
    """Asserts that an answer has the shape every error has, and returns its body."""

    def check(reply, status, slug):
        body = json.loads(reply.get_data(as_text=True))
        assert (reply.status_code, body["type"]) == (status, f"/problems/{slug}")
        assert reply.content_type == "application/problem+json"
        assert body["status"] == status
        assert body["title"]
        assert body["detail"].endswith((".", "?"))
        assert body["instance"].startswith("/")
        assert body["request_id"] == reply.headers["X-Request-ID"]
        assert all(
            {"detail"} < set(fault) <= {"detail", "pointer", "parameter"} for fault in body.get("errors", [])
        )
        assert ("errors" in body) == (slug == "invalid-value")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        return body

    return check


@pytest.fixture
def telegram_bot():
    """Settings of a shop with a bot and two chats. Nothing is sent: that is the worker's part."""
    return dict(BOT)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """A function that puts a shop behind a port of this machine and returns its address."""
    running = []

    def start(shop):
        server = make_server("127.0.0.1", 0, shop.app, server_class=_Server, handler_class=_QuietHandler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
