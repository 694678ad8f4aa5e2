"""Structs are made ready before threads use them.

msgspec works out what a Struct's fields are when it first reads one, and lets other threads see that half done: two
threads that read into the same Struct for the first time brought the whole interpreter down (msgspec 0.22, a null pointer;
`tests/unit/test_structs.py` shows it). What was read into once is safe ever after.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

_ready: "weakref.WeakSet[type[Any]]" = weakref.WeakSet()
_lock = threading.Lock()


def make_ready() -> int:
    """Make every Struct that was imported so far ready for threads; how many were not yet. Milliseconds per hundred."""
    with _lock:
        new = [one for one in _all(msgspec.Struct) if one not in _ready]
        for one in new:
            with suppress(TypeError):  # its fields are nothing that is ever read into
                msgspec.json.Decoder(one)
            _ready.add(one)
        return len(new)


def unready() -> list[type[Any]]:
    """Structs that were imported and not made ready; for tests."""
    return [one for one in _all(msgspec.Struct) if one not in _ready]


def _all(one: type[Any]) -> Iterator[type[Any]]:
    for below in type.__subclasses__(one):
        yield below
        yield from _all(below)
