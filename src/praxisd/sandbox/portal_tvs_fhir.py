"""What the simulated 116117 shows as FHIR: resources as plain dicts, searches with their parameters, pages."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_times import parse_instant
from praxisd.sandbox.portal_tvs import Booking, Change, Profile, Refused, Slot, Tvs

_NAME = "https://fhir.kbv.de/StructureDefinition/KBV_EX_116117_TERMINSERVICE_TVS_TERMINSYNCHRONISATION_Name"
_ERRORS = "https://fhir.kbv.de/CodeSystem/KBV_CS_KV_DIGITAL_TS_DRITTE_Errors"
_KEPT = 50
Resource = dict[str, Any]
Pairs = Sequence[tuple[str, str]]


def instant(at: float) -> str:
    """As FHIR writes it, with milliseconds where there are some."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def profile(one: Profile) -> Resource:
    """A Terminprofil."""
    return {
        "resourceType": "Schedule",
        "id": one.id,
        "meta": {"versionId": str(one.version)},
        "extension": [{"url": _NAME, "valueString": one.name}],
        "active": one.active,
        "actor": [{"reference": f"PractitionerRole/role-{one.id}", "display": one.doctor}],
    }


def role(one: Profile) -> Resource:
    """Whose Terminprofil it is."""
    return {
        "resourceType": "PractitionerRole",
        "id": f"role-{one.id}",
        "meta": {"versionId": "1"},
        "active": True,
        "practitioner": {"display": one.doctor},
        "organization": {"identifier": {"value": "999999900"}},
    }


def slot(one: Slot) -> Resource:
    """A slot."""
    return {
        "resourceType": "Slot",
        "id": one.id,
        "meta": {"versionId": str(one.version)},
        "schedule": {"reference": f"Schedule/{one.profile}"},
        "status": one.status,
        "start": instant(one.start),
        "end": instant(one.end),
    }


def appointment(one: Booking) -> Resource:
    """A booking, with its patient inside."""
    person, telecom = one.person, []
    for system in ("phone", "email"):
        if person.get(system):
            telecom.append({"system": system, "value": person[system]})
    patient: Resource = {"resourceType": "Patient", "id": "p"}
    name = {"use": "official", "family": person.get("family"), "given": [person.get("given")]}
    if person.get("family") and person.get("given"):
        patient["name"] = [name]
    if telecom:
        patient["telecom"] = telecom
    if person.get("birthDate"):
        patient["birthDate"] = person["birthDate"]
    found: Resource = {
        "resourceType": "Appointment",
        "id": one.id,
        "meta": {"versionId": str(one.version)},
        "contained": [patient],
        "status": one.status,
        "appointmentType": {"text": "Erstuntersuchung"},
        "start": instant(one.start),
        "end": instant(one.end),
        "slot": [{"reference": f"Slot/{one.slot}"}],
        "participant": [{"actor": {"reference": "#p"}, "status": "accepted"}],
    }
    return found | ({"comment": one.note} if one.note else {})


def provenance(one: Change) -> Resource:
    """A change."""
    return {
        "resourceType": "Provenance",
        "id": one.id,
        "target": [{"reference": f"Appointment/{one.booking}"}],
        "recorded": instant(one.at),
        "activity": {"coding": [{"code": one.activity}]},
        "agent": [{"who": {"display": "116117 Terminservice"}}],
    }


def outcome(refused: Refused) -> Resource:
    """What went wrong, as the guide has it: one fatal issue with a code."""
    coding = {"system": _ERRORS, "code": refused.code, "display": refused.code}
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "fatal", "code": refused.issue, "details": {"coding": [coding]}}],
    }


