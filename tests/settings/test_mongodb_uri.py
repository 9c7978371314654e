"""A MongoDB URI is read in one way or refused in one sentence, and no part of a password is ever told."""

from __future__ import annotations

import io
import json

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from smetka.core.errors import WrongUsage
from smetka.core.logs import configure_logging
from smetka.settings import as_shown, load_settings, masked, secrets_of
from smetka.settings.mongodb_uri import parse
from smetka.storage.client import take_apart

# Letters and digits that no sentence of ours has four of in a row, around all that has a meaning in a URI.
PLAIN = st.text("QXZJWK789", min_size=1, max_size=3)
MARKS = st.sampled_from([*":/?#[]@!$&'()*+,;=% <>\"\\^`{|}~-._\n\t\u200b\u2100ж"])
PASSWORDS = st.lists(st.tuples(PLAIN, MARKS), min_size=2, max_size=5).map(
    lambda parts: "".join(plain + mark for plain, mark in parts) + "QXZ"
)
FORMS = [
    "mongodb://shop:{}@127.0.0.1:1/b",
    "mongodb+srv://shop:{}@cluster.example.net/b?retryWrites=true",
    "mongodb://shop:{}@",
    "mongodb://shop:<{}>@127.0.0.1:1/b",
    "mongodb://shop:{}@127.0.0.1:port/b",
    "mongodb://shop:{}@127.0.0.1:99999/b",
    "mongodb://shop:{}@[::zz]/b",
    "mongodb://shop:{}@a..b/b",
    "mongodb://shop:{}@127.0.0.1/b.c",
    "mongodb://shop:{}@127.0.0.1/b?foo=1",
    "mongodb://shop:{}@127.0.0.1/b?w=1&w=2",
    "mongodb://shop:{}@127.0.0.1/b?tls=true&ssl=false",
    "mongodb://shop:{}@127.0.0.1/b?authMechanism=NONE",
    "mongodb://shop:{}@127.0.0.1/b?tls=true&tlsCAFile=/nowhere/ca.pem",
    "mongodb://shop@127.0.0.1/b?tls=true&tlsCertificateKeyFile=/nowhere/k.pem&tlsCertificateKeyFilePassword={}",
    "mongodb://shop:{}@127.0.0.1/b?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{}",
    "mongodb+srv://shop:{}@127.0.0.1/b",
    "mongodb+srv://shop:{}@a.b,c.d/b",
    "mongo://shop:{}@127.0.0.1/b",
    "mongodb:/shop:{}@127.0.0.1/b",
    " mongodb://shop:{}@127.0.0.1/b",
    "'mongodb://shop:{}@127.0.0.1/b'",
]


def parts_of(password):
    return [password[place : place + 4] for place in range(len(password) - 3)]


def told(uri):
    """All that is told of a URI by settings, statuses, refusals and a log that has the parts apart."""
    try:
        settings = load_settings(environ={"SMETKA_MONGODB_URI": uri})
    except WrongUsage as refused:
        return [masked(uri), str(refused)]
    texts = [repr(settings), as_shown(settings, "mongodb_uri")]
    texts += [logged(uri, secret, secrets_of(settings)) for secret in parse(uri).secrets]
    try:
        take_apart(uri)
    except WrongUsage as refused:
        return [*texts, str(refused)]
    return [*texts, masked(uri)]


def logged(uri, words, secrets):
    stream = io.StringIO()
    before = structlog.get_config()
    try:
        configure_logging("test", secrets=secrets, stream=stream)
        structlog.get_logger("test").warning("away", reason=f"{uri} refused {words}")
    finally:
        structlog.configure(**before)
    return json.loads(stream.getvalue())["reason"]


def check_untold(form, password):
    said = told(form.replace("{}", password))

    assert not [part for part in parts_of(password) if any(part in text for text in said)]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(password=PASSWORDS)
def test_no_part_of_a_password_is_told_whatever_is_wrong_with_the_uri(form, password):
    check_untold(form, password)


@pytest.mark.long
@settings(max_examples=10_000, derandomize=False)
@given(form=st.sampled_from(FORMS), password=PASSWORDS)
def test_no_part_of_ten_thousand_passwords_is_told(form, password):
    check_untold(form, password)


