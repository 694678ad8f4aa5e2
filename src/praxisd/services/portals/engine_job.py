"""The job `portals.sync`: switched on, the comparison runs in the background; its own run compares everything anew.

That is done each night, when the portal is not asked by anybody else. A portal that was asked a moment ago is waited for, as
long as that is short; otherwise its next cycle does it.
"""

import threading
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType
from praxisd.kernel.store import Tx
from praxisd.services.portals import engine, engine_rules, engine_store
from praxisd.services.portals.store import PORTAL, PORTALS

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

LONGEST_WAIT_S = 75
KEPT_DAYS = 90
"""So long each upload is remembered. Days."""


def reconcile(run: "RunContext") -> None:
    """Compare everything with every active portal of the practice."""
    with run.read() as tx:
        active = PORTALS.all(tx, PORTAL.c.active == 1)
    done: list[str] = list(run.cursor or [])
    for number, portal in enumerate(active):
        run.stop_if_asked()
        if portal.id in done:
            continue
        report = _once(run, portal.id)
        done.append(portal.id)
        if report.state in ("early", "busy", "lost"):
            run.house.store.run(run.actor, partial(_owe, portal.id))
            run.checkpoint(done, later=1)
        else:
            run.checkpoint(
                done,
                calendars=len(report.results),
                uploaded=sum(one.uploaded or 0 for one in report.results),
                failed=sum(one.code is not None for one in report.results) or int(report.state == "failed"),
                bookings=report.bookings,
            )
        run.progress(number + 1, len(active))
    run.house.store.run(run.actor, lambda tx: engine_store.drop_uploads(tx, tx.now - KEPT_DAYS * 86_400))


def _once(run: "RunContext", portal: str) -> engine.Report:
    """The cycle; after a wait where the portal was asked just now."""
    clock = run.house.clock
    until = clock.monotonic() + LONGEST_WAIT_S
    while True:
        report = engine.run(run.house, run.actor, portal, "plan", full=True, stop=lambda: run.cancelled)
        run.stop_if_asked()
        if report.state not in ("early", "busy", "lost") or clock.frozen or clock.monotonic() >= until:
            return report
        _pause.wait(1.0)


_pause = threading.Event()
"""Never set: waiting for it is a sleep."""


def _owe(portal: str, tx: Tx) -> None:
    engine_store.change_cycle(tx, portal, reconciled_on=None)


JOBS = (JobType("portals.sync", reconcile, Daily(At(f"{engine_rules.NIGHT_HOUR:02d}:00"))),)
