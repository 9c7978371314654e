"""The settings page: health, keys, what is configured, who did what."""

from __future__ import annotations

import html
import inspect
import json
import re
from datetime import timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest

from smetka.core.errors import CommandFailed
from smetka.core.money import Money
from smetka.keys import ROLES, create_key, list_keys, revoke_key
from smetka.ledger import checkup, findings
from smetka.ledger.report import CheckUp, Problem
from smetka.settings import Settings, load_settings
from smetka.telegram.state import Health, beat
from smetka.web.pages import settings as settings_page
from tests.fixtures.clock import NOW
from tests.fixtures.web import AWAY, BOT, Shop
from tests.web.browsing import HTML, Browser, plain

PAGES = ["/settings", "/settings/ledger", "/settings/audit", "/settings/keys/revoke?name=the%20owner"]
CODE = "2CXF-8ZKW-T5W2"


def rows(reply, section):
    """The table of a section: each row's cells as plain text."""
    part = reply.text.partition(f'aria-labelledby="{section}"')[2].partition("</table>")[0]
    return [
        [plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    ][1:]


def keys_of(shop):
    return [(k.name, k.role, k.revoked_at is None) for k in list_keys(shop.settings.effective_keys_file)]


def shown_key(reply):
    found = re.findall(r"smk_[A-Za-z0-9_-]{40,}", reply.text)
    return found[0] if found else None


def entries(shop):
    return [(e.by, e.action, e.subject["reason"]) for e in shop.services.audit.page(100)]


@pytest.fixture
def guarded(make_shop):
    return make_shop(auth="required")


@pytest.fixture
def owner(guarded):
    return Browser(guarded, "owner")


# --- who sees what ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_what_it_may(guarded, role):
    browser = Browser(guarded, role)
    may_read, may_own = role != "cashier", role == "owner"
    statuses = [
        browser.get(path).status_code for path in ("/settings", "/settings/ledger", "/settings/audit")
    ]
    text = browser.get("/settings").text

    assert statuses == [200 if may_read else 403, 200 if may_read else 403, 200 if may_own else 403]
    assert browser.get(f"/settings/keys/revoke?name={quote(f'the {role}')}").status_code == (
        200 if may_own else 403
    )
    assert browser.get("/settings/keys").status_code == (303 if may_own else 403)
    assert ("Does everything work?" in text) == may_read
    for only_owners in (
        "SMETKA_LEDGER",
        "What is configured",
        "/settings/audit",
        'action="/settings/keys"',
        "/settings/keys/revoke",
    ):
        assert (only_owners in text) == may_own


@pytest.mark.parametrize("role", ["reader", "cashier", "manager"])
def test_only_owners_change_keys(guarded, role):
    browser = Browser(guarded, role)
    before = keys_of(guarded)
    for path, fields in (
        ("/settings/keys", {"name": "x", "role": "owner"}),
        ("/settings/keys/revoke", {"name": f"the {role}"}),
    ):
        assert browser.post(path, fields, "/sign-in").status_code == 403

    assert keys_of(guarded) == before
    assert entries(guarded) == []


# --- health ----------------------------------------------------------------------------------


@pytest.mark.shop(**BOT)
def test_health_is_said_in_words_of_the_shop(shop):
    assert [row[:2] for row in rows(shop.get("/settings", headers=HTML), "health")] == [
        ["Ledger", "Works"],
        ["Bonus records", "Works"],
        ["Sending", "Does not work"],
        ["Telegram", "Not known"],
    ]

    beat(shop.services.storage, name="worker", telegram=Health(False, "Telegram <b>refuses</b>."), now=NOW)
    reply = shop.get("/settings", headers=HTML)
    found = rows(reply, "health")
    assert [row[1] for row in found] == ["Works", "Works", "Works", "Does not work"]
    assert found[3][2].endswith("wait. Telegram <b>refuses</b>.")
    assert "Telegram &lt;b&gt;refuses&lt;/b&gt;." in reply.text

    beat(shop.services.storage, name="worker", telegram=Health(True, "Telegram is reachable."), now=NOW)
    assert rows(shop.get("/settings", headers=HTML), "health")[3][1] == "Works"


def test_without_a_bot_nothing_is_wrong(shop):
    beat(shop.services.storage, name="idle", telegram=Health(True, "No bot is configured."), now=NOW)

    assert rows(shop.get("/settings", headers=HTML), "health")[3] == [
        "Telegram",
        "Not set up",
        "No bot is set up, so nothing is sent to Telegram.",
    ]


def test_health_shows_also_when_everything_is_away(make_shop):
    shop = make_shop(mongodb_uri=AWAY, **BOT)
    shop.services.ledger.path.rename(shop.services.ledger.path.with_name("away.db"))
    reply = shop.get("/settings", headers=HTML)

    assert reply.status_code == 200
    assert [row[1] for row in rows(reply, "health")] == [
        "Does not work",
        "Does not work",
        "Not known",
        "Not known",
    ]
    assert shop.get("/settings/ledger", headers=HTML).status_code == 503


def test_the_versions_are_told(shop):
    assert re.search(
        r"<dt>Smetka</dt><dd>\d+\.\d+\.\d+</dd><dt>Python</dt><dd>3\.\d+\.\d+", shop.get("/settings").text
    )


# --- the ledger's check ----------------------------------------------------------------------


def test_the_ledger_is_checked_when_asked(make_shop):
    payments = ((1, 100, 2026), (1, None, 2026), (1, -5, 2025), (77, 10, 2026))
    reply = make_shop(payments=payments).get("/settings/ledger", headers=HTML)

    assert [row[:3] for row in rows(reply, "odd")] == [
        ["Payments without an amount", "1", "a payment of customer 1"],
        ["Payments of unknown customers", "1", "a payment of customer 77"],
    ]
    assert ["Refunds", "1", "a payment of customer 1"] in [row[:3] for row in rows(reply, "harmless")]
    assert '<span lang="en">They have no amount and are left out of every figure.</span>' in reply.text
    assert "<dt>Payments</dt><dd>4</dd>" in reply.text
    assert "Spent by all customers together 95.00 MKD" in plain(reply.text)
    assert rows(reply, "inside") == [["2025", "1"], ["2026", "3"]]


def test_an_empty_ledger_can_be_checked(make_shop):
    reply = make_shop(customers=(), payments=()).get("/settings/ledger", headers=HTML)

    assert reply.status_code == 200
    assert "The figures are exactly what the data says." in reply.text
    assert "<dt>Ages</dt><dd>–</dd>" in reply.text


def test_every_kind_of_problem_has_a_name_and_a_folder_is_named_to_owners_alone(guarded, owner, monkeypatch):
    kinds = {each.kind for each in (*findings.of_payments(2026), *findings.of_customers(()))}
    kinds |= set(re.findall(r'Problem\(\s*"([a-z-]+)"', inspect.getsource(checkup)))
    assert len(kinds) >= 22
    problems = tuple(Problem(kind, 1234, None, f"See to /srv/{kind}.") for kind in sorted(kinds))
    found = CheckUp(0, 0, 0, 0, Money(0), {}, None, None, problems)
    monkeypatch.setattr(settings_page, "check_up", lambda *_, **__: found)
    shown = rows(owner.get("/settings/ledger"), "odd")

    assert len({row[0] for row in shown}) == len(kinds)
    assert not {row[0] for row in shown} & kinds, "said as people say it"
    assert {row[1] for row in shown} == {"1,234"}
    assert "/srv/folder-not-writable" in str(shown)
    others = str(rows(Browser(guarded, "reader").get("/settings/ledger"), "odd"))
    assert "/srv/folder-not-writable" not in others
    assert "/srv/damaged" in others


# --- what is configured ----------------------------------------------------------------------


def test_settings_are_shown_as_the_command_shows_them(
    make_ledger, mongodb_uri, monkeypatch, tmp_path, capsys
):
    from smetka.cli import run

    secret = tmp_path / "uri"
    secret.write_text(mongodb_uri)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SMETKA_CURRENCY=EUR\n")
    monkeypatch.setenv("SMETKA_LEDGER", str(make_ledger()))
    monkeypatch.setenv("SMETKA_MONGODB_URI_FILE", str(secret))
    monkeypatch.setenv("SMETKA_TELEGRAM_BOT_TOKEN", BOT["telegram_bot_token"])
    monkeypatch.setenv("SMETKA_TELEGRAM_API_URL", "http://me:canary@localhost:8081")
    assert run(["settings", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    shop = Shop(load_settings({"port": 8123}), lambda: NOW)
    try:
        found = {row[0].split()[0]: row for row in rows(shop.get("/settings", headers=HTML), "configured")}
    finally:
        shop.services.close()

    assert list(found) == [each["name"] for each in listed]
    assert len(found) == len(Settings.model_fields)
    for each in listed:
        title, value, _origin, default = found[each["name"]]
        if each["name"] != "SMETKA_PORT":
            assert value == (each["value"] or "–"), each["name"]
        assert default == (each["default"] or "–")
        assert title == f"{each['name']} {each['help']}"
    assert found["SMETKA_TELEGRAM_API_URL"][1] == "http://me:***@localhost:8081"
    assert {
        name: found[f"SMETKA_{name}"][2] for name in ("LEDGER", "CURRENCY", "MONGODB_URI", "HOST", "PORT")
    } == {
        "LEDGER": "set at the start",
        "CURRENCY": "the file .env",
        "MONGODB_URI": f"the file {secret}",
        "HOST": "not set",
        "PORT": "the command line",
    }


@pytest.mark.parametrize("is_away", [False, True])
def test_no_page_and_no_log_line_has_a_secret(make_shop, mongodb_uri, is_away, capsys, caplog):
    token = "123456:" + "canary-token" * 3
    uri = (
        "mongodb://canary-user:canary-password@127.0.0.1:1/x?timeoutMS=300&appname=canary-app"
        if is_away
        else None
    )
    shop = make_shop(
        auth="required",
        mongodb_uri=uri or mongodb_uri,
        telegram_bot_token=token,
        telegram_chat_ids="111",
        telegram_api_url="http://me:canary-in-url@127.0.0.1:1",
    )
    key = create_key(shop.settings.effective_keys_file, "the owner", "owner")
    browser = Browser(shop, key=key)
    file = shop.settings.effective_keys_file
    secrets = [token, "canary", key, list_keys(file)[0].hash]
    secrets.append(json.loads(file.with_name(file.name + ".sessions").read_text())["secret"])
    secrets.append(re.search("//[^:]+:([^@]+)@", uri or mongodb_uri)[1])
    paths = [*PAGES, "/", "/sign-in", "/customers", "/docs", "/problems", "/readyz", "/settings?lang=mk"]
    said = [browser.get(path).text for path in paths]
    said.append(browser.post("/settings/keys", {"name": "x" * 70, "role": "none"}, "/settings").text)
    said.append(browser.post("/settings/keys", {"name": "another", "role": "reader"}, "/settings").text)
    said.append(browser.post("/settings/keys/revoke", {"name": "another"}).text)
    printed = capsys.readouterr()

    assert "SMETKA_TELEGRAM_BOT_TOKEN" in said[0]
    for secret in secrets:
        assert not [text for text in [*said, printed.out, printed.err, caplog.text] if secret in text], secret


# --- keys ------------------------------------------------------------------------------------


def test_a_key_is_made_and_shown_exactly_once(guarded, owner, capsys):
    reply = owner.post("/settings/keys", {"name": " Каса 1 ", "role": "cashier"}, "/settings")
    key = shown_key(reply)

    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.text.count(key) == 1
    assert ">Каса 1<" in reply.text
    assert keys_of(guarded) == [("the owner", "owner", True), ("Каса 1", "cashier", True)]
    assert guarded.get("/settings", headers={"Authorization": f"Bearer {key}"}).status_code == 403, (
        "a cashier's"
    )
    assert entries(guarded) == [("key the owner", "create-key", "Каса 1")]
    again = owner.post("/settings/keys", {"name": "Каса 1", "role": "cashier"}, "/settings")
    assert (again.status_code, shown_key(again)) == (422, None)
    for path in (*PAGES, "/settings/audit"):
        assert shown_key(owner.get(path)) is None
    everywhere = [
        capsys.readouterr().out,
        str(reply.headers),
        str(owner.client._cookies),
        guarded.settings.effective_keys_file.read_text(),
        str(guarded.services.audit.page(9)),
    ]
    assert not [text for text in everywhere if key in text or key.removeprefix("smk_") in text]
    assert rows(owner.get("/settings"), "keys")[1][:2] == ["Каса 1", "cashier"]


FAULTS = [
    ({"name": "", "role": "reader"}, "name", "is needed"),
    ({"name": "   ", "role": "reader"}, "name", "is needed"),
    ({"name": "x" * 65, "role": "reader"}, "name", "must have at most 64 characters"),
    ({"name": "a\u200bb", "role": "reader"}, "name", "has characters that cannot be seen"),
    ({"name": "til\u3164l", "role": "reader"}, "name", "has characters that cannot be seen"),
    ({"name": "the owner", "role": "reader"}, "name", "is the name of another key"),
    ({"name": "x", "role": ""}, "role", "is needed"),
    ({"name": "x"}, "role", "is needed"),
    ({"name": "x", "role": "admin"}, "role", "must be one of reader, cashier, manager, owner"),
]


@pytest.mark.parametrize(("fields", "where", "fault"), FAULTS)
def test_a_faulty_form_is_shown_again_and_makes_no_key(guarded, owner, fields, where, fault):
    reply = owner.post("/settings/keys", fields)
    field = reply.text.partition('action="/settings/keys"')[2].partition(f'id="{where}"')[2]

    assert reply.status_code == 422
    assert fault in field.partition("</div>")[0]
    if fields["name"].strip():
        assert f'value="{fields["name"]}"' in html.unescape(reply.text)
    assert keys_of(guarded) == [("the owner", "owner", True)]
    assert entries(guarded) == []


def test_a_reloaded_answer_leads_to_the_form(owner):
    reply = owner.get("/settings/keys")

    assert (reply.status_code, reply.headers["Location"]) == (303, "/settings")
    assert owner.get("/settings/keys?x=1").status_code == 422


def test_the_first_key_closes_the_door_behind_its_maker(shop):
    maker, other = Browser(shop), Browser(shop)
    text = maker.get("/settings").text
    assert "The first key turns on signing in." in text
    assert re.findall(r'<option value="(\w+)"', text.partition('id="role"')[2].partition("</select>")[0]) == [
        "owner"
    ]
    assert other.get("/settings/audit").status_code == 200
    reply = maker.post("/settings/keys", {"name": "boss", "role": "owner"}, "/settings")
    key = shown_key(reply)

    assert reply.status_code == 200
    assert "From now on these pages ask for a key." in reply.text
    assert "Sign out" in reply.text, "the page is a signed-in visitor's already"
    assert 'href="/settings"' in reply.text
    assert key not in reply.headers["Set-Cookie"]
    assert maker.get("/settings").status_code == 200
    assert "You are signed in with the key boss, role owner." in maker.get("/settings").text
    assert other.get("/settings").status_code == 303
    assert shop.get("/total_spent/1").status_code == 401
    assert shop.get("/total_spent/1", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert entries(shop) == [("anybody", "create-key", "boss")]
    second = maker.post("/settings/keys", {"name": "till", "role": "cashier"}, "/settings")
    assert second.status_code == 200
    assert "key boss, role owner" in maker.get("/settings").text, "only the first one signs in"


@pytest.mark.parametrize("role", ["reader", "cashier", "manager"])
def test_the_first_key_must_be_an_owners_or_nobody_could_make_the_next(shop, role):
    browser = Browser(shop)
    reply = browser.post("/settings/keys", {"name": "x", "role": role}, "/settings")

    assert reply.status_code == 422
    assert "must be an owner" in reply.text
    assert keys_of(shop) == []
    assert browser.get("/settings").status_code == 200
    assert not shop.services.storage.collection("audit").count_documents({})


def test_a_form_from_before_the_first_key_makes_no_second_one(shop):
    late = Browser(shop)
    token = re.search(r'name="form" value="([0-9a-f]+)"', late.get("/settings").text)[1]
    Browser(shop).post("/settings/keys", {"name": "boss", "role": "owner"}, "/settings")

    reply = late.client.post(
        "/settings/keys", data={"form": token, "name": "x", "role": "owner"}, headers=HTML
    )
    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in")
    assert keys_of(shop) == [("boss", "owner", True)]


def test_a_key_is_revoked_after_a_question(guarded, owner):
    till = create_key(guarded.settings.effective_keys_file, "till & co", "cashier")
    page = owner.get("/settings").text
    link = html.unescape(re.search(r'href="(/settings/keys/revoke[^"]*till[^"]*)"', page)[1])
    question = owner.get(link)

    assert question.status_code == 200
    assert "Revoke the key till &amp; co?" in question.text
    assert "you will be signed out" not in question.text
    assert "last owner" not in question.text
    assert keys_of(guarded)[1] == ("till & co", "cashier", True), "asking does nothing"
    reply = owner.post("/settings/keys/revoke", {"name": "till & co"}, link)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/settings")
    assert "The key till &amp; co is revoked." in owner.get("/settings").text
    assert keys_of(guarded)[1] == ("till & co", "cashier", False)
    assert entries(guarded) == [("key the owner", "revoke-key", "till & co")]
    assert guarded.get("/settings", headers={"Authorization": f"Bearer {till}"}).status_code == 401
    assert "Revoked" in rows(owner.get("/settings"), "keys")[1][3]
    assert owner.get(link).status_code == 404
    assert owner.post("/settings/keys/revoke", {"name": "till & co"}).status_code == 404


def test_who_revokes_the_own_and_last_owners_key_is_warned_and_signed_out(guarded, owner):
    question = owner.get("/settings/keys/revoke?name=the%20owner").text
    assert "you will be signed out" in question
    assert "the last owner" in question
    reply = owner.post("/settings/keys/revoke", {"name": "the owner"})

    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in")
    assert "The key the owner is revoked." in owner.get("/sign-in").text
    assert owner.get("/settings").status_code == 303
    assert guarded.get("/settings").status_code == 401, "the door stays closed"


def test_with_another_owner_the_last_is_not_warned_of(guarded, owner):
    path = guarded.settings.effective_keys_file
    create_key(path, "second", "owner")
    assert "the last owner" not in owner.get("/settings/keys/revoke?name=the%20owner").text
    revoke_key(path, "second")

    assert "the last owner" in owner.get("/settings/keys/revoke?name=the%20owner").text


@pytest.mark.parametrize("query", ["", "?name=", "?name=nobody", "?name=the%20owner%20"])
def test_what_is_no_key_cannot_be_revoked(guarded, owner, query):
    assert owner.get(f"/settings/keys/revoke{query}").status_code == (200 if "owner" in query else 404)
    assert owner.post("/settings/keys/revoke", {}).status_code == 404
    assert keys_of(guarded) == [("the owner", "owner", True)]


def test_markup_in_a_keys_name_stays_text(guarded, owner):
    name = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}&amp;"
    said = [owner.post("/settings/keys", {"name": name, "role": "owner"}, "/settings")]
    said += [
        owner.get(path)
        for path in ("/settings", "/settings/audit", f"/settings/keys/revoke?name={quote(name)}")
    ]
    theirs = Browser(guarded, key=shown_key(said[0]))
    said += [theirs.get("/settings"), theirs.get("/sign-in"), theirs.get("/")]
    owner.post("/settings/keys/revoke", {"name": name})
    said.append(owner.get("/settings"))

    for reply in said:
        assert reply.status_code == 200
        assert "<img src=x" not in reply.text
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;[^<]{0,40}", reply.text)[0]
    assert keys_of(guarded)[1] == (name, "owner", False)


def test_keys_work_while_mongodb_is_away_and_the_log_tells_what_the_audit_cannot(make_shop, capsys):
    shop = make_shop(auth="required", mongodb_uri=AWAY)
    browser = Browser(shop, "owner")
    made = browser.post("/settings/keys", {"name": "till", "role": "cashier"}, "/settings")
    revoked = browser.post("/settings/keys/revoke", {"name": "till"})

    assert (made.status_code, revoked.status_code) == (200, 303)
    assert keys_of(shop) == [("the owner", "owner", True), ("till", "cashier", False)]
    lines = [line for line in capsys.readouterr().out.splitlines() if "not in the audit" in line]
    assert len(lines) == 2
    for line, action in zip(lines, ["create-key", "revoke-key"], strict=True):
        assert f"action={action}" in line
        assert "name=till" in line
        assert "'key the owner'" in line
        assert shown_key(made) not in line
    reply = browser.get("/settings/audit")
    assert reply.status_code == 503
    assert "This record cannot be read now" in reply.text
    assert 'href="/settings"' in reply.text


def test_who_did_it_is_written_before_it_is_done(guarded, owner, monkeypatch):
    create_key(guarded.settings.effective_keys_file, "till", "cashier")
    noted = []

    def fail(*arguments):
        noted.append(entries(guarded))
        raise CommandFailed("The keys file cannot be written: <disk full>.")

    monkeypatch.setattr(settings_page, "create_key", fail)
    monkeypatch.setattr(settings_page, "revoke_key", fail)
    made = owner.post("/settings/keys", {"name": "x", "role": "reader"}, "/settings")
    revoked = owner.post("/settings/keys/revoke", {"name": "till"})

    by = "key the owner"
    assert noted[0] == [(by, "create-key", "x")]
    assert sorted(noted[1]) == [(by, "create-key", "x"), (by, "revoke-key", "till")]
    for reply in (made, revoked):
        assert reply.status_code == 503
        assert "That did not work. Nothing was changed." in reply.text
        assert '<span lang="en">The keys file cannot be written: &lt;disk full&gt;.</span>' in reply.text
    assert 'name="name" type="text" autocomplete="off"\nvalue="x"' in made.text, "what was typed is not lost"
    assert keys_of(guarded)[1:] == [("till", "cashier", True)]


# --- who did what ----------------------------------------------------------------------------


def note_many(shop, count, **subject):
    """Entries one second apart; the newest is `reason` 1."""
    audit = shop.services.audit
    for number in range(count, 0, -1):
        audit._now = lambda number=number: NOW - timedelta(seconds=number)
        audit.note("approve", "terminal", reason=f"entry {number}.", **subject)


def all_pages(browser, path):
    while path:
        reply = browser.get(path)
        assert reply.status_code == 200
        found = [int(number) for number in re.findall(r"entry (\d+)\.", reply.text)]
        yield found
        older = re.search(r'<a href="([^"]+)">Older</a>', reply.text)
        path = html.unescape(older[1]) if older else None


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (49, [49]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])]
)
def test_the_audit_is_paged_newest_first(guarded, owner, count, sizes):
    note_many(guarded, count)
    pages = list(all_pages(owner, "/settings/audit"))

    assert [len(page) for page in pages] == sizes
    assert [number for page in pages for number in page] == list(range(1, count + 1))


