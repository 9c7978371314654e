"""Settings: the nearest wins, mistakes are told with the rule, secrets are never shown."""

from __future__ import annotations

import pytest

from smetka.core.errors import WrongUsage
from smetka.core.money import Money
from smetka.settings import Settings, load_settings, masked

TOKEN = "123456:AAECanaryCanaryCanaryCanaryCanaryCan"


def test_defaults_are_those_of_the_contract():
    settings = load_settings(environ={})

    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.currency, str(settings.timezone), settings.language) == ("MKD", "Europe/Skopje", "en")
    assert [group.name for group in settings.age_groups] == ["18-24", "25-30", "31-36", "37-47", ">47"]
    assert (settings.average_basis, settings.bonus_threshold) == ("spender", Money(100000))
    assert settings.recipients == ()


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("SMETKA_PORT=1\nSMETKA_HOST=127.0.0.2\nSMETKA_CURRENCY=EUR\nOTHER=x\n")

    settings = load_settings(
        {"port": 3, "host": None}, environ={"SMETKA_PORT": "2", "SMETKA_HOST": "127.0.0.3"}, dotenv=dotenv
    )

    assert (settings.port, settings.host, settings.currency) == (3, "127.0.0.3", "EUR")
    assert [settings.origin(name) for name in ("port", "host", "currency", "auth")] == [
        "option",
        "environment",
        ".env",
        "default",
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SMETKA_PROT", "1", "Did you mean SMETKA_PORT?"),
        ("SMETKA_LEDGER_PATH", "x", "Did you mean SMETKA_LEDGER?"),
        ("SMETKA_XYZZY", "1", "is not a setting"),
        ("SMETKA_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "'proxy'"),
        ("SMETKA_PORT", "65536", "must be at most 65535"),
        ("SMETKA_PORT", "http", "must be a whole number"),
        ("SMETKA_CURRENCY", "KWD", "more than two decimals"),
        ("SMETKA_CURRENCY", "denar", "ISO 4217"),
        ("SMETKA_TIMEZONE", "Skopje", "IANA time zone"),
        ("SMETKA_LANGUAGE", "de", "'en' or 'mk'"),
        ("SMETKA_AGE_GROUPS", "18-24,24-30", "18-24 and 24-30 overlap"),
        ("SMETKA_AGE_GROUPS", "30-40,18-35", "18-35 and 30-40 overlap"),
        ("SMETKA_AGE_GROUPS", "18-151", "no age between 0 and 150"),
        ("SMETKA_AGE_GROUPS", ">150", "no age between 0 and 150"),
        ("SMETKA_AGE_GROUPS", "30-20", "no age"),
        ("SMETKA_AGE_GROUPS", "young", "neither a range"),
        ("SMETKA_BONUS_THRESHOLD", "1e3", "plain number"),
        ("SMETKA_BONUS_THRESHOLD", "-1", "negative"),
        ("SMETKA_TELEGRAM_CHAT_IDS", "managers", "chat id"),
        ("SMETKA_TELEGRAM_CHAT_IDS", str(2**52), "chat id"),
        ("SMETKA_TELEGRAM_CHAT_IDS", "-1001234567890:", "the number of a topic"),
        ("SMETKA_TELEGRAM_CHAT_IDS", "-1001234567890:0", "the number of a topic"),
        (
            "SMETKA_TELEGRAM_CHAT_IDS",
            "https://t.me/c/1234567890/77",
            "'https://t.me/c/1234567890/77' is neither",
        ),
        ("SMETKA_TELEGRAM_CHAT_IDS", "-1001234567890:77:8", "the number of a topic"),
        ("SMETKA_TELEGRAM_CHAT_IDS", f"-1001234567890:{2**31}", "the number of a topic"),
        ("SMETKA_TELEGRAM_CHAT_IDS", "managers:7", "chat id"),
        ("SMETKA_TELEGRAM_API_URL", "ftp://x", "http://"),
        ("SMETKA_NOTIFY_COOLDOWN_SECONDS", "-1", "must be at least 0"),
        ("SMETKA_MONGODB_URI", "postgres://x", "mongodb://"),
        ("SMETKA_AVERAGE_BASIS", "median", "'spender'"),
    ],
)
def test_a_mistake_names_the_setting_and_the_rule(name, value, words):
    with pytest.raises(WrongUsage) as caught:
        load_settings(environ={name: value})

    assert name in str(caught.value)
    assert words in str(caught.value)


def test_an_empty_variable_counts_as_not_set():
    assert load_settings(environ={"SMETKA_PORT": "", "SMETKA_LEDGER": ""}).ledger is None


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    settings = load_settings(environ={"SMETKA_TELEGRAM_BOT_TOKEN_FILE": str(file)})

    assert settings.telegram_bot_token.get_secret_value() == TOKEN
    assert settings.origin("telegram_bot_token") == str(file)


