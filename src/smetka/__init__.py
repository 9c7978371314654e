"""Smetka: what customers spend, which age groups spend what, and who earned the bonus.

The public surface: `create_app` builds the Flask application from `Settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Settings", "create_app", "load_settings"]

if TYPE_CHECKING:
    from smetka.settings import Settings, load_settings
    from smetka.web import create_app


def __getattr__(name: str) -> Any:
    # Imported when asked for: the parent process of `smetka serve` needs neither Flask nor
    # SQLAlchemy, and saves their memory.
    if name == "create_app":
        from smetka.web import create_app

        return create_app
    if name in {"Settings", "load_settings"}:
        from smetka import settings

        return getattr(settings, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
