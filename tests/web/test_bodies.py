"""Where a body ends, and what it is declared to be."""

from __future__ import annotations

import pytest
from flask import Flask, Request, g

from smetka.web import bodies
from smetka.web.refusals import BadRequest, UnsupportedMediaType

APP = Flask("bodies")


def taken(media_type):
    """The JSON value of a body that is declared as that."""
    with APP.test_request_context(method="POST", content_type=media_type):
        g.body = b'{"a": 1}'
        return bodies.json_body()


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json-patch+json",
        "application/vnd.api+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; profile=x",
        "application/json, text/plain",
        "*/*",
    ],
)
def test_only_json_is_a_media_type_for_bodies(media_type):
    with pytest.raises(UnsupportedMediaType):
        taken(media_type)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        'application/json;charset="utf-8"',
        "application/json; charset=UTF-8",
    ],
)
def test_json_may_say_that_it_is_utf_8(media_type):
    assert taken(media_type) == {"a": 1}


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"CONTENT_LENGTH": "38,38"}, id="two lengths"),
        pytest.param({"CONTENT_LENGTH": "38, 39"}, id="two different lengths"),
        pytest.param({"CONTENT_LENGTH": "-1"}, id="negative length"),
        pytest.param({"CONTENT_LENGTH": "+38"}, id="signed length"),
        pytest.param({"CONTENT_LENGTH": "0x26"}, id="hexadecimal length"),
        pytest.param({"CONTENT_LENGTH": "٣٨"}, id="length in other digits"),
        pytest.param({"CONTENT_LENGTH": "38", "HTTP_TRANSFER_ENCODING": "chunked"}, id="length and chunks"),
        pytest.param({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "gzip, chunked"}, id="compressed"),
    ],
)
def test_contradicting_framing_is_refused(environ):
    with pytest.raises(BadRequest):
        bodies.check_framing(Request({"REQUEST_METHOD": "POST", **environ}))


@pytest.mark.parametrize(
    "environ",
    [{}, {"CONTENT_LENGTH": "0"}, {"CONTENT_LENGTH": "38"}, {"HTTP_TRANSFER_ENCODING": " Chunked"}],
    ids=["no body", "none of it", "a length", "chunks"],
)
def test_one_framing_is_right(environ):
    bodies.check_framing(Request({"REQUEST_METHOD": "POST", **environ}))
