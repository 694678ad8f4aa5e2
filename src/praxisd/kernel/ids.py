"""Ids and secrets: who makes them, and what a legal id looks like.

Our ids are UUIDv7 (RFC 9562 § 5.7) written as 26 lower-case base32 characters. The alphabet is Crockford's,
whose characters stand in ASCII order, so that the order of the texts is the order of the times.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

_TAIL_BITS = 74  # rand_a (12) and rand_b (62) of the RFC, used here as one counter
_TAIL_END = 1 << _TAIL_BITS
_STEP_BITS = 32


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class IdMaker:
    """Makes ids that only grow, also when many threads ask at once or the clock is set back.

    `now_ms` gives epoch milliseconds; `random_bits(n)` an integer below 2**n. Both can be replaced so that a
    sample practice gets the same ids every time. Within one millisecond the tail grows by a random step (RFC
    9562 § 6.2, method 2), so that an id cannot be guessed from its neighbour.
    """

    def __init__(
        self,
        now_ms: Callable[[], int] = _wall_ms,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._now_ms = now_ms
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._ms = -1
        self._tail = 0

    def new(self) -> str:
        """A new id: 26 characters, greater than every one this maker gave before."""
        with self._lock:
            now = self._now_ms()
            if now > self._ms:
                self._ms = now
                # The highest bit stays free, so that a full millisecond of steps cannot run over.
                self._tail = self._random_bits(_TAIL_BITS - 1)
            else:
                self._tail += self._random_bits(_STEP_BITS) + 1
                if self._tail >= _TAIL_END:
                    self._ms += 1
                    self._tail = self._random_bits(_TAIL_BITS - 1)
            ms, tail = self._ms, self._tail
        return _text(ms << 80 | 7 << 76 | (tail >> 62) << 64 | 2 << 62 | tail & (1 << 62) - 1)


def _text(number: int) -> str:
    """A 128-bit number as 26 base32 characters, two at a time."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


_maker = IdMaker()


def new_id() -> str:
    """A new id from the one maker of this process."""
    return _maker.new()


@contextmanager
def ids_from(maker: IdMaker) -> Iterator[None]:
    """Let `new_id` draw from another maker inside the block, in the whole process.

    For filling the sample practice, whose ids are the same every time; never while requests are served.
    """
    global _maker
    before, _maker = _maker, maker
    try:
        yield
    finally:
        _maker = before


def valid_id(text: str) -> bool:
    """True for 1 to 64 characters of FHIR's id alphabet (R4, datatype `id`): letters, digits, `-` and `.`."""
    return _FHIR_ID.fullmatch(text) is not None


def token(nbytes: int = 32) -> str:
    """A secret of `nbytes` random bytes as URL-safe text; ValueError below 16, which could be guessed."""
    if nbytes < 16:
        raise ValueError("a secret needs at least 16 bytes")
    return secrets.token_urlsafe(nbytes)
