"""Find, validate and freeze the services. What is wrong in a declaration fails here, at start."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import entry_points

import msgspec

from praxisd.kernel import structs
from praxisd.kernel.console import GROUPS, ConsolePage, Form, Listing, SetupStep
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import (
    Check,
    EventType,
    FhirResource,
    Fix,
    Handler,
    JobType,
    Operation,
    Permission,
    Retention,
    Route,
    Service,
    Setting,
    Socket,
)
from praxisd.kernel.texts import Texts

_CODE = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_.]*")
_LISTING = re.compile(r"[a-z]+\.[a-z][a-z_]*")
_COLUMN = re.compile(r"[a-z][A-Za-z0-9]*")
_PAGE = re.compile(r"[a-z][a-z-]*")
ROLES = ("owner", "desk", "partner", "portal", "pvs")
"""owner, desk, service partner: people; portal, pvs: access data of programs."""


class DeclarationError(Exception):
    """A service's declaration is wrong; the message says where."""


@dataclass(frozen=True)
class Registry:
    """All declarations, checked and frozen."""

    services: tuple[Service, ...]
    texts: Texts

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Settings by key."""
        return {s.key: s for one in self.services for s in one.settings}

    @cached_property
    def events(self) -> dict[str, EventType]:
        """Event types by name."""
        return {e.name: e for one in self.services for e in one.events}

    @cached_property
    def event_services(self) -> dict[str, str]:
        """The service that declares each event type."""
        return {e.name: one.name for one in self.services for e in one.events}

    @cached_property
    def retention(self) -> dict[str, Retention]:
        """Retention class by event type."""
        return {n: e.retention for n, e in self.events.items()}

    @cached_property
    def handlers(self) -> tuple[Handler, ...]:
        """All subscribers."""
        return tuple(h for one in self.services for h in one.handlers)

    @cached_property
    def jobs(self) -> dict[str, JobType]:
        """Job types by name."""
        return {j.name: j for one in self.services for j in one.jobs}

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """All checks."""
        return tuple(c for one in self.services for c in one.checks)

    @cached_property
    def fixes(self) -> dict[str, Fix]:
        """What heals an issue with one click, by its code."""
        return {f.code: f for one in self.services for f in one.fixes}

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """All REST operations, those of the listings too."""
        from praxisd.kernel import (
            listings as listing_routes,
        )  # needs the database, which `praxisd --help` does not

        declared = [r for one in self.services for r in one.routes]
        derived = [r for one in self.listings.values() for r in listing_routes.routes_of(one)]
        return (*declared, *derived)

    @cached_property
    def sockets(self) -> tuple[Socket, ...]:
        """All WebSockets."""
        return tuple(x for one in self.services for x in one.sockets)

    @cached_property
    def listings(self) -> dict[str, Listing]:
        """Listings by name."""
        return {x.name: x for one in self.services for x in one.listings}

    @cached_property
    def pages(self) -> tuple[ConsolePage, ...]:
        """Pages of the console as they stand in its navigation."""
        found = [x for one in self.services for x in one.pages]
        return tuple(sorted(found, key=lambda x: (GROUPS.index(x.group), x.order, x.name)))

    @cached_property
    def steps(self) -> tuple[SetupStep, ...]:
        """Steps of the set-up wizard in their order."""
        found = [x for one in self.services for x in one.steps]
        return tuple(sorted(found, key=lambda x: (x.order, x.name)))

    @cached_property
    def fhir(self) -> dict[str, FhirResource]:
        """FHIR resources by type."""
        return {f.type: f for one in self.services for f in one.fhir}

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """Operations of commands by name."""
        return {o.name: o for one in self.services for o in one.operations}

    @cached_property
    def permissions(self) -> dict[str, Permission]:
        """Permissions by name."""
        return {p.name: p for one in self.services for p in one.permissions}

    @cached_property
    def shared(self) -> frozenset[str]:
        """Permissions for what all practices of an installation have in common."""
        return frozenset(p.name for p in self.permissions.values() if p.shared)

    def role(self, name: str) -> frozenset[str]:
        """The permissions a role carries."""
        if name not in ROLES:
            raise DeclarationError(f"unknown role {name!r}")
        return frozenset(p.name for p in self.permissions.values() if name in p.roles)

    @cached_property
    def patient_refs(self) -> tuple[tuple[str, str], ...]:
        """(table, column) pairs that hold a patient's id, for merge, export and erasure."""
        return tuple(ref for one in self.services for ref in one.patient_refs)

    @cached_property
    def problems(self) -> frozenset[str]:
        """All problem and issue codes that are declared anywhere."""
        codes = {c for one in self.services for c in one.problems}
        codes |= {code for r in self.routes for _, code in r.problems}
        return frozenset(codes | {c for check in self.checks for c in check.codes})


APART: set[str] = set()
"""Folders on the path of modules whose services are not those of installed packages (`plugin_loading`)."""


