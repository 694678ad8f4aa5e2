"""Which growth is a leak: a bound with its reason for each series, and what grows by design, per action, with its retention.

An hour of soak does about what a practice does in a day (some 30,000 requests), so "per hour" here means "per day" there.
"""

from dataclasses import dataclass

from praxisd.testing.soak_judge import Bound

_MEMORY = (
    "an hour is a day of a practice: in a month of working days the server of 180 MB may not become twice as large;"
    " `kernel.restart` starts it anew before"
)
BOUNDS = {
    "server.uss": Bound(6.0, _MEMORY),
    "server.rss": Bound(8.0, _MEMORY + "; shared pages move, so a third more"),
    "server.fds": Bound(2.0, "one that is lost each half hour reaches the usual 1024 within three weeks"),
    "server.threads": Bound(1.0, "pools are bounded: none may come to stay"),
    "server.children": Bound(1.0, "helpers end with their work: none may come to stay"),
    "hub.uss": Bound(4.0, "a hub of 40 MB serves many practices and is not restarted for months"),
    "hub.rss": Bound(5.0, "as USS; shared pages move"),
    "hub.fds": Bound(2.0, "as the server's"),
    "hub.threads": Bound(1.0, "as the server's"),
    "helpers.count": Bound(1.0, "as the server's children, also theirs"),
    "files.wal": Bound(
        8.0, "a checkpoint takes the log back each 1000 pages (4 MB); twice that is no growth"
    ),
    "files.temporary": Bound(2.0, "what is made for one request goes with it"),
    "files.kept": Bound(6.0, "the folder has a fixed set of files; a sandbox may begin a new one"),
}
"""Memory in MB, all else in numbers."""
LATENCY = (20.0, 1.0)
"""Milliseconds an hour, and the share of the level: a probe may double. Other work on the machine moves it more than that."""
UNDECLARED = Bound(2.0, "no growth by design is declared for this table")


@dataclass(frozen=True, slots=True)
class Design:
    """A table that grows with work: rows for one action of the soak at most, what makes them, and what takes them away."""

    per_action: float
    by: str
    until: str


_FEED = (
    "`kernel.purge`, nightly: `kernel.events_change_days` (90), `…activity_days` (400), `…audit_days` (3660)"
)
DESIGN: dict[str, Design] = {
    "kernel_event": Design(6.0, "each change notes one event and more; it is log, feed and audit", _FEED),
    "kernel_run": Design(
        0.5, "each run of a job", "`kernel.purge`: `kernel.runs_keep_days` (90), never below the newest 50"
    ),
}
