"""The only door of the portals for other services and for the sample practice. Functions that write take the open `tx`."""

from praxisd.services.portals.accounts import Given as PortalGiven
from praxisd.services.portals.accounts import change as change_portal
from praxisd.services.portals.accounts import create as create_portal
from praxisd.services.portals.accounts import every as all_portals
from praxisd.services.portals.engine import Report, Shown, hurry, on_portals
from praxisd.services.portals.engine import run as run_cycle
from praxisd.services.portals.engine_run import every as sync_all
from praxisd.services.portals.links import link

__all__ = [
    "PortalGiven",
    "Report",
    "Shown",
    "all_portals",
    "change_portal",
    "create_portal",
    "hurry",
    "link",
    "on_portals",
    "run_cycle",
    "sync_all",
]
