"""How many sockets this process may have: the limit of the system, raised as far as it allows."""

import contextlib

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

SHARE = 0.9
"""Above this share of the limit newcomers are cut off: files and the registry need some too."""
_WISH = 1_048_576


class Sockets:
    """The limit, and the guests that are counted here."""

    def __init__(self) -> None:
        self.limit = raised()
        self.guests = 0
        self.used = 0

    def full(self, used: int) -> bool:
        """Would one more be too many?"""
        self.used = used
        return used >= self.limit * SHARE


def raised() -> int:
    """The number of descriptors this process may have, after asking for more."""
    if resource is None:
        return _WISH
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wish = _WISH if hard == resource.RLIM_INFINITY else min(hard, _WISH)
    if soft == resource.RLIM_INFINITY:
        return _WISH
    if wish > soft:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wish, hard))
            soft = wish
    return soft