def plugins() -> list[Service]:
    """Services that installed packages bring through the entry point group `praxisd.services`.

    To look through all that is installed takes tens of milliseconds, so it is done once for a path of modules.
    """
    return list(_installed(tuple(sys.path), frozenset(APART)))


@lru_cache(maxsize=1)
def _installed(_path: tuple[str, ...], apart: frozenset[str]) -> tuple[Service, ...]:
    found = entry_points(group="praxisd.services")
    return tuple(
        one.load() for one in found if one.dist is None or str(one.dist.locate_file("")) not in apart
    )


def freeze(services: Sequence[Service]) -> Registry:
    """Check all declarations against each other and the texts; raises DeclarationError naming the first fault."""
    _unique("service", (s.name for s in services))
    names = {s.name for s in services}
    texts = Texts([s.package for s in services])
    registry = Registry(tuple(services), texts)
    for one in services:
        for need in one.needs:
            if need not in names:
                raise DeclarationError(f"{one.name} needs {need}, which is not there")
    _no_cycles(services)
    _known_groups(services)
    for kind, found in (
        ("setting", [s.key for one in services for s in one.settings]),
        ("event", [e.name for one in services for e in one.events]),
        ("handler", [h.name for h in registry.handlers]),
        ("job", [j.name for one in services for j in one.jobs]),
        ("check", [c.name for c in registry.checks]),
        ("fix", [f.code for one in services for f in one.fixes]),
        ("route", [f"{r.method} {r.path}" for r in registry.routes]),
        ("route name", [*(r.name for r in registry.routes), *(x.name for x in registry.sockets)]),
        ("socket", [x.path for x in registry.sockets]),
        ("FHIR type", [f.type for one in services for f in one.fhir]),
        ("operation", [o.name for one in services for o in one.operations]),
        ("permission", [p.name for one in services for p in one.permissions]),
        ("table", [t for one in services for t in one.tables]),
        ("listing", [x.name for one in services for x in one.listings]),
        ("page", [x.name for one in services for x in one.pages]),
        ("set-up step", [x.name for x in registry.steps]),
    ):
        _unique(kind, found)
    for one in services:
        _check_service(one, registry)
    structs.make_ready()
    return registry


def _check_service(one: Service, registry: Registry) -> None:
    for table in one.tables:
        _need(table.startswith(one.name + "_"), f"table {table} is not prefixed with {one.name}_")
    for setting in one.settings:
        _need(setting.key.startswith(one.name + "."), f"setting {setting.key} is not named after {one.name}")
        _texts(registry, f"setting {setting.key}", f"{setting.key}.label", f"{setting.key}.help")
        if setting.unit is not None:
            _texts(registry, f"setting {setting.key}", f"console.unit.{setting.unit}")
    for event in one.events:
        _texts(registry, f"event {event.name}", f"event.{event.name}")
    for handler in one.handlers:
        for name in handler.events:
            _need(name in registry.events, f"handler {handler.name} waits for unknown event {name}")
    for job in one.jobs:
        _texts(registry, f"job {job.name}", f"job.{job.name}.title", f"job.{job.name}.help")
        for name in job.follows:
            _need(name in registry.jobs and name != job.name, f"job {job.name} follows unknown job {name}")
    for permission in one.permissions:
        _need(permission.name.startswith(one.name + "."), f"permission {permission.name} is not {one.name}'s")
        _need(set(permission.roles) <= set(ROLES), f"permission {permission.name} names an unknown role")
        _texts(registry, f"permission {permission.name}", f"permission.{permission.name}")
    for check in one.checks:
        what = f"check {check.name}"
        graded = check.grave if isinstance(check.grave, Mapping) else {}
        _need(set(graded) <= set(check.codes), f"{what} says how grave a code is that it does not yield")
        varying = [x for x in map(check.gravity, check.codes) if isinstance(x, Varies)]
        _need(all(len(set(x.severities)) > 1 for x in varying), f"{what}: what varies takes two severities")
        _texts(registry, what, *(x.why for x in varying))
    for fix in one.fixes:
        what = f"fix {fix.code}"
        _need(any(fix.code in k.codes for k in registry.checks), f"{what} heals what no check finds")
        _need(fix.permission in registry.permissions, f"{what} asks for unknown permission {fix.permission}")
        _texts(registry, what, f"{fix.code}.fix", *([f"{fix.code}.fix_ask"] if fix.asks else []))
    for route in one.routes:
        _need(
            route.permission in registry.permissions or bool(route.permission is None and route.why_open),
            f"route {route.method} {route.path} has no known permission and no reason to be open",
        )
    for socket in one.sockets:
        _need(
            socket.permission in registry.permissions or bool(socket.permission is None and socket.why_open),
            f"socket {socket.path} has no known permission and no reason to be open",
        )
    for resource in one.fhir:
        asked = [resource.read_permission, resource.create_permission, resource.update_permission]
        asked += [resource.patch_permission, *(o.permission for o in resource.operations)]
        for name in filter(None, asked):
            _need(name in registry.permissions, f"FHIR {resource.type} asks for unknown permission {name}")
    for listing in one.listings:
        _check_listing(one, listing, registry)
    for page in one.pages:
        what = f"page {page.name}"
        _need(bool(_PAGE.fullmatch(page.name)), f"{what} is malformed")
        _need(
            page.permission in registry.permissions, f"{what} asks for unknown permission {page.permission}"
        )
        listed = not page.listing or page.listing in registry.listings
        _need(listed, f"{what} shows unknown listing {page.listing}")
        _texts(registry, what, f"console.page.{page.name}")
        if page.form is not None:
            _check_form(one, page.form, registry)
    for step in one.steps:
        what = f"set-up step {step.name}"
        known = not step.page or any(x.name == step.page for x in registry.pages)
        _need(known, f"{what} is done on unknown page {step.page}")
        _texts(registry, what, f"console.step.{step.name}.title", f"console.step.{step.name}.help")
    codes = {
        *one.problems,
        *(c for r in one.routes for _, c in r.problems),
        *(c for x in one.listings for _, c in x.problems),
        *(c for k in one.checks for c in k.codes),
    }
    for code in sorted(codes):
        _need(bool(_CODE.fullmatch(code)) or code == "maintenance", f"code {code} is malformed")
        _texts(registry, f"code {code}", *(f"{code}.{part}" for part in ("title", "cause", "solution")))


