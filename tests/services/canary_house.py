"""A practice in which every text about a patient is a canary: a word of its own that is found wherever it flies out.

`fill` lets it happen through the doors as in life (desk, portal, FHIR, import) and says which ids there are. Who asks for
them: `canary_tour`.
"""

import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from litestar.testing import TestClient

from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.job_plan import Planner
from praxisd.kernel.store import Tx
from praxisd.model.people import Practitioner
from praxisd.services.calendar import importing
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import replies
from praxisd.services.messaging.channel import Reply
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.testing.trials import settle

from . import (
    canary_backup_protocol,
    canary_backups,
    canary_desk,
    canary_devices,
    canary_diagnosis,
    canary_laptop,
    canary_medication,
    canary_portals,
    canary_runs,
    canary_seats,
    canary_support,
    canary_waiting,
)
from .calendar_cast import Rest
from .fhir_client import Fhir
from .messaging_cast import message, with_file

TUE = "2026-11-24T"
BORN = ("1911-11-11", "11.11.1911")
ACCOUNT = {"gateway": "sandbox", "sender": "Praxis", "fields": {"address": "http://127.0.0.1:9"}}
"""Access data of a gateway where nobody answers."""
_CANARY = re.compile(r"kanarie([0-9]{3})", re.IGNORECASE)


@dataclass
class Aviary:
    """The house of canaries: what was let in, and the ids by the word that stands before `{id}` in addresses."""

    house: House
    client: TestClient[Any]
    practice: Practice
    words: dict[int, str] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def bird(self, where: str) -> str:
        """A new canary for this place."""
        number = len(self.words) + 101
        self.words[number] = where
        return f"Kanarie{number}"

    def note(self, word: str, *ids: str) -> None:
        self.ids.setdefault(word, []).extend(ids)

    def caught(self, text: str) -> set[str]:
        """Places whose canary (or whose date of birth) stands in the text."""
        found = {self.words[int(number)] for number in _CANARY.findall(text)}
        return found | {"birthDate" for one in BORN if one in text}


def _person(nest: Aviary, who: str) -> dict[str, Any]:
    bird = nest.bird
    return {
        "family": bird(f"{who}.family"),
        "given": bird(f"{who}.given"),
        "prefix": bird(f"{who}.prefix"),
        "birthDate": BORN[0],
        "gender": "female",
        "telecom": [
            {"system": "phone", "value": f"030 {bird(f'{who}.phone')}"},
            {"system": "phone", "use": "mobile", "value": f"0171 {bird(f'{who}.mobile')}"},
            {"system": "email", "value": f"{bird(f'{who}.email')}@example.org"},
            {"system": "other", "value": bird(f"{who}.other")},
        ],
        "address": [
            {
                "line": [bird(f"{who}.line")],
                "city": bird(f"{who}.city"),
                "district": bird(f"{who}.district"),
                "state": bird(f"{who}.state"),
                "postalCode": bird(f"{who}.postalCode"),
            }
        ],
        "identifiers": [{"value": bird(f"{who}.identifier"), "system": "urn:x"}],
        "note": bird(f"{who}.note"),
    }


def fill(house: House, client: TestClient[Any]) -> Aviary:
    """The practice, everyone in it, and everything that can be written about a patient."""
    practice = small_practice(house)
    nest = Aviary(house, client, practice)
    nest.keys = {
        role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner", "portal")
    }
    desk, portal = Rest(client, nest.keys["desk"]), Rest(client, nest.keys["portal"])
    outside, inside = Fhir(client, nest.keys["portal"]), Fhir(client, nest.keys["desk"])
    nest.note("codes", "vault.key_readable")
    nest.note("schedules", *practice.doctors, *practice.chairs)
    nest.note("healthcare-services", practice.check, practice.surgery)
    told = desk("POST", "/patients", 201, _person(nest, "told"))
    nest.note("patients", told["id"], practice.patient)
    said = [{"purpose": "greeting", "channel": "sms", "state": "given"}]
    words = {"said": said, "preferred": "email", "note": nest.bird("wishes.note")}
    desk("PUT", f"/patients/{told['id']}/wishes", body=words)
    _merged(nest, desk)
    _booked(nest, desk, portal, told["id"])
    _by_fhir(nest, inside, outside, told["id"])
    _imported(nest)
    owner = Rest(client, nest.keys["owner"])
    nest.note("practitioners", *(p["id"] for p in owner("GET", "/practitioners")["practitioners"]))
    place = owner("POST", "/locations", 201, {"name": "Raum 1", "kind": "room", "released": True})["id"]
    nest.note("locations", place)
    unit = owner("POST", "/mandators", 201, {"name": "Praxis"})["id"]
    nest.note("mandators", unit)
    _treated(nest, desk, inside, told["id"], unit)
    nest.note("matches", *(m["id"] for m in desk("GET", "/patients/matches")["matches"]))
    feed = owner("POST", f"/schedules/{practice.doctors[0]}/feeds", 201, {"titles": True})
    nest.note("feeds", feed["id"])
    nest.note("ical", feed["url"].rpartition("/")[2])
    _written_to(nest, owner, told["id"], unit)
    canary_desk.let_in(nest)
    canary_waiting.let_in(nest, told["id"])
    canary_medication.let_in(nest, desk, inside, told["id"])
    canary_devices.let_in(nest, told["id"])
    canary_portals.let_in(nest)
    canary_diagnosis.let_in(nest)
    canary_support.let_in(nest)
    canary_backups.let_in(nest)
    canary_runs.let_in(nest)
    canary_backup_protocol.let_in(nest)
    canary_seats.let_in(nest)
    canary_laptop.let_in(nest)
    Planner(house).step()
    _reminded(nest)
    nest.note("jobs", "calendar.sweep")
    nest.note("keys", owner("GET", "/keys")["keys"][0]["id"])
    return nest


