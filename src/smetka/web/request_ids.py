"""The id that a request, its answer and its log lines share."""

from __future__ import annotations

import random
import re

from flask import g, request

HEADER = "X-Request-ID"
LONGEST_ID = 64
_ACCEPTABLE = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_ID}}}")


def request_id() -> str:
    """The current request's id."""
    if "request_id" not in g:
        g.request_id = accepted_or_new(request.headers.get(HEADER, ""))
    identifier: str = g.request_id
    return identifier


def accepted_or_new(given: str) -> str:
    """The caller's own id when it is harmless, else a random one."""
    # No secret, and asking the kernel at each request would let go of the interpreter.
    return given if _ACCEPTABLE.fullmatch(given) else f"{random.getrandbits(64):016x}"
