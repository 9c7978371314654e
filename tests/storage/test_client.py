from __future__ import annotations

import pytest

from smetka.core.errors import WrongUsage
from smetka.storage.client import take_apart


@pytest.mark.parametrize("name", ["timeoutMS", "timeoutms", "TIMEOUTMS"])
@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
def test_what_the_uri_names_is_the_uris(scheme, name):
    address = take_apart(f"{scheme}://cluster.example.com/?{name}=700")

    assert "timeoutMS" not in address.options
    assert "maxPoolSize" in address.options
    assert address.timeout_seconds == 0.7


def test_what_the_uri_leaves_open_is_ours():
    address = take_apart("mongodb://127.0.0.1:27017")

    assert address.options["timeoutMS"] == 2000
    assert address.options["maxPoolSize"] == 16
    assert address.timeout_seconds == 2


def test_no_limit_is_not_a_limit_we_take():
    assert take_apart("mongodb://127.0.0.1/?timeoutMS=0").timeout_seconds == 2


@pytest.mark.parametrize(
    "option",
    [
        "timeoutMS=x",
        "timeoutMS=",
        "timeoutMS=-5",
        "authMechanism=FOO",
        "noSuchOption=1",
        "journal",
        "w=1&tls=perhaps",
    ],
)
@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
def test_an_option_that_the_driver_does_not_take_is_named(scheme, option):
    name = option.rpartition("&")[2].partition("=")[0]

    with pytest.raises(WrongUsage, match=f"SMETKA_MONGODB_URI has the option {name}, which") as refused:
        take_apart(f"{scheme}://u:p@cluster.example.com/?{option}")
    assert "FOO" not in str(refused.value)


def test_the_options_that_hosts_put_into_their_uris_are_taken():
    options = "retryWrites=true&w=majority&appName=Cluster0&authSource=admin&tls=true&replicaSet=atlas-1&journal=true"

    assert take_apart(f"mongodb+srv://u:p@cluster.example.com/shop?{options}").database == "shop"


def test_a_password_is_known_in_every_spelling():
    address = take_apart("mongodb://shop:p%40ss%2F1@127.0.0.1/smetka")

    assert set(address.secrets) == {"p%40ss%2F1", "p@ss/1"}


def test_without_a_password_there_is_no_secret():
    assert take_apart("mongodb://127.0.0.1/smetka").secrets == ()
