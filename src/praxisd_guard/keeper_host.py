"""What the keeper is for the install engine: the hands that stop, start and look at the server.

The engine (`install`, `recover`) is plain synchronous code. The keeper runs it in a thread of its own and waits for it;
every call here blocks that thread, never the keeper's loop.
"""

from dataclasses import dataclass
from typing import Protocol


class Ending(Exception):
    """The guard itself is asked to end: the engine lets this pass and leaves its journal as it is.

    What is unfinished then is settled by `recover` when the guard starts again.
    """


@dataclass(frozen=True)
class Failure:
    """Why a server is not as it should be."""

    code: str
    """`guard.not_ready`, `guard.exited`, `guard.hung`, `guard.unhealthy`, `guard.wrong_version`, … (texts of the guard)."""
    detail: str = ""
    """For technicians: exit status, the codes of `why`, the path that failed. Never data of patients."""
    log: str | None = None
    """The server's log file of that start."""


class Host(Protocol):
    """Every method but `step` raises Ending once the guard is asked to end."""

    def busy(self) -> list[str]:
        """Names of runs of the running server that must not be cut (`guard.health`).

        [] where none runs, or where it has not answered for a minute.
        """

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the guard is asked to end."""

    def stop(self) -> None:
        """Drain the server and wait until its process is gone (killed after the limit). Nothing if none runs."""

    def start(self, reason: str) -> Failure | None:
        """Start the version the pointer names and wait for `ready`; a start that failed is cleaned up already.

        `reason` as in start.json: `update`, `rollback`, `order`, … One try: no counting, no safe mode.
        """

    def healthy(self, version: str) -> Failure | None:
        """Deep health from outside (live, `guard.health` says `version` and ok, GET / and its first script), within the limit."""

    def step(self, order: str | None, step: str) -> None:
        """Say in state.json (state `updating`) how far an order is; `step` "" when it is settled."""
