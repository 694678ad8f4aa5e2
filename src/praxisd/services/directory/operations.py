"""What the command `praxisd practice` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import Operation
from praxisd.model.places import Organization
from praxisd.services.directory import api

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class _Args(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    zone: str = "Europe/Berlin"
    region: str = "DE-BE"
    language: str = "de"


def _create(house: "House", args: dict[str, Any]) -> dict[str, Any]:
    try:
        given = msgspec.convert(args, _Args)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None
    if not given.name.strip() or len(given.name) > 200:
        raise Problem("control.bad_arguments", 400, detail="name: 1 to 200 characters")
    zone(given.zone)
    practice = Organization(
        name=given.name.strip(), zone=given.zone, region=given.region, language=given.language
    )
    actor = system("cli", new_id())
    made = house.store.run(actor, lambda tx: api.create_organization(tx, practice))
    return _shown(made)


def _list(house: "House", _args: dict[str, Any]) -> dict[str, Any]:
    with house.store.read(system("cli", INSTALLATION)) as tx:
        found = []
        for one in api.organization_ids(tx):
            tx.organization = one
            found.append(_shown(api.organization(tx)))
    return {"practices": found}


def _shown(one: Organization) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "zone": one.zone, "region": one.region, "language": one.language}


OPERATIONS = (
    Operation("directory.practice_create", _create, offline=True),
    Operation("directory.practice_list", _list, offline=True),
)
