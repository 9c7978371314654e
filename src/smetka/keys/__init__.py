"""API keys: who may do what, and the file that remembers them.

Knows nothing of Flask: the command line and the parent process use it too.
"""

from smetka.keys.file import (
    Key,
    KeysFileDamaged,
    adopt_keys,
    check_place,
    content,
    create_key,
    is_deceptive,
    list_keys,
    revoke_key,
    stored_keys,
)
from smetka.keys.ring import LONGEST_KEY, KeyRing
from smetka.keys.roles import ROLES, Permission, RoleName

__all__ = [
    "LONGEST_KEY",
    "ROLES",
    "Key",
    "KeyRing",
    "KeysFileDamaged",
    "Permission",
    "RoleName",
    "adopt_keys",
    "check_place",
    "content",
    "create_key",
    "is_deceptive",
    "list_keys",
    "revoke_key",
    "stored_keys",
]
