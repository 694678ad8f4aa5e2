"""The only door of the support for other services and for the composition root."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from praxisd.kernel.access import Kind
from praxisd.services.support import remote_store
from praxisd.services.support.partner import address_of, partner
from praxisd.services.support.remote_room import room_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.sessions import Guests
    from praxisd.kernel.store import Tx


def guests(house: "House") -> "Guests":
    """Who lets in the service partner for a while; what is still to be noted then is noted before the store is closed."""
    room = room_of(house)
    house.closers.append(room.close)
    return room


def actor_names(tx: "Tx", labels: Iterable[str]) -> dict[str, str]:
    """Names by label (`support:<id>`) of who was let in by this practice."""
    wanted = {one for one in labels if one.startswith(f"{Kind.SUPPORT}:")}
    known = remote_store.names(tx) if wanted else {}
    return {one: known[one.partition(":")[2]] for one in wanted if one.partition(":")[2] in known}


def partner_address(house: "House", tx: "Tx") -> str:
    """Where mail to the practice's service partner goes; Problem `support.partner_missing` (409)."""
    return address_of(partner(house, tx))