@given(password=PASSWORDS)
def test_what_is_taken_is_what_the_driver_is_told(password):
    uri = f"mongodb://shop:{password}@127.0.0.1:1/b"
    try:
        address = take_apart(uri)
    except WrongUsage:
        return

    with address.client() as client:
        credentials = client.options.pool_options._credentials
    assert (credentials.username, credentials.source) == ("shop", "b")
    assert credentials.password in parse(uri).secrets
    assert address.database == "b"


@pytest.mark.parametrize("mark", [*":/?#[]@%+ "])
def test_each_reserved_character_has_its_spelling(mark):
    with pytest.raises(ValueError, match="percent-encoded"):
        parse(f"mongodb://shop:pass{mark}word@127.0.0.1/b")

    encoded = f"%{ord(mark):02X}"
    assert f"pass{mark}word" in parse(f"mongodb://shop:pass{encoded}word@127.0.0.1/b").secrets


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb+srv://<db_username>:<db_password>@cluster0.example.net/?appName=Cluster0",
        "mongodb+srv://shop:<db_password>@cluster0.example.net/",
        "mongodb+srv://shop:%3Cpassword%3E@cluster0.example.net/",
        "mongodb+srv://<username>:secret@cluster0.example.net/",
        "mongodb+srv://shop:<secret>@cluster0.example.net/",
        "mongodb+srv://shop:secret@<cluster-url>/",
    ],
)
def test_a_placeholder_left_in_place_is_told(uri):
    with pytest.raises(ValueError, match="placeholder such as <db_password>"):
        parse(uri)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mongodb://h:0/b", "port that is not between"),
        ("mongodb://h,i:70000/b", "port that is not between"),
        ("mongodb://[1.2]/b", "not an IPv6 address"),
        ("mongodb://a..b/", "cannot be a name"),
        (f"mongodb://{'a' * 64}.b/", "cannot be a name"),
        ("mongodb+srv://a.b:27017/", "no port"),
        ("mongodb+srv://127.0.0.1/", "one host name"),
        ("mongodb+srv://a.b,c.d/", "one host name"),
        ("mongodb://:secret@h/", "empty user or password"),
        ("mongodb://shop:@h/", "empty user or password"),
        ("mongodb://h/b\u200b", "invisible character"),
        ("mongodb://shop:1234/secret@h", "percent-encoded"),
        ("mongodb://shop:1234?secret@h", "percent-encoded"),
        ("MongoDB://h", "must begin with"),
    ],
)
def test_what_breaks_a_rule_is_told_without_a_part_of_it(uri, says):
    with pytest.raises(ValueError, match=says) as refused:
        parse(uri)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://h",
        "mongodb://[::1]:27017,h.example:1/shop",
        "mongodb://shop@h/?authMechanism=MONGODB-X509&tls=true",
        "mongodb://shop:p!$&'()*,;=~-._%40w@h/b?w=majority;journal=true",
        "mongodb+srv://shop:secret@cluster0.example.net/smetka?retryWrites=true&w=majority&appName=Cluster0",
        "mongodb://shop:лозинка@h/b",
    ],
)
def test_what_is_usual_is_taken(uri):
    assert parse(uri).hosts


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("tls=true&tlsCAFile=/nowhere/ca.pem", "names /nowhere/ca.pem as tlsCAFile, which cannot be read"),
        ("tls=true&tlsCAFile=/etc/hostname", "the TLS files cannot be used"),
        ("tls=true&tlsCertificateKeyFile=%2Fnowhere%2Fk", "names /nowhere/k as tlsCertificateKeyFile"),
        ("tls=true&ssl=false", "ssl and tls"),
        ("directConnection=true", "multiple hosts"),
        ("w=1&W=2", "the option W twice"),
        ("authMechanism=SCRAM-SHA-256", "requires a username"),
    ],
)
def test_what_the_driver_would_refuse_later_is_wrong_usage_from_the_start(options, says):
    with pytest.raises(WrongUsage, match=f"SMETKA_MONGODB_URI .*{says}"):
        take_apart(f"mongodb://h,i/b?{options}")
