"""Signing in at the pages, staying signed in, and out."""

from __future__ import annotations

import base64
import os
import re
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode

import pytest

from smetka.keys import ROLES, KeyRing, Permission, create_key, list_keys, revoke_key
from smetka.web import sessions as sessions_module
from smetka.web.pages.sign_in import own_path
from smetka.web.sessions import LONGEST_SECONDS, Sessions
from tests.web import browsing

MINUTE = 60
DAY = 24 * 60 * MINUTE
pytestmark = pytest.mark.shop(auth="required")


class Browser(browsing.Browser):
    """A browser that lets its session be seen."""

    @property
    def cookie(self):
        """The session's cookie as the browser would send it."""
        found = [c for c in self.client._cookies.values() if c.key.endswith("smetka_session")]
        return f"{found[0].key}={found[0].value}" if found else None

    @property
    def is_in(self):
        reply = self.get("/settings")
        assert reply.status_code in {200, 303}
        return reply.status_code == 200

    def sign_out(self, **fields):
        return self.post("/sign-out", fields)


def replay(shop, cookie, path="/settings"):
    """What a cookie opens that somebody kept: the status."""
    stranger = shop.app.test_client(use_cookies=False)
    return stranger.get(path, headers={"Accept": "text/html", "Cookie": cookie}).status_code


def new_key(shop, role="owner", name="the key"):
    return shop.new_key(role, name)


def sessions_file(shop):
    path = shop.settings.effective_keys_file
    return path.with_name(path.name + ".sessions")


@pytest.fixture
def signed_in(shop):
    """A function that gives a browser in which a key has signed in."""
    return lambda key=None, shop=shop: Browser(shop, key=key or new_key(shop))


@pytest.fixture
def clock(clock, monkeypatch):
    """The shop's clock, by which its sessions end too."""
    monkeypatch.setattr(sessions_module, "_now", lambda: int(clock.time.timestamp() * 1000))
    return clock


# --- signing in ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_signing_in_leads_to_the_roles_first_page(shop, role):
    browser = Browser(shop)
    reply = browser.sign_in(new_key(shop, role))

    assert reply.status_code == 303
    assert reply.headers["Location"] == ("/" if Permission.READ in ROLES[role] else "/desk")
    assert browser.get(reply.headers["Location"]).status_code not in {303, 401, 403}
    assert f"role {role}" in browser.get("/sign-in").text


def test_a_key_is_taken_as_it_is_pasted(shop):
    assert Browser(shop).sign_in(f" {new_key(shop)}\n").status_code == 303


def test_a_wrong_key_is_told_beside_its_field_and_not_said_back(shop):
    browser = Browser(shop)
    reply = browser.sign_in("smk_canary", next="/settings/audit")

    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert "is not a valid key" in reply.text
    assert 'aria-invalid="true"' in reply.text
    assert "canary" not in reply.text
    assert 'name="next" value="/settings/audit"' in reply.text
    assert not browser.is_in


def test_wrong_keys_are_counted_and_a_right_one_is_never_slowed(shop):
    browser, key = Browser(shop), new_key(shop)
    token = browser.token()
    replies = [browser.post("/sign-in", {"form": token, "key": f"smk_{n}"}) for n in range(12)]

    assert [reply.status_code for reply in replies] == [401] * 10 + [429] * 2
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
    wrong = {"Authorization": "Bearer smk_wrong"}
    assert shop.get("/total_spent/1", headers=wrong).status_code == 429, "counted with those of the API"
    assert browser.sign_in(key).status_code == 303


def test_a_revoked_key_does_not_sign_in(shop):
    key = new_key(shop)
    revoke_key(shop.settings.effective_keys_file, "the key")

    assert Browser(shop).sign_in(key).status_code == 401


# --- the cookie ------------------------------------------------------------------------------


