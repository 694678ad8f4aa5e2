"""REST operations of giving back. All of them are there in safe mode too: that is when they are needed most."""

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.backups import engine
from praxisd.services.backups.restoring import (
    after,
    exchange,
    listing,
    manifest,
    opening,
    rights,
    targets,
    working,
)
from praxisd.services.backups.restoring.shapes import (
    Entries,
    EntriesIn,
    ExchangeOut,
    RestartOut,
    RestoreAsked,
    RestoreIn,
    RestoreOut,
    SnapshotQuery,
    Snapshots,
)

READ = "backups.read"
_TAGS = ("backups",)
_OPENING = (
    (404, "http.not_found"), (409, opening.AWAY), (409, opening.GONE), (409, "backups.password_needed"),
    (409, "backups.password_later"),
    (422, "backups.recovery_key_mistyped"), (422, opening.BAD_PATH), (409, manifest.NONE),
    *((status, code) for code in engine.CODES for status in (409, 503)),
)  # fmt: skip


def list_snapshots(call: Call) -> Snapshots:
    """States that can be given back

    Newest first, of one medium or of all; with the numbers of the passwords that open the medium now.
    """
    query: SnapshotQuery = call.query
    before = int(query.cursor) if query.cursor else None
    with call.read() as tx:
        return listing.states(call.house, tx, query.medium, most=query.limit, before=before, gone=query.gone)


def list_entries(call: Call) -> Entries:
    """Names in a state

    What lies directly in a folder; without a folder what was backed up, by source. The medium must be in a drive. Where none
    of the kept passwords opens it, the answer names the one that is needed.
    """
    body: EntriesIn = call.body
    return listing.entries(
        call.house, body.snapshot, body.below, body.password, most=body.limit, after=int(body.cursor or 0)
    )


def start_restore(call: Call) -> Answer:
    """Give back

    Into a new or empty folder, or in place: there what is replaced is saved first, and praxisd's own data are made ready for
    the exchange at the next start. The password is kept sealed until the run takes it.
    """
    run = working.begin(call.house, call.actor, call.body, call.actor.label)
    return Answer(RestoreAsked(run.id), 202)


def read_restore(call: Call) -> RestoreOut:
    """How a restore went

    With the names of the files that did not come back as they were.
    """
    return working.shown(call.house, call.path["id"], call.lang)


def undo_restore(call: Call) -> RestoreOut:
    """Undo a restore of files in place

    What was replaced comes back; what the restore made new is moved aside.
    """
    return working.put_back(call.house, call.actor, call.path["id"], call.lang)


def read_exchange(call: Call) -> ExchangeOut:
    """The exchange of praxisd's own data

    Ready for the next start, done, failed with all as before, or none.
    """
    return working.state(call.house)


def restart(call: Call) -> Answer:
    """Exchange now

    Closes the doors and restarts praxisd, which exchanges its data while it starts. Without a guard a person restarts it.
    """
    return Answer(RestartOut(working.restart(call.house, call.actor)), 202)


def cancel_exchange(call: Call) -> Answer:
    """Do not exchange after all"""
    working.cancel(call.house, call.actor)
    return Answer(status=204)


def undo_exchange(call: Call) -> ExchangeOut:
    """Undo the exchange

    The data from before come back at the next start; those that are in use now are moved aside in turn.
    """
    return working.undo(call.house, call.actor, call.actor.label)


def see_exchange(call: Call) -> Answer:
    """Have looked at the data after an exchange

    What was paused meanwhile, sending to patients, goes on.
    """
    last = exchange.known(call.house.folder)
    if last is None or last.phase not in ("done", "failed"):
        raise Problem(exchange.NOTHING, 404)
    after.seen(call.house)
    return Answer(status=204)


_NOTHING, _PENDING = (404, exchange.NOTHING), (409, exchange.PENDING)
ROUTES = (
    Route(
        "GET", "/backups/snapshots", "backupSnapshot.list", list_snapshots, READ, Snapshots, query=SnapshotQuery,
        safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/snapshots/entries", "backupSnapshot.entries", list_entries, rights.RESTORE, Entries,
        body=EntriesIn, problems=_OPENING, transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/restores", "backupRestore.start", start_restore, rights.RESTORE, RestoreAsked, body=RestoreIn,
        status=202, transaction=False, safe=True, tags=_TAGS,
        problems=(
            (404, "http.not_found"), (409, opening.GONE), _PENDING, (422, opening.BAD_PATH), (409, targets.USED),
            *((422, code) for code in targets.CODES if code != targets.USED), (422, engine.TARGET_REFUSED),
        ),
    ),
    Route(
        "GET", "/backups/restores/{id}", "backupRestore.read", read_restore, rights.RESTORE, RestoreOut,
        problems=((404, "http.not_found"),), safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/restores/{id}/undo", "backupRestore.undo", undo_restore, rights.RESTORE, RestoreOut,
        problems=((404, "http.not_found"), *((409, code) for code in working.UNDOING)), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/backups/exchange", "backupExchange.read", read_exchange, rights.RESTORE, ExchangeOut, safe=True,
        exempt=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/exchange/restart", "backupExchange.restart", restart, rights.RESTORE, RestartOut, status=202,
        problems=(_NOTHING,), transaction=False, safe=True, exempt=True, tags=_TAGS,
    ),
    Route(
        "DELETE", "/backups/exchange", "backupExchange.cancel", cancel_exchange, rights.RESTORE, status=204,
        problems=(_NOTHING,), transaction=False, safe=True, exempt=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/exchange/undo", "backupExchange.undo", undo_exchange, rights.RESTORE, ExchangeOut,
        problems=(_NOTHING, _PENDING), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/backups/exchange/seen", "backupExchange.see", see_exchange, rights.RESTORE, status=204,
        problems=(_NOTHING,), transaction=False, safe=True, tags=_TAGS,
    ),
)  # fmt: skip
