"""Who may do what: every route with every role."""

from __future__ import annotations

import json

import pytest

from smetka.keys import ROLES, Permission, create_key, revoke_key
from smetka.settings import Settings
from tests.fixtures.web import AWAY

OPEN = {
    "/docs",
    "/openapi.json",
    "/problems",
    "/problems/<slug>",
    "/sign-in",
    "/sign-in POST",
    "/sign-out",
    "/healthz",
    "/readyz",
    "/static/<path:filename>",
}
NEEDED = {
    "/": Permission.READ,
    "/customers": Permission.READ,
    "/customers/<user_id>": Permission.READ,
    "/bonus": Permission.READ,
    "/bonus/due": Permission.READ,
    "/bonus/customers": Permission.READ,
    "/bonus/customers.csv": Permission.READ,
    "/bonus/collect": Permission.MANAGE,
    "/bonus/decide": Permission.MANAGE,
    "/bonus/campaigns": Permission.MANAGE,
    "/bonus/new-campaign": Permission.MANAGE,
    "/bonus/campaigns/<name>": Permission.READ,
    "/bonus/campaigns/<name>/preview": Permission.READ,
    "/bonus/campaigns/<name>/issue": Permission.MANAGE,
    "/bonus/campaigns/<name>/vouchers.csv": Permission.MANAGE,
    "/desk": Permission.REDEEM,
    "/desk POST": Permission.REDEEM,
    "/desk/redeem": Permission.REDEEM,
    "/desk/redeem POST": Permission.REDEEM,
    "/desk/undo": Permission.REDEEM,
    "/desk/undo POST": Permission.REDEEM,
    "/import": Permission.OWN,
    "/import POST": Permission.OWN,
    "/import/look": Permission.OWN,
    "/import/rejects.csv": Permission.OWN,
    "/import/done": Permission.OWN,
    "/import/done POST": Permission.OWN,
    "/messages": Permission.READ,
    "/messages POST": Permission.MANAGE,
    "/messages/<delivery_id>": Permission.READ,
    "/messages/chats": Permission.MANAGE,
    "/messages/deliveries": Permission.MANAGE,
    "/messages/schedules": Permission.MANAGE,
    "/settings": Permission.READ,
    "/settings/ledger": Permission.READ,
    "/settings/audit": Permission.OWN,
    "/settings/keys": Permission.OWN,
    "/settings/keys POST": Permission.OWN,
    "/settings/keys/revoke": Permission.OWN,
    "/settings/keys/revoke POST": Permission.OWN,
    "/total_spent/<user_id>": Permission.READ,
    "/average_spending_by_age": Permission.READ,
    "/metrics": Permission.READ,
    "/api/v1/bonus-customers": Permission.READ,
    "/api/v1/bonus-customers/<year>/<user_id>": Permission.READ,
    "/api/v1/bonus-customers/<year>/<user_id> DELETE": Permission.MANAGE,
    "/api/v1/bonus-customers/<year>/<user_id>/approve": Permission.MANAGE,
    "/api/v1/bonus-customers/<year>/<user_id>/reject": Permission.MANAGE,
    "/api/v1/deliveries": Permission.READ,
    "/api/v1/deliveries/<delivery_id>": Permission.READ,
    "/api/v1/deliveries/<delivery_id>/retry": Permission.MANAGE,
    "/api/v1/deliveries/<delivery_id>/cancel": Permission.MANAGE,
    "/write_to_mongodb": Permission.MANAGE,
    "/api/v1/campaigns": Permission.READ,
    "/api/v1/campaigns POST": Permission.MANAGE,
    "/api/v1/campaigns/<name>": Permission.READ,
    "/api/v1/campaigns/<name>/preview": Permission.READ,
    "/api/v1/campaigns/<name>/issue": Permission.MANAGE,
    "/api/v1/campaigns/<name>/vouchers": Permission.MANAGE,
    "/api/v1/vouchers/<code>": Permission.REDEEM,
    "/api/v1/vouchers/<code>/redeem": Permission.REDEEM,
    "/api/v1/vouchers/<code>/reserve": Permission.REDEEM,
    "/api/v1/vouchers/<code>/void": Permission.MANAGE,
    "/api/v1/vouchers/<code>/reverse": Permission.MANAGE,
    "/api/v1/audit": Permission.OWN,
    "/api/v1/ledger/imports": Permission.OWN,
}
WITHOUT_ANY = {"/settings/keys/revoke"} | {
    rule for rule in NEEDED if any(f"<{name}>" in rule for name in ("delivery_id", "year", "name", "code"))
}
"""What is asked for there does not exist in these tests."""

