"""The FHIR side of the torture: bodies for `$book`, and what its answers show."""

import random
import re
from datetime import datetime
from typing import Any

from praxisd.model.scheduling import HealthcareService
from praxisd.testing.torture_history import Shown
from praxisd.testing.torture_scene import TYPES, Scene
from praxisd.testing.torture_wishes import Memory, Wishes, text_of

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLOT = re.compile(r"Slot/c-([0-9]+)-([0-9]+)-[0-9a-z]+")
SPECIALTY = {"system": "http://ihe-d.de/CodeSystems/AerztlicheFachrichtungen", "code": "ALLG"}


def slot_id(schedule_no: int, service_no: int, start: int) -> str:
    """The id of a computed slot as HOUSE „Ids" promises it, written here anew so that it is checked too."""
    minutes, text = start // 60, ""
    while minutes:
        minutes, digit = divmod(minutes, 36)
        text = _DIGITS[digit] + text
    return f"c-{schedule_no}-{service_no}-{text}"


class FhirWishes:
    """Makes the bodies; the dice and the memory are the client's."""

    PATH = "/fhir/R4/Appointment/$book"

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes

    def by_slot(
        self, dice: random.Random, memory: Memory, tag: str, like: str | None = None
    ) -> dict[str, Any]:
        """A bare Appointment naming a slot of one column, or of one of each group; sometimes the long imported one.

        `like`: id of the appointment whose patient it is for; a move is never for somebody else.
        """
        scene = self._wishes.scene
        if dice.random() < 0.1:
            slot, kind = scene.long_slot, scene.services["long"]
            start = dice.randrange(slot.start, slot.end - 600, 300)
            end = min(slot.end, start + 60 * dice.choice((10, 25, 40)))
            return self._appointment(dice, memory, tag, kind, start, end, [slot.id], like)
        kind, start = self._wishes.kind(dice), self._wishes.start(dice)
        columns = [scene.schedules[dice.choice(group)] for group in kind.groups]
        if dice.random() < 0.3:
            columns = columns[:1]
        slots = [slot_id(c.no, kind.no, start) for c in columns]
        return self._appointment(dice, memory, tag, kind, start, None, slots, like)

    def by_time(self, dice: random.Random, memory: Memory, tag: str) -> dict[str, Any]:
        """Parameters with a schedule, and an Appointment that knows only its time."""
        kind, start = self._wishes.kind(dice), self._wishes.start(dice)
        appointment = self._appointment(dice, memory, tag, kind, start, None, [])
        column = dice.choice(dice.choice(kind.groups))
        return _parameters(
            appointment, {"name": "schedule", "valueReference": _reference("Schedule", column)}
        )

    def replacing(self, dice: random.Random, memory: Memory, tag: str, id_: str) -> dict[str, Any]:
        """Book a new one in the place of `id_`."""
        appointment = self.by_slot(dice, memory, tag, id_)
        return _parameters(appointment, {"name": "cancelled-appt-id", "valueUri": id_})

    def moving(self, dice: random.Random, memory: Memory, id_: str) -> dict[str, Any]:
        """The appointment `id_` at another time; its tag stays with it."""
        return self.by_slot(dice, memory, memory.tags.get(id_, ""), id_) | {"id": id_}

    def _appointment(
        self,
        dice: random.Random,
        memory: Memory,
        tag: str,
        kind: HealthcareService,
        start: int,
        end: int | None,
        slots: list[str],
        like: str | None = None,
    ) -> dict[str, Any]:
        end = start + (kind.duration or 0) * 60 if end is None else end
        person = memory.patient_of.get(like or "") or dice.choice(memory.patients)
        patient = _reference("Patient", person)
        found: dict[str, Any] = {
            "resourceType": "Appointment",
            "status": "proposed",
            "start": text_of(start),
            "end": text_of(end),
            "serviceType": [{"coding": [{"system": TYPES, "code": kind.name}]}],
            "specialty": [{"coding": [SPECIALTY]}],
            "participant": [{"actor": patient, "status": "accepted"}],
        }
        if slots:
            found["slot"] = [_reference("Slot", one) for one in slots]
        if tag:
            found["comment"] = tag
        return found


def _reference(type_: str, id_: str) -> dict[str, str]:
    return {"reference": f"{type_}/{id_}"}


def _parameters(appointment: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    first = {"name": "appt-resource", "resource": appointment}
    return {"resourceType": "Parameters", "parameter": [first, *more]}


def shown_of(found: dict[str, Any], scene: Scene) -> Shown | None:
    """The appointment of an answer, bare or within Parameters. FHIR names slots, and not always one for each column."""
    if found.get("resourceType") == "Parameters":
        inner = (p.get("resource", {}) for p in found.get("parameter", ()))
        found = next((r for r in inner if r.get("resourceType") == "Appointment"), {})
    if found.get("resourceType") != "Appointment":
        return None
    schedules, kind = [], None
    for slot in found.get("slot", ()):
        reference = str(slot.get("reference", ""))
        match = _SLOT.search(reference)
        if match is not None:
            schedules.append(scene.by_no[int(match[1])])
            kind = next((s for s in scene.services.values() if s.no == int(match[2])), None)
        elif reference.endswith(scene.long_slot.id):
            schedules.append(scene.long_slot.schedule)
    return Shown(
        id=found["id"],
        version=int(found["meta"]["versionId"]),
        status=found["status"],
        start=_epoch(found["start"]),
        end=_epoch(found["end"]),
        schedules=tuple(schedules),
        before=kind.buffer_before if kind else 0,
        after=kind.buffer_after if kind else 0,
        partial=True,
    )


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
