"""People who are no users and were let in for a time (remote support, SPEC 7.13), at the doors.

Who comes through the relay finds nothing that is for people in the practice, unless the console is open to the outside. Who
was let in finds it for as long as that lasts; everything they ask for is told to who keeps the record.
"""

from typing import TYPE_CHECKING

from praxisd.kernel.sessions import GUEST, Acted

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.web.door import Door
    from praxisd.web.entry import Entry
    from praxisd.web.request import Request


async def invited(door: "Door", request: "Request") -> bool:
    """True for somebody who was let in for a time and comes with the session of that."""
    guests, token = door.house.guests, door.visit(request).token
    if guests is None or not token.startswith(GUEST):
        return False
    if door.house.store.alone:
        return guests.known(token)
    return await door.in_thread(lambda: guests.known(token))


async def finds(door: "Door", entry: "Entry", request: "Request") -> bool:
    """False where the operation is for people in the practice and a guest of the relay asks.

    Who was let in finds what asks who they are, and what an open operation only tells: nobody signs in with a password
    that way.
    """
    if request.visitor is None or door.house.visitors.people:
        return True
    return (entry.signed_in or not entry.route.write) and await invited(door, request)


def acted(house: "House", request: "Request", operation: str, status: int) -> None:
    """Tell that somebody who was let in was answered."""
    if house.guests is not None:
        at = house.clock.now()
        house.guests.acted(Acted(request.actor, at, operation, status, request.code, request.unsafe))
