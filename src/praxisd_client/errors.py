"""What can go wrong, one exception for each thing a program does something different about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from praxisd_client.words import Holder, moment


class SeatError(Exception):
    """All errors of this library."""


class Unreachable(SeatError):
    """The server did not answer in time. What was asked for may have happened; the library looks once it is back."""


class WrongServer(SeatError):
    """The server is not the one this key was registered at: nothing was signed for it."""


class Replaced(SeatError):
    """Another connection speaks for this session now: the program was copied together with its memory."""


class Problem(SeatError):
    """The server refused. `code` never changes its meaning; `title` is for people, in the language asked for."""

    def __init__(
        self,
        code: str,
        title: str = "",
        *,
        retry: bool = False,
        parameters: Mapping[str, Any] | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(f"{code}: {title}" if title else code)
        self.code = code
        self.title = title
        self.retry = retry
        self.parameters = dict(parameters or {})
        self.status = status


class Locked(Problem):
    """Somebody else has the record. `own`: it is another session of the same person, or of this very program."""

    @property
    def holder(self) -> Holder | None:
        """Who has it; None where the server does not say."""
        return Holder.of(self.parameters.get("holder"))

    @property
    def own(self) -> bool:
        """Another window or tab of the same person."""
        return bool(self.parameters.get("own"))

    @property
    def until(self) -> datetime | None:
        """When it is free at the latest if its holder is gone."""
        return moment(self.parameters.get("until"))


class LockLost(Problem):
    """The lock is no longer ours: what was typed must be compared with what is stored now, never saved over it."""

    @property
    def why(self) -> str:
        """`expired`, `taken` or `released`; empty where the server does not say."""
        return str(self.parameters.get("why", ""))

    @property
    def by(self) -> Holder | None:
        """Who has the record now."""
        return Holder.of(self.parameters.get("by"))


class Stale(Problem):
    """The record was changed since it was read (412): read it again."""


class Refused(Problem):
    """Not allowed: a viewer, a seat not approved or revoked, a missing right."""


class Maintenance(Problem):
    """The server is being looked after; it says when to come back. Locks stay."""


_BY_CODE: dict[str, type[Problem]] = {
    "seats.locked": Locked,
    "seats.lock_lost": LockLost,
    "seats.viewer": Refused,
    "maintenance": Maintenance,
}
_BY_STATUS: dict[int, type[Problem]] = {401: Refused, 403: Refused, 412: Stale}


def problem(
    code: str,
    title: str = "",
    *,
    retry: bool = False,
    parameters: Mapping[str, Any] | None = None,
    status: int = 0,
) -> Problem:
    """The exception for what the server said."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or Problem
    return kind(code, title, retry=retry, parameters=parameters, status=status)
