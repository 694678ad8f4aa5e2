"""REST operations of the practice's software: which there is, and what this machine is for it."""

import msgspec

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, EventType, Permission, Route
from praxisd.services.diagnosis import software_keeping as keeping
from praxisd.services.diagnosis import software_store as store
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.product_shapes import Product
from praxisd.services.diagnosis.software_shapes import Software, SoftwareIn, SoftwareList, SoftwareOut

READ, WRITE = "diagnosis.software.read", "diagnosis.software.write"
_TAGS = ("diagnosis",)
_BAD = ((422, keeping.UNKNOWN),)


def shown(one: Software, known: dict[str, Product], masked: bool = False) -> SoftwareOut:
    """As the door shows it; to a masked caller without the note, which may be about anybody."""
    product = known.get(one.product)
    said = msgspec.structs.asdict(one)
    said["note"] = "" if masked else one.note
    return SoftwareOut(**said, product_name=None if product is None else product.name)


def list_software(call: Call) -> SoftwareList:
    """The practice software of this installation

    All practices of an installation share it: it is about its computers. A masked caller gets no notes.
    """
    known = products(call.house)
    with call.read() as tx:
        return SoftwareList(tuple(shown(one, known, call.actor.masked) for one in store.software(tx)))


def get_software(call: Call) -> SoftwareOut:
    """One practice software"""
    with call.read() as tx:
        found = store.one(tx, call.path["id"])
    if found is None:
        raise not_found(keeping.SUBJECT)
    return shown(found, products(call.house), call.actor.masked)


def add_software(call: Call) -> Answer:
    """Name a practice software that is used here

    Requirements, ports, exclusions and the ServiceProvider are then looked at for it.
    """
    made = keeping.add(call.house, call.writing, call.body)
    return Answer(shown(made, products(call.house), call.actor.masked), 201)


def change_software(call: Call) -> SoftwareOut:
    """Change what is said about a practice software"""
    made = keeping.change(call.house, call.writing, call.path["id"], call.body)
    return shown(made, products(call.house), call.actor.masked)


def remove_software(call: Call) -> Answer:
    """Take a practice software off the list

    Nothing of the software itself is touched; it is looked at no more.
    """
    keeping.remove(call.writing, call.path["id"])
    return Answer(status=204)


ROUTES = (
    Route("GET", "/software", "software.list", list_software, READ, answer=SoftwareList, safe=True, tags=_TAGS),
    Route("GET", "/software/{id}", "software.read", get_software, READ, answer=SoftwareOut, safe=True, tags=_TAGS),
    Route(
        "POST", "/software", "software.create", add_software, WRITE, answer=SoftwareOut, body=SoftwareIn, status=201,
        problems=_BAD, safe=True, tags=_TAGS,
    ),
    Route(
        "PUT", "/software/{id}", "software.update", change_software, WRITE, answer=SoftwareOut, body=SoftwareIn,
        problems=_BAD, safe=True, tags=_TAGS,
    ),
    Route("DELETE", "/software/{id}", "software.delete", remove_software, WRITE, status=204, safe=True, tags=_TAGS),
)  # fmt: skip
PERMISSIONS = (
    Permission(READ, ("owner", "partner", "desk"), shared=True),
    Permission(WRITE, ("owner", "partner"), shared=True),
)
EVENTS = (EventType("software.added"), EventType("software.changed"), EventType("software.removed"))
PROBLEMS = (keeping.UNKNOWN,)