@pytest.mark.shop(customers=((1, "A", "a@example.com", 30),), payments=((1, 3000, 2026),))
def test_the_audit_says_who_did_what_and_whether_it_happened(shop, capsys):
    rules = {
        "name": "a",
        "year": 2026,
        "voucher_value": 500,
        "valid_from": "2026-11-01",
        "valid_until": "2027-01-31",
    }
    assert shop.post(rules, path="/api/v1/campaigns").status_code == 201
    assert shop.request("POST", "/api/v1/campaigns/a/issue").status_code == 200
    [voucher] = shop.get("/api/v1/campaigns/a/vouchers").json["items"]
    code = voucher["code"]
    assert shop.post({"reference": "<order 7>"}, path=f"/api/v1/vouchers/{code}/redeem").status_code == 200
    shop.services.audit._now = lambda: NOW + timedelta(seconds=1)
    shop.services.audit.note("redeem", "key till", code=code, campaign="a", user_id=1)
    shop.services.audit._now = lambda: NOW + timedelta(seconds=2)
    shop.services.audit.note("some-new-thing", "chat 5", year=2026)
    browser = Browser(shop)
    found = rows(browser.get("/settings/audit"), "audit")

    assert found[0] == ["23.11.2026 18:20", "chat 5", "some-new-thing", "Year 2026", "–"]
    assert found[1][1:] == ["key till", "Redeem a voucher", f"Voucher {code} Campaign a Customer 1", "No"]
    # Those of one instant: the shop's clock stands still.
    earlier = {row[2]: row for row in found[2:]}
    assert set(earlier) == {"Make a campaign", "Issue vouchers", "Redeem a voucher"}
    assert {row[1] for row in found[2:]} == {"anybody, while no key was needed"}
    assert earlier["Issue vouchers"][3:] == ["Campaign a", "–"]
    about, happened = earlier["Redeem a voucher"][3:]
    assert about.startswith(f"Voucher {code} Campaign a Customer 1")
    assert "Reference <order 7>" in about
    assert happened == "Yes"
    assert code not in browser.get("/settings").text
    assert code not in capsys.readouterr().out


