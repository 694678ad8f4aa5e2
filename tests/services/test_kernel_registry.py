"""freeze() refuses each kind of fault in a declaration, and names it."""

from dataclasses import replace
from typing import Any

import pytest

from praxisd.kernel import schedule
from praxisd.kernel.house import SERVICE
from praxisd.kernel.registry import DeclarationError, freeze
from praxisd.kernel.service import (
    Check,
    EventType,
    FhirResource,
    Handler,
    JobType,
    Permission,
    Route,
    Service,
    Setting,
)

EMPTY = Service("trial", "praxisd.kernel")
DAILY = schedule.Daily(schedule.At("10:00"))


def nothing(*_args: Any) -> Any:
    """What a declaration calls; it is never called here."""


ROUTE = Route("GET", "/trial", "trial", nothing, "kernel.jobs.read")
OPEN = replace(ROUTE, permission=None)
FHIR = FhirResource("Slot", nothing, nothing, "kernel.jobs.read", ())
FAULTS: dict[str, tuple[tuple[Service, ...], str]] = {
    "service twice": ((EMPTY, EMPTY), "service trial is declared twice"),
    "need": ((replace(EMPTY, needs=("ghost",)),), "needs ghost"),
    "circle": (
        (replace(EMPTY, needs=("two",)), Service("two", "praxisd.kernel", needs=("trial",))),
        "in a circle: trial, two",
    ),
    "setting of another": (
        (replace(EMPTY, settings=(Setting("other.x", int, 1),)),),
        "not named after trial",
    ),
    "setting without words": ((replace(EMPTY, settings=(Setting("trial.x", int, 1),)),), "trial.x.label"),
    "event without sentence": ((replace(EMPTY, events=(EventType("trial.done"),)),), "event.trial.done"),
    "event twice": (
        (replace(EMPTY, events=(EventType("job.changed"),)),),
        "event job.changed is declared twice",
    ),
    "handler for nothing": (
        (replace(EMPTY, handlers=(Handler("h", ("appointment.boked",), nothing),)),),
        "unknown event appointment.boked",
    ),
    "handler twice": (
        (replace(EMPTY, handlers=(Handler("h", ("job.changed",), nothing),) * 2),),
        "handler h is declared twice",
    ),
    "job without words": ((replace(EMPTY, jobs=(JobType("trial.x", nothing, DAILY),)),), "job.trial.x.title"),
    "job twice": ((replace(EMPTY, jobs=(JobType("kernel.purge", nothing, DAILY),)),), "job kernel.purge"),
    "permission of another": (
        (replace(EMPTY, permissions=(Permission("other.x.read"),)),),
        "permission other.x.read is not trial's",
    ),
    "permission without words": (
        (replace(EMPTY, permissions=(Permission("trial.x.read"),)),),
        "permission.trial.x.read",
    ),
    "unknown role": ((replace(EMPTY, permissions=(Permission("trial.x.read", ("boss",)),)),), "unknown role"),
    "route with unknown permission": (
        (replace(EMPTY, routes=(replace(ROUTE, permission="trial.x.read"),)),),
        "GET /trial has no known permission",
    ),
    "open route without reason": ((replace(EMPTY, routes=(OPEN,)),), "no reason to be open"),
    "route twice": ((replace(EMPTY, routes=(ROUTE, replace(ROUTE, name="two"))),), "route GET /trial"),
    "route name twice": ((replace(EMPTY, routes=(ROUTE, replace(ROUTE, path="/two"))),), "route name trial"),
    "code without words": (
        (replace(EMPTY, routes=(replace(ROUTE, problems=((409, "trial.taken"),)),)),),
        "trial.taken.",
    ),
    "malformed code": ((replace(EMPTY, problems=("Trial taken",)),), "code Trial taken is malformed"),
    "check code without words": (
        (replace(EMPTY, checks=(Check("trial.c", ("trial.sick",), nothing),)),),
        "trial.sick.",
    ),
    "check twice": ((replace(EMPTY, checks=(Check("kernel.disk", (), nothing),)),), "check kernel.disk"),
    "table of another": ((replace(EMPTY, tables=("other_x",)),), "not prefixed with trial_"),
    "FHIR permission": (
        (replace(EMPTY, fhir=(replace(FHIR, create=nothing, create_permission="trial.x.write"),)),),
        "FHIR Slot asks for unknown permission trial.x.write",
    ),
    "FHIR type twice": ((replace(EMPTY, fhir=(FHIR, FHIR)),), "FHIR type Slot"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_refused_and_named(name: str) -> None:
    services, words = FAULTS[name]
    with pytest.raises(DeclarationError) as caught:
        freeze((SERVICE, *services))
    assert words in str(caught.value)


def test_a_good_declaration_is_frozen() -> None:
    reason = replace(OPEN, why_open="the state of the program is no secret")
    registry = freeze((SERVICE, replace(EMPTY, routes=(reason,), needs=("kernel",))))
    assert [s.name for s in registry.services] == ["kernel", "trial"]
    assert "kernel.purge" in registry.jobs
    assert "store.disk_low" in registry.problems
    assert "kernel.settings.write" in registry.role("owner")
    assert "kernel.settings.write" not in registry.role("partner")
    with pytest.raises(DeclarationError, match="unknown role"):
        registry.role("boss")
