"""Facts of a computer: this one is measured now, the others told of themselves."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import system
from praxisd.services.diagnosis import machine_store
from praxisd.services.diagnosis.machine_shapes import MachineFacts
from praxisd.services.diagnosis.measuring import Meter, host_name
from praxisd.services.diagnosis.measuring_general import computer_name
from praxisd.services.diagnosis.software_shapes import Software

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_MAKING = threading.Lock()
WAIT_S = 6.0
"""How long who asks waits for what was not measured yet; the rest is "timeout" and comes with the next question."""


def meter(house: "House") -> Meter:
    """The one that measures this computer, for the life of the house."""
    with _MAKING:
        found: Meter = house.shared.setdefault("diagnosis.meter", Meter())
        return found


def own_host() -> str:
    """How this computer is called in praxisd."""
    return host_name(computer_name())


def entered_here(house: "House", one: Software) -> bool:
    """True if "this computer" meant this one when a software was entered. A single server is always meant: it may have
    got another name.
    """
    return house.store.alone or one.node in ("", own_host())


def seen_from_here(house: "House", one: Software) -> Software:
    """The same software in the words of this node: what another node said of itself is said of that computer."""
    if entered_here(house, one):
        return one
    return msgspec.structs.replace(one, host=one.host or one.node, role=None)


def facts(house: "House", host: str | None = None, *, only: Sequence[str] = ()) -> MachineFacts | None:
    """What is known of a computer: of this one (None or its own name) measured, at most a minute old (what takes long to
    measure: some minutes); of another what it sent, or None if it never did. May wait some seconds. `only`:
    measure no more than these fields, and wait for no others.
    """
    if host is None or host_name(host) in (own_host(), "localhost"):
        return meter(house).measure(house.clock.now(), WAIT_S, only)
    with house.store.read(system("diagnosis")) as tx:
        found = machine_store.one(tx, host_name(host))
    return None if found is None else found.facts