def test_the_audit_of_one_voucher(guarded, owner):
    note_many(guarded, 3)
    note_many(guarded, 60, code=CODE)
    typed = "2cxf 8zkw-t5w2"
    pages = list(all_pages(owner, f"/settings/audit?code={quote(typed)}"))

    assert [len(page) for page in pages] == [50, 10], "the filter stays on the next page"
    reply = owner.get(f"/settings/audit?code={quote(typed)}")
    assert f'value="{typed}"' in reply.text
    assert reply.text.count(f"<code>{CODE}</code>") == 50
    unknown = owner.get("/settings/audit?code=QSBQ-8KDR-P936")
    assert (unknown.status_code, "Nobody has done anything to this voucher." in unknown.text) == (200, True)


def test_a_mistyped_code_is_told_beside_the_field(guarded, owner):
    note_many(guarded, 1)
    reply = owner.get("/settings/audit?code=2CXF-8ZKW-T5W3")

    assert reply.status_code == 422
    assert "is mistyped" in reply.text
    assert 'value="2CXF-8ZKW-T5W3"' in reply.text
    assert "entry 1." not in reply.text


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=1", "cursor[$gt]=", "cursor=a&cursor=b", "code=a&code=b", "page=2"]
)
def test_what_the_audit_does_not_know_is_refused(owner, query):
    assert owner.get(f"/settings/audit?{query}").status_code == 422


