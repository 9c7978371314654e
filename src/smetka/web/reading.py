"""Path, query, body and headers of a request, read as an operation declares them; each fault is noted."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import ValidationError
from werkzeug.datastructures import Headers, MultiDict

from smetka.core.errors import Fault
from smetka.web.schemas import Input
from smetka.web.values import Repeatable

IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_KEY_PATTERN = r"[!-~](?:[ -~]{0,253}[!-~])?"

I = TypeVar("I", bound=Input)  # noqa: E741 - it is an input


def path(model: type[I], values: dict[str, str], faults: list[Fault]) -> I | None:
    """The path's variable parts; None, and its faults noted, when there are some."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [Fault(_rule(e), parameter=str(e["loc"][0])) for e in _details(error)]
        return None


def query(model: type[I], args: MultiDict[str, str], faults: list[Fault]) -> I | None:
    """The query's parameters: known ones, each once; None, and its faults noted, when there are some."""
    values: dict[str, Any] = {}
    for name, given in args.lists():
        if name not in model.model_fields:
            faults.append(Fault(model.unknown.get(name, "is not a query parameter here"), parameter=name))
        elif any(isinstance(each, Repeatable) for each in model.model_fields[name].metadata):
            values[name] = given
        elif len(given) > 1:
            faults.append(Fault("is given more than once", parameter=name))
        else:
            values[name] = given[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [Fault(_rule(e), parameter=str(e["loc"][0])) for e in _details(error)]
        return None


def body(model: type[I], value: Any, faults: list[Fault]) -> I | None:
    """The members of a body that is a JSON object; None, and its faults noted, when there are some."""
    if not isinstance(value, dict):
        faults.append(Fault("must be a JSON object", pointer=""))
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults += [Fault(_rule(e), pointer=_pointer(e["loc"])) for e in _details(error)]
        return None


def idempotency_key(headers: Headers, faults: list[Fault]) -> str | None:
    """The key that a client gave an attempt; None without one, or when it is none."""
    given = headers.getlist(IDEMPOTENCY_KEY)
    if len(given) > 1:
        faults.append(Fault("is given more than once", parameter=IDEMPOTENCY_KEY))
    elif given and not re.fullmatch(IDEMPOTENCY_KEY_PATTERN, given[0]):
        faults.append(
            Fault(
                "must be 1 to 255 printable ASCII characters, no space at the ends", parameter=IDEMPOTENCY_KEY
            )
        )
    return given[0] if given else None


def _details(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False, include_context=True))


def _rule(fault: Any) -> str:
    match fault["type"]:
        case "value_error":
            return str(fault["ctx"]["error"])
        case "missing":
            return "is needed"
        case "extra_forbidden":
            return "is not a field of this body"
        case "literal_error":
            return f"must be {fault['ctx']['expected']}"
        case _:
            message = str(fault["msg"])
            return message[:1].lower() + message[1:]


def _pointer(location: tuple[str | int, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
