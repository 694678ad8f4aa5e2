"""The diagnosis in the house of canaries: a practice software is entered, so that its doors have something to answer."""

from typing import TYPE_CHECKING, Any

from .calendar_cast import Rest

if TYPE_CHECKING:
    from .canary_house import Aviary

SOFTWARE = {"product": "x.concept", "role": "server"}
MACHINE = {
    "role": "workstation",
    "facts": {"host": "anmeldung", "at": 1, "memoryGb": {"value": 8.0, "why": None}},
}
BODIES: dict[str, Any] = {
    "software.create": {"product": "psyx"},
    "software.update": SOFTWARE | {"devices": 3},
    "machine.report": MACHINE,
    "directive.size": {"size": "large"},
    "directive.note": {"state": "open"},
}


def let_in(nest: "Aviary") -> None:
    """Enter a software and a computer as the owner, and say something of the checklist."""
    owner = Rest(nest.client, nest.keys["owner"])
    nest.note("software", owner("POST", "/software", 201, SOFTWARE)["id"])
    nest.note("products", SOFTWARE["product"])
    owner("POST", "/machines", 204, MACHINE)
    nest.note("machines", "anmeldung")
    owner("PUT", "/directive/size", 200, {"size": "small"})
    said = {
        "state": "done",
        "person": nest.bird("directive.person"),
        "note": f"mit {nest.bird('directive.note')} besprochen",
    }
    owner("PUT", "/directive/a1_1", 200, said)
    nest.note("directive", "a1_2")
