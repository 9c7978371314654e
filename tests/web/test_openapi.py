"""The OpenAPI document is valid, complete and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from smetka.web.openapi import refusals_of
from smetka.web.problems import STATUS
from smetka.web.schemas import DeliveryPath
from smetka.web.values import LARGEST_ID, up_to
from smetka.web.voucher_schemas import CampaignIn, VoucherPath

pytestmark = pytest.mark.shop(shared=True)


@pytest.fixture
def document(shop):
    return json.loads(shop.get("/openapi.json").text)


def described(document):
    return {
        entry["operationId"]: entry
        for operations in document["paths"].values()
        for entry in operations.values()
    }


def test_the_document_is_valid_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_operation_is_described_under_its_stable_name(shop, document):
    operations = shop.app.extensions["smetka"].operations

    assert set(described(document)) == {operation.name for operation in operations}
    assert set(described(document)) == {
        "total_spent",
        "average_spending_by_age",
        "write_to_mongodb",
        "bonus_customer",
        "bonus_customer_list",
        "approve_bonus_customer",
        "reject_bonus_customer",
        "remove_bonus_customer",
        "create_campaign",
        "campaign_list",
        "campaign",
        "campaign_preview",
        "issue_campaign",
        "campaign_vouchers",
        "voucher",
        "redeem_voucher",
        "reserve_voucher",
        "void_voucher",
        "reverse_voucher",
        "audit_list",
        "import_file",
        "delivery_list",
        "delivery",
        "retry_delivery",
        "cancel_delivery",
        "healthz",
        "readyz",
        "prometheus_metrics",
        "openapi_json",
    }
    assert all(entry["summary"] for entry in described(document).values())


def test_every_status_of_every_operation_is_declared(shop, document):
    for operation in shop.app.extensions["smetka"].operations:
        declared = described(document)[operation.name]["responses"]
        expected = {STATUS[refusal] for refusal in refusals_of(operation)} | set(operation.answers)
        assert set(declared) == {str(status) for status in expected}
        for status, answer in declared.items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
            assert ("Retry-After" in answer.get("headers", {})) == (status == "429" or (status == "503")), (
                operation.name,
                status,
            )


def test_operations_on_data_name_the_key_and_open_ones_do_not(make_shop, document):
    assert described(document)["total_spent"]["security"] == [{"key": []}, {}]
    assert "security" not in described(document)["healthz"]

    required = json.loads(make_shop(auth="required").get("/openapi.json").text)
    assert described(required)["total_spent"]["security"] == [{"key": []}]


def test_storing_tells_where_the_record_is(document):
    for status in ("200", "201"):
        answer = described(document)["write_to_mongodb"]["responses"][status]
        assert "Location" in answer["headers"]
        assert answer["links"]["bonus_customer"]["operationId"] == "bonus_customer"


def test_bodies_have_no_unknown_fields_and_the_shops_own_threshold(make_shop):
    document = json.loads(make_shop(bonus_threshold="1500.50").get("/openapi.json").text)

    body = document["components"]["schemas"]["BonusCustomerIn"]
    assert body["additionalProperties"] is False
    assert body["required"] == ["user_id", "total_spending"]
    assert body["properties"]["total_spending"]["exclusiveMinimum"] == 1500.5


@pytest.mark.parametrize("largest", [10, 19, 99, 100, 104, 120, 999, 1000, 2026])
def test_the_expression_of_canonical_numbers_is_exact(largest):
    expression = re.compile(up_to(largest))

    assert [n for n in range(3000) if expression.search(str(n))] == list(range(1, largest + 1))
    assert not any(expression.search(text) for text in ("", "00", "01", "-1", "+1", "1.0", " 1", "1 "))


def test_the_expression_of_ids_ends_at_the_largest():
    expression = re.compile(up_to(LARGEST_ID))

    assert expression.search(str(LARGEST_ID))
    assert not expression.search(str(LARGEST_ID + 1))
    assert expression.search("8" * 19)
    assert not expression.search("1" * 20)


# That one day is not before another, and one amount above another, JSON Schema cannot say.
CONFIG = """
[[operations]]
include-operation-id = "create_campaign"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "409", "422", "5xx"]
warnings = false

# That a file is one of customers or payments, JSON Schema cannot say.
[[operations]]
include-operation-id = "import_file"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "409", "422", "5xx"]
warnings = false

# One voucher for one operation; the others try codes of all kinds.
[[operations]]
include-operation-id = "redeem_voucher"
parameters = {{ "path.code" = "{code}" }}
"""


EVERY_PHASE = "examples,coverage,fuzzing,stateful"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("auth", "seed", "requests", "phases"),
    [
        # What its coverage asks of an open shop it asks of one with keys too, and more.
        pytest.param("auto", 20261123, 4, "examples,fuzzing,stateful", id="open-some requests"),
        pytest.param("required", 4, 4, EVERY_PHASE, id="with a key-some requests"),
        pytest.param("auto", 20261123, 60, EVERY_PHASE, id="open-many", marks=pytest.mark.long),
        pytest.param("required", 4, 60, EVERY_PHASE, id="with a key-many", marks=pytest.mark.long),
    ],
)
def test_schemathesis_finds_nothing(make_shop, serve, tmp_path, monkeypatch, auth, seed, requests, phases):
    # It tries wrong keys at every operation, more than one address may, and expects 401 each time.
    monkeypatch.setattr("smetka.web.wrong_keys.WRONG_KEYS_PER_MINUTE", 10_000)
    shop = make_shop(auth=auth)
    shop.services.storage.ping(30)
    (example,) = DeliveryPath.model_fields["delivery_id"].examples
    name, _, chat = example.rpartition("-")
    assert shop.services.outbox.queue(name, "shop", {"year": 2026}, [int(chat)]) == [example]
    campaign = CampaignIn.model_validate(CampaignIn.example)
    key = shop.key("owner") if auth == "required" else {}
    assert shop.post(CampaignIn.example, path="/api/v1/campaigns", headers=key).status_code == 201
    # The secret that the example of a code is made from.
    shop.services.storage.collection("campaigns").update_one({}, {"$set": {"secret": bytes(32)}})
    assert shop.request("POST", f"/api/v1/campaigns/{campaign.name}/issue", headers=key).status_code == 200
    (code,) = VoucherPath.model_fields["code"].examples
    assert shop.get(f"/api/v1/vouchers/{code}", headers=key).status_code == 200
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(code=code))
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *(
            "--config-file",
            config,
            "run",
            f"{serve(shop)}/openapi.json",
            "--seed",
            str(seed),
            "-n",
            str(requests),
            "--phases",
            phases,
            # So few requests without coverage may all be refused, of which it warns.
            *(() if phases == EVERY_PHASE else ("--warnings", "off")),
            "--no-color",
        ),
        *(option for name, value in key.items() for option in ("-H", f"{name}: {value}")),
    ]

    monkeypatch.delenv("PYTHONPATH")  # it is no product: it finds what tests installed
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout, run.stdout
    tested = re.search(r"(\d+) generated", run.stdout)
    assert tested
    assert int(tested[1]) > (300 if phases == EVERY_PHASE else 100)
