"""The OpenAPI document is valid, complete and true."""

from __future__ import annotations

import json

import hypothesis
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error  # noqa: F401 - loads the checks
from schemathesis.generation import GenerationMode

from smetka.web.openapi import refusals_of
from smetka.web.problems import STATUS


@pytest.fixture
def document(shop):
    return json.loads(shop.get("/openapi.json").text)


def test_the_document_is_valid_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)