def test_the_audit_goes_back_to_the_newest(guarded, owner):
    note_many(guarded, 51)
    older = html.unescape(re.search(r'<a href="([^"]+)">Older</a>', owner.get("/settings/audit").text)[1])
    newest = re.search(r'<a href="([^"]+)">Newest</a>', owner.get(older).text)[1]

    assert newest == "/settings/audit"
    assert "Newest</a>" not in owner.get("/settings/audit").text
    last = owner.get("/settings/audit?cursor=00000000000000-000000000000")
    assert "There is nothing older." in last.text


# --- language and signing out ----------------------------------------------------------------


def test_the_language_can_be_changed_from_every_answer(owner):
    reply = owner.get("/settings?lang=mk")

    assert '<html lang="mk">' in reply.text
    assert 'href="/settings?lang=en" lang="en" hreflang="en">English</a>' in reply.text
    assert "Does everything work?" not in reply.text
    assert '<html lang="mk">' in owner.get("/settings").text, "from then on"
    faulty = owner.post("/settings/keys", {"name": "", "role": "reader"}, "/settings").text
    back = owner.get(re.search(r'href="(/settings/keys\?lang=en)"', faulty)[1])
    assert (back.status_code, back.headers["Location"]) == (303, "/settings")
    assert '<html lang="en">' in owner.get("/settings").text


