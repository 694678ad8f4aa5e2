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
    "files.log_wal": Bound(
        17.0, "the log's own comes back each 4000 pages (16 MB): it may fill once, not twice"
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
_RECORD = "the practice's own record: kept until a person deletes the patient"
DESIGN: dict[str, Design] = {
    "kernel_event": Design(3.0, "each change notes an event or more; it is log, feed and audit", _FEED),
    "kernel_run": Design(0.3, "each run of a job", "`kernel.purge`: `kernel.runs_keep_days` (90), the newest 50 stay"),
    "kernel_lease": Design(
        0.02, "each record that is locked for the first time, and each loan",
        "never, since a fence may not repeat: as many rows as records, and the leases of ended work",
    ),
    "kernel_idempotency": Design(0.5, "each call with an Idempotency-Key", "`kernel.purge`: after 24 hours"),
    "calendar_appointment": Design(0.5, "each booking, also one that is cancelled", _RECORD),
    "calendar_conflict": Design(0.1, "each booking from outside that met another", "settled; kept with the appointment"),
    "directory_match": Design(0.05, "each person from outside who may be known", "a person decides"),
    "messaging_outbox": Design(0.5, "each message to a patient", _RECORD),
    "messaging_ledger": Design(0.5, "each message that costs a credit", "accounts: not deleted"),
    "portals_request": Design(
        0.3, "each booking at a portal", "texts and person are emptied after `portals.request_days` (365)"
    ),
    "portals_answer": Design(0.5, "each decision that a portal is told", "kept with its request"),
    "portals_upload": Design(0.3, "each upload of busy times", "`portals.sync`: after 90 days"),
    "relay_access": Design(0.3, "each call through the relay", "`relay.clean`: `relay.log_days` (30)"),
    "seats_session": Design(0.2, "each time a seat comes to work", "the sweep of seats, some days after its end"),
    "exchange_loan": Design(0.02, "each laptop that goes out", "evidence: who took what along; its texts go with its end"),
}  # fmt: skip
