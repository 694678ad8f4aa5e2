"""Background work of devices: every folder is looked into."""

from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import JobType
from praxisd.services.exchange import devices_store, devices_taking

NAME = "exchange.devices"


def run(ctx: RunContext) -> None:
    """Take in what the devices sent. Counts records `taken` and `doubts`, and files `aside` and `stuck`."""
    with ctx.read() as tx:
        found = [one for one in devices_store.devices(tx, active=True) if one.folder_in]
    for device in found:
        ctx.stop_if_asked()
        done = devices_taking.look(ctx.house, ctx.actor, device, ctx.stop_if_asked)
        ctx.checkpoint(taken=done.taken, doubts=done.doubts, aside=done.aside, stuck=done.stuck)


JOBS = (JobType(NAME, run, Daily(Repeat(2, "00:00", "23:58")), enabled=True, missed="none"),)
