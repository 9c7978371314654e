"""Every declared route and method, with every holder of a key and every way to carry one, has one answer.

The doors are asked, not the views behind them: so neither a ledger nor MongoDB is needed, and every route that is
declared takes part by itself.
"""

from __future__ import annotations

import base64
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pytest

from smetka.keys import ROLES, Permission, create_key, revoke_key
from smetka.settings import Settings
from smetka.shop.services import build_services
from smetka.web import create_app
from smetka.web.headers import as_one_each
from smetka.web.refusals import BadRequest, KeyNeeded, NotAllowed, UnsupportedMediaType
from tests.fixtures.web import AWAY

NOBODY, REVOKED, WRONG, ENDED = "nobody", "revoked", "wrong", "signed out"
HOLDERS = (*ROLES, NOBODY, REVOKED, WRONG, ENDED)
"""Whose key it is, or what is wrong with it."""
BEYOND_ROLES = {NOBODY, REVOKED, WRONG}
"""Their keys are good for nothing; that of who signed out is good, but his session is not."""


@dataclass(frozen=True)
class Carried:
    """What a holder has to show: a key, and the session's cookie that it began."""

    token: str
    cookie: str


def _lines(*lines):
    """Header lines as the gateway hands them over, several of one name included."""
    return {"headers": as_one_each((name.lower(), value) for name, value in lines)}


def _authorization(value):
    return lambda has: _lines(("Authorization", value(has.token)))


def _basic(token):
    return "Basic " + base64.b64encode(token.encode()).decode()


def _session(name, has):
    return _lines(("Cookie", f"{name}={has.cookie}"))


ANYWHERE = {
    "Bearer": _authorization("Bearer {}".format),
    "bearer": _authorization("bearer {}".format),
    "BEARER": _authorization("BEARER {}".format),
    "Bearer amid spaces": _authorization("  Bearer   {}  ".format),
    "Bearer beside a session that is none": lambda has: _lines(
        ("Authorization", f"Bearer {has.token}"), ("Cookie", "smetka_session=none")
    ),
}
ON_PAGES = {
    "session": partial(_session, "smetka_session"),
    "session beside Basic": lambda has: _lines(
        ("Authorization", "Basic bm86Ym9keQ=="), ("Cookie", f"smetka_session={has.cookie}")
    ),
}
NOWHERE = {
    "nothing": lambda _: {},
    "an empty header": _authorization(lambda _: ""),
    "Bearer alone": _authorization(lambda _: "Bearer"),
    "Bearer and a space": _authorization(lambda _: "Bearer "),
    "no scheme": _authorization(str),
    "the scheme joined": _authorization("Bearer{}".format),
    "Bearer twice in a value": _authorization("Bearer Bearer {}".format),
    "two lines": lambda has: _lines(*[("Authorization", f"Bearer {has.token}")] * 2),
    "a wrong line before": lambda has: _lines(
        ("Authorization", "Bearer smk_wrong"), ("Authorization", f"Bearer {has.token}")
    ),
    "a wrong line after": lambda has: _lines(
        ("Authorization", f"Bearer {has.token}"), ("Authorization", "Bearer smk_wrong")
    ),
    "a wrong Bearer beside a session": lambda has: _lines(
        ("Authorization", "Bearer smk_wrong"), ("Cookie", f"smetka_session={has.cookie}")
    ),
    "more behind the key": _authorization("Bearer {}x".format),
    "quoted": _authorization('Bearer "{}"'.format),
    "cut": _authorization(lambda token: f"Bearer {token[:-1]}"),
    "capitals": _authorization(lambda token: f"Bearer {token.swapcase()}"),
    "Token": _authorization("Token {}".format),
    "Basic, bare": _authorization("Basic {}".format),
    "Basic, as password": _authorization(lambda token: _basic(f"owner:{token}")),
    "Basic, as user": _authorization(lambda token: _basic(f"{token}:")),
    "X-API-Key": lambda has: _lines(("X-API-Key", has.token)),
    "X-Authorization": lambda has: _lines(("X-Authorization", f"Bearer {has.token}")),
    "Proxy-Authorization": lambda has: _lines(("Proxy-Authorization", f"Bearer {has.token}")),
    "query": lambda has: {"query_string": dict.fromkeys(("key", "token", "access_token"), has.token)},
    "a form": lambda has: {"data": {"key": has.token, "access_token": has.token}},
    "JSON": lambda has: {"json": {"key": has.token, "access_token": has.token}},
    "the key as session": lambda has: _lines(("Cookie", f"smetka_session={has.token}; key={has.token}")),
    "the session as key": lambda has: _lines(("Authorization", f"Bearer {has.cookie}")),
    "a session of HTTPS": partial(_session, "__Host-smetka_session"),
    "a session that was changed": lambda has: _lines(("Cookie", f"smetka_session={has.cookie[:-1]}~")),
    "session in the query": lambda has: {"query_string": {"smetka_session": has.cookie}},
}
AFTER_THE_DOOR = (BadRequest, UnsupportedMediaType)
"""What is said of a body by the last of the guards."""

