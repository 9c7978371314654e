"""Which hosts are answered, which origins may ask for changes, which proxies are believed."""

from __future__ import annotations

import pytest

from smetka.web.hosts import TrustedProxies, host_name, is_same_origin

pytestmark = pytest.mark.shop(shared=True)

BODY = {"user_id": 1, "total_spending": 2000}
OWN = {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST", "localhost.", "127.0.0.1:9", "[::1]", "[::1]:8000"]
)
def test_our_own_names_are_known_in_any_spelling(host):
    assert host_name(host) in OWN


def test_our_own_names_are_answered(shop):
    assert shop.app.extensions["smetka"].allowed_hosts >= OWN
    for host in ("LOCALHOST:8000", "[::1]"):
        assert shop.get("/total_spent/1", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:8000",
        "localhost@evil.example",
        "localhost,evil.example",
        "localhost evil.example",
        "localhost:port",
        "localhost:8000:8000",
        "0.0.0.0",
        "192.0.2.1",
        "[::2]",
        "::1",
        "[::1",
        "localhost/",
        "localhost..",
        ".localhost",
        "%6cocalhost",
        "http://localhost",
        "a" * 300,
    ],
)
def test_no_other_name_is_taken_for_ours(host):
    assert host_name(host) not in OWN


@pytest.mark.parametrize("host", ["evil.example", "localhost:port"])
@pytest.mark.parametrize("path", ["/total_spent/1", "/healthz", "/", "/static/smetka.css", "/nothing"])
def test_no_other_host_is_answered(shop, assert_problem, host, path):
    assert_problem(shop.get(path, headers={"Host": host}), 421, "wrong-host")


def test_allowed_hosts_are_those_of_the_settings(make_shop):
    shop = make_shop(allowed_hosts="Shop.Example, [2001:db8::1]", auth="auto")

    assert shop.get("/healthz", headers={"Host": "shop.example:443"}).status_code == 200
    assert shop.get("/healthz", headers={"Host": "[2001:DB8::1]"}).status_code == 200
    assert shop.get("/healthz", headers={"Host": "localhost"}).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost:8001",
        "https://localhost",
        "https://localhost:80",
        "http://localhost.evil.example",
        "http://evil.example@localhost",
        "http://localhost/path",
        "http://localhost:port",
        "http://[::1",
    ],
)
def test_another_scheme_host_or_port_is_another_origin(origin):
    assert not is_same_origin(origin, "http", "localhost")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost", "localhost"),
        ("http://localhost:80", "localhost"),
        ("http://localhost:8000", "localhost:8000"),
        ("HTTP://LOCALHOST", "localhost"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_same_scheme_host_and_port_are_the_same_origin(origin, host):
    assert is_same_origin(origin, "http", host)


FOREIGN = [
    {"Origin": "http://localhost:8001"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_sites_change_nothing_with_or_without_a_key(make_shop, assert_problem, headers):
    shop = make_shop()

    assert_problem(shop.post(BODY, headers=headers), 403, "cross-site")
    assert_problem(shop.post(BODY, headers=headers | shop.key("owner")), 403, "cross-site")
    assert shop.stored_customers() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://[::1]:8000", "Host": "[::1]:8000"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_our_own_pages_and_programs_do(shop, headers):
    assert shop.post(BODY, headers=headers).status_code == 201


def test_other_sites_may_link_to_what_only_reads(shop):
    assert shop.get("/total_spent/1", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


FORWARDED = {
    "Host": "127.0.0.1:8000",
    "X-Forwarded-Host": "evil.example, shop.example",
    "X-Forwarded-Proto": "http, https",
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "Origin": "https://shop.example",
}


def test_a_trusted_proxy_tells_host_scheme_and_client(make_shop):
    shop = make_shop(allowed_hosts="shop.example", trusted_proxies="127.0.0.1, 10.0.0.0/8")
    headers = FORWARDED | shop.key("manager")

    assert shop.post(BODY, headers=headers).status_code == 201
    assert shop.post(BODY, headers=headers, environ_overrides={"REMOTE_ADDR": "10.1.2.3"}).status_code == 200
    mapped = {"REMOTE_ADDR": "::ffff:127.0.0.1"}
    assert shop.post(BODY, headers=headers, environ_overrides=mapped).status_code == 200


def told(address):
    """Client, scheme and host of a request that came from an address, when one proxy is trusted."""
    environ = {
        "REMOTE_ADDR": address,
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in FORWARDED.items()},
    }
    TrustedProxies(lambda *_: (), ("127.0.0.1", "10.0.0.0/8"))(environ, None)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ["HTTP_HOST"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::ffff:127.0.0.1"])
def test_of_several_values_a_proxys_own_is_the_last(address):
    assert told(address) == ("198.51.100.7", "https", "shop.example")


@pytest.mark.parametrize("address", ["192.0.2.1", "", "unix:", "127.0.0.1.evil.example"])
def test_nobody_else_is_believed(address):
    assert told(address) == (address, "http", "127.0.0.1:8000")


def test_whoever_is_not_believed_is_answered_for_the_host_he_asked(make_shop, assert_problem):
    shop = make_shop(allowed_hosts="shop.example", trusted_proxies="127.0.0.1")

    reply = shop.post(BODY, headers=FORWARDED, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})

    assert_problem(reply, 421, "wrong-host")


def test_without_trusted_proxies_forwarded_headers_mean_nothing(make_shop):
    shop = make_shop()
    key = shop.key("manager")
    headers = {name: value for name, value in FORWARDED.items() if name != "Origin"}

    assert shop.get("/total_spent/1", headers=headers | key).status_code == 200
    assert shop.post(BODY, headers=FORWARDED | key).status_code == 403


def test_the_limit_on_wrong_keys_counts_the_client_behind_the_proxy(make_shop):
    shop = make_shop(auth="required", trusted_proxies="127.0.0.1")

    def guess(client):
        headers = {"Authorization": "Bearer smk_wrong", "X-Forwarded-For": client}
        return shop.get("/total_spent/1", headers=headers).status_code

    assert [guess("198.51.100.7") for _ in range(11)] == [401] * 10 + [429]
    assert guess("198.51.100.8") == 401
