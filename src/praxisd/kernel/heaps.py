"""Heaps of the C library: few for all threads, so that what one thread gave back is what the next one gets.

glibc gives threads heaps of their own, up to eight for each core. The server has some forty threads and begins hundreds of
short ones in an hour; each heap grows to the most that any thread ever needed in it, and keeps that.
"""

import ctypes
import os
import sys

MOST = 2
"""Measured over ten minutes of soak on two cores: sixteen heaps held 20 MB that nobody used, and more each minute."""
GIVE_BACK_S = 300.0
"""So often the server gives back. Seconds."""
_ARENA_MAX = -8
"""M_ARENA_MAX of `malloc.h`."""


def few(most: int = MOST) -> bool:
    """Serve all threads that begin from now on from at most `most` heaps. False where there is no glibc, or whoever started the
    program has set `MALLOC_ARENA_MAX` and means it.
    """
    if not sys.platform.startswith("linux") or "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_ARENA_MAX, most))
    except (OSError, AttributeError):  # musl has no such thing, and needs none
        return False


def give_back() -> bool:
    """Give the system the whole pages between what is in use, of all heaps: some milliseconds. False where there is no glibc.

    Only what lies at the end of a heap goes back by itself.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False