def test_one_can_sign_out_here_and_everywhere(guarded):
    key = create_key(guarded.settings.effective_keys_file, "boss", "owner")
    here, there = Browser(guarded, key=key), Browser(guarded, key=key)
    text = here.get("/settings").text
    assert "with the key boss, role owner. After 120 minutes without use" in plain(text)
    forms = re.findall(r'<form method="post" action="/sign-out" class="act">(.*?)</form>', text, re.DOTALL)
    assert ["everywhere" in form for form in forms] == [False, True]

    assert here.post("/sign-out", {}).status_code == 303
    assert (here.get("/settings").status_code, there.get("/settings").status_code) == (303, 200)
    there.post("/sign-out", {"everywhere": "1"})
    assert there.get("/settings").status_code == 303


# --- for everybody ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "mk"])
@pytest.mark.parametrize("path", [*PAGES, "the key"])
def test_pages_are_for_everybody(guarded, owner, path, language):
    note_many(guarded, 51)
    owner.get(f"/sign-in?lang={language}")
    reply = (
        owner.post("/settings/keys", {"name": "x", "role": "reader"}, "/settings")
        if path == "the key"
        else owner.get(path)
    )
    text = reply.text
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    ids = re.findall(r'\sid="([^"]+)"', text)

    assert reply.status_code == 200
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels)), "none is left out"
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', text)) <= set(ids)
    fields = re.findall(r"<(?:input|select|textarea)[^>]*>", text)
    named = [field for field in fields if 'type="hidden"' not in field]
    assert all(f'<label for="{re.search("id=.([a-z]+)", field)[1]}">' in text for field in named)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script", text)
    assert all(' scope="' in cell for cell in re.findall(r"<th\b[^>]*>", text))
    assert "<Macro" not in text
    buttons = re.findall(r"<button[^>]*>([^<]+)</button>", text)
    assert len(buttons) == len(set(buttons))
