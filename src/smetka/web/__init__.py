"""The HTTP edge: the brief's endpoints, the API around them, pages and the answers to bad requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from smetka.settings import Settings
    from smetka.shop.services import Services

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """Build the WSGI application. Nothing is opened or connected before the first request.

    Args:
        settings: read from the environment unless given.
        services: built from the settings unless given, and then kept as long as the process.
    """
    # Late, so that importing the package costs no Flask.
    from smetka.web.app import build_app

    return build_app(settings, services)
