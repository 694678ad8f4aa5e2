"""Two practices on one installation, for tests that try to cross: one full of canaries, and a second that asks for all of it.

`snapshot` is every row there is, by practice. `crossed` gives a body of an operation in which each field that names a record
names one of the other practice.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar.testing import TestClient

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.service import Route
from praxisd.kernel.store import METADATA
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.schemas import collect, example

from .calendar_cast import TUE, Rest

ID = re.compile(r"\b0[0-9a-z]{25}\b")
"""An id of ours (`kernel/ids`)."""
REFERENCES = {
    "patient": "patients", "drop": "patients", "patients": "patients", "service": "healthcare-services",
    "schedule": "schedules", "schedules": "schedules", "groups": "schedules", "appointment": "appointments",
    "mandator": "mandators", "practitioner": "practitioners", "location": "locations", "treatment": "treatments",
    "portal": "portals", "calendar": "calendars", "source": "sources", "device": "devices", "entry": "waiting",
    "conflict": "conflicts", "user": "users", "key": "keys", "result": "results", "loan": "loans",
    "attachments": "binaries", "binary": "binaries", "seat": "seats",
}  # fmt: skip
"""The word before `{id}` in addresses, by the name of the field that may name such a record."""
_BY_ITSELF = frozenset({"kernel_issue", "kernel_lease", "kernel_job", "kernel_run"})
"""Tables that the server changes by itself while somebody asks it something else."""
Rows = dict[str, dict[str, list[str]]]


class Second:
    """The second practice: its key of each role, and what it has of its own, by the word before `{id}`."""

    def __init__(self, house: House, client: TestClient[Any]) -> None:
        self.house, self.client = house, client
        self.practice: Practice = small_practice(house)
        self.organization = self.practice.organization
        roles = ("owner", "desk", "partner", "portal")
        self.keys = {role: key_for(house, self.practice, role, role) for role in roles}
        self.ids: dict[str, list[str]] = {}
        self._furnish()

    def _furnish(self) -> None:
        owner, practice = Rest(self.client, self.keys["owner"]), self.practice
        check, column, patient = practice.check, practice.doctors[0], practice.patient
        wish = {"service": check, "start": f"{TUE}09:00:00+01:00", "patient": {"id": patient}}
        span = {"start": f"{TUE}13:00:00+01:00", "end": f"{TUE}14:00:00+01:00"}
        portal = {
            "name": "Portal",
            "adapter": "two_way",
            "fields": {"address": "http://127.0.0.1:9/api"},
            "active": False,
        }
        made: dict[str, tuple[str, Any]] = {
            "appointments": ("/appointments", wish),
            "reservations": ("/reservations", {"title": "Pause", "schedules": [column]} | span),
            "locations": ("/locations", {"name": "Raum", "kind": "room"}),
            "mandators": ("/mandators", {"name": "Praxis"}),
            "practitioners": ("/practitioners", {"family": "Arzt", "given": "A"}),
            "waiting": ("/waiting", {"patient": patient, "service": check}),
            "portals": ("/portals", portal | {"secrets": {"key": "k"}}),
            "sources": ("/portals/sources", {"name": "Quelle", "kind": "hook"}),
            "webhooks": ("/webhooks", {"name": "Programm", "url": "https://example.org/hook", "events": ["*"]}),
            "statements": ("/medication/statements", {"patient": patient, "text": "Tee"}),
            "risks": ("/medication/risks", {"patient": patient, "text": "Nuss"}),
        }  # fmt: skip
        self.ids = {
            "patients": [patient],
            "schedules": [column],
            "healthcare-services": [check],
        }
        for word, (path, body) in made.items():
            self.ids[word] = [owner("POST", path, 201, body)["id"]]
        whose = {"patient": patient, "mandator": self.ids["mandators"][0]}
        self.ids["treatments"] = [owner("POST", "/treatments", 201, whose)["id"]]


def snapshot(house: House) -> Rows:
    """Every row of every table, as text, by practice and table; without what the server does by itself."""
    found: Rows = {}
    names = sorted({name for one in house.registry.services for name in one.tables} - _BY_ITSELF)
    with house.store.read(system("test")) as tx:
        for name in names:
            for row in tx.all(sa.select(METADATA.tables[name]).execution_options(across=True)):
                by_itself = name == "kernel_event" and row.actor.startswith(("system:", "job:"))
                if not by_itself:
                    found.setdefault(row.organization, {}).setdefault(name, []).append(repr(row))
    return {who: {name: sorted(rows) for name, rows in tables.items()} for who, tables in found.items()}


def changes(before: Rows, after: Rows, organization: str) -> list[str]:
    """What is different in the rows of a practice: table and row."""
    was, now = before.get(organization, {}), after.get(organization, {})
    found = []
    for name in sorted(was.keys() | now.keys()):
        gone, new = set(was.get(name, [])), set(now.get(name, []))
        found += [f"{name} - {row}" for row in sorted(gone - new)] + [
            f"{name} + {row}" for row in sorted(new - gone)
        ]
    return found


def named(rows: Rows, organization: str, ids: set[str]) -> list[str]:
    """Rows of a practice in which an id of the other one stands."""
    found = []
    for name, texts in rows.get(organization, {}).items():
        found += [
            f"{name}: {sorted(ids & set(ID.findall(row)))}: {row}"
            for row in texts
            if ids & set(ID.findall(row))
        ]
    return found


def bodies(routes: tuple[Route, ...]) -> dict[str, Any]:
    """For each operation that takes a body one that decodes, if there is an example of it."""
    schemas, components = collect([route.body for route in routes if route.body is not None])
    return {r.name: example(schemas[r.body], components) for r in routes if r.body is not None}


def crossed(route: Route, base: Any, ids: dict[str, list[str]]) -> Iterator[tuple[str, Any]]:
    """The body once for each field that names a record, with an id of `ids` in it: (field, body)."""
    if route.body is None or not issubclass(route.body, msgspec.Struct):
        return
    for field in msgspec.structs.fields(route.body):
        name = field.encode_name
        there = ids.get(REFERENCES.get(name, ""), [])
        if not there:
            continue
        for shape in (there[0], [there[0]], {"id": there[0]}, [[there[0]]]):
            body = base | {name: shape}
            try:
                msgspec.convert(body, route.body)
            except msgspec.ValidationError:
                continue
            yield name, body
            break


class Asked(dict[str, Any]):
    """Arguments that remember which of them were looked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)
