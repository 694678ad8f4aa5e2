"""The only door of accounts for other services and for the composition root.

Functions that write take the open transaction; `authenticate`, `take`, `verify` and those of sessions open their own
short ones.
"""

from praxisd.services.accounts.gate import authenticate, count_attempt, take
from praxisd.services.accounts.keys import (
    create_key,
    get_key,
    list_keys,
    portal_name,
    portal_shut_out,
    revoke_key,
    rotate_key,
)
from praxisd.services.accounts.passwords import hash_password
from praxisd.services.accounts.records import ApiKey, User
from praxisd.services.accounts.session_memory import csrf_of, session
from praxisd.services.accounts.sessions import sign_out
from praxisd.services.accounts.signin import confirm_password, sign_in, verify
from praxisd.services.accounts.users import (
    actor_names,
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
    "actor_names",
    "authenticate",
    "change_user",
    "confirm_password",
    "count_attempt",
    "create_key",
    "create_user",
    "csrf_of",
    "deactivate",
    "find_user",
    "get_key",
    "get_user",
    "hash_password",
    "list_keys",
    "list_users",
    "portal_name",
    "portal_shut_out",
    "revoke_key",
    "rotate_key",
    "session",
    "set_password",
    "sign_in",
    "sign_out",
    "take",
    "verify",
]
