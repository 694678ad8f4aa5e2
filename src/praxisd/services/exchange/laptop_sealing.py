"""age files (https://age-encryption.org): sealed and opened in a program of its own (`laptop_child`); ADR 0012.

age authenticates: a file that was cut off or changed does not open. Nothing of it is used before all of it is proved.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import choice
from typing import NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import ALPHABET

LEAST_SIGNS, MOST_SIGNS = 12, 1024
"""Length of a passphrase; shorter ones are guessed."""
FILE_MOST = 48 * 1024 * 1024
"""Bytes of a file; thousands of patients fit in."""
_HEAD = b"age-encryption.org/v1\n"
_PATIENCE_S = 120
_GROUPS, _SIGNS = 5, 4
"""100 random bits."""


class Key(NamedTuple):
    """A key pair: `identity` opens (`AGE-SECRET-KEY-1…`), for `recipient` (`age1…`) anybody can seal."""

    identity: str
    recipient: str


def new_key() -> Key:
    """A fresh X25519 key pair."""
    import pyrage  # type: ignore[import-untyped]  # who lends nothing need not load it

    made = pyrage.x25519.Identity.generate()
    return Key(str(made), str(made.to_public()))


def propose() -> str:
    """A passphrase that nobody guesses, easy to read out: `k7mq-3x9t-…`."""
    return "-".join("".join(choice(ALPHABET) for _ in range(_SIGNS)) for _ in range(_GROUPS))


def check_passphrase(text: str) -> None:
    """Problem `exchange.passphrase_weak` (422) for one that is too short, or too long, or one sign again and again."""
    if not LEAST_SIGNS <= len(text) <= MOST_SIGNS or len(set(text)) < 5 or text != text.strip():
        raise Problem("exchange.passphrase_weak", 422, least=LEAST_SIGNS)


def check_recipient(text: str) -> None:
    """Problem `exchange.recipient_invalid` (422) for what is no age recipient."""
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise Problem("exchange.recipient_invalid", 422) from None


def seal_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """An age file that a passphrase opens. A second or two."""
    return _child({"do": "seal", "passphrase": passphrase}, data)


def seal_for(data: bytes, recipient: str) -> bytes:
    """An age file that only the key of this recipient opens."""
    return _child({"do": "seal", "recipient": recipient}, data)


def wants_passphrase(data: bytes) -> bool:
    """Whether an age file was sealed with a passphrase. Problem `exchange.file_foreign` (422) for what is no age file."""
    if not data.startswith(_HEAD):
        raise Problem("exchange.file_foreign", 422)
    return data[len(_HEAD) :].startswith(b"-> scrypt ")


def open_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """What is in the file. Problems (422): `exchange.passphrase_wrong`, `exchange.file_damaged`."""
    return _child({"do": "open", "passphrase": passphrase}, data)


def open_with_keys(data: bytes, identities: Sequence[str]) -> bytes:
    """What is in the file. Problems (422): `exchange.key_wrong` if none of these keys opens it, `exchange.file_damaged`."""
    if not identities:
        raise Problem("exchange.key_wrong", 422)
    return _child({"do": "open", "keys": " ".join(identities)}, data)


def _child(order: dict[str, str], data: bytes) -> bytes:
    """Have it done; secrets go through a pipe, never into the list of programs."""
    program = [sys.executable, "-I", str(Path(__file__).with_name("laptop_child.py"))]
    try:
        done = subprocess.run(  # noqa: S603
            program,
            input=json.dumps(order).encode() + b"\n" + data,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem("exchange.sealing_failed", 503, retry=True) from None
    if done.returncode == 0:
        return done.stdout
    wrong = "exchange.passphrase_wrong" if "passphrase" in order else "exchange.key_wrong"
    known = {b"secret": wrong, b"broken": "exchange.file_damaged", b"recipient": "exchange.recipient_invalid"}
    code = known.get(done.stderr)
    if code is None:
        raise Problem("exchange.sealing_failed", 503, retry=True)
    raise Problem(code, 422)
