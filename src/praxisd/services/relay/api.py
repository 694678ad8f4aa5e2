"""The only door of the relay for other services and for the composition root."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.services.relay import certificates, enrolling, identity, settings, state
from praxisd.services.relay.room import room_of

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House


def host(house: "House") -> str | None:
    """The name that the hub gave us, None while nobody is enrolled."""
    with house.store.read(system("relay")) as tx:
        who = identity.facts(tx)
    return who.host if who is not None and who.host else None


def public_url(house: "House") -> str | None:
    """The address for access data of portals, None while the relay is not used."""
    with house.store.read(system("relay")) as tx:
        chosen, who = settings.chosen(house, tx), identity.facts(tx)
    return state.public_url(who, chosen) if chosen.enabled and who is not None and who.host else None


def pins(house: "House") -> tuple[str, ...]:
    """What portals may pin: base64url SHA-256 of the public key of our certificate, now and (if prepared) next."""
    held = state.certificate(house) if host(house) else None
    return () if held is None else tuple(one for one in (held.spki, held.next_spki) if one)


def certificate(house: "House") -> str:
    """The chain that guests meet, PEM, leaf first: what a portal trusts where no public CA vouches for it."""
    return certificates.current(house).chain


def hubs(house: "House") -> tuple[tuple[str, int], ...]:
    """Names and ports of the hubs that this server calls; empty while the relay is not used."""
    with house.store.read(system("relay")) as tx:
        chosen, who = settings.chosen(house, tx), identity.facts(tx)
    return tuple((one.host, one.port) for one in who.hubs) if chosen.enabled and who is not None else ()


def enrolled_at(house: "House", hub: str, port: int) -> bool:
    """Is the identity in force one of the hub that takes links at this name and port?"""
    with house.store.read(system("relay")) as tx:
        who = identity.facts(tx)
    return who is not None and any((one.host, one.port) == (hub, port) for one in who.hubs)


def enrol(house: "House", actor: "Actor", invitation: str) -> None:
    """Enrol and use the relay from now on, in place of another enrolment. Problems: those of `enrolling.enrol`."""
    enrolling.enrol(house, actor, invitation, True)
    room_of(house).look()


def wait_up(house: "House", within_s: float) -> bool:
    """Wait until we are connected, at most so long; True if we are."""
    return room_of(house).wait_up(within_s)


def stand_by(house: "House") -> None:
    """In safe mode the relay rests. Remote support wakes it, until the server ends; nothing where no server runs."""
    own = object()
    first = house.shared.setdefault("relay.stand_by", own) is own
    if house.safe and "url" in house.shared and first and not room_of(house).at_work:
        room_of(house).start()
