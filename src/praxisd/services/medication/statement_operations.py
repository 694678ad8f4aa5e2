"""What `praxisd medication list|add|change|end|check|risks|notices` does, in the server or under the lock. JSON in and out."""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.model.statement import TAKEN, Statement
from praxisd.services.directory import api as directory
from praxisd.services.medication import checking, notices, statement_store, statements
from praxisd.services.medication.check_shapes import CheckIn
from praxisd.services.medication.statement_routes import given
from praxisd.services.medication.statement_shapes import (
    ListSearch,
    NoticeQuery,
    StatementChange,
    StatementIn,
    risk_view,
    statement_view,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
S = TypeVar("S", bound=msgspec.Struct)
_FRAME = ("organization", "lang", "id", "version")
"""What every operation, or the one that changes, takes beside its body."""


def listed(house: "House", args: Args) -> Args:
    """A patient's list, as `POST /medication/statements/search`."""
    asked = _body(args, ListSearch)
    with house.store.read(_actor(house, args)) as tx:
        patient = directory.known(tx, asked.patient).id
        found = statement_store.statements_of(tx, patient)
    shown = [one for one in found if asked.ended or one.status in TAKEN]
    return {
        "patient": patient,
        "statements": msgspec.to_builtins([statement_view(one) for one in shown]),
        "ended": len(found) - len(shown),
    }


def risks(house: "House", args: Args) -> Args:
    """A patient's risks, as `POST /medication/risks/search`."""
    asked = _body(args, ListSearch)
    with house.store.read(_actor(house, args)) as tx:
        patient = directory.known(tx, asked.patient).id
        found = statement_store.risks_of(tx, patient)
    shown = [one for one in found if asked.ended or one.active]
    return {
        "patient": patient,
        "risks": msgspec.to_builtins([risk_view(one) for one in shown]),
        "ended": len(found) - len(shown),
    }


def add(house: "House", args: Args) -> Args:
    """A new line, as `POST /medication/statements`."""
    told = Statement(**msgspec.structs.asdict(_body(args, StatementIn)))
    made = house.store.run(_actor(house, args), lambda tx: statements.enter(house, tx, told))
    return _shown(made)


def change(house: "House", args: Args) -> Args:
    """Change the line `id`, if it is at `version` where that is given; as `PATCH /medication/statements/{id}`."""
    fields, id_, version = given(_body(args, StatementChange)), str(args.get("id", "")), args.get("version")
    made = house.store.run(
        _actor(house, args), lambda tx: statements.change(house, tx, id_, dict(fields), version)
    )
    return _shown(made)


def check(house: "House", args: Args) -> Args:
    """Hold a list, or products, substances and conditions against each other; as `POST /medication/check`."""
    asked = _body({name: value for name, value in args.items() if name != "version"}, CheckIn)
    with house.store.read(_actor(house, args)) as tx:
        patient = None if asked.patient is None else directory.known(tx, asked.patient).id
        found = checking.check(house, tx, asked, patient, str(args.get("lang", "de")))
    answer: Args = msgspec.to_builtins(found)
    return answer


def list_notices(house: "House", args: Args) -> Args:
    """Notices of the data set; the command line has read none of them."""
    asked, who = _body(args, NoticeQuery), _actor(house, args)
    with house.store.read(who) as tx:
        found = notices.listed(house, tx, who.label, str(args.get("lang", "de")), asked.since, asked.limit)
    answer: Args = msgspec.to_builtins(found)
    return answer


def _shown(one: Statement) -> Args:
    shown: Args = msgspec.to_builtins(statement_view(one))
    return shown


def _actor(house: "House", args: Args) -> Actor:
    found = actor(house, args)
    if found.organization == INSTALLATION:
        raise Problem("control.no_practice_yet", 409)
    return found


def _body(args: Args, form: type[S]) -> S:
    """The arguments as the REST door would read them; `control.bad_arguments` (400). Values are not repeated."""
    body = {name: value for name, value in args.items() if name not in _FRAME}
    try:
        return msgspec.convert(body, form)
    except msgspec.ValidationError as wrong:
        where = str(wrong).rpartition("`")[0].rpartition("`")[2] or "$"
        raise Problem("control.bad_arguments", 400, detail=where) from None


OPERATIONS = (
    Operation("medication.list", listed, offline=True),
    Operation("medication.risks", risks, offline=True),
    Operation("medication.add", add, offline=True),
    Operation("medication.change", change, offline=True),
    Operation("medication.check", check, offline=True),
    Operation("medication.notices", list_notices, offline=True),
)
