"""What the command `praxisd setup` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Operation
from praxisd.kernel.texts import FIRST
from praxisd.services.directory import api as directory
from praxisd.services.setup import checks, codes, first, rules, steps, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def new_code(house: "House", _args: Args) -> Args:
    """A fresh one-time code, shown this once; the one before ends. `setup.not_needed` (409) when it is too late."""
    if not first.state(house).needed:
        raise Problem("setup.not_needed", 409)
    return {"code": codes.make(house, asked=True), "tries": rules.TRIES}


def status(house: "House", args: Args) -> Args:
    """Whether the first start is still to come, what is known of its code, and how far each practice is."""
    lang = str(args.get("lang") or FIRST)
    found = first.state(house)
    with house.store.read(system("setup")) as tx:
        kept = store.code(tx) if found.needed else None
        zone = zone_of(zone_name(house, tx))
        known = directory.organization_ids(tx)
    code = None
    if kept is not None:
        code = {"madeAt": format_rfc3339(kept.made_at, zone), "tries": kept.left}
    return {
        "needed": found.needed,
        "code": code,
        "practices": [_practice(house, one, lang) for one in known],
    }


def _practice(house: "House", id_: str, lang: str) -> Args:
    with house.store.read(system("setup", id_)) as tx:
        progress = steps.listed(house, tx, lang)
        return {
            "id": id_,
            "name": directory.organization(tx).name,
            "owner": checks.has_owner(tx),
            "complete": progress.complete,
            "steps": [{"name": x.name, "title": x.title, "state": x.state} for x in progress.steps],
        }


OPERATIONS = (
    Operation("setup.code", new_code, offline=True),
    Operation("setup.status", status, offline=True),
)