def test_the_cookie_is_out_of_scripts_and_other_sites_reach(signed_in, shop):
    browser, key = Browser(shop), new_key(shop)
    [cookie] = SimpleCookie(browser.sign_in(key).headers["Set-Cookie"]).values()

    assert cookie.key == "smetka_session"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["secure"], cookie["domain"], cookie["max-age"], cookie["expires"]) == ("", "", "", "")


def test_behind_a_trusted_https_proxy_the_cookie_stays_with_this_host(make_shop):
    shop = make_shop(trusted_proxies="127.0.0.1")
    browser = Browser(shop, **{"X-Forwarded-Proto": "https"})
    [cookie] = SimpleCookie(browser.sign_in(new_key(shop)).headers["Set-Cookie"]).values()

    assert cookie.key == "__Host-smetka_session"
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert browser.is_in
    plain = browser.cookie.removeprefix("__Host-")
    assert replay(shop, plain) == 200, "the value is as good without HTTPS, for whoever is not asked by it"
    secure = shop.app.test_client(use_cookies=False)
    headers = {"Accept": "text/html", "X-Forwarded-Proto": "https", "Cookie": plain}
    assert secure.get("/settings", headers=headers).status_code == 303, "a name that plain HTTP can set"
    gone = browser.sign_out().headers.getlist("Set-Cookie")
    assert any(c.startswith("__Host-smetka_session=;") and "Secure" in c and "Path=/" in c for c in gone)


def test_what_others_say_about_https_is_not_believed(shop):
    browser = Browser(shop, **{"X-Forwarded-Proto": "https"})

    assert "Secure" not in browser.sign_in(new_key(shop)).headers["Set-Cookie"]


