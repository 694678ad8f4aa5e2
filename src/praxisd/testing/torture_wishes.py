"""What the torturers want: requests as seeded dice throw them, most of them for the same few times."""

import random
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from praxisd.model.scheduling import HealthcareService
from praxisd.testing.torture_scene import ZONE, Credential, Scene

WINDOW_S = 6 * 3600
"""Everybody wants the hours from 08:00 to 14:00."""
HOT_SHARE = 0.6
PEOPLE = 25


def text_of(epoch: int) -> str:
    """RFC 3339 in the practice's zone."""
    return datetime.fromtimestamp(epoch, ZONE).isoformat()


def person(number: int) -> dict[str, str]:
    """An invented patient; telephone numbers are of the range reserved for fiction."""
    return {
        "family": f"Muster{chr(97 + number)}",
        "given": "Kim",
        "birthDate": f"19{50 + number}-03-{1 + number:02}",
        "phone": f"+49 30 23125 {number:03}",
    }


@dataclass
class Memory:
    """What the clients of one credential know together: appointments, their versions and tags, patients, holds."""

    live: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    patient_of: dict[str, str] = field(default_factory=dict)
    patients: list[str] = field(default_factory=list)

    def learn(self, id_: str, version: int | None, status: str) -> None:
        """Remember what an answer showed."""
        if version is not None:
            self.versions[id_] = max(version, self.versions.get(id_, 0))
        gone = status in ("cancelled", "fulfilled", "noshow")
        if gone and id_ in self.live:
            self.live.remove(id_)
        elif not gone and id_ not in self.live and version == 1:
            self.live.append(id_)


class Wishes:
    """Shared by all clients of a run: the scene, the hot times, the tags, and what each credential knows."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.seed = seed
        self.memory: dict[str, Memory] = defaultdict(Memory)
        self._tags = 0
        self._throws = 0
        self._lock = threading.Lock()

    def tag(self) -> str:
        """A word no other wish has."""
        with self._lock:
            self._tags += 1
            return f"tag-{self.seed & 0xFFFF:x}-{self._tags}"

    def start(self, dice: random.Random, step: int = 300) -> int:
        """A start within the window; mostly the hot one of the moment, which a hundred throws share."""
        self._throws += 1
        if dice.random() < HOT_SHARE:
            dice = random.Random(self.seed * 1_000_003 + self._throws // 100)
            step = 900
        return self.scene.opens + dice.randrange(0, WINDOW_S, step)

    def kind(self, dice: random.Random) -> HealthcareService:
        """One of the types with a duration."""
        return self.scene.services[dice.choices(("check", "surgery", "cleaning"), (5, 4, 2))[0]]

    def booking(self, dice: random.Random, who: Credential, tag: str) -> dict[str, Any]:
        """The body of POST /appointments."""
        kind, start = self.kind(dice), self.start(dice)
        body: dict[str, Any] = {
            "service": kind.id,
            "start": text_of(start),
            "patient": person(dice.randrange(PEOPLE)),
            "note": tag,
        }
        if dice.random() < 0.25:
            body["schedules"] = [dice.choice(dice.choice(kind.groups))]
        if who.role == "desk":
            self._desk(dice, body, kind, start)
        return body

    def _desk(self, dice: random.Random, body: dict[str, Any], kind: HealthcareService, start: int) -> None:
        """The desk is bound neither to the raster nor to durations, and fills the imported slot in parts."""
        throw = dice.random()
        if throw < 0.15:
            slot = self.scene.long_slot
            begin = dice.randrange(slot.start, slot.end - 600, 300)
            body |= {"service": self.scene.services["long"].id, "start": text_of(begin)}
            body["end"] = text_of(min(slot.end, begin + 60 * dice.choice((10, 25, 40))))
            body.pop("schedules", None)
        elif throw < 0.6:
            start += dice.choice((0, 60, 7 * 60, 13 * 60 + 1))
            body["start"] = text_of(start)
            body["end"] = text_of(start + 60 * dice.choice((5, 17, 30, 55, 100, 180)))
            body["outsideHours"] = dice.random() < 0.2

    def reservation(self, dice: random.Random, tag: str) -> dict[str, Any]:
        """The body of POST /reservations: short, on one or several columns."""
        start = self.start(dice)
        columns = (*self.scene.doctors, *self.scene.chairs)
        return {
            "title": tag.replace("tag", "Sperrzeit"),
            "schedules": dice.sample(columns, dice.choice((1, 1, 2, 3))),
            "start": text_of(start),
            "end": text_of(start + 60 * dice.choice((10, 30, 60))),
        }
