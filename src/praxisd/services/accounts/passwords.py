"""Password hashing with argon2id, RFC 9106's low-memory profile (3 passes, 64 MiB, 4 lanes; § 4, second
choice).

A hash takes a sixth of a second and 64 MiB: never inside a transaction, and only a few at once.
"""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from praxisd.services.accounts.rules import PASSWORD_MOST, check_password, plain_password

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE = threading.BoundedSemaphore(2)
"""Bounds the memory that many sign-ins at once can ask for."""
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43
"""A hash no password has; compared with where there is no user, so that an unknown login takes the same work.
"""


def hash_password(password: str, login: str) -> str:
    """The encoded hash of a good password; Problem `accounts.weak_password` (422) for a weak one."""
    plain = check_password(password, login)
    with _AT_ONCE:
        return _HASHER.hash(plain)


def rehash(password: str) -> str:
    """A fresh hash of a password that was just found right, whatever today's rules for new ones say."""
    with _AT_ONCE:
        return _HASHER.hash(plain_password(password))


def matches(stored: str | None, password: str) -> bool:
    """True if the password belongs to the hash. With None the same work is done, and the answer is False."""
    plain = plain_password(password[: 4 * PASSWORD_MOST])
    if len(plain) > PASSWORD_MOST:  # no such password can be set; hashing megabytes would be a gift
        plain, stored = plain[:PASSWORD_MOST], None
    with _AT_ONCE:
        try:
            right = _HASHER.verify(stored or NOBODY, plain)
        except (VerificationError, InvalidHashError):
            return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """True if the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)