def _treated(nest: Aviary, desk: Rest, inside: Fhir, patient: str, mandator: str) -> None:
    body = {"patient": patient, "mandator": mandator, "note": nest.bird("treatment.note")}
    nest.note("treatments", desk("POST", "/treatments", 201, body)["id"])
    unit = {"system": "https://praxisd.org/fhir/sid/mandator", "value": mandator}
    told = {
        "resourceType": "EpisodeOfCare",
        "status": "active",
        "patient": {"reference": f"Patient/{patient}", "display": nest.bird("treatment.display")},
        "managingOrganization": {"identifier": unit},
        "period": {"start": "2026-11-01"},
        "identifier": [{"value": nest.bird("treatment.identifier")}],
        "diagnosis": [{"condition": {"display": nest.bird("treatment.diagnosis")}}],
    }
    nest.note("treatments", inside("POST", "EpisodeOfCare", 201, told)["id"])


def _written_to(nest: Aviary, owner: Rest, patient: str, mandator: str) -> None:
    """Messages to a patient: one that waits, one for which a letter is asked, and the answer to the first."""
    owner("PUT", "/messaging/accounts/sms", body=ACCOUNT)
    nest.note("accounts", "sms")
    house, bird, now = nest.house, nest.bird, nest.house.clock.now()
    waiting = messaging.Draft(
        kind="reminder", topic="reminder/canary", stamp=now + 86_400, patient=patient, mandator=mandator,
        appointment=nest.ids["appointments"][0], channel="email", address=f"{bird('outbox.address')}@example.org",
        subject=bird("outbox.subject"), text=bird("outbox.text"), next_at=now, useless_after=now + 86_400,
    )  # fmt: skip
    letter = msgspec.structs.replace(
        waiting, kind="birthday", topic="birthday/canary", appointment=None, reason="messaging.mail_bounced"
    )
    actor = system("test", nest.practice.organization)
    for draft in (waiting, letter):
        nest.note("outbox", str(house.store.run(actor, partial(messaging.prepare, house, draft=draft))))
    answer = Reply("somebody@example.org", bird("reply.text"), "mark", id=nest.ids["outbox"][0])
    assert house.store.run(actor, lambda tx: replies.take_in(house, tx, "smtp", "email", answer))


def _reminded(nest: Aviary) -> None:
    """A run that has looked at everybody, and says of whom it reminds nobody and why."""
    house, actor = nest.house, system("test", nest.practice.organization)

    def start(tx: Tx) -> str:
        house.settings.put(tx, "reminders.send_reminders", True)
        return str(jobs.run_now(house, tx, "reminders.prepare").id)

    nest.note("runs", house.store.run(actor, start))
    settle(house)
    nest.note("jobs", "reminders.prepare")


def _merged(nest: Aviary, desk: Rest) -> None:
    keep, drop = (desk("POST", "/patients", 201, _person(nest, who))["id"] for who in ("kept", "dropped"))
    merge = desk("POST", f"/patients/{keep}/merge", 201, {"drop": drop})["id"]
    nest.note("patients", keep, drop)
    nest.note("merges", merge)


