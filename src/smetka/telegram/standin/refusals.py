"""How the stand-in says no."""

from __future__ import annotations


class Refusal(Exception):
    """An answer with `"ok": false`, in the Bot API's own words."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters
