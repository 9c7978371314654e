"""The OpenAPI 3.1 document, made once from the declared operations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from smetka.core.errors import InvalidValue, Refusal
from smetka.core.money import Money
from smetka.web import refusals
from smetka.web.bodies import MAX_UPLOAD_BYTES
from smetka.web.operations import Operation
from smetka.web.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, STATUS
from smetka.web.reading import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_PATTERN
from smetka.web.schemas import BonusCustomerIn, Input, Problem

Json = dict[str, Any]

_KEY: Json = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "The same at each repetition of one request: what was carried out is answered as then.",
    "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY_PATTERN}$"},
}
_FILE: Json = {"type": "string", "format": "binary"}
_REFERENCE = "#/components/schemas/{model}"
_ANY_REQUEST: tuple[type[Refusal], ...] = (
    refusals.BadRequest,
    refusals.RequestTimeout,
    refusals.TooLarge,
    refusals.UriTooLong,
    refusals.WrongHost,
    InvalidValue,
    refusals.HeadersTooLarge,
    refusals.InternalError,
    refusals.Overloaded,
)
_WITH_KEY = (refusals.KeyNeeded, refusals.NoKeyYet, refusals.NotAllowed, refusals.TooManyRequests)
_WITH_BODY = (refusals.InvalidJson, refusals.UnsupportedMediaType)


def document(operations: Iterable[Operation], *, threshold: Money, keys_always_needed: bool) -> Json:
    """Describe this shop's operations, every status of each included.

    Args:
        threshold: what a bonus customer must have spent more than; part of the document, so that
            clients made from it can tell before they ask.
    """
    described = tuple(operations)
    paths: dict[str, Json] = defaultdict(dict)
    for operation in described:
        entry = _operation(operation, keys_always_needed=keys_always_needed)
        paths[_path(operation)][operation.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smetka",
            "version": version("smetka"),
            "summary": "What customers spend, which age groups spend what, and who earned the bonus.",
            "description": "Amounts are JSON numbers with at most two decimals, exact. Every 4xx and 5xx "
            "answers `application/problem+json`; its `type` is the address of a page that explains it.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in described)],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(described, threshold),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key made by `smetka key create`.",
                }
            },
        },
    }


def refusals_of(operation: Operation) -> tuple[type[Refusal], ...]:
    """Every refusal that an operation may answer."""
    return (
        *_ANY_REQUEST,
        *(_WITH_KEY if operation.needs else ()),
        *(_WITH_BODY if operation.body_model else ()),
        *((refusals.UnsupportedMediaType,) if operation.takes_file else ()),
        *((refusals.CrossSite,) if operation.method != "GET" else ()),
        *operation.refuses,
    )


def _operation(operation: Operation, *, keys_always_needed: bool) -> Json:
    entry: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [
            *_parameters(operation.path_model, "path"),
            *_parameters(operation.query_model, "query"),
            *([_KEY] if operation.takes_key else []),
        ],
        "responses": _answers(operation) | _refusals(operation),
    }
    if operation.needs:
        entry["security"] = [{"key": []}] if keys_always_needed else [{"key": []}, {}]
        entry["description"] = (
            f"{operation.description}\n\nNeeds the permission to **{operation.needs}**.".strip()
        )
    if operation.body_model:
        entry["requestBody"] = {
            "required": operation.body_needed,
            "content": {"application/json": _body(operation.body_model)},
        }
    if operation.takes_file:
        entry["requestBody"] = {
            "required": True,
            "description": f"The file itself, of at most {MAX_UPLOAD_BYTES // 1024 // 1024} MiB.",
            "content": {kind: {"schema": _FILE} for kind in operation.takes_file},
        }
    return {name: value for name, value in entry.items() if value not in ("", [])}


def _body(model: type[Input]) -> Json:
    return {"schema": _reference(model), "example": model.example}


def _parameters(model: type[Input], place: str) -> list[Json]:
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or name in schema.get("required", []),
            "description": value.pop("description", ""),
            "schema": _without_null_default(value),
        }
        for name, value in schema["properties"].items()
    ]


def _answers(operation: Operation) -> Json:
    return {str(status): _answer(operation, what) for status, what in operation.answers.items()}


def _answer(operation: Operation, what: type[BaseModel] | str) -> Json:
    if isinstance(what, str):
        return {"description": "Text.", "content": {what: {"schema": {"type": "string"}}}}
    answer: Json = {
        "description": (what.__doc__ or "").partition("\n")[0],
        "content": {"application/json": {"schema": _reference(what)}},
    }
    if operation.has_location:
        answer["headers"] = {"Location": _header("Where the record is.", "string")}
    if operation.links:
        answer["links"] = {
            name: {
                "operationId": name,
                "parameters": {field: f"$response.body#{place}" for field, place in places.items()},
            }
            for name, places in operation.links.items()
        }
    return answer


def _refusals(operation: Operation) -> Json:
    by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
    for refusal in refusals_of(operation):
        by_status[STATUS[refusal]].append(refusal)
    return {str(status): _refusal(status, kinds) for status, kinds in sorted(by_status.items())}


def _refusal(status: int, kinds: list[type[Refusal]]) -> Json:
    answer: Json = {
        "description": " Or: ".join(f"`{kind.slug}`: {kind.title}." for kind in kinds),
        "content": {
            MEDIA_TYPE: {
                "schema": _reference(Problem),
                "examples": {kind.slug: {"value": _example(status, kind)} for kind in kinds},
            }
        },
    }
    if status == STATUS[refusals.KeyNeeded]:
        answer["headers"] = {"WWW-Authenticate": _header("The scheme, Bearer.", "string")}
    elif any(kind in RETRY_AFTER_SECONDS or kind is refusals.TooManyRequests for kind in kinds):
        answer["headers"] = {"Retry-After": _header("Seconds after which to try again.", "integer")}
    return answer


def _example(status: int, kind: type[Refusal]) -> Json:
    example: Json = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": status,
        "detail": (kind.__doc__ or "").partition("\n")[0],
        "instance": "/",
        "request_id": "4f1d2c3b5a697887",
    }
    if kind is InvalidValue:
        example["errors"] = [{"parameter": "year", "detail": "must be a whole number from 1 to 9999"}]
    return example


def _schemas(operations: tuple[Operation, ...], threshold: Money) -> Json:
    answers = [what for operation in operations for what in operation.answers.values()]
    models = [(what, "serialization") for what in answers if not isinstance(what, str)]
    models += [(o.body_model, "validation") for o in operations if o.body_model]
    models.append((Problem, "serialization"))
    _, found = models_json_schema(list(dict.fromkeys(models)), ref_template=_REFERENCE)  # type: ignore[arg-type]
    schemas: Json = found["$defs"]
    for schema in schemas.values():
        for value in schema.get("properties", {}).values():
            _without_null_default(value)
    total = schemas[BonusCustomerIn.__name__]["properties"]["total_spending"]
    del total["minimum"]
    total["exclusiveMinimum"] = threshold.number
    return schemas


def _without_null_default(schema: Json) -> Json:
    # In Python None stands for what was left out; null itself is not accepted.
    if schema.get("default", ...) is None:
        del schema["default"]
    elif schema.get("type") == "string" and "default" in schema:
        schema["default"] = str(schema["default"])  # numbers in queries are texts
    return schema


def _path(operation: Operation) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", operation.path)


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _header(description: str, kind: str) -> Json:
    return {"description": description, "schema": {"type": kind}}
