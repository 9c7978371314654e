"""Until a key was made only users of this machine come in: nobody through a proxy or tunnel does."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import EnvironBuilder

from smetka.web.hosts import mark_of_a_proxy

MARKS = """
Forwarded X-Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Server
X-Forwarded-Prefix X-Forwarded-Client-Cert X-Original-Forwarded-For Forwarded-For X-Real-IP X-Real-Port Via
CF-Connecting-IP CF-Connecting-IPv6 CF-Ray CF-Visitor CF-IPCountry CDN-Loop True-Client-IP X-Client-IP Client-IP
X-Cluster-Client-IP X-ProxyUser-Ip Proxy-Client-IP WL-Proxy-Client-IP Proxy-Connection Proxy-Authorization
X-Remote-Addr X-Remote-IP X-Envoy-External-Address X-Amzn-Trace-Id X-Amz-Cf-Id CloudFront-Viewer-Address
Fastly-Client-IP Fly-Client-IP Fly-Region Akamai-Origin-Hop X-Azure-ClientIP X-Azure-SocketIP X-ARR-LOG-ID X-ARR-SSL
X-AppEngine-User-IP X-Cloud-Trace-Context X-Vercel-Id X-NF-Client-Connection-IP Tailscale-User-Login
Tailscale-Funnel-Request X-Original-Host X-Original-URL X-Host X-Scheme X-URL-Scheme Front-End-Https X-Varnish
X-BlueCoat-Via X-Sucuri-ClientIP Incap-Client-IP Ali-CDN-Real-IP X-Nginx-Proxy X-Accel-Internal Surrogate-Capability
Early-Data Client-Cert X-SSL-Client-Verify Max-Forwards X-Tunnel-Id X-Edge-IP
X-Kong-Request-Id Rndr-Id X-Originating-IP X-Railway-Edge DO-Connecting-IP Ngrok-Auth-User-Email X-Consumer-Username
X-B3-TraceId Ssl-Offloaded X-Nobody-Knows-It Hosting Secret
""".split()
OF_CLIENTS = """
Host User-Agent Accept Accept-Language Accept-Encoding Connection Cookie Referer Origin Upgrade-Insecure-Requests
Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-User Sec-Fetch-Dest Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-GPC DNT
Priority Pragma Cache-Control If-None-Match If-Modified-Since TE Range Expect Purpose Sec-Purpose X-Moz X-Request-ID
Idempotency-Key Authorization HX-Request HX-Target HX-Current-URL Traceparent Tracestate Keep-Alive X-Requested-With
Access-Control-Request-Private-Network Save-Data Viewport-Width Content-Type Content-Length Service-Worker
Content-Encoding Transfer-Encoding Trailer Upgrade HTTP2-Settings If-Match If-Range Last-Event-ID Ping-To DPR
X-CSRFToken X-CSRF-Token Postman-Token Baggage X-Prometheus-Scrape-Timeout-Seconds X-API-Key
""".split()


@pytest.mark.shop(shared=True)
def test_who_comes_through_a_proxy_is_told_to_make_the_first_key_on_the_machine(shop, assert_problem):
    for headers in [{name: "x"} for name in MARKS] + [{"forwarded": ""}]:
        reply = shop.get("/total_spent/1", headers=headers)

        told = assert_problem(reply, 401, "no-key-yet")["detail"]
        assert "`smetka key create owner --role owner`" in told
        assert f"({next(iter(headers))})".lower() in told.lower()
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_proxy_that_adds_no_header_is_known_by_its_old_protocol(shop, assert_problem):
    old = {"SERVER_PROTOCOL": "HTTP/1.0"}

    assert (
        "(HTTP/1.0)"
        in assert_problem(shop.get("/total_spent/1", environ_overrides=old), 401, "no-key-yet")["detail"]
    )
    assert shop.get("/total_spent/1", headers=shop.key("reader"), environ_overrides=old).status_code == 200


def test_what_browsers_and_clients_send_is_no_mark():
    environ = EnvironBuilder(headers=[(name, "x") for name in OF_CLIENTS]).get_environ()

    assert mark_of_a_proxy(environ) is None


@pytest.mark.shop(trusted_proxies="127.0.0.1")
@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"}])
def test_where_a_trusted_proxy_is_named_nobody_comes_in_before_the_first_key(shop, assert_problem, headers):
    assert_problem(shop.get("/total_spent/1", headers=headers), 401, "no-key-yet")

    assert shop.get("/total_spent/1", headers=headers | shop.key("reader")).status_code == 200
    assert_problem(shop.get("/total_spent/1", headers=headers), 401, "key-needed")


@pytest.mark.shop(shared=True)
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "On that machine run smetka key create owner --role owner"),
        ("mk", "На таа машина извршете smetka key create owner --role owner"),
    ],
)
def test_its_page_says_so_in_the_visitors_language(shop, language, said):
    headers = {"Accept": "text/html", "Accept-Language": language, "Via": "1.1 tunnel"}

    for path in ("/", "/settings", "/customers"):
        reply = shop.get(path, headers=headers)

        assert reply.status_code == 401
        assert said in reply.text


def test_nobody_makes_the_first_key_through_a_proxy(shop):
    """Not even with the token of a form that a user of the machine got."""
    page = shop.get("/settings", headers={"Accept": "text/html"}).text
    form = {"form": re.search('name="form" value="([^"]+)"', page)[1], "name": "mine", "role": "owner"}

    reply = shop.client.post("/settings/keys", data=form, headers={"X-Forwarded-For": "203.0.113.9"})

    assert reply.status_code == 401
    assert not shop.settings.effective_keys_file.exists()
    assert shop.client.post("/settings/keys", data=form).status_code == 200
    assert shop.settings.effective_keys_file.exists()


@pytest.mark.shop(shared=True)
def test_no_route_is_open_through_a_proxy_but_those_that_are_open_to_all(shop):
    access = shop.app.extensions["smetka"].access
    for rule in shop.app.url_map.iter_rules():
        method = next(each for each in ("POST", "DELETE", "GET") if each in rule.methods)
        path = rule.rule.replace("<path:filename>", "smetka.css").replace("<", "").replace(">", "")
        reply = shop.request(method, path, headers={"Via": "1.1 tunnel"})
        reply.close()
        assert (reply.status_code == 401) == (access[rule.endpoint] is not None), rule.rule
