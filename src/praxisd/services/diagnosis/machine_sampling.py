"""The job that notes the free space of this server's drives once a day."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import JobType, Scope
from praxisd.kernel.store import Tx
from praxisd.model.machine import Disk, MachineFacts
from praxisd.services.diagnosis import machine_sample_store
from praxisd.services.diagnosis.machine import meter, own_host

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEEP_DAYS = 400
_MB_OF_GB = 1_000


def sample(run: RunContext) -> None:
    """Note the free space of every drive that is this server's own; old notes are forgotten."""
    facts = meter(run.house).measure(run.house.clock.now(), only=("disks",))
    with run.write() as tx:
        day = today(run.house, tx)
        kept = own_drives(facts)
        for disk in kept:
            machine_sample_store.put(
                tx, volume_key(disk.volume), day, round((disk.free_gb.value or 0) * _MB_OF_GB)
            )
        machine_sample_store.purge(tx, day - timedelta(days=KEEP_DAYS))
        run.checkpoint(tx=tx, drives=len(kept))


def volume_key(volume: str) -> str:
    """How a drive of this server is kept: nodes that share a database have drives of their own."""
    return f"{own_host()} {volume}"


def own_drives(facts: MachineFacts) -> list[Disk]:
    """The drives whose free space is known and that stay in the computer."""
    return [
        one
        for one in facts.disks.value or ()
        if one.free_gb.known and not one.mapped.value and one.kind.value not in ("removable", "network")
    ]


def today(house: "House", tx: Tx) -> date:
    """The day it is in the installation's zone."""
    return datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx))).date()


JOBS = (
    JobType(
        "diagnosis.sample", sample, Daily(At("12:10")), enabled=True, missed="once", per=Scope.INSTALLATION
    ),
)
