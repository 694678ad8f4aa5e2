"""A data folder that is a loan: patients of a practice on a laptop, for a while (SPEC 11.1).

The mark lies in the folder itself, like that of a server that has moved (`moved`), and is read before anything else:

- It sends nothing. Only the services that the mark names work; of all others jobs, handlers, checks and starts are left
  out, and what they would change is refused (`lent.not_here`). The ways out of the house are shut (`outside`).
- It ends. From then on no statement changes a table of patients (`lent.over`), whichever door it came by.

A mark that cannot be read counts as one that has ended and names nothing.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.registry import Registry
from praxisd.kernel.service import FhirResource, Operation, Route, Service
from praxisd_guard.durable import put

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MARK = "laptop.json"
CODES = ("lent.not_here", "lent.over")


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """The mark. Times are epoch seconds. `works`: names of services that go on here; `after`: those whose tables may still
    change at the end. `closed`: it ended before its time."""

    loan: str = ""
    organization: str = ""
    practice: str = ""
    label: str = ""
    since: int = 0
    until: int = 0
    closed: bool = False
    works: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def over(self, now: int) -> bool:
        """True from the end on."""
        return self.closed or now >= self.until


def lent(folder: Path) -> Lent | None:
    """The mark of a folder; None for one that is no loan."""
    try:
        data = (folder / MARK).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Lent)
    except msgspec.DecodeError:
        return Lent()


def mark(folder: Path, one: Lent) -> None:
    """Mark the folder, for good. OSError."""
    put(folder / MARK, msgspec.json.encode(one))


def quieted(registry: Registry, one: Lent) -> Registry:
    """The declarations as they hold on a laptop."""
    services = tuple(x if x.name in one.works else _quiet(x) for x in registry.services)
    return Registry(services, registry.texts)


def seal(house: "House") -> Callable[[Any], None]:
    """Called with each statement: refuses what would change patients once the loan is over."""
    sealed = {
        table
        for one in house.registry.services
        if one.patient_refs and one.name not in (house.lent or Lent()).after
        for table in one.tables
    }

    def look(statement: Any) -> None:
        if not getattr(statement, "is_dml", False) or statement.table.name not in sealed:
            return
        if house.lent is not None and house.lent.over(house.clock.now()):
            raise Problem("lent.over", 409)

    return look


def _quiet(one: Service) -> Service:
    """A service that may be read, and nothing else."""
    return dataclasses.replace(
        one,
        jobs=(),
        handlers=(),
        checks=(),
        fixes=(),
        sockets=(),
        start=None,
        routes=tuple(map(_route, one.routes)),
        operations=tuple(Operation(x.name, _not_here, x.offline) for x in one.operations),
        fhir=tuple(map(_fhir, one.fhir)),
    )


def _route(one: Route) -> Route:
    reads = not one.write or (one.permission or "").endswith(".read")
    if reads:
        return one
    return dataclasses.replace(one, call=_not_here, prepare=None, quick=None, transaction=False)


def _fhir(one: FhirResource) -> FhirResource:
    return dataclasses.replace(one, create=None, update=None, patch=None, create_bytes=None, operations=())


def _not_here(*_: object) -> NoReturn:
    raise Problem("lent.not_here", 409)