def _check_listing(one: Service, listing: Listing, registry: Registry) -> None:
    """Name, permission, columns, and a text for every column and every word of a choice."""
    what = f"listing {listing.name}"
    own = listing.name.startswith(one.name + ".") and bool(_LISTING.fullmatch(listing.name))
    _need(own, f"{what} is not named after {one.name}")
    _need(
        listing.permission in registry.permissions, f"{what} asks for unknown permission {listing.permission}"
    )
    _need(bool(listing.columns), f"{what} has no columns")
    _unique(f"{what}: column", (x.key for x in listing.columns))
    for column in listing.columns:
        _need(bool(_COLUMN.fullmatch(column.key)), f"{what}: column {column.key} is malformed")
        _texts(registry, what, f"console.list.{listing.name}.{column.key}")
        closed = bool(column.choices or column.options)
        _need((column.kind == "choice") == closed, f"{what}: column {column.key} has choices or is none")
        _texts(registry, what, *(f"console.word.{column.vocabulary}.{x}" for x in column.choices))
    if listing.period:
        period = listing.column(listing.period)
        _need(period is not None and period.kind in ("time", "date"), f"{what}: its period is no time")
    if listing.sort:
        first = listing.column(listing.sort.removeprefix("-"))
        _need(first is not None and first.sortable, f"{what} cannot be sorted by {listing.sort}")


def _check_form(one: Service, form: Form, registry: Registry) -> None:
    """An operation of the service that takes its fields, and a text for all that people read."""
    what = f"form {form.name}"
    own = form.name.startswith(one.name + ".") and bool(_LISTING.fullmatch(form.name))
    _need(own, f"{what} is not named after {one.name}")
    route = next((x for x in one.routes if x.name == form.route), None)
    _need(route is not None, f"{what} is sent to unknown operation {form.route}")
    good = route is not None and route.method == "POST" and route.transaction and "{" not in route.path
    _need(good, f"{what}: {form.route} is no plain POST with a transaction")
    taken = {x.encode_name for x in msgspec.structs.fields(route.body)} if route and route.body else set()
    _unique(f"{what}: field", (x.key for x in form.fields))
    for field in form.fields:
        _need(field.key in taken, f"{what}: {form.route} takes no {field.key}")
        _need((field.kind == "choice") == bool(field.choices), f"{what}: {field.key} has choices or is none")
        _texts(registry, what, f"console.form.{form.name}.{field.key}")
        _texts(registry, what, *(f"console.word.{field.vocabulary}.{x}" for x in field.choices))
    _texts(registry, what, f"console.form.{form.name}.title", f"console.form.{form.name}.send")


def _known_groups(services: Sequence[Service]) -> None:
    for page in (x for one in services for x in one.pages):
        _need(page.group in GROUPS, f"page {page.name} stands in unknown group {page.group}")


def _texts(registry: Registry, what: str, *keys: str) -> None:
    for key in keys:
        for lang in registry.texts.languages:
            _need(registry.texts.has(key, lang), f"{what}: the text {key} is missing in {lang}")


def _need(good: bool, fault: str) -> None:
    if not good:
        raise DeclarationError(fault)


def _unique(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        _need(name not in seen, f"{kind} {name} is declared twice")
        seen.add(name)


def _no_cycles(services: Sequence[Service]) -> None:
    needs = {s.name: set(s.needs) for s in services}
    while needs:
        free = [n for n, wanted in needs.items() if not wanted & needs.keys()]
        _need(bool(free), f"services need each other in a circle: {', '.join(sorted(needs))}")
        for name in free:
            del needs[name]