WAYS = ANYWHERE | ON_PAGES | NOWHERE


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An application whose ledger and MongoDB are away."""
    folder = tmp_path_factory.mktemp("doors")
    settings = Settings.model_validate(
        {"data_dir": folder, "ledger": str(folder / "none.db"), "mongodb_uri": AWAY, "auth": "required"}
    )
    with closing(build_services(settings)) as services:
        yield create_app(settings, services)


@pytest.fixture(scope="module")
def holders(app):
    parts = app.extensions["smetka"]
    path = parts.settings.effective_keys_file

    def made(name):
        token = create_key(path, name, name if name in ROLES else "owner")
        with app.test_request_context():
            session = parts.sessions.begin(parts.keys.key_of(token))
            cookie = parts.sessions.write(session)
        if name == REVOKED:
            revoke_key(path, name)
        if name == ENDED:
            parts.sessions.end(session)
        return Carried(token, cookie)

    nobody = {NOBODY: Carried("", ""), WRONG: Carried("smk_" + "x" * 43, "WyJ4IiwiZSIsIiIsMSwxXQ.AAAA")}
    return nobody | {name: made(name) for name in HOLDERS if name not in nobody}


def doors(app):
    """Every route and method that the application has, with a path of it."""
    for rule in app.url_map.iter_rules():
        path = rule.build(dict.fromkeys(rule.arguments, "1"))[1]
        for method in sorted(rule.methods):
            yield method, path, rule.endpoint


def answer(app, method, path, asked, client):
    """What the guards say: a status of theirs, or 200 for whom they let pass."""
    with app.test_request_context(
        path, method=method, environ_overrides={"REMOTE_ADDR": client}, **asked
    ) as context:
        assert context.request.routing_exception is None
        try:
            app.preprocess_request()
        except KeyNeeded:
            return 401
        except NotAllowed:
            return 403
        except AFTER_THE_DOOR:
            return 200
    return 200


def expected(needs, holder, way, *, is_page):
    """What the declaration says."""
    is_known = holder not in BEYOND_ROLES and (
        way in ANYWHERE or (way in ON_PAGES and is_page and holder != ENDED)
    )
    role = "owner" if holder == ENDED else holder
    if needs is None:
        return 200
    if not is_known:
        return 401
    return 200 if needs in ROLES[role] else 403


def test_every_route_declares_who_may_pass(app):
    declared = app.extensions["smetka"].access

    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(declared)
    assert set(declared.values()) == {None, *Permission}


def faults(app, holders, ways):
    """What is answered otherwise than declared, when at each door each holder comes in some ways."""
    parts = app.extensions["smetka"]
    for number, (method, path, endpoint) in enumerate(doors(app)):
        for turn, (holder, has) in enumerate(holders.items()):
            for way in ways(len(holders) * number + turn):
                client = f"{number}.{turn}.{way}"  # comes once, so that wrong keys are not too many
                found = answer(app, method, path, WAYS[way](has), client)
                wanted = expected(parts.access[endpoint], holder, way, is_page=endpoint in parts.pages)
                if found != wanted:
                    yield f"{method} {path}, {holder}, {way}: {found} instead of {wanted}"


def test_a_role_opens_the_doors_that_are_declared_for_it_by_some_ways(app, holders):
    """All ways, holders and doors, but not each with each."""
    names = [*WAYS]

    assert list(faults(app, holders, lambda number: [names[number * 5 % len(names)]])) == []


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_a_role_opens_the_doors_that_are_declared_for_it_by_every_way(app, holders, way):
    assert list(faults(app, holders, lambda _: [way])) == []
