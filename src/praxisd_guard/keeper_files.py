"""Descriptors: the guard raises its limit when it starts, and knows when there are none left.

A flood of connections must cost neither the guard nor its server: what a start needs (pipes, a log, the pointer) has to
be there however many guests wait.
"""

import errno
import os
from contextlib import suppress

MOST_FILES = 65536
"""No more than this is asked for: a limit that is huge makes some programs slow."""
_NEEDED = 16
"""A start opens fewer at once."""
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.EADDRNOTAVAIL)


def raise_limit() -> int:
    """Take as many descriptors as the system grants, MOST_FILES at most; how many that are. Children inherit it."""
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


def scarce(error: BaseException) -> bool:
    """True for a failure that says only that this computer has no room for one more just now."""
    return isinstance(error, OSError) and error.errno in _SHORT


def short() -> bool:
    """True while the descriptors for a start are not there."""
    taken: list[int] = []
    try:
        for _ in range(_NEEDED):
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return True
    finally:
        for one in taken:
            os.close(one)
    return False