EXAMPLES = {
    "delivery_id": "none",
    "user_id": "1",
    "year": "2026",
    "slug": "not-found",
    "filename": "smetka.css",
    "name": "none",
    "code": "QSBQ-8KDR-P936",
}
CAMPAIGN = {"name": "a", "year": 2026, "voucher_value": 500, "valid_until": "2027-01-31"}
BODIES = {
    "/write_to_mongodb": {"user_id": 1, "total_spending": 2000},
    "/api/v1/campaigns": CAMPAIGN,
    "/api/v1/vouchers/QSBQ-8KDR-P936/void": {"reason": "a test"},
}
FILES = {"/api/v1/ledger/imports": ("?name=a.csv&dry_run=true", "text/csv", "user_id,age\n1,31\n")}


def routes(shop):
    for rule in shop.app.url_map.iter_rules():
        path = rule.rule.replace("path:", "")
        for name, value in EXAMPLES.items():
            path = path.replace(f"<{name}>", value)
        method = next(m for m in ("POST", "DELETE", "GET") if m in rule.methods)
        name = f"{rule.rule} {method}"
        yield name if name in NEEDED or name in OPEN else rule.rule, path, method


def is_form(shop, path, method):
    """Whether a route takes what a page's form sends: all of them look at that first."""
    with shop.app.test_request_context(path, method=method) as context:
        return method == "POST" and context.request.endpoint.startswith("pages.")


def ask(shop, path, method, headers=None):
    body = json.dumps(BODIES[path]) if method == "POST" and path in BODIES else b""
    query, media_type, body = FILES.get(path, ("", "application/json", body))
    reply = shop.request(method, path + query, data=body, content_type=media_type, headers=headers)
    reply.get_data()
    reply.close()  # static files are sent from an open file
    return reply


@pytest.mark.shop(shared=True)
def test_this_test_knows_every_route(shop):
    assert {rule for rule, _, _ in routes(shop)} == OPEN | set(NEEDED)


@pytest.mark.shop(auth="required")
def test_without_a_key_only_the_open_routes_answer(shop, assert_problem):
    for rule, path, method in routes(shop):
        reply = ask(shop, path, method)
        if is_form(shop, path, method) and rule in OPEN:
            assert_problem(reply, 415, "unsupported-media-type")
        elif rule in OPEN:
            assert reply.status_code == 200, rule
        else:
            assert_problem(reply, 401, "key-needed")
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.shop(auth="required")
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says(shop, assert_problem, role):
    key = shop.key(role)
    for rule, path, method in routes(shop):
        reply = ask(shop, path, method, key)
        if is_form(shop, path, method) and (rule in OPEN or NEEDED[rule] in ROLES[role]):
            assert_problem(reply, 415, "unsupported-media-type")
        elif rule in OPEN or NEEDED[rule] in ROLES[role]:
            assert reply.status_code in {200, 201, 303, 404}, rule
            if reply.status_code == 404:
                assert rule in WITHOUT_ANY
        else:
            assert_problem(reply, 403, "not-allowed")


@pytest.mark.shop(auth="required")
def test_a_cashier_reads_no_statistics_and_a_reader_stores_nobody(shop):
    assert ask(shop, "/total_spent/1", "GET", shop.key("cashier")).status_code == 403
    assert ask(shop, "/write_to_mongodb", "POST", shop.key("reader")).status_code == 403
    assert shop.stored_customers() == []


