"""The sandbox of updates: a publisher on this computer, who publishes step by step what a person wants to meet.

At first there is a good version, and data sets. Then, one by one: a version that does not start, a newer one that is good
again, and the data sets' next versions with patches. All keys lie in the folder: nobody but this demo trusts them.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from praxisd.sandbox import updates_data, updates_medication, updates_versions
from praxisd.services.updates import publish_elements, publish_files
from praxisd.services.updates.publish_quick import Quick
from praxisd_guard import home

FOLDER = Path("sandbox") / "updates"
PROGRAM = "praxisd"
HOLIDAYS = "holidays"
MEDICATION = updates_medication.NAME
STEPS = (updates_versions.GOOD, HOLIDAYS, MEDICATION, updates_versions.BROKEN, updates_versions.NEWER)
"""What can be published, in the order in which a person should meet it. `holidays` and `medication` are the second versions
of data.
"""
DATA = (HOLIDAYS, MEDICATION)
FRESH_S = 3600.0
"""So old the timestamp may get while the sandbox runs. Seconds."""


@dataclass
class Made:
    """A repository to be served. `versions`: what → version."""

    folder: Path
    """With `metadata/` and `targets/`; may be used as a source as it is."""
    root: bytes
    versions: dict[str, str]
    quick: Quick
    _work: Path
    _base: str
    _lock: threading.RLock
    _editions: dict[int, date]

    def published(self) -> list[str]:
        """What can be had now, of `STEPS`."""
        with self._lock:
            there = {name: {one["version"] for one in self._index(name)} for name in (PROGRAM, *DATA)}
        return [what for what in STEPS if self.versions[what] in there[what if what in DATA else PROGRAM]]

    def publish(self, what: str) -> str:
        """Publish one of `STEPS`, if it is not out yet; its version. KeyError for another word."""
        version = self.versions[what]
        with self._lock:
            if what in self.published():
                return version
            if what == HOLIDAYS:
                self._data(version)
            elif what == MEDICATION:
                updates_medication.publish(self.quick, 2, self._editions[2], self._work)
            else:
                sample = updates_versions.samples(self._base)[what]
                package = self._work / f"{PROGRAM}-{version}.zip"
                released = publish_elements.today(time.time())
                updates_versions.build(sample, package, released)
                self.quick.add(PROGRAM, version, package, released=released, notes=sample.notes)
        return version

    def fresh(self) -> bool:
        """Renew the timestamp if it is old; True if it was."""
        with self._lock:
            stamp = self.folder / "metadata" / "timestamp.json"
            if time.time() - stamp.stat().st_mtime < FRESH_S:
                return False
            self.quick.publish(anyway=True)
            return True

    def stamp(self, change: Callable[[Any], None]) -> bytes:
        """A timestamp as it ought not to be: `change` alters its signed part, then it is signed with the right key."""
        from tuf.api.metadata import Metadata

        with self._lock:
            found: Metadata[Any] = Metadata.from_bytes(
                (self.folder / "metadata" / "timestamp.json").read_bytes()
            )
            change(found.signed)
            found.signatures.clear()
            for one in self.quick.keys.of("timestamp"):
                signer = self.quick.keys.signer(one.key.keyid)
                assert signer is not None  # noqa: S101 - all keys lie here
                found.sign(signer, append=True)
            return found.to_bytes()

    def _index(self, name: str) -> list[dict[str, Any]]:
        repository = self.quick.repository
        return publish_elements.versions(repository, publish_elements.element(repository, name))

    def _data(self, version: str) -> None:
        words = updates_data.SAMPLES[version]
        file = updates_data.write(version, self._work / f"{HOLIDAYS}-{version}.sqlite")
        notes = {lang: words[lang] for lang in ("de", "en")}
        self.quick.add(HOLIDAYS, version, file, released=version, notes=notes, schema=1)

    def _begin(self) -> None:
        """What is there from the start: both elements, the first version of the data, the good version."""
        known = {one.name for one in publish_elements.elements(self.quick.repository)}
        if PROGRAM not in known:
            self.quick.element(PROGRAM, "software", de="praxisd", en="praxisd")
        if HOLIDAYS not in known:
            self.quick.element(HOLIDAYS, "data", de="Feiertage (Beispiel)", en="Public holidays (sample)")
        first = next(iter(updates_data.SAMPLES))
        if first not in {one["version"] for one in self._index(HOLIDAYS)}:
            self._data(first)
        updates_medication.publish(self.quick, 1, self._editions[1], self._work)
        self.publish(updates_versions.GOOD)

    def _clear(self) -> None:
        """Offer no version of the program any more: they were made of another program."""
        for entry in self._index(PROGRAM):
            publish_elements.withdraw(self.quick.repository, PROGRAM, entry["version"])
        self.quick.publish()


def make(folder: Path, version: str) -> Made:
    """The repository of a data folder, as what follows `version`; made at the first call (a few seconds).

    A later call goes on with what was published, with the same keys; only where the program here has changed since, its
    versions are withdrawn and made anew. If `version` is itself one of those published here (the practice installed it),
    nothing changes. Writes `FOLDER/root.json`, which a practice must trust. ValueError: no version.
    """
    place = folder / FOLDER
    mark, now = place / "made.json", {"version": version, "program": _program()}
    before = json.loads(mark.read_bytes()) if mark.exists() else now
    if version in {one.version for one in updates_versions.samples(before["version"]).values()}:
        version, now = before["version"], before
    samples = updates_versions.samples(version)
    editions = updates_medication.days(folder, place)
    versions = {what: one.version for what, one in samples.items()} | {
        HOLIDAYS: list(updates_data.SAMPLES)[1],
        MEDICATION: editions[2].isoformat(),
    }
    quick = Quick(place, (f"data-{HOLIDAYS}", *updates_medication.ROLES))
    work, lock = place / "packages", threading.RLock()
    made = Made(quick.folder, quick.root, versions, quick, work, version, lock, editions)
    made._work.mkdir(parents=True, exist_ok=True)
    publish_files.write(place / "root.json", quick.root)
    if before != now:
        made._clear()
    made._begin()
    made.fresh()
    publish_files.write(mark, json.dumps(now).encode())
    return made


def _program() -> str:
    """A mark of the program now running: it changes with every file."""
    found = hashlib.sha256()
    source = home.program_here()
    for package in home.PACKAGES:
        for path in sorted((source / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                facts = path.stat()
                found.update(f"{path.relative_to(source)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return found.hexdigest()
