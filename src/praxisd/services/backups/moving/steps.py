"""The steps after a move: which this installation has, and which can be seen to be done."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, installation
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem
from praxisd.model.backup_kept import MoveKept
from praxisd.model.product import Product
from praxisd.services.backups.moving import step_rules
from praxisd.services.backups.moving.step_rules import Facts
from praxisd.services.backups.store import DRIVE, MEDIUM, MOVE
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.relay import api as relay
from praxisd.services.serviceprovider import api as serviceprovider

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

UNKNOWN = "backups.move_step_unknown"
_HOST_CODES = (
    "hostname",
    "connection_host",
    "wrong_machine",
    "unreachable",
    "datapath",
    "stale",
    "mapped_drive",
)
"""What is wrong with a ServiceProvider that still has the old computer's name or folders; parts of its codes."""
_WHO = system("move", INSTALLATION)


def arrived(tx: "Tx") -> MoveKept | None:
    """The last move by which this installation came here, or None."""
    return next((one for one in MOVE.newest(tx, 10) if one.kind == "arrived"), None)


def first(
    house: "House",
    tx: "Tx",
    kept: MoveKept,
    host: str,
    products: Mapping[str, Product],
    gone: tuple[str, ...],
) -> MoveKept:
    """The move with its steps, as this installation is set up. `products`: all that are known; `gone`: what `missing` said."""
    facts = Facts(
        same_name=kept.host.casefold() == host.casefold(),
        relay=relay.public_url(house) is not None,
        address=house.config.public_url is not None,
        provider=_provided(tx, products),
        drives=len(DRIVE.all(tx)),
        copy_folder=bool(kept.told.get("copyFolder")),
        missing=gone,
    )
    return msgspec.structs.replace(kept, steps=step_rules.needed(facts))


def _provided(tx: "Tx", products: Mapping[str, Product]) -> bool:
    return any(
        (one := products.get(software.product)) is not None and one.serviceprovider is not None
        for software in diagnosis.software(tx)
    )


def missing(house: "House", kept: MoveKept) -> tuple[str, ...]:
    """Plug-ins that were loaded on the old computer and are not here."""
    here = {one.name for one in installation.facts(house).plugins if one.on}
    there = [one for one in kept.told.get("plugins", ()) if isinstance(one, Mapping) and one.get("on")]
    return tuple(sorted({str(one.get("name")) for one in there} - here))


def look(house: "House") -> MoveKept | None:
    """Tick what is seen to be done, and answer how it stands. Some seconds where a ServiceProvider is to be asked."""
    with house.store.read(_WHO) as tx:
        kept = arrived(tx)
    if kept is None:
        return None
    seen = [one for one in step_rules.open_steps(kept.steps) if one in _LOOKS and _LOOKS[one](house, kept)]
    for one in seen:
        kept = tick(house, _WHO, one, done=True, by="")
    return kept


def tick(house: "House", actor: Actor, name: str, *, done: bool, by: str) -> MoveKept:
    """A step is done, or open again. Problem UNKNOWN (404) for one that this move has not."""

    def work(tx: "Tx") -> MoveKept:
        kept = arrived(tx)
        if kept is None or name not in kept.steps:
            raise Problem(UNKNOWN, 404, step=name)
        if (kept.steps[name].state == "done") is done:
            return kept
        steps = step_rules.ticked(kept.steps, name, done=done, by=by, at=house.clock.now())
        made = msgspec.structs.replace(kept, steps=steps)
        MOVE.put(tx, made.id, made, at=made.at)
        events.note(tx, "move.ticked", "MoveStep", name, done=done)
        return made

    return house.store.run(actor, work)


def _service(house: "House", _kept: MoveKept) -> bool:
    return house.guard is not None and installation.facts(house).service is not None


def _plugins(house: "House", kept: MoveKept) -> bool:
    return not missing(house, kept)


def _relay(house: "House", _kept: MoveKept) -> bool:
    return relay.public_url(house) is not None and relay.wait_up(house, 0.0)


def _ini(house: "House", _kept: MoveKept) -> bool:
    """Each was looked at, and nothing is wrong that has to do with the computer."""
    found = serviceprovider.told(house)
    return bool(found) and not any(
        one.unseen or any(part in code for code in one.codes for part in _HOST_CODES) for one in found
    )


def _drives(house: "House", _kept: MoveKept) -> bool:
    """Each shows a medium that is ours."""
    from praxisd.services.backups import media_rules
    from praxisd.services.backups.plans import looking

    with house.store.read(_WHO) as tx:
        drives, known = DRIVE.all(tx), {one.medium.id for one in MEDIUM.all(tx)}
    seen = [looking.look(one) for one in drives]
    ours = [None if one.identity is None else media_rules.parse(one.identity) for one in seen]
    return bool(ours) and all(one is not None and one.id in known for one in ours)


_LOOKS: Mapping[str, Callable[["House", MoveKept], Any]] = {
    "service": _service,
    "plugins": _plugins,
    "relay": _relay,
    "ini": _ini,
    "drives": _drives,
}
MEASURED = frozenset(_LOOKS)
"""Steps that praxisd ticks by itself; a person may do it as well."""
