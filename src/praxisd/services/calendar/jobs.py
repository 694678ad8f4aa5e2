"""Background work of the calendar."""

from typing import TYPE_CHECKING

from praxisd.services.calendar import holds

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext


def sweep(run: "RunContext") -> None:
    """Delete lapsed holds in chunks. They occupy nothing once lapsed; this only keeps the table small."""
    gone = 0
    while not run.cancelled:
        done = run.house.store.run(run.actor, lambda tx: holds.sweep(run.house, tx))
        gone += done
        if not done:
            break
    run.checkpoint(holds=gone)
