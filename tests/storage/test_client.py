from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("value", ["0", "x", "", "-5"])
def test_no_limit_is_not_a_limit_we_take(value):
    assert take_apart(f"mongodb://127.0.0.1/?timeoutMS={value}").timeout_seconds == 2


def test_a_password_is_known_in_every_spelling():
    address = take_apart("mongodb://shop:p%40ss%2F1@127.0.0.1/smetka")

    assert set(address.secrets) == {"p%40ss%2F1", "p@ss/1"}


def test_without_a_password_there_is_no_secret():
    assert take_apart("mongodb://127.0.0.1/smetka").secrets == ()
