"""Who may do what."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    """What a request may need."""

    READ = "read"
    REDEEM = "redeem"
    MANAGE = "manage"
    OWN = "own"


ROLES: dict[str, frozenset[Permission]] = {
    "reader": frozenset({Permission.READ}),
    "cashier": frozenset({Permission.REDEEM}),
    "manager": frozenset({Permission.READ, Permission.REDEEM, Permission.MANAGE}),
    "owner": frozenset(Permission),
}
"""The one table of roles, for keys and for chats."""

RoleName = Literal["reader", "cashier", "manager", "owner"]
