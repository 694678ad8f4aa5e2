"""The only door of accounts for other services and for the composition root.

Functions that write take the open transaction; `authenticate`, `take` and `verify` open their own short
reads.
"""

from praxisd.services.accounts.gate import authenticate, take
from praxisd.services.accounts.keys import (
    create_key,
    get_key,
    list_keys,
    portal_name,
    revoke_key,
    rotate_key,
)
from praxisd.services.accounts.passwords import hash_password
from praxisd.services.accounts.records import ApiKey, User
from praxisd.services.accounts.signin import user_actor, verify
from praxisd.services.accounts.users import (
    change_user,
    create_user,
    deactivate,
    find_user,
    get_user,
    list_users,
    set_password,
)

__all__ = [
    "ApiKey",
    "User",
    "authenticate",
    "change_user",
    "create_key",
    "create_user",
    "deactivate",
    "find_user",
    "get_key",
    "get_user",
    "hash_password",
    "list_keys",
    "list_users",
    "portal_name",
    "revoke_key",
    "rotate_key",
    "set_password",
    "take",
    "user_actor",
    "verify",
]
