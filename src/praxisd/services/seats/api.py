"""The only door of seats for other services and for the composition root."""

from collections.abc import Iterable

from praxisd.kernel.access import Kind
from praxisd.kernel.store import Tx
from praxisd.services.seats import store

_LABEL = f"{Kind.SEAT}:"


def actor_names(tx: Tx, labels: Iterable[str]) -> dict[str, str]:
    """What people call the seats behind labels `seat:<id>`."""
    wanted = {one.removeprefix(_LABEL) for one in labels if one.startswith(_LABEL)}
    return {f"{_LABEL}{id_}": name for id_, name in seat_names(tx, wanted).items()}


def seat_names(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Names of seats of this practice, by id; unknown ones are left out."""
    wanted = set(ids)
    return {one.id: one.name for one in store.seats(tx) if one.id in wanted} if wanted else {}


__all__ = ["actor_names", "seat_names"]
