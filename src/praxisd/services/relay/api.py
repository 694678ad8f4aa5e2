"""The only door of the relay for other services and for the composition root."""

from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.services.relay import identity, settings, state

if TYPE_CHECKING:
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
    held = state.certificate(house)
    return () if held is None else tuple(one for one in (held.spki, held.next_spki) if one)
