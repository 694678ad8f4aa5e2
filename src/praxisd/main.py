"""Composition root: the one file that names the built-in services."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from praxisd.kernel import database_at, plugin_loading, registry
from praxisd.kernel.app import House, open_house
from praxisd.kernel.clock import Clock
from praxisd.kernel.config import Config, load
from praxisd.kernel.errors import Problem
from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.kernel.service import Service
from praxisd.kernel.store import Tx
from praxisd.services import (
    accounts,
    backups,
    calendar,
    care,
    diagnosis,
    directory,
    exchange,
    logbook,
    medication,
    messaging,
    portals,
    relay,
    reminders,
    seats,
    serviceprovider,
    setup,
    support,
    updates,
)
from praxisd.services.accounts import api as accounts_api
from praxisd.services.backups import api as backups_api
from praxisd.services.care import api as care_api
from praxisd.services.directory import api as directory_api
from praxisd.services.seats import api as seats_api
from praxisd.services.setup import api as setup_api
from praxisd.services.support import api as support_api


def services(plugins: bool = True) -> tuple[Service, ...]:
    """The built-in services, then those of installed plug-in packages."""
    built_in = (
        KERNEL,
        accounts.SERVICE,
        directory.SERVICE,
        calendar.SERVICE,
        messaging.SERVICE,
        reminders.SERVICE,
        portals.SERVICE,
        relay.SERVICE,
        updates.SERVICE,
        diagnosis.SERVICE,
        serviceprovider.SERVICE,
        support.SERVICE,
        seats.SERVICE,
        backups.SERVICE,
        logbook.SERVICE,
        care.SERVICE,
        medication.SERVICE,
        exchange.SERVICE,
        setup.SERVICE,
    )
    return (*built_in, *registry.plugins()) if plugins else built_in


def open_practice(
    folder: Path,
    config: Config | None = None,
    clock: Clock | None = None,
    *,
    migrate: bool = True,
    expand: bool = False,
    safe: bool = False,
    extra: Sequence[Service] = (),
) -> House:
    """A house with all services, its store open and migrated; nothing runs and nothing is served yet.

    In safe mode (`safe`) no plug-in is loaded and no schema is changed; `expand` as for `open_house`. A plug-in of the data
    folder that fails is switched off (`plugin_loading`).
    """
    own = (*services(plugins=not safe), *extra)
    loaded = plugin_loading.Loaded(folder) if safe else plugin_loading.load(folder)
    declared = plugin_loading.registry_with(own, loaded)
    config = config or load(None, folder)
    try:
        house = open_house(folder, declared, config, clock, migrate=migrate, expand=expand, safe=safe)
    except Problem:
        raise
    except Exception as error:
        if not loaded.found:
            raise
        declared = registry.freeze(own)
        house = open_house(folder, declared, config, clock, migrate=migrate, expand=expand, safe=safe)
        plugin_loading.spoiled(loaded, error)
    house.shared["plugins"] = loaded
    return wire(house)


def before_serving(house: House) -> None:
    """The last word before the doors open. Problem `control.moved` for the database of a server that has moved away."""
    backups_api.before_serving(house)


def finish_moves(folder: Path, config: Config, *, begin: bool) -> None:
    """Before the folder is opened, under its lock: a move of the database, and an exchange of praxisd's data, that was cut off
    is brought to its end, and with `begin` an exchange that is ready is made (SPEC 8.5, 9.4). Problem
    `backups.exchange_stuck` if nothing may be opened.
    """
    care_api.settle(folder)
    backups_api.settle(folder, lambda: database_at.address(config.database_url, folder), begin=begin)


def moves_finished(house: House) -> None:
    """The first start after an exchange, before any job runs."""
    backups_api.settled(house)


def wire(house: House) -> House:
    """Hand the kernel what only services know: which practices there are, their names and zones, names of actors."""
    house.shared["organizations"] = directory_api.organization_ids
    house.shared["practice"] = _practice
    house.shared["actor_names"] = _actor_names
    if any(one.name == "support" for one in house.registry.services):
        house.guests = support_api.guests(house)
    house.shared["zone"] = lambda tx: directory_api.organization(tx).zone
    return house


def _practice(tx: Tx) -> dict[str, str]:
    """What the console says of the practice."""
    found = directory_api.organization(tx)
    return {"name": found.name, "zone": found.zone, "language": found.language}


def _actor_names(tx: Tx, labels: Iterable[str]) -> dict[str, str]:
    """People, keys, seats, and who was let in for a time."""
    wanted = set(labels)
    found = accounts_api.actor_names(tx, wanted) | support_api.actor_names(tx, wanted)
    return found | seats_api.actor_names(tx, wanted)


def greeting(house: House, url: str) -> str:
    """What `serve` says on the server's own screen, and nowhere else, once it answers; usually nothing."""
    return setup_api.greeting(house, url)


def doors(_house: House) -> "object":
    """What the web doors need of services: who comes in, how often, and how people sign in and out."""
    from praxisd.web.app import Doors

    return Doors(
        authenticate=accounts_api.authenticate,
        take=accounts_api.take,
        session=accounts_api.session,
        sign_in=accounts_api.sign_in,
        sign_out=accounts_api.sign_out,
    )
