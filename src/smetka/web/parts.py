"""What the web part keeps for the life of an application, and how views reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from smetka.keys import KeyRing, Permission
from smetka.settings import Settings
from smetka.shop.services import Services
from smetka.web.metrics import Metrics
from smetka.web.probes import Probes
from smetka.web.sessions import Sessions
from smetka.web.uploads import Uploads
from smetka.web.works import Works
from smetka.web.wrong_keys import Guesses

if TYPE_CHECKING:
    from smetka.web.operations import Operation


@dataclass(frozen=True)
class WebParts:
    """One application's collaborators; found by `parts()` during a request."""

    settings: Settings
    services: Services
    keys: KeyRing
    sessions: Sessions
    wrong_keys: Guesses
    unknown_codes: Guesses
    metrics: Metrics
    probes: Probes
    works: Works
    uploads: Uploads
    allowed_hosts: frozenset[str]
    """Host names that are answered, as `hosts.comparable` writes them."""
    keys_always_needed: bool
    """Whether keys are needed even before the first one was made."""
    operations: tuple[Operation, ...]
    access: dict[str, Permission | None]
    """What each endpoint needs; None is open to all. An endpoint that is missing is the owner's."""
    pages: frozenset[str]
    """Endpoints that answer people: their errors are pages when a browser asks."""
    long_routes: frozenset[tuple[str, str]]
    """Methods and routes that may read all of the ledger or of a collection; parts in brackets are any."""
    upload_paths: frozenset[str]
    """Where a POST may carry a file: its body is not read before its view does so."""
    upload_endpoints: frozenset[str]
    openapi: Callable[[], bytes]
    """The document, made when it is first asked for."""


def parts() -> WebParts:
    """The current application's parts."""
    found: WebParts = current_app.extensions["smetka"]
    return found


def services() -> Services:
    """The current application's services."""
    return parts().services