def test_the_key_is_not_in_the_cookie_nor_what_could_be_tried_against(shop, signed_in):
    key = new_key(shop)
    browser = signed_in(key)
    payload = browser.cookie.partition("=")[2].removeprefix(".").partition(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    inside = zlib.decompress(raw).decode() if raw[:1] == b"\x78" else raw.decode()

    assert "the key" in inside, "this test reads what is in the cookie"
    [known] = list_keys(shop.settings.effective_keys_file)
    for text in (browser.cookie, inside):
        assert key not in text
        assert key.removeprefix("smk_") not in text
        assert known.hash not in text


def test_a_cookie_from_before_signing_in_is_useless_after(shop):
    browser = Browser(shop)
    browser.get("/sign-in")
    before = browser.cookie
    assert before is not None
    browser.sign_in(new_key(shop))

    assert browser.cookie != before
    assert replay(shop, before) == 303
    assert browser.is_in


def test_signing_in_as_somebody_else_ends_the_session_before(shop, signed_in):
    browser = signed_in()
    before = browser.cookie
    other = new_key(shop, "cashier", "till")
    assert browser.sign_in(other).headers["Location"] == "/desk"

    assert replay(shop, before) == 303
    assert browser.get("/settings").status_code == 403


def test_a_made_up_or_altered_cookie_is_nobodys(shop, signed_in):
    cookie = signed_in().cookie
    name, _, value = cookie.partition("=")
    payload, _, signature = value.rpartition(".")
    other = Sessions(
        sessions_file(shop).with_name("other"),
        KeyRing(shop.settings.effective_keys_file),
        idle_seconds=600,
    )
    key = list_keys(shop.settings.effective_keys_file)[0]
    forged = other.write(other.begin(key))
    assert replay(shop, cookie) == 200

    for altered in [
        "",
        "x",
        ".",
        "a.b",
        "null",
        '"\\377"',
        "é",
        "x" * 4000,
        forged,
        f"{payload}.{forged.rpartition('.')[2]}",
        f"{forged.rpartition('.')[0]}.{signature}",
        payload,
        f"{payload}.",
        f"{payload}.{signature[:-2]}",
        *(
            value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            for at in range(0, len(value) - 1, 7)
        ),
    ]:
        assert replay(shop, f"{name}={altered}") == 303, altered


# --- signing out -----------------------------------------------------------------------------


def test_signing_out_makes_the_cookie_useless_on_the_server(shop, signed_in):
    browser = signed_in()
    kept = browser.cookie
    assert replay(shop, kept) == 200
    reply = browser.sign_out()

    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in")
    assert browser.cookie is None
    assert "You are signed out." in browser.get("/sign-in").text
    assert replay(shop, kept) == 303
    assert not browser.is_in


def test_signing_out_here_leaves_other_browsers_alone(shop, signed_in):
    key = new_key(shop)
    here, there = signed_in(key), signed_in(key)
    here.sign_out()

    assert not here.is_in
    assert there.is_in


def test_signing_out_everywhere_ends_the_keys_other_sessions_and_no_other_keys(shop, signed_in, clock):
    key, other = new_key(shop), new_key(shop, name="other")
    here, there, others = signed_in(key), signed_in(key), signed_in(other)
    here.sign_out(everywhere="1")

    assert not here.is_in
    assert not there.is_in
    assert others.is_in
    # The clock stands still: in the same millisecond.
    assert signed_in(key).is_in
    clock.jump(-DAY)
    assert signed_in(key).is_in, "the clock was set back"


def test_signing_out_everywhere_works_after_the_clock_was_set_back(shop, signed_in, clock):
    key = new_key(shop)
    signed_in(key).sign_out(everywhere="1")
    clock.jump(-DAY)
    here, there = signed_in(key), signed_in(key)
    here.sign_out(everywhere="1")

    assert not there.is_in
    assert signed_in(key).is_in


def test_revoking_a_key_ends_its_sessions_at_once_and_a_new_one_of_its_name_does_not_revive_them(
    shop, signed_in
):
    browser, other = signed_in(), signed_in(new_key(shop, name="other"))
    kept, path = browser.cookie, shop.settings.effective_keys_file
    revoke_key(path, "the key")

    assert replay(shop, kept) == 303
    assert other.is_in
    anew = create_key(path, "the key", "owner")
    assert replay(shop, kept) == 303
    assert signed_in(anew).is_in


def test_a_session_has_no_more_rights_than_its_key_has_now(shop, signed_in):
    browser, path = signed_in(new_key(shop, "manager")), shop.settings.effective_keys_file
    assert browser.get("/settings/audit").status_code == 403
    path.write_text(path.read_text().replace('"manager"', '"cashier"'))

    assert browser.get("/settings").status_code == 403


def test_strangers_do_not_fill_the_file_by_signing_out(shop):
    browser = Browser(shop)
    browser.get("/sign-in")
    before = sessions_file(shop).read_bytes()
    assert browser.sign_out().status_code == 303

    assert sessions_file(shop).read_bytes() == before


def test_the_file_forgets_sessions_that_are_over_anyhow(shop, signed_in, clock):
    signed_in().sign_out(everywhere="1")
    size = sessions_file(shop).stat().st_size
    clock.pass_(8 * DAY)
    signed_in(new_key(shop, name="other")).sign_out(everywhere="1")

    assert sessions_file(shop).stat().st_size == size


# --- time ------------------------------------------------------------------------------------


def test_who_does_nothing_for_long_is_signed_out(make_shop, signed_in, clock):
    shop = make_shop(session_idle_minutes=30)
    browser, unused = signed_in(shop=shop), signed_in(new_key(shop, name="unused"), shop)
    for _ in range(5):
        clock.pass_(29 * MINUTE)
        assert browser.is_in, "use keeps it"

    assert not unused.is_in
    kept = browser.cookie
    clock.pass_(32 * MINUTE)
    assert replay(shop, kept) == 303
    assert not browser.is_in


def test_after_a_week_everybody_signs_in_anew(make_shop, signed_in, clock):
    shop = make_shop(session_idle_minutes=24 * 60)
    browser = signed_in(shop=shop)
    ends = clock.time + timedelta(seconds=LONGEST_SECONDS)
    while clock.time + timedelta(days=0.5) <= ends:
        clock.pass_(DAY / 2)
        assert browser.is_in
    clock.time = ends + timedelta(milliseconds=1)

    assert not browser.is_in
    assert browser.sign_in(new_key(shop, name="another")).status_code == 303
    assert browser.is_in


def test_a_session_from_the_future_is_over(shop, signed_in, clock):
    browser = signed_in()
    clock.jump(-2 * MINUTE)

    assert not browser.is_in


# --- where else it is of use -----------------------------------------------------------------


def test_a_session_of_one_shop_is_nothing_in_another(make_shop, signed_in, tmp_path):
    one = make_shop(data_dir=tmp_path / "one")
    other = make_shop(data_dir=tmp_path / "other")
    browser = signed_in(shop=one)
    other.settings.data_dir.mkdir()
    other.settings.effective_keys_file.write_bytes(one.settings.effective_keys_file.read_bytes())

    assert replay(one, browser.cookie) == 200
    assert replay(other, browser.cookie) == 303, "the same keys, and yet another shop"


def test_the_cookie_opens_no_route_of_the_api(shop, signed_in, assert_problem):
    browser = signed_in()
    api = [
        rule
        for rule in shop.app.url_map.iter_rules()
        if rule.endpoint not in shop.app.extensions["smetka"].pages
        and shop.app.extensions["smetka"].access[rule.endpoint] is not None
    ]
    assert {"/total_spent/<user_id>", "/write_to_mongodb", "/metrics", "/api/v1/audit"} <= {
        r.rule for r in api
    }

    for rule in api:
        path = re.sub("<[^>]+>", "1", rule.rule)
        method = next(m for m in ("POST", "DELETE", "GET") if m in rule.methods)
        reply = browser.client.open(path, method=method, data=b"{}", content_type="application/json")
        assert_problem(reply, 401, "key-needed")


def test_web_processes_that_share_the_keys_share_the_sessions(make_shop, signed_in, mongodb_uri):
    one, other = make_shop(), make_shop()
    browser = signed_in(shop=one)
    there = Browser(other)
    name, _, value = browser.cookie.partition("=")
    there.client.set_cookie(name, value)

    assert there.is_in
    assert there.post("/sign-out", {"form": browser.token()}).status_code == 303, "forms too"
    assert not browser.is_in


def test_many_threads_may_meet_a_cookie_at_once(shop, signed_in):
    value = signed_in().cookie.partition("=")[2]
    keys = KeyRing(shop.settings.effective_keys_file)

    class Slow(Sessions):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            time.sleep(0.02)  # others look meanwhile

    for _ in range(3):
        fresh = Slow(sessions_file(shop), keys, idle_seconds=7200)

        def read(number, fresh=fresh):
            time.sleep(number / 200)
            return fresh.read(value)

        with ThreadPoolExecutor(24) as pool:
            assert all(pool.map(read, range(24)))


# --- forms -----------------------------------------------------------------------------------


def _attempts(browser, other):
    """Forms that prove nothing, by what is wrong with them."""
    good = browser.token("/settings")
    yield "missing", {}
    yield "empty", {"form": ""}
    yield "of another session", {"form": other.token("/settings")}
    yield "altered", {"form": good[:-1] + ("0" if good[-1] != "0" else "1")}
    yield "cut", {"form": good[:-1]}
    yield "not ASCII", {"form": "ж" * 64}


def test_a_form_that_proves_nothing_changes_nothing(shop, signed_in, assert_problem):
    key = new_key(shop)
    browser, other = signed_in(key), signed_in(key)
    path = shop.settings.effective_keys_file
    before = path.read_bytes()

    for name, proof in _attempts(browser, other):
        for where, fields in (
            ("/settings/keys", {"name": "x", "role": "owner"}),
            ("/settings/keys/revoke", {"name": "the key"}),
            ("/sign-out", {"everywhere": "1"}),
            ("/sign-in", {"key": key}),
        ):
            reply = browser.client.post(where, data=fields | proof, headers=browser.headers)
            assert reply.status_code == 403, name
            assert "The form is out of date" in reply.text
            assert_problem(browser.client.post(where, data=fields | proof), 403, "form-expired")
    assert path.read_bytes() == before
    assert browser.is_in
    assert other.is_in


def test_a_form_is_useless_after_signing_out(shop, signed_in):
    browser = signed_in()
    kept, form = browser.cookie, browser.token("/settings")
    browser.sign_out()
    fields = {"form": form, "name": "x", "role": "owner"}
    before = shop.settings.effective_keys_file.read_bytes()

    stranger = shop.app.test_client(use_cookies=False)
    reply = stranger.post("/settings/keys", data=fields, headers={"Accept": "text/html", "Cookie": kept})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in")
    browser.get("/sign-in")
    assert browser.post("/sign-in", fields).status_code == 403
    assert browser.post("/sign-out", fields).status_code == 403
    assert shop.settings.effective_keys_file.read_bytes() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda headers: next(iter(headers.values())),
)
def test_a_form_sent_from_elsewhere_changes_nothing(shop, signed_in, headers):
    browser = signed_in()
    fields = {"form": browser.token("/settings"), "name": "x", "role": "owner"}
    before = shop.settings.effective_keys_file.read_bytes()

    reply = browser.post("/settings/keys", fields, **headers)
    assert reply.status_code == 403
    assert "Requests from other sites change nothing here" in reply.text
    assert browser.post("/sign-out", fields, **headers).status_code == 403
    assert browser.is_in
    assert shop.settings.effective_keys_file.read_bytes() == before
    assert browser.post("/settings/keys", fields, Origin="http://localhost").status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_what_is_no_form_is_not_read(signed_in, content_type):
    browser = signed_in()
    body = urlencode({"form": browser.token("/settings"), "everywhere": "1"})
    reply = browser.client.post("/sign-out", data=body, content_type=content_type, headers=browser.headers)

    assert reply.status_code == 415
    assert browser.is_in


