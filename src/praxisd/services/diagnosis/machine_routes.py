"""REST operations on computers and on what products need of them.

The computers belong to the installation: seats of every practice send theirs, and whoever may read sees all of them.
"""

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, EventType, Permission, Retention, Route
from praxisd.services.diagnosis import machine_store, machine_view, requirement_view
from praxisd.services.diagnosis.machine import own_host
from praxisd.services.diagnosis.machine_answers import (
    MachineIn,
    MachineList,
    MachineOut,
    RequirementQuery,
    RequirementsOut,
)
from praxisd.services.diagnosis.measuring import host_name

READ, WRITE, REPORT = "diagnosis.machine.read", "diagnosis.machine.write", "diagnosis.machine.report"
MOST = 1_000
"""So many computers are kept; a practice has fewer."""
MOST_BYTES = 256_000
"""Of one computer's facts as they are kept; some 60 kB are usual, most of them services."""
_TAGS = ("diagnosis",)


def report(call: Call) -> Answer:
    """Tell of this computer

    What a computer measured of itself, in place of what it sent before. Nothing in it may name a person. The time of the
    facts is the server's. The computer that praxisd runs on is measured by itself and takes no report.
    """
    body: MachineIn = call.body
    tx, host = call.writing, host_name(body.facts.host)
    if len(msgspec.json.encode(body.facts)) > MOST_BYTES:
        raise Problem("http.body_too_large", 413, limit=MOST_BYTES)
    if host == own_host():
        raise Problem("diagnosis.machine_is_here", 409, host=host)
    known = machine_store.one(tx, host)
    if known is None and machine_store.count(tx) >= MOST:
        raise Problem("diagnosis.machines_full", 409, most=MOST)
    machine_store.put(tx, body.facts, body.role if body.role is not None or known is None else known.role)
    if known is None:
        events.note(tx, "machine.added", "Machine", host)
    return Answer(status=204)


def list_machines(call: Call) -> MachineList:
    """Computers of the practice

    This one first, measured now; then those that told of themselves.
    """
    return machine_view.listed(call.house, call.actor)


def read_machine(call: Call) -> MachineOut:
    """A computer and all that is known of it

    Every fact has a value or the reason why it could not be determined.
    """
    return machine_view.shown(call.house, call.actor, call.path["host"], call.lang)


def remove_machine(call: Call) -> Answer:
    """Forget a computer

    It appears again when it sends its facts again.
    """
    host = host_name(call.path["host"])
    if not machine_store.drop(call.writing, host):
        raise not_found("Machine")
    events.note(call.writing, "machine.removed", "Machine", host)
    return Answer(status=204)


def read_requirements(call: Call) -> RequirementsOut:
    """What a software needs of a computer, judged

    Each line is fulfilled, not fulfilled or could not be determined, and then says why: nothing is guessed. Source, its
    date, open questions and changes come with it.
    """
    query: RequirementQuery = call.query
    return requirement_view.requirements(
        call.house, call.actor, call.lang, query.software, query.host, query.role
    )


ROUTES = (
    Route("GET", "/machines", "machine.list", list_machines, READ, answer=MachineList, safe=True, tags=_TAGS),
    Route(
        "POST", "/machines", "machine.report", report, REPORT, body=MachineIn, status=204, tags=_TAGS,
        problems=(
            (409, "diagnosis.machine_is_here"), (409, "diagnosis.machines_full"), (413, "http.body_too_large"),
        ),
    ),
    Route("GET", "/machines/{host}", "machine.read", read_machine, READ, answer=MachineOut, safe=True, tags=_TAGS),
    Route("DELETE", "/machines/{host}", "machine.delete", remove_machine, WRITE, status=204, tags=_TAGS),
    Route(
        "GET", "/requirements", "requirement.list", read_requirements, READ,
        query=RequirementQuery, answer=RequirementsOut, problems=((404, "http.not_found"),), safe=True, tags=_TAGS,
    ),
)  # fmt: skip
EVENTS = (EventType("machine.added", Retention.CHANGE), EventType("machine.removed", Retention.AUDIT))
PERMISSIONS = (
    Permission(READ, ("owner", "partner", "desk"), shared=True),
    Permission(WRITE, ("owner", "partner"), shared=True),
    Permission(REPORT, ("owner", "partner", "pvs"), shared=True),
)
