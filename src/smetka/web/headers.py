"""Headers that every answer carries, whatever it says, and lines of a request that are one header."""

from __future__ import annotations

from collections.abc import Iterable

ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: with that, forms of our own pages would send `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

NOT_KEPT = {"Cache-Control": "no-store"}
"""Besides, all but static files: figures change, and some are for certain eyes only."""


def as_one_each(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A request's header lines, those of one name as one value.

    By commas, as lists are (RFC 9110, 5.3). Cookies by semicolons (RFC 6265, 4.2.1; RFC 9113, 8.2.3): a
    proxy from HTTP/2 may send a line for each, and a comma may stand in a cookie's value.
    """
    found: dict[str, str] = {}
    for name, value in lines:
        mark = "; " if name == "cookie" else ","
        found[name] = f"{found[name]}{mark}{value}" if name in found else value
    return found