class Search:
    """Searches of one service. Found lists are kept, so that later pages show what the first one counted."""

    def __init__(self, tvs: Tvs) -> None:
        self._tvs = tvs
        self._kept: OrderedDict[str, list[Resource]] = OrderedDict()
        self._kinds: dict[str, Callable[[Pairs], list[Resource]]] = {
            "PractitionerRole": self._roles,
            "Schedule": self._profiles,
            "Slot": self._slots,
            "Appointment": self._appointments,
            "Provenance": self._provenances,
        }

    def page(self, kind: str, wanted: Pairs, base: str) -> Resource:
        """One page of a searchset. `Refused`: 404, 400 (parameter), 410 (page), 429 (changes asked too often)."""
        if kind not in self._kinds:
            raise Refused(404, "not-found", "TYPE_UNKNOWN")
        asked = dict(wanted)
        token, offset = asked.get("_page", ""), asked.get("_offset", "0")
        if not offset.isdigit():
            raise Refused(400, "invalid", "PARAMETER_INVALID")
        if token:
            if token not in self._kept:
                raise Refused(410, "expired", "PAGE_EXPIRED")
        else:
            found = self._kinds[kind](wanted)
            token = secrets.token_hex(8)
            self._kept[token] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        listed, start = self._kept[token], int(offset)
        shown = listed[start : start + self._tvs.page]
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(listed)}
        if start + len(shown) < len(listed):
            following = f"{base}/{kind}/_search?_page={token}&_offset={start + len(shown)}"
            bundle["link"] = [{"relation": "next", "url": following}]
        if shown:
            bundle["entry"] = [
                {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in shown
            ]
        return bundle

    def _roles(self, wanted: Pairs) -> list[Resource]:
        _only(wanted, ("_id",))
        return [role(one) for one in self._tvs.profiles.values()]

    def _profiles(self, wanted: Pairs) -> list[Resource]:
        _only(wanted, ("_id",))
        ids = _ids(wanted, "_id")
        return [profile(one) for one in self._tvs.profiles.values() if ids is None or one.id in ids]

    def _slots(self, wanted: Pairs) -> list[Resource]:
        _only(wanted, ("_id", "schedule", "start", "status"))
        ids, profiles, states = (_ids(wanted, name) for name in ("_id", "schedule", "status"))
        return [
            slot(one)
            for one in sorted(self._tvs.slots.values(), key=lambda one: (one.start, one.id))
            if not one.gone
            and (ids is None or one.id in ids)
            and (profiles is None or one.profile in profiles)
            and (states is None or one.status in states)
            and _within(wanted, "start", one.start)
        ]

    def _appointments(self, wanted: Pairs) -> list[Resource]:
        _only(wanted, ("_id", "date", "status"))
        ids, states = _ids(wanted, "_id"), _ids(wanted, "status")
        return [
            appointment(one)
            for one in sorted(self._tvs.bookings.values(), key=lambda one: (one.start, one.id))
            if not one.gone
            and (ids is None or one.id in ids)
            and (states is None or one.status in states)
            and _within(wanted, "date", one.start)
        ]

    def _provenances(self, wanted: Pairs) -> list[Resource]:
        _only(wanted, ("recorded", "_sort"))
        self._tvs.poll()
        order = dict(wanted).get("_sort", "recorded")
        changes = sorted(self._tvs.changes, key=lambda one: one.at, reverse=order.startswith("-"))
        return [provenance(one) for one in changes if _within(wanted, "recorded", one.at)]


def _only(wanted: Pairs, known: Sequence[str]) -> None:
    if any(name not in known for name, _ in wanted):
        raise Refused(400, "invalid", "PARAMETER_UNKNOWN")


def _ids(wanted: Pairs, name: str) -> set[str] | None:
    found = [value for one, value in wanted if one == name]
    return {each.rpartition("/")[2] for value in found for each in value.split(",")} if found else None


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "ge": lambda at, limit: at >= limit,
    "gt": lambda at, limit: at > limit,
    "le": lambda at, limit: at <= limit,
    "lt": lambda at, limit: at < limit,
}


def _within(wanted: Pairs, name: str, at: float) -> bool:
    for one, value in wanted:
        if one == name:
            try:
                limit = parse_instant(value[2:])
            except FhirError:
                raise Refused(400, "invalid", "PARAMETER_INVALID") from None
            if value[:2] not in _COMPARE:
                raise Refused(400, "invalid", "PARAMETER_INVALID")
            if not _COMPARE[value[:2]](at, limit):
                return False
    return True
