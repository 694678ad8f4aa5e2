"""fridge: the temperatures of the refrigerator for vaccines, written down and watched."""

from praxisd.kernel.console import ConsolePage, Field, Form
from praxisd.kernel.schedule import At, Daily
from praxisd.kernel.service import EventType, JobType, Permission, Service, Setting
from praxisd_fridge import checks, jobs, listing, routes, store

SERVICE = Service(
    name="fridge",
    package="praxisd_fridge",
    tables=store.TABLES,  # all begin with "fridge_"
    settings=(
        Setting("fridge.lowest", int, 2, low=-40, high=40, unit="degrees"),
        Setting("fridge.highest", int, 8, low=-40, high=40, unit="degrees"),
        Setting("fridge.every_hours", int, 24, low=1, high=720, unit="hours"),
        Setting("fridge.keep_days", int, 730, low=30, high=3660, unit="days"),
    ),
    events=(EventType("fridge.measured"),),
    permissions=(
        Permission("fridge.reading.read", ("owner", "desk", "partner")),
        Permission("fridge.reading.write", ("owner", "desk")),
    ),
    routes=routes.ROUTES,
    jobs=(JobType("fridge.tidy", jobs.tidy, Daily(At("03:40")), enabled=True),),
    checks=checks.CHECKS,
    listings=(listing.READINGS,),
    pages=(
        ConsolePage(
            "fridge",
            "fridge.reading.read",
            "practice",
            90,
            "thermometer",
            listing="fridge.readings",
            form=Form(
                "fridge.measured", "fridge.measure", (Field("celsius", "number"), Field("by", required=False))
            ),
        ),
    ),
)
