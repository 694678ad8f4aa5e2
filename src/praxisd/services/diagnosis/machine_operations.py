"""What `praxisd machine …` and `praxisd requirements` do in the server, or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.services.diagnosis import machine_store, machine_view, requirement_view
from praxisd.services.diagnosis.measuring import host_name
from praxisd.services.diagnosis.software_store import software

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)
_ROLES = ("server", "main", "workstation", "terminal")


def list_machines(house: "House", _args: Args) -> Args:
    """All computers that are known."""
    found: Args = msgspec.to_builtins(machine_view.listed(house, CLI))
    return found


def forget(house: "House", args: Args) -> Args:
    """Take a computer off the list; Problem 404 for an unknown one."""
    host = host_name(str(args.get("host", "")))

    def work(tx: Tx) -> None:
        if not machine_store.drop(tx, host):
            raise not_found("Machine")
        events.note(tx, "machine.removed", "Machine", host)

    house.store.run(CLI, work)
    return {"host": host}


def requirements(house: "House", args: Args) -> Args:
    """The requirements of one software, or of every one, on a computer; those without a role have no lines."""
    lang, host, role = str(args.get("lang") or "de"), str(args.get("host") or ""), args.get("role")
    if role is not None and role not in _ROLES:
        raise Problem("control.bad_arguments", 400)
    with house.store.read(CLI) as tx:
        wanted = [one.id for one in software(tx)]
    named = args.get("software")
    if named is not None:
        with house.store.read(CLI) as tx:
            wanted = [one.id for one in software(tx) if named in (one.id, one.product, one.name)]
        if not wanted:
            raise not_found("Software")
    found = [requirement_view.requirements(house, CLI, lang, one, host, role) for one in wanted]
    return {"requirements": msgspec.to_builtins(found)}


OPERATIONS = (
    Operation("diagnosis.machines", list_machines, offline=True),
    Operation("diagnosis.machine_forget", forget, offline=True),
    Operation("diagnosis.requirements", requirements, offline=True),
)