def _booked(nest: Aviary, desk: Rest, portal: Rest, patient: str) -> None:
    practice, bird = nest.practice, nest.bird
    body = {"service": practice.check, "start": f"{TUE}09:00:00+01:00", "patient": {"id": patient}}
    one = desk("POST", "/appointments", 201, body | {"note": bird("appointment.note")})
    body["start"] = f"{TUE}10:00:00+01:00"
    gone = desk("POST", "/appointments", 201, body)
    reason = {"reason": bird("appointment.cancelReason")}
    desk("POST", f"/appointments/{gone['id']}/cancel", body=reason)
    # A guest of the portal who may be somebody known: her own words, an alias, a decision for a person.
    guest = {"family": nest.bird("guest.family"), "given": bird("guest.given"), "birthDate": BORN[0]}
    guest |= {"phone": "030 23125 001", "email": f"{bird('guest.email')}@example.org"}
    body = {"service": practice.check, "start": f"{TUE}11:00:00+01:00", "patient": guest}
    first = portal("POST", "/appointments", 201, body | {"note": bird("guest.note")})
    again = guest | {"phone": "030 23125 002", "email": f"{bird('again.email')}@example.org"}
    second = portal("POST", "/appointments", 201, body | {"start": f"{TUE}12:00:00+01:00", "patient": again})
    nest.note("patients", first["patient"])
    nest.note("appointments", one["id"], gone["id"], first["id"], second["id"])
    held = portal("POST", "/slots/hold", 201, {"service": practice.check, "start": f"{TUE}16:00:00+01:00"})
    nest.note("hold", held["id"])
    block = {
        "title": bird("reservation.title"),
        "note": bird("reservation.note"),
        "schedules": list(practice.chairs),
    }
    block |= {"start": f"{TUE}13:00:00+01:00", "end": f"{TUE}14:00:00+01:00"}
    nest.note("reservations", desk("POST", "/reservations", 201, block)["id"])
    away = {"first": "2026-11-26", "last": "2026-11-27", "reason": bird("absence.reason")}
    nest.note("absences", desk("POST", "/absences", 201, away)["absence"]["id"])


def _by_fhir(nest: Aviary, inside: Fhir, outside: Fhir, patient: str) -> None:
    bird, practice = nest.bird, nest.practice
    doctor = nest.house.store.run(
        practice.desk(),
        lambda tx: (
            directory.create_practitioner(tx, Practitioner(family="Arzt", given="Walter", released=True)).id
        ),
    )
    proposal = {
        "resourceType": "Appointment",
        "status": "proposed",
        "start": f"{TUE}14:30:00+01:00",
        "end": f"{TUE}15:00:00+01:00",
        "description": bird("fhir.appointment.description"),
        "comment": bird("fhir.appointment.comment"),
        "patientInstruction": bird("fhir.appointment.instruction"),
        "reasonCode": [{"text": bird("fhir.appointment.reason")}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient}", "display": bird("fhir.appointment.patient")}, "status": "accepted"},
            {"actor": {"display": bird("fhir.appointment.escort")}, "status": "accepted"},
            {"actor": {"reference": f"HealthcareService/{practice.check}"}, "status": "accepted"},
        ],
    }  # fmt: skip
    nest.note("appointments", inside("POST", "Appointment/$book", 201, proposal)["id"])
    outside(
        "POST",
        "Patient",
        201,
        {
            "resourceType": "Patient",
            "name": [{"use": "official", "family": bird("portal.family"), "given": [bird("portal.given")]}],
            "birthDate": BORN[0],
            "telecom": [{"system": "phone", "value": "030 23125 003"}],
            "contact": [{"name": {"text": bird("portal.contact")}}],
        },
    )
    alias = outside.last.json()["id"]
    pdf = b"%PDF-1.7 " + bird("binary.pdf").encode()
    binary = outside("POST", "Binary", 201, pdf, Content_Type="application/pdf")["id"]
    letter = outside("POST", "Binary", 201, bird("binary.text").encode(), Content_Type="text/plain")["id"]
    sent = message(
        alias,
        doctor,
        payload=[
            {"contentString": bird("message.text")},
            with_file(binary, title=bird("message.title")),
            with_file(letter, "text/plain"),
        ],
        sender={"reference": f"Patient/{alias}", "display": bird("message.sender")},
        note=[{"text": bird("message.note")}],
        topic={"text": bird("message.topic")},
    )
    sent["subject"]["display"] = bird("message.subject")
    nest.note("communications", outside("POST", "Communication", 201, sent)["id"])
    nest.note("binaries", binary, letter)
    nest.note("patients", alias)


def _imported(nest: Aviary) -> None:
    """What came with an import keeps elements our fields do not know."""
    bird = nest.bird
    patient = {
        "resourceType": "Patient",
        "id": "from-outside",
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{bird("import.div")}</div>'},
        "name": [{"family": bird("import.family"), "given": [bird("import.given")], "text": bird("import.name")}],
        "birthDate": BORN[0],
        "contact": [{"name": {"text": bird("import.contact")}, "telecom": [{"system": "phone", "value": "1"}]}],
        "maritalStatus": {"text": bird("import.marital")},
    }  # fmt: skip
    visit = {
        "resourceType": "Appointment",
        "id": "visit-outside",
        "status": "booked",
        "start": f"{TUE}08:00:00+01:00",
        "end": f"{TUE}08:30:00+01:00",
        "comment": bird("import.comment"),
        "description": bird("import.description"),
        "participant": [
            {"actor": {"reference": "Patient/from-outside", "display": bird("import.display")}, "status": "accepted"},
            {"actor": {"reference": "HealthcareService/nowhere"}, "status": "accepted"},
        ],
    }  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in (patient, visit)],
    }
    importing.import_files(nest.house, nest.practice.desk(), [json.dumps(bundle)], release=True)
    nest.note("patients", "from-outside")
    nest.note("appointments", "visit-outside")