# --- where it leads --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "evil.example",
        "@evil.example",
        "/\r\nSet-Cookie: a=b",
        "/\r\n",
        "/\x00",
    ],
)
def test_no_other_place_is_a_path_of_this_server(wish):
    assert own_path(wish) == "/"


@pytest.mark.parametrize("wish", ["//evil.example", "/\\evil.example", "/\r\nSet-Cookie: a=b"])
def test_signing_in_leads_to_no_other_server(shop, wish):
    browser, key = Browser(shop), new_key(shop)

    assert 'name="next" value="/"' in browser.get(f"/sign-in?next={quote(wish)}").text
    reply = browser.sign_in(key, next=wish)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/")
    assert not reply.headers.getlist("Set-Cookie")[0].startswith("a=")


@pytest.mark.parametrize(
    "wish",
    ["/", "/settings/audit?code=2CXF-8ZKW-T5W2", "/customers?sort=total&year=2026", "/%0d%0aSet-Cookie:a=b"],
)
def test_a_path_of_this_server_is_kept(wish):
    assert own_path(wish) == wish


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ("/customers?sort=total&year=2026", "/customers?sort=total&year=2026"),
        ("/%0d%0aSet-Cookie:a=b", "/%0d%0aSet-Cookie:a=b"),
        ("/страна", "/%D1%81%D1%82%D1%80%D0%B0%D0%BD%D0%B0"),
    ],
)
def test_signing_in_leads_to_where_one_wanted(shop, wish, place):
    reply = Browser(shop).sign_in(new_key(shop), next=wish)

    assert reply.headers["Location"].lower() == place.lower()


