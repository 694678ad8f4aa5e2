"""The second factor: codes of an app on the phone (TOTP, RFC 6238: SHA-1, six digits, 30 seconds) and ten recovery codes.

No code is good twice: the time step of the last accepted one is kept, a recovery code is deleted when it is used.
Wrong codes are counted per person, since a right password alone leads here.
"""

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

import pyotp
import segno

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.services.accounts import rules, session_store
from praxisd.services.accounts.gate import gate_of, limited
from praxisd.services.accounts.records import Factor
from praxisd.services.accounts.session_memory import memory_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.services.accounts.records import User

STEP_S = 30
DRIFT = 1
"""Steps that the phone's clock may be ahead or behind (RFC 6238 § 5.2)."""
CODES = 10
WRONG_CODES_PER_HOUR = 10
PENDING_S = 15 * 60
"""So long a set-up may take from the picture to the first code."""
_PURPOSE = "accounts.second_factor"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_BORDER = 4


def start(house: "House", tx: "Tx", user: "User", issuer: str) -> tuple[str, str]:
    """Begin to set up a second factor: its secret (base32) and the `otpauth:` address apps read.

    Beginning again replaces what was not confirmed. Problem `accounts.second_factor_exists` (409).
    """
    old = session_store.factor(tx, user.id)
    if old is not None and old.confirmed_at is not None:
        raise Problem("accounts.second_factor_exists", 409)
    secret = pyotp.random_base32(32)
    sealed = house.vault.seal(_PURPOSE, tx.organization, f"{user.id} {secret}".encode())
    session_store.put_factor(tx, Factor(user.id, sealed, tx.now))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.login, issuer_name=issuer)


def confirm(house: "House", tx: "Tx", user: str, code: str) -> list[str]:
    """Make a started second factor count, with a first code of the app; answers its recovery codes, shown once.

    Problems: `accounts.second_factor_absent` (409) if none was started or it is too long ago,
    `accounts.second_factor_exists` (409), `accounts.second_factor_refused` (403).
    """
    session_store.hold_user(tx, user)  # `start` waits: it would put another secret in place of this one
    found = session_store.factor(tx, user)
    if found is not None and found.confirmed_at is not None:
        raise Problem("accounts.second_factor_exists", 409)
    if found is None or found.created_at + PENDING_S < tx.now:
        raise Problem("accounts.second_factor_absent", 409)
    if not _spend_step(house, tx, found, code):
        raise refused(403)
    if not session_store.confirm_factor(tx, user):
        raise Problem("accounts.second_factor_exists", 409)
    return _changed(tx, user, "set_up", renew_codes(tx, user))


def remove(tx: "Tx", user: str, *, by: str = "removed") -> bool:
    """Take a second factor away; False if there was none. `by` goes into the audit: removed, reset."""
    had = session_store.factor(tx, user)
    gone = session_store.drop_factor(tx, user)
    if gone and had is not None and had.confirmed_at is not None:
        _changed(tx, user, by, [])
    return gone


def new_codes(tx: "Tx", user: str) -> list[str]:
    """Ten fresh recovery codes in place of the old ones. Problem `accounts.second_factor_absent` (409)."""
    if not confirmed(tx, user):
        raise Problem("accounts.second_factor_absent", 409)
    return _changed(tx, user, "codes", renew_codes(tx, user))


def confirmed(tx: "Tx", user: str) -> bool:
    """True if the user has a second factor that counts."""
    found = session_store.factor(tx, user)
    return found is not None and found.confirmed_at is not None


def spend(house: "House", tx: "Tx", user: str, code: str) -> bool:
    """Use up a code of the app or a recovery code; False if it is wrong or was used before."""
    found = session_store.factor(tx, user)
    if found is None or found.confirmed_at is None:
        return False
    if _spend_step(house, tx, found, code):
        return True
    if session_store.spend_code(tx, user, _digest(user, code)):
        events.note(tx, "user.second_factor_changed", "User", user, what="code_used")
        return True
    return False


def count(house: "House", user: str) -> None:
    """Count an attempt with a code; Problem `accounts.rate_limited` (429) after too many wrong ones."""
    wait = gate_of(house.store).codes.take(
        user, WRONG_CODES_PER_HOUR / 3600, WRONG_CODES_PER_HOUR, house.clock.monotonic()
    )
    if wait:
        raise limited(wait)


def was_right(house: "House", user: str) -> None:
    """The code was right: the attempt does not count."""
    gate_of(house.store).codes.give(user)


def refused(status: int) -> Problem:
    """The refusal of a code: 401 while signing in, 403 inside a session."""
    return Problem("accounts.second_factor_refused", status)


def renew_codes(tx: "Tx", user: str) -> list[str]:
    """Ten recovery codes `xxxx-xxxx-xxxx-xxxx` of 79 random bits each, in place of the old ones."""
    made = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(CODES)]
    session_store.put_codes(tx, user, [_digest(user, code) for code in made])
    return ["-".join(code[n : n + 4] for n in range(0, 16, 4)) for code in made]


def picture(text: str) -> tuple[int, str]:
    """The QR code of a text: how many units wide and high with its white border, and the dark parts as an SVG path."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            start_ = x
            while x < len(row) and row[x]:
                x += 1
            if x > start_:
                width = x - start_
                parts.append(f"M{start_ + _BORDER} {y + _BORDER}h{width}v1h-{width}z")
            x += 1
    return len(rows) + 2 * _BORDER, "".join(parts)


def _changed(tx: "Tx", user: str, what: str, codes: list[str]) -> list[str]:
    tx.after(memory_of(tx.store).forget)
    events.note(tx, "user.second_factor_changed", "User", user, what=what)
    return codes


def _spend_step(house: "House", tx: "Tx", found: Factor, code: str) -> bool:
    """True if the code is that of a time step near now that is later than the last one used."""
    digits = "".join(code.split())
    if not rules.could_be_totp(digits):
        return False
    sealed = house.vault.open(_PURPOSE, tx.organization, found.secret).decode()
    owner, _, secret = sealed.partition(" ")
    if owner != found.user:  # a sealed secret that was moved to another person's row
        raise Problem("vault.tampered", 500)
    totp, now = pyotp.TOTP(secret, interval=STEP_S), tx.now // STEP_S
    right = [
        step
        for step in range(now - DRIFT, now + DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step), digits)
    ]
    return any(step > found.last_step and session_store.spend_step(tx, found.user, step) for step in right)


def _digest(user: str, code: str) -> str:
    """What is kept of a recovery code, however it is typed."""
    plain = "".join(c for c in code.casefold() if c.isalnum())
    return hashlib.sha256(f"{user}:{plain}".encode()).hexdigest()
