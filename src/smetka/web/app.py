"""Puts the web part together."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.json.provider import JSONProvider

from smetka.core import exact_json
from smetka.keys import KeyRing, Permission
from smetka.settings import Settings, load_settings
from smetka.shop.services import Services, build_services
from smetka.web import guards, headers, journal, openapi, problems, wrong_keys
from smetka.web.audit import audit
from smetka.web.bonus_customers import bonus_customers
from smetka.web.brief import brief
from smetka.web.campaigns import campaigns
from smetka.web.deliveries import deliveries
from smetka.web.health import health
from smetka.web.hosts import TrustedProxies, comparable
from smetka.web.imports import imports
from smetka.web.metrics import Metrics
from smetka.web.pages import audit as audit_page
from smetka.web.pages import (
    bonus,
    customers,
    desk,
    import_done,
    importing,
    messages,
    overview,
    reference,
    render,
    settings,
    sign_in,
    visit,
)
from smetka.web.pages import campaigns as campaign_pages
from smetka.web.pages.declared import NEEDS, READ_ALL, UPLOADS, pages
from smetka.web.parts import WebParts, parts
from smetka.web.probes import Probes
from smetka.web.request_ids import HEADER, request_id
from smetka.web.sessions import Sessions
from smetka.web.uploads import Uploads
from smetka.web.vouchers import vouchers
from smetka.web.works import Works

GROUPS = (
    brief,
    imports,
    bonus_customers,
    campaigns,
    vouchers,
    audit,
    deliveries,
    health,
    reference.contract,
)
PAGES = (
    audit_page,
    bonus,
    campaign_pages,
    customers,
    desk,
    import_done,
    importing,
    messages,
    overview,
    reference,
    settings,
    sign_in,
)
"""Their import declares them."""


class ExactJSONProvider(JSONProvider):
    """Flask's own JSON, amounts exact."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        """Write JSON; see `exact_json.dumps`."""
        return exact_json.dumps(obj)

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        """Read JSON; see `exact_json.loads`."""
        return exact_json.loads(s.encode() if isinstance(s, str) else s)


def build_app(settings: Settings | None, services: Services | None) -> Flask:
    """See `smetka.web.create_app`."""
    settings = settings or (services.settings if services else load_settings())
    services = services or build_services(settings)
    app = _declared()
    app.extensions["smetka"] = _parts(settings, services)
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    return app


def _declared() -> Flask:
    """What is the same for every shop: routes, pages, guards."""
    app = Flask(__name__, static_folder=None)
    app.json = ExactJSONProvider(app)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False, SEND_FILE_MAX_AGE_DEFAULT=3600)
    app.url_map.merge_slashes = False
    app.static_folder = "static"
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=app.send_static_file)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_begin)
    guards.register(app)
    problems.register(app)
    app.after_request(_end)
    visit.register(app)
    render.register(app)
    for group in GROUPS:
        group.register(app)
    app.register_blueprint(pages)
    return app


def _parts(settings: Settings, services: Services) -> WebParts:
    operations = tuple(operation for group in GROUPS for operation in group.all)
    access: dict[str, Permission | None] = {"static": None, **NEEDS}
    access |= {operation.name: operation.needs for operation in operations}
    keys_always_needed = settings.auth == "required" or not settings.is_loopback_only

    def document() -> bytes:
        described = openapi.document(
            operations, threshold=settings.bonus_threshold, keys_always_needed=keys_always_needed
        )
        return exact_json.dumps(described).encode()

    keys = KeyRing(settings.effective_keys_file)
    return WebParts(
        settings=settings,
        services=services,
        keys=keys,
        sessions=Sessions(
            settings.effective_keys_file.with_name(settings.effective_keys_file.name + ".sessions"),
            keys,
            idle_seconds=settings.session_idle_minutes * 60,
        ),
        wrong_keys=wrong_keys.wrong_keys(),
        unknown_codes=wrong_keys.unknown_codes(),
        metrics=Metrics(),
        probes=Probes(services),
        works=Works(),
        uploads=Uploads(settings.data_dir / "uploads"),
        allowed_hosts=frozenset(comparable(name) for name in settings.effective_allowed_hosts),
        keys_always_needed=keys_always_needed,
        operations=operations,
        access=access,
        pages=frozenset(NEEDS),
        long_routes=frozenset({(op.method, op.path) for op in operations if op.reads_all} | READ_ALL),
        upload_paths=frozenset({op.path for op in operations if op.takes_file} | UPLOADS.keys()),
        upload_endpoints=frozenset({op.name for op in operations if op.takes_file} | {*UPLOADS.values()}),
        openapi=cache(document),
    )


def _begin() -> None:
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _end(response: Response) -> Response:
    """Headers, metrics and the log line of every answer."""
    response.headers.update(headers.ALWAYS)
    response.headers[HEADER] = request_id()
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers.update(headers.NOT_KEPT)
    journal.note(
        parts().metrics,
        route=request.url_rule.rule if request.url_rule else "(none)",
        method=request.method,
        status=response.status_code,
        seconds=time.perf_counter() - g.get("began", time.perf_counter()),
        request_id=request_id(),
    )
    return response
