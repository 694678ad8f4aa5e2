"""What can be wrong with an update: one code per kind of refusal, and the three exceptions of a source."""

from typing import Any

ROLLBACK = "rollback"  # an older state than one already seen
FROZEN = "frozen"  # timestamp, snapshot or a list of targets is past its expiry
MIXED = "mixed"  # parts of different states of the repository
WRONG_KEY = "wrong_key"  # signed by nobody who may sign this
THRESHOLD = "threshold"  # signed by too few of those who may
ENDLESS = "endless"  # more bytes than announced
TAMPERED = "tampered"  # a file is not the one that was signed
ROOT_EXPIRED = "root_expired"  # the newest root is past its expiry
CLOCK_BACK = "clock_back"  # this computer's clock stands before a time already seen
UNREACHABLE = "unreachable"  # no connection, cut, too slow
NOT_FOUND = "not_found"  # the source has no such file, or nobody lists such a target
NO_SPACE = "no_space"  # the disk is full
MALFORMED = "malformed"  # not what the format says, or two signed files contradict each other

CODES = frozenset(
    {
        ROLLBACK, FROZEN, MIXED, WRONG_KEY, THRESHOLD, ENDLESS, TAMPERED, ROOT_EXPIRED, CLOCK_BACK, UNREACHABLE,
        NOT_FOUND, NO_SPACE, MALFORMED,
    }
)  # fmt: skip
"""All codes of a `TrustFault`; their texts are `updates.<code>.title|cause|solution`."""

_PASSING = frozenset({UNREACHABLE, NO_SPACE, CLOCK_BACK})
"""What may be over when one tries again later, without the publisher doing anything."""


class TrustFault(Exception):
    """Something was refused, and nothing of it was kept.

    `code` is one of CODES; `text` the same with the service's name, as Problems and Issues carry it; `params` hold
    names of roles, files, versions and sizes (never content); `retry` says that the same may work later.
    """

    def __init__(self, code: str, /, retry: bool | None = None, **params: Any) -> None:
        if code not in CODES:
            raise ValueError(code)
        super().__init__(code, params)
        self.code = code
        self.params = params
        self.retry = code in _PASSING if retry is None else retry

    @property
    def text(self) -> str:
        """`updates.<code>`."""
        return f"updates.{self.code}"

    def __str__(self) -> str:
        return f"{self.text} {self.params}" if self.params else self.text


class Missing(Exception):
    """A source has no such file (404, 403, 410; no such file in the folder)."""


class Unreachable(Exception):
    """A source cannot be asked now, or the connection ended before the file did."""


class OffsetRefused(Exception):
    """A source cannot begin at this offset (answered 200 or 416): the caller begins at 0."""


class Stopped(Exception):
    """The caller's `stop()` said so; what has come so far lies in the part file."""
