"""Pages, static files, and what every answer carries."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

pytestmark = pytest.mark.shop(shared=True)

PAGES = [
    "/",
    "/customers",
    "/customers/1",
    "/bonus",
    "/bonus/due",
    "/bonus/customers",
    "/bonus/new-campaign",
    "/desk",
    "/import",
    "/messages",
    "/settings",
    "/settings/ledger",
    "/settings/audit",
    "/sign-in",
    "/docs",
    "/problems",
    "/problems/below-threshold",
]


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/total_spent/1", "/static/smetka.css", "/healthz"])
def test_every_answer_is_guarded(shop, path):
    with shop.get(path) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert reply.headers["X-Request-ID"]
        assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_nothing_inline_and_nothing_from_elsewhere(shop, path):
    html = shop.get(path).text

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert 'lang="en"' in html


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(shop, path):
    for target in set(re.findall(r'(?:href|src)="([^"#]+)"', shop.get(path).text)):
        with shop.get(unescape(target)) as reply:
            assert reply.status_code == 200, target


def test_static_files_may_be_kept_and_data_may_not(shop):
    with shop.get("/static/smetka.css") as static:
        assert "max-age=3600" in static.headers["Cache-Control"]
        etag = static.headers["ETag"]
    with shop.get("/static/smetka.css", headers={"If-None-Match": etag}) as again:
        assert again.status_code == 304
    assert shop.get("/total_spent/1").headers["Cache-Control"] == "no-store"


def test_the_vendored_files_come_with_their_licence(shop):
    with shop.get("/static/vendor/swagger-ui/LICENSE") as licence:
        assert "Apache License" in licence.text


def test_one_log_line_a_request_without_ids_or_keys(shop, capsys):
    shop.get("/total_spent/4711", headers={"Authorization": "Bearer smk_canary", "X-Request-ID": "rid-1"})

    [line] = [line for line in capsys.readouterr().out.splitlines() if "rid-1" in line]

    assert "route=/total_spent/<user_id>" in line
    assert "status=404" in line
    assert "4711" not in line
    assert "smk_canary" not in line


@pytest.mark.shop(shared=False)
def test_what_machines_ask_every_few_seconds_fills_no_log(shop, capsys):
    shop.services.ledger.path.rename(shop.services.ledger.path.with_name("away.db"))
    statuses = [shop.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/total_spent/1")]

    assert statuses == [200, 503, 200, 503]
    lines = [line for line in capsys.readouterr().out.splitlines() if "route=" in line]
    assert len(lines) == 1
    assert "route=/total_spent/<user_id>" in lines[0]


@pytest.mark.shop(shared=False)
def test_what_goes_wrong_is_logged_under_the_request_id(shop, capsys):
    def broken():
        raise RuntimeError("the reason")

    shop.app.view_functions["healthz"] = broken
    reply = shop.get("/healthz")

    assert reply.status_code == 500
    log = capsys.readouterr().out
    assert "the reason" in log
    assert json.loads(reply.text)["request_id"] in log


@pytest.mark.shop(shared=False)
def test_refusals_before_the_key_are_pages_however_often_it_was_wrong(shop):
    shop.key("owner")
    wrong = {"Authorization": "Bearer smk_wrong", "Origin": "http://evil.example", "Accept": "text/html"}

    statuses = [shop.client.post("/desk", headers=wrong).status_code for _ in range(15)]

    assert statuses == [403] * 15


def test_a_page_asked_by_a_method_it_does_not_have_is_refused_as_a_page(shop):
    reply = shop.get("/bonus/decide", headers={"Accept": "text/html"})

    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
    assert "</html>" in reply.text
    assert shop.get("/desk/undo").headers["Location"] == "/desk"


@pytest.mark.shop(shared=False)
def test_a_file_that_cannot_be_written_to_its_end_is_no_file(shop):
    assert shop.post({"user_id": 3, "total_spending": 9999, "year": 2026}).status_code == 201
    shop.services.ledger.path.unlink()

    reply = shop.get("/bonus/customers.csv?year=2026")

    assert (reply.status_code, json.loads(reply.text)["type"]) == (503, "/problems/ledger-unavailable")


def test_what_reads_the_whole_ledger_leaves_the_quick_lanes(shop):
    from types import SimpleNamespace

    from smetka.web.gateway import Gateway
    from smetka.web.pages.declared import READ_ALL

    gateway = Gateway(shop.app, on_close=lambda: None)
    asked = {(method, re.sub("<[^>]*>", "17", route)) for method, route in READ_ALL}
    asked |= {("POST", "/api/v1/campaigns/17/issue"), ("GET", "/desk"), ("POST", "/messages")}
    lanes = {each: gateway._lane(SimpleNamespace(method=each[0], path=each[1])) for each in asked}
    gateway.__rsgi_del__(None)

    assert {("GET", "/customers/17"), ("POST", "/bonus/campaigns/17/issue")} <= lanes.keys()
    quick = {each: lane for each, lane in lanes.items() if lane is not gateway._long_reads}
    assert quick == {("GET", "/desk"): gateway._reads, ("POST", "/messages"): gateway._writes}
