"""The calendar's records as FHIR dicts, as one caller may see them in one transaction.

What came from outside is kept whole (`extra["fhir"]`, JSON text, so that numbers stay exact) and goes out again with
the live values laid over it: elements we do not know survive, what the practice changed is never contradicted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from praxisd.kernel.store import Tx
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_times import format_instant, parse_instant
from praxisd.model.people import MASK
from praxisd.model.scheduling import Appointment, Code, HealthcareService, ImportedSlot, Schedule
from praxisd.services.calendar import booking, fhir_codes, rules
from praxisd.services.calendar.view import Calendar, views
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]
PROFILE = "https://gematik.de/fhir/isik/StructureDefinition/"
SCHEDULE_NAME = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Schedule.name"
REPLACES = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.replaces"
IMPORTED_ID = "https://praxisd.org/fhir/sid/imported-id"
EXTERNAL = {"system": "http://fhir.de/CodeSystem/common-meta-tag-de", "code": "external"}
SPECIALTY = "calendar.specialty"
_FOR_PORTALS = frozenset(
    (
        "meta",
        "type",
        "category",
        "specialty",
        "serviceType",
        "serviceCategory",
        "appointmentType",
        "start",
        "end",
    )
)
_VOLATILE = frozenset({"id", "versionId", "lastUpdated"})


def keep(resource: Dict, **more: object) -> dict[str, object]:
    """The `extra` of a record made from a FHIR resource. `alias`: the id under which a portal knows the patient,
    `display`: what it called the patient.
    """
    rest = {k: v for k, v in resource.items() if k != "id"}
    meta = {k: v for k, v in rest.pop("meta", {}).items() if k not in _VOLATILE}
    if meta:
        rest["meta"] = meta
    return {"fhir": dump_json(rest).decode(), **more}


def kept(extra: Mapping[str, object]) -> Dict:
    """What was kept of the resource; empty for records that were made here."""
    text = extra.get("fhir")
    return load_json(text) if isinstance(text, str) else {}


@dataclass
class Sight:
    """What one caller sees of the calendar in one transaction."""

    house: "House"
    tx: Tx
    base: str

    @cached_property
    def calendar(self) -> Calendar:
        """Columns, types, almanac."""
        return views(self.house).calendar(self.tx)

    @property
    def zone(self) -> ZoneInfo:
        """The practice's time zone."""
        return self.calendar.almanac.zone

    @cached_property
    def schedules(self) -> Mapping[str, Schedule]:
        """The columns this caller may see, by id."""
        return self.calendar.for_actor(self.tx.actor)

    @cached_property
    def services(self) -> Mapping[str, HealthcareService]:
        """The appointment types this caller may see, by id."""
        calendar, actor = self.calendar, self.tx.actor
        return {k: s for k, s in calendar.services.items() if calendar.service_for(actor, k) is not None}

    @cached_property
    def practitioners(self) -> Mapping[str, str]:
        """Names of the practitioners this caller may see."""
        return {one.id: one.display for one in directory.practitioners(self.tx)}

    @cached_property
    def locations(self) -> Mapping[str, str]:
        """Names of the places this caller may see."""
        return {one.id: one.name for one in directory.locations(self.tx)}

    @cached_property
    def specialty(self) -> Code:
        """The practice's own specialty, for whatever names none."""
        return Code(code=self.house.settings.get(self.tx, SPECIALTY), system=fhir_codes.SPECIALTIES)

    def time(self, epoch: int, before: object = None) -> str:
        """The instant in the practice's zone, or the text it came as if that says the same."""
        if isinstance(before, str) and parse_instant(before) == epoch:
            return before
        return format_instant(epoch, self.zone)

    def told(self, extra: Mapping[str, object]) -> Dict:
        """What an imported resource said beyond our fields; for portals only its codes, never free words or references."""
        whole = kept(extra)
        if self.tx.actor.portal is None:
            return whole
        return {name: value for name, value in whole.items() if name in _FOR_PORTALS}

    # --- types and columns -------------------------------------------------------------------------------------------

    def service(self, one: HealthcareService) -> Dict:
        """An appointment type as HealthcareService."""
        before = self.told(one.extra)
        out = _frame("HealthcareService", one.id, one.version, before, "ISiKMedizinischeBehandlungseinheit")
        out |= {
            "active": one.active,
            "type": fhir_codes.written(before.get("type"), fhir_codes.service_types(one)),
            "specialty": fhir_codes.written(
                before.get("specialty"), fhir_codes.specialties(one, (), self.specialty)
            ),
            "name": one.name,
        }
        return _text(out, "comment", one.comment)

    def schedule(self, one: Schedule) -> Dict:
        """A column as Schedule."""
        before = self.told(one.extra)
        out = _frame("Schedule", one.id, one.version, before, "ISiKKalender")
        others = [e for e in before.get("extension", ()) if e.get("url") != SCHEDULE_NAME]
        types = fhir_codes.schedule_types(one, self.services)
        out |= {
            "extension": [{"url": SCHEDULE_NAME, "valueString": one.name}, *others],
            "active": one.active,
            "specialty": fhir_codes.written(
                before.get("specialty"), one.specialty or fhir_codes.specialties(None, (one,), self.specialty)
            ),
            "actor": self._actors(one, before.get("actor", [])),
        }
        if types:
            out["serviceType"] = fhir_codes.written(before.get("serviceType"), types)
        return out

    def _actors(self, one: Schedule, before: Iterable[Dict]) -> list[Dict]:
        known = {
            **{f"Practitioner/{k}": v for k, v in self.practitioners.items()},
            **{f"Location/{k}": v for k, v in self.locations.items()},
        }
        own = {
            f"Practitioner/{one.practitioner}",
            f"Location/{one.location}",
            *(f"HealthcareService/{s.id}" for s in fhir_codes.serving(one.id, self.services)),
        }
        known |= {f"HealthcareService/{s.id}": s.name for s in self.services.values()}
        inside = self.tx.actor.portal is None
        actors = [
            actor
            for actor in before
            if (ref := actor.get("reference")) is None
            or ref in own & known.keys()
            or (ref not in known and inside)
        ]
        there = {actor.get("reference") for actor in actors}
        actors += [
            {"reference": ref, "display": name}
            for ref, name in known.items()
            if ref in own and ref not in there
        ]
        return actors or [{"display": one.name}]

    # --- slots -------------------------------------------------------------------------------------------------------

    def computed(
        self, column: Schedule, service: HealthcareService, start: int, status: str = "free"
    ) -> Dict:
        """A computed slot: one column, one type, one start."""
        return {
            "resourceType": "Slot",
            "id": rules.slot_id(column.no, service.no, start),
            "meta": {"profile": [PROFILE + "ISiKTerminblock"]},
            "serviceType": fhir_codes.concepts(fhir_codes.service_types(service)),
            "specialty": fhir_codes.concepts(fhir_codes.specialties(service, (column,), self.specialty)),
            "schedule": {"reference": f"Schedule/{column.id}", "display": column.name},
            "status": status,
            "start": self.time(start),
            "end": self.time(start + (service.duration or 0) * 60),
        }

    def imported(self, one: ImportedSlot, status: str) -> Dict:
        """A slot from outside; `status` is what is true now."""
        before = self.told(one.extra)
        out = _frame("Slot", one.id, one.version, before, "ISiKTerminblock")
        reference = {**before.get("schedule", {}), "reference": f"Schedule/{one.schedule}"}
        return out | {
            "schedule": reference,
            "status": status,
            "start": self.time(one.start, before.get("start")),
            "end": self.time(one.end, before.get("end")),
        }

    # --- appointments ------------------------------------------------------------------------------------------------

    def appointment(self, one: Appointment, names: Mapping[str, str | None] | None = None) -> Dict:
        """An appointment; `names` are patient names known already. Masked callers get nothing that was written freely."""
        before = {} if self.tx.actor.masked else kept(one.extra)
        if one.version > 1:
            before.pop("text", None)
        out = _frame("Appointment", one.id, one.version, before, "ISiKTermin")
        out["meta"]["lastUpdated"] = self.time(one.updated)
        if one.portal is not None and EXTERNAL not in out["meta"].get("tag", []):
            out["meta"]["tag"] = [*out["meta"].get("tag", []), EXTERNAL]
        service = self.calendar.services.get(one.service or "")
        columns = [self.calendar.schedules[s] for s in one.schedules if s in self.calendar.schedules]
        out |= {
            "status": one.status,
            "start": self.time(one.start, before.get("start")),
            "end": self.time(one.end, before.get("end")),
            "participant": self._participants(one, service, columns, before.get("participant", []), names),
        }
        if "serviceType" not in before or _retyped(service, before):
            types = fhir_codes.service_types(service) if service else ()
            types = types or tuple(code for c in columns for code in c.service_type)
            out["serviceType"] = fhir_codes.concepts(types)
        if "specialty" not in before:
            out["specialty"] = fhir_codes.concepts(fhir_codes.specialties(service, columns, self.specialty))
        out["slot"] = self._slots(one, service, columns, before.get("slot", []))
        out.setdefault("created", self.time(one.created))
        if "minutesDuration" in before:
            out["minutesDuration"] = (one.end - one.start) // 60
        out["extension"] = _replacing(before.get("extension", []), one.replaces)
        out.pop("cancelationReason", None)
        if one.cancel_reason and not self.tx.actor.masked:
            out["cancelationReason"] = fhir_codes.reason(one.cancel_reason, before.get("cancelationReason"))
        for name in ("serviceType", "slot", "extension"):
            if not out.get(name):
                out.pop(name, None)
        return _text(out, "comment", None if self.tx.actor.masked else one.note)

    def _slots(
        self, one: Appointment, service: HealthcareService | None, columns: list[Schedule], before: list[Dict]
    ) -> list[Dict]:
        if one.slots:
            if tuple(s.get("reference") for s in before) == tuple(f"Slot/{id_}" for id_ in one.slots):
                return before
            return [{"reference": f"Slot/{id_}"} for id_ in one.slots]
        if service is None or service.duration is None or one.start % 60:
            return []
        return [{"reference": f"Slot/{rules.slot_id(c.no, service.no, one.start)}"} for c in columns]

    def _participants(
        self,
        one: Appointment,
        service: HealthcareService | None,
        columns: list[Schedule],
        before: Iterable[Dict],
        names: Mapping[str, str | None] | None,
    ) -> list[Dict]:
        current = self._staff(service, columns)
        everyone = self._everyone
        inside = self.tx.actor.portal is None
        patient = self.patient(one, names)
        found: list[Dict] = []
        for part in before:
            actor = part.get("actor", {})
            ref = str(actor.get("reference", ""))
            if ref.startswith("Patient/") and one.patient is not None:
                if patient is not None:
                    shown = {**patient, **self._words(one, actor)}
                    found.append({**part, "actor": {**actor, **shown}})
                    patient = None
            elif ref in current or not ref or (inside and ref not in everyone):
                found.append(part)
                current.pop(ref, None)
        waiting = "needs-action" if one.status in ("proposed", "pending") else "accepted"
        if patient is not None:
            found.insert(0, {"actor": patient, "status": "accepted"})
        found += [
            {"actor": {"reference": ref, "display": name}, "status": waiting} for ref, name in current.items()
        ]
        if not found:
            found = [{"actor": {"display": c.name}, "status": waiting} for c in columns]
        return found or [{"actor": {"display": MASK}, "status": waiting}]

    def _words(self, one: Appointment, actor: Dict) -> Dict:
        """The name as its teller wrote it, for the teller only: a portal never reads what the practice calls a patient."""
        display = one.extra.get("display") if self.tx.actor.portal is not None else None
        if one.portal is None and self.tx.actor.portal is None:
            display = actor.get("display")
        return {"display": display} if isinstance(display, str) else {}

    def patient(self, one: Appointment, names: Mapping[str, str | None] | None = None) -> Dict | None:
        """The reference to the patient as this caller knows it."""
        if one.patient is None:
            return None
        if self.tx.actor.masked:
            return {"display": MASK}
        id_ = booking.patient_shown(self.tx, one)
        if self.tx.actor.portal is not None:
            # What it said under this very alias: another name of the same patient would tell that they are one.
            names = {one.patient: None if id_ is None else directory.told(self.tx, id_)}
        elif names is None:
            names = directory.name(self.tx, [one.patient])
        display = {"display": names.get(one.patient) or MASK}
        return display if id_ is None else {"reference": f"Patient/{id_}", **display}

    def _staff(self, service: HealthcareService | None, columns: list[Schedule]) -> dict[str, str]:
        """Who and what takes part, by reference, as far as the caller may see it."""
        found: dict[str, str] = {}
        for column in columns:
            if column.practitioner and column.practitioner in self.practitioners:
                found[f"Practitioner/{column.practitioner}"] = self.practitioners[column.practitioner]
            if column.location and column.location in self.locations:
                found[f"Location/{column.location}"] = self.locations[column.location]
        if service is not None and service.id in self.services:
            found[f"HealthcareService/{service.id}"] = service.name
        return found

    @cached_property
    def _everyone(self) -> frozenset[str]:
        """References that columns and types stand for; an appointment names only those of its own columns."""
        schedules = self.calendar.schedules.values()
        return frozenset(
            (
                *(f"Practitioner/{s.practitioner}" for s in schedules if s.practitioner),
                *(f"Location/{s.location}" for s in schedules if s.location),
                *(f"HealthcareService/{s}" for s in self.calendar.services),
            )
        )


def _retyped(service: HealthcareService | None, before: Dict) -> bool:
    """True if the type was changed since: the coding that came names another type of ours."""
    if service is None:
        return False
    codes = fhir_codes.codes_of(before["serviceType"])
    return any(c.system == fhir_codes.OWN_TYPES and c.code != service.id for c in codes)


def _frame(type_: str, id_: str, version: int, before: Dict, profile: str) -> Dict:
    meta = dict(before.get("meta", {}))
    profiles = meta.get("profile", [])
    if not any(p.split("|")[0] == PROFILE + profile for p in profiles):
        profiles = [*profiles, PROFILE + profile]
    return {
        **before,
        "resourceType": type_,
        "id": id_,
        "meta": {**meta, "versionId": str(version), "profile": profiles},
    }


def _replacing(before: list[Dict], old: str | None) -> list[Dict]:
    others = [e for e in before if e.get("url") != REPLACES]
    if old is None:
        return before
    return [*others, {"url": REPLACES, "valueReference": {"reference": f"Appointment/{old}"}}]


def _text(out: Dict, name: str, value: str | None) -> Dict:
    """Lay a text over what was kept; without one the element goes."""
    if value:
        out[name] = value
    else:
        out.pop(name, None)
    return out
