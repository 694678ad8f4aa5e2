"""The sample practice's booking portal: the sandbox portal with three calendars, kept in step with three columns."""

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from praxisd.demo import practice
from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.store import Tx
from praxisd.model.portals import INTERVAL_LOW_S, OnlineCalendar, OnlinePortal
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import api as portals

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "Terminportal"
CALENDARS = {
    "sommer": "Sprechstunde Dr. Sommer",
    "winter": "Sprechstunde Dr. Winter",
    "prophylaxis": "Prophylaxe",
}
"""The portal's own names by keys of `practice.COLUMNS`."""
OFFERED = {"sommer": ("check", "first"), "winter": ("check", "first"), "prophylaxis": ("cleaning",)}
"""What can be booked there, by keys of `practice.KINDS`; the first is meant where a booking names none."""


def furnish(address: str) -> None:
    """Give the sandbox portal the calendars of the sample practice, unless it has them.

    The one it made by itself at its first start belongs to no column: whoever booked there would not be found.
    """
    there = {one["name"] for one in _ask(address, "GET", "/calendars")}
    if not there & set(CALENDARS.values()):
        for name in there:
            _ask(address, "DELETE", f"/calendars/{quote(name, safe='')}")
    for key, name in CALENDARS.items():
        if name not in there:
            _ask(address, "POST", "/calendars", _calendar(key, name))


def _calendar(key: str, name: str) -> dict[str, Any]:
    column = practice.COLUMNS[key]
    hours: dict[str, list[list[str]]] = {}
    for days, start, end in column.open:
        for day in days:
            hours.setdefault(str(day), []).append([start, end])
    kinds = [practice.KINDS[one] for one in OFFERED[key]]
    offered = [{"name": one.name, "minutes": one.fields["duration"]} for one in kinds]
    return {"name": name, "hours": hours, "services": offered, "days": 30}


def introduce(house: "House", organization: str, address: str, key: str) -> None:
    """Tell a practice where its portal is. What people have changed meanwhile stays; only the address follows."""
    actor = system("demo", organization)
    if house.store.run(actor, lambda tx: _introduce(house, tx, address, key)):
        Planner(house).step()  # where the server is yet to run for the first time the job is not known
        house.store.run(actor, lambda tx: jobs.change(house, tx, "portals.sync", enabled=True))


def _introduce(house: "House", tx: Tx, address: str, key: str) -> bool:
    """True if the practice had none yet and got one: a practice that somebody added to the sample has no such columns."""
    base = f"{address}/api"
    present = next((one for one in portals.all_portals(tx) if one.name == NAME), None)
    if present is not None:
        if present.adapter == "two_way" and present.fields.get("address") not in (None, base):
            moved = msgspec.structs.replace(present, fields={**present.fields, "address": base})
            portals.change_portal(house, tx, present.id, portals.PortalGiven(moved, {"key": key}), None)
        return False
    known = calendar.views(house).calendar(tx)
    columns = {one.name: one.id for one in known.schedules.values()}
    kinds = {one.name: one.id for one in known.services.values()}
    offered = {name for some in OFFERED.values() for name in some}
    there = {practice.COLUMNS[one].name for one in CALENDARS}, {practice.KINDS[one].name for one in offered}
    if not (there[0] <= columns.keys() and there[1] <= kinds.keys()):
        return False
    record = OnlinePortal(
        name=NAME,
        adapter="two_way",
        active=True,
        fields={"address": base},
        interval=INTERVAL_LOW_S,
        services={practice.KINDS[one].name: kinds[practice.KINDS[one].name] for one in sorted(offered)},
    )
    made = portals.create_portal(house, tx, portals.PortalGiven(record, {"key": key}))
    for column, name in CALENDARS.items():
        usual = kinds[practice.KINDS[OFFERED[column][0]].name]
        wanted = OnlineCalendar(
            portal=made.id, name=name, schedule=columns[practice.COLUMNS[column].name], service=usual
        )
        portals.link(house, tx, wanted)
    return True


def _ask(address: str, method: str, path: str, body: Any = None) -> Any:
    """One call of the sandbox portal; RuntimeError unless it says yes."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"the sandbox portal answers {answer.status} to {method} {path}")
        return msgspec.json.decode(found) if found else None
    finally:
        connection.close()
