"""What the command `praxisd practice` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.model.places import Organization
from praxisd.services.directory import api, places

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class _Args(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    zone: str = "Europe/Berlin"
    region: str = "DE-BE"
    language: str = "de"
    another: bool = False


def checked(args: dict[str, Any]) -> tuple[Organization, bool]:
    """The practice that the arguments describe, and whether it may be another one beside those there are.

    Problems: `control.bad_arguments` (400) and those of `places.check_organization`; nothing needs to be open for them.
    """
    try:
        given = msgspec.convert(args, _Args)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None
    if not given.name.strip() or len(given.name) > 200:
        raise Problem("control.bad_arguments", 400, detail="name: 1 to 200 characters")
    practice = Organization(
        name=given.name.strip(), zone=given.zone, region=given.region, language=given.language
    )
    places.check_organization(practice)
    return practice, given.another


def _create(house: "House", args: dict[str, Any]) -> dict[str, Any]:
    practice, another = checked(args)

    def work(tx: Tx) -> Organization:
        known = api.organization_ids(tx)
        if known and not another:
            raise Problem("directory.practice_exists", 409, count=len(known))
        return api.create_organization(tx, practice)

    return _shown(house.store.run(system("cli", new_id()), work))


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