@pytest.mark.shop(auth="required")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "smk_x",
        "Bearer smk_x y",
        "Bearer null",
        "Digest a=b",
        "Bearer ü",
    ],
)
def test_what_is_no_key_is_401(shop, assert_problem, header):
    headers = {"Authorization": header.encode().decode("latin-1")}

    assert_problem(shop.get("/total_spent/1", headers=headers), 401, "key-needed")


@pytest.mark.shop(auth="required")
def test_the_scheme_is_bearer_in_any_case(shop):
    token = shop.key("reader")["Authorization"].removeprefix("Bearer ")

    assert shop.get("/total_spent/1", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_on_loopback_no_key_is_needed_until_one_was_made(shop):
    assert shop.get("/total_spent/1").status_code == 200

    key = shop.key("reader", "first")

    assert shop.get("/total_spent/1").status_code == 401
    assert shop.get("/total_spent/1", headers=key).status_code == 200
    revoke_key(shop.settings.effective_keys_file, "first")
    assert shop.get("/total_spent/1", headers=key).status_code == 401
    assert shop.get("/total_spent/1").status_code == 401


def test_a_key_that_is_not_needed_does_no_harm(shop):
    assert shop.get("/total_spent/1", headers={"Authorization": "Bearer smk_unknown"}).status_code == 200


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"allowed_hosts": "localhost,shop.example"}])
def test_beyond_loopback_a_key_is_always_needed(make_shop, settings):
    shop = make_shop(**settings)

    assert shop.get("/total_spent/1").status_code == 401


def test_a_damaged_keys_file_shuts_the_door_but_not_the_health_check(shop):
    key = shop.key("owner")
    shop.settings.effective_keys_file.write_text("{")

    assert shop.get("/total_spent/1", headers=key).status_code == 401
    assert shop.get("/healthz").status_code == 200


def test_keys_work_while_mongodb_is_away(make_shop):
    shop = make_shop(auth="required", mongodb_uri=AWAY)

    assert shop.get("/total_spent/1", headers=shop.key("reader")).status_code == 200


@pytest.mark.shop(auth="required")
def test_wrong_keys_are_limited_and_right_ones_are_not(shop, assert_problem):
    key = shop.key("reader")
    wrong = {"Authorization": "Bearer smk_wrong"}

    replies = [shop.get("/total_spent/1", headers=wrong) for _ in range(15)]

    assert [reply.status_code for reply in replies] == [401] * 10 + [429] * 5
    assert_problem(replies[-1], 429, "too-many-requests")
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
    assert shop.get("/total_spent/1", headers=key).status_code == 200
    assert shop.get("/total_spent/1").status_code == 401, "no key is no wrong key"
    assert shop.get("/docs", headers=wrong).status_code == 200, "open pages stay open"
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert shop.get("/total_spent/1", headers=wrong, environ_overrides=elsewhere).status_code == 401


@pytest.mark.shop(auth="required")
def test_one_ipv6_household_is_one_client(shop):
    wrong = {"Authorization": "Bearer smk_wrong"}

    statuses = [
        shop.get(
            "/total_spent/1", headers=wrong, environ_overrides={"REMOTE_ADDR": f"2001:db8::{number:x}"}
        ).status_code
        for number in range(1, 13)
    ]

    assert statuses == [401] * 10 + [429] * 2


@pytest.mark.shop(auth="required")
def test_a_route_that_nobody_thought_of_is_the_owners(shop, assert_problem):
    del shop.app.extensions["smetka"].access["total_spent"]

    assert_problem(shop.get("/total_spent/1"), 401, "key-needed")
    assert_problem(shop.get("/total_spent/1", headers=shop.key("manager")), 403, "not-allowed")
    assert shop.get("/total_spent/1", headers=shop.key("owner")).status_code == 200


def test_the_keys_file_can_be_elsewhere(make_shop, tmp_path):
    path = tmp_path / "elsewhere.json"
    token = create_key(path, "x", "reader")
    shop = make_shop(keys_file=path)

    assert isinstance(shop.settings, Settings)
    assert shop.get("/total_spent/1").status_code == 401
    assert shop.get("/total_spent/1", headers={"Authorization": f"Bearer {token}"}).status_code == 200