@pytest.mark.parametrize(
    "environ",
    [
        {"SMETKA_TELEGRAM_BOT_TOKEN_FILE": "/nowhere/token"},
        {"SMETKA_PORT_FILE": "/etc/hostname"},
        {"SMETKA_TELEGRAM_BOT_TOKEN_FILE": "/dev/null/x", "SMETKA_TELEGRAM_BOT_TOKEN": TOKEN},
    ],
)
def test_a_file_that_cannot_serve_is_refused(environ):
    with pytest.raises(WrongUsage):
        load_settings(environ=environ)


def test_no_secret_is_in_a_message_or_a_repr():
    with pytest.raises(WrongUsage) as caught:
        load_settings(
            environ={"SMETKA_TELEGRAM_BOT_TOKEN": "canary", "SMETKA_MONGODB_URI": "canary://u:canary@h"}
        )
    settings = load_settings(
        environ={"SMETKA_TELEGRAM_BOT_TOKEN": TOKEN, "SMETKA_MONGODB_URI": "mongodb://u:canary@h"}
    )

    assert "canary" not in str(caught.value)
    assert "canary" not in repr(settings)
    assert TOKEN not in repr(settings)


def test_a_child_gets_all_that_was_set_and_reads_the_same():
    environ = {
        "SMETKA_AGE_GROUPS": "0-17,>17",
        "SMETKA_TELEGRAM_CHAT_IDS": "5,-1001234567890,@managers,5,-1001234567890:77,-1001234567890:1,@managers:8",
        "SMETKA_BONUS_THRESHOLD": "12.50",
        "SMETKA_TIMEZONE": "Pacific/Auckland",
        "SMETKA_MONGODB_URI": "mongodb://h/shop",
    }
    settings = load_settings(environ=environ)

    assert load_settings(environ=settings.environment()) == settings
    assert settings.telegram_chat_ids == (
        5,
        -1001234567890,
        "@managers",
        "-1001234567890:77",
        "@managers:8",
    )


@pytest.mark.parametrize(
    ("given", "loopback", "names"),
    [
        ({}, True, ("localhost", "127.0.0.1", "[::1]")),
        ({"host": "0.0.0.0"}, False, ("localhost", "127.0.0.1", "[::1]")),
        ({"host": "127.0.0.2"}, True, ("localhost", "127.0.0.1", "[::1]", "127.0.0.2")),
        ({"host": "::1"}, True, ("localhost", "127.0.0.1", "[::1]")),
        ({"host": "Shop.example"}, False, ("localhost", "127.0.0.1", "[::1]", "shop.example")),
        ({"allowed_hosts": "Shop.example"}, False, ("shop.example",)),
        ({"host": "localhost"}, True, ("localhost", "127.0.0.1", "[::1]")),
    ],
)
def test_who_can_reach_the_server_follows_from_address_and_names(given, loopback, names):
    settings = Settings(**given)

    assert settings.is_loopback_only is loopback
    assert settings.effective_allowed_hosts == names


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://h/shop", "mongodb://h/shop"),
        ("mongodb://u:canary@h:27017,i/shop", "mongodb://u:***@h:27017,i/shop"),
        (
            "mongodb+srv://u:can%2Fary@h/?tlsCertificateKeyFilePassword=canary&w=1",
            "mongodb+srv://u:***@h/?tlsCertificateKeyFilePassword=***&w=***",
        ),
        ("mongodb://[::1]:1", "mongodb://[::1]:1"),
        ("mongodb://u:p/canary@h", "***"),
        ("", ""),
    ],
)
def test_a_mongodb_address_is_shown_without_what_is_secret(uri, shown):
    assert masked(uri) == shown


@pytest.mark.parametrize(
    "uri", ["mongodb://u:p#w@h/d", "mongodb://u:p/w@h", "mongodb://u:p@w@h", "mongodb://[::1/x", "mongodb://"]
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(uri):
    with pytest.raises(WrongUsage, match="percent-encoded"):
        load_settings(environ={"SMETKA_MONGODB_URI": uri})


@pytest.mark.parametrize("name", ["shop.example:8000", "https://shop.example", "*", "*.example", "a b"])
def test_a_host_name_that_could_never_match_is_refused(name):
    with pytest.raises(WrongUsage, match="SMETKA_ALLOWED_HOSTS"):
        load_settings(environ={"SMETKA_ALLOWED_HOSTS": name})


def test_host_names_are_taken_as_they_stand_in_a_header():
    assert Settings(allowed_hosts="Shop.Example,::1,10.0.0.1").effective_allowed_hosts == (
        "shop.example",
        "[::1]",
        "10.0.0.1",
    )
