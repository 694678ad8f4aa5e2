"""Seals or opens one age file, as a program of its own: its first line of input says how, the file follows.

Making a key of a passphrase is meant to be slow (scrypt, a second or two), and pyrage holds the interpreter meanwhile;
the server goes on. Imports nothing of praxisd, so it starts at once. Ends with 0 and the result on standard output, else
with a word on standard error: `secret`, `broken`, `recipient`.
"""

import json
import sys

import pyrage  # type: ignore[import-untyped]


def seal(order: dict[str, str], data: bytes) -> bytes:
    """An age file for a passphrase, or for the one who has the key of a recipient (`age1…`)."""
    if "passphrase" in order:
        return pyrage.passphrase.encrypt(data, order["passphrase"])
    return pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(order["recipient"])])


def open_(order: dict[str, str], data: bytes) -> bytes:
    """What is in it. With keys: whichever fits."""
    if "passphrase" in order:
        return pyrage.passphrase.decrypt(data, order["passphrase"])
    keys = [pyrage.x25519.Identity.from_str(one) for one in order["keys"].split()]
    return pyrage.decrypt(data, keys)


def main() -> int:
    """Do what the first line says."""
    order, data = json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()
    try:
        made = seal(order, data) if order["do"] == "seal" else open_(order, data)
    except pyrage.RecipientError:
        sys.stderr.write("recipient")
        return 1
    except pyrage.DecryptError as error:
        # The only two that mean a wrong secret; all others mean a damaged file.
        wrong = str(error) in ("Decryption failed", "No matching keys found")
        sys.stderr.write("secret" if wrong else "broken")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