def test_a_page_without_a_session_asks_to_sign_in_and_leads_back(shop):
    browser = Browser(shop)
    wanted = "/settings/audit?code=2CXF-8ZKW-T5W2&lang=en"
    reply = browser.get(wanted)

    assert reply.status_code == 303
    assert reply.headers["Location"] == f"/sign-in?next={quote(wanted)}"
    wish = re.search('name="next" value="([^"]*)"', browser.get(reply.headers["Location"]).text)[1]
    assert browser.sign_in(new_key(shop), next=wish.replace("&amp;", "&")).headers["Location"] == wanted


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json", "*/*", ""])
def test_a_program_without_a_key_gets_a_problem_not_a_page(shop, assert_problem, accept):
    reply = shop.get("/settings", headers={"Accept": accept})

    assert_problem(reply, 401, "key-needed")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_page_can_be_read_with_a_key_in_the_header(shop):
    key = {"Authorization": f"Bearer {new_key(shop, 'reader')}"}

    assert shop.get("/settings", headers=key).status_code == 200


# --- the file --------------------------------------------------------------------------------


def test_the_file_is_for_nobody_else(shop, signed_in):
    signed_in().sign_out(everywhere="1")
    path = sessions_file(shop)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name(path.name + ".lock").stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_first_visit_makes_the_folder_for_nobody_else(shop):
    Browser(shop).get("/sign-in")

    assert sessions_file(shop).parent.stat().st_mode & 0o777 == 0o700
    assert sessions_file(shop).stat().st_mode & 0o777 == 0o600


def _delete(path):
    path.unlink()


def _as(content):
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        _delete,
        _as(b""),
        _as(b"{"),
        _as(b"[]"),
        _as(b"\xff\xfe"),
        _as(b'{"secret": "00"}'),
        _as(b'{"keys": {}}'),
    ],
    ids=["deleted", "empty", "cut", "another", "bytes", "short", "no secret"],
)
def test_a_damaged_or_deleted_file_signs_everybody_out_and_lets_them_in_again(make_shop, signed_in, spoil):
    shop, process = make_shop(), make_shop()
    key = new_key(shop)
    browser, other = signed_in(key, shop), signed_in(key, shop)
    assert replay(process, browser.cookie) == 200
    for _ in range(2):
        kept = browser.cookie
        spoil(sessions_file(shop))

        assert replay(process, kept) == 303
        assert replay(shop, kept) == 303
        assert not other.is_in
        assert browser.sign_in(key).status_code == 303
        assert browser.is_in
        assert replay(process, browser.cookie) == 200, "all processes are of one mind again"
        assert replay(process, kept) == 303
        assert sessions_file(shop).stat().st_mode & 0o777 == 0o600


def test_a_session_that_was_ended_stays_so_whatever_becomes_of_the_file(shop, signed_in):
    browser = signed_in()
    kept = browser.cookie
    browser.sign_out()
    sessions_file(shop).unlink()
    assert replay(shop, kept) == 303
    assert not browser.is_in

    assert replay(shop, kept) == 303


def _read_only(path):
    if os.geteuid() == 0:
        pytest.skip("root may write into a folder that is read-only")
    path.parent.chmod(0o500)


def _blocked(path):
    # What stands where the lock should be keeps even root from writing.
    path.with_name(path.name + ".lock").mkdir()


@pytest.mark.parametrize("make_unwritable", [_read_only, _blocked])
@pytest.mark.parametrize("when", ["before the first visit", "later"])
def test_where_nothing_can_be_written_people_can_still_sign_in_and_out(
    shop, signed_in, make_unwritable, when, capsys
):
    key, path = new_key(shop), sessions_file(shop)
    if when == "later":
        signed_in(key)
        path.with_name(path.name + ".lock").unlink()
    make_unwritable(path)
    try:
        browser, other = signed_in(key), signed_in(key)
        kept = browser.cookie
        assert browser.is_in
        assert browser.sign_out().status_code == 303
        assert not browser.is_in
        assert replay(shop, kept) == 303
        assert other.is_in
        assert signed_in(key).sign_out(everywhere="1").status_code == 303
        assert not other.is_in
        assert signed_in(key).is_in
    finally:
        path.parent.chmod(0o700)
    assert "this process" in capsys.readouterr().out
