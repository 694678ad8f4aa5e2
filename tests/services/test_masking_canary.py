"""No answer of any door tells a masked caller anything about a patient (SPEC 12.4): canaries in every text, all doors asked.

As the service partner, and as somebody masked who may do everything: what hides is the mask, not a missing permission.
"""

from dataclasses import replace

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.access import Actor, Kind
from praxisd.web.app import build

from . import canary_portals
from .canary_house import fill
from .canary_tour import NOT_ASKED, reading, tour

pytestmark = pytest.mark.judge

EVERYTHING = "masked-everything"
PORTALS_OWN = {"portal.contact"}
"""What a portal said beyond our fields is read by that portal alone."""
NOTHING_THERE = frozenset(
    {
        *canary_portals.NOTHING_THERE,
        "runs.cancel",  # no run waits
        "relay.enrol", "relay.rotate", "relay.probe", "relay.try", "relay.leave",  # no hub is known here
        "relay.renewCertificate",  # and no authority
        "updates.subscribe", "updates.check", "updates.install", "updates.readOrder",  # no source of updates is known
        "updates.switchBack", "updates.push",
        "guard.restart", "guard.tryAgain",  # and nobody guards this server
        "issues.ignore", "issues.fix",  # no issue is open
        "care.readMove", "care.compact",  # the database was never moved, and its check is still under way
        "serviceproviders.repair", "serviceproviders.install",  # no folder of a practice software lies here
        "remote.end",  # nor was anybody let in
        "session.read", "session.close", "sessions.end", "sessions.endAll", "sessions.list", "session.password",
        "secondFactor.start", "secondFactor.confirm", "secondFactor.remove", "secondFactor.codes",  # a key has no session
        "listing.accountsSessions", "listing.accountsSessionsExport",
    }
)  # fmt: skip


@pytest.fixture(name="nest")
def the_nest(house):
    doors = main.doors(house)
    masked: list[Actor] = []

    def authenticate(house_, secret, address):
        return masked[0] if secret == EVERYTHING else doors.authenticate(house_, secret, address)

    with TestClient(
        build(house, replace(doors, authenticate=authenticate)), base_url="http://praxis.test"
    ) as client:
        nest = fill(house, client)
        everything = frozenset(house.registry.permissions)
        masked.append(Actor(Kind.KEY, "masked", nest.practice.organization, everything, masked=True))
        yield nest


def test_a_partner_finds_no_canary_behind_any_door(house, nest):
    may = house.registry.role("partner")
    answered, found = set(), []
    for name, status, text in tour(nest, nest.keys["partner"], house.registry.routes):
        assert status != 500, (name, text)
        if status < 300:
            answered.add(name)
        for where in nest.caught(text):
            found.append((name, status, where))
    assert not found, sorted(set(found))
    # The walk has teeth only where it was let in: each operation a partner has must have answered something.
    silent = (
        {r.name for r in house.registry.routes if r.permission in may} - answered - NOT_ASKED - NOTHING_THERE
    )
    assert silent == {"calendar.search"}, sorted(silent)
    assert {"FHIR Patient search", "FHIR Patient read", "FHIR Schedule search"} <= answered
    assert "FHIR Appointment read" not in answered and "FHIR Communication read" not in answered


def test_who_is_masked_and_may_everything_reads_nothing_of_patients(house, nest):
    routes = tuple(filter(reading, house.registry.routes))
    answered, found = set(), []
    for name, status, text in tour(nest, EVERYTHING, routes):
        assert status != 500, (name, text)
        if status < 300:
            answered.add(name)
        for where in nest.caught(text):
            found.append((name, status, where))
    assert not found, sorted(set(found))
    assert {"appointments.read", "matches.list", "communications.list", "FHIR Appointment read"} <= answered
    assert {"listing.directoryPatientsExport", "listing.messagingInboxExport"} <= answered
    assert {"outbox.read", "outbox.search", "wishes.read", "listing.messagingLetters"} <= answered


def test_the_owner_finds_every_canary_on_the_same_walk(house, nest):
    """Else the walk would pass by the places where they sit."""
    routes = tuple(filter(reading, house.registry.routes))
    found: dict[str, set[str]] = {}
    for name, _status, text in tour(nest, nest.keys["owner"], routes):
        for where in nest.caught(text):
            found.setdefault(where, set()).add(name)
    assert set(nest.words.values()) - found.keys() == PORTALS_OWN
    theirs = "".join(text for _, _, text in tour(nest, nest.keys["portal"], ()))
    assert nest.caught(theirs) >= PORTALS_OWN
    assert "calendar.view" in found["appointment.note"] and "calendar.view" in found["reservation.title"]
    assert (
        "calendar.search" in found["told.family"] and "listing.directoryPatientsExport" in found["told.phone"]
    )
    assert {"patients.read", "FHIR Patient read", "listing.directoryPatients"} <= found["birthDate"]
    assert (
        "treatments.read" in found["treatment.note"]
        and "FHIR EpisodeOfCare read" in found["treatment.diagnosis"]
    )
    assert {"outbox.read", "outbox.search"} <= found["outbox.text"] & found["outbox.subject"]
    assert {"outbox.read", "listing.messagingOutbox"} <= found["outbox.address"]
    assert {"listing.messagingLetters", "listing.remindersRefusals", "reminders.preview"} <= found[
        "told.family"
    ]
    assert {"statements.search", "medicationCheck.view", "FHIR MedicationStatement read"} <= found[
        "statement.text"
    ]
    assert "risks.read" in found["risk.note"] and "medicationCheck.view" in found["risk.text"]
    assert "listing.messagingInbox" in found["reply.text"]
    assert "listing.messagingInbox" in found["message.text"] and "FHIR Binary read" in found["binary.text"]
