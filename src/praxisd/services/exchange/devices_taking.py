"""What a device sent is taken in: each file in one transaction, filed away only after its records are kept."""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.kernel.watched import File, file_away
from praxisd.model.device import Device, ResultDoc, ResultLine, ResultWarning
from praxisd.model.exchange import TakenPatient
from praxisd.model.people import Patient
from praxisd.services.directory import api as directory
from praxisd.services.exchange import devices_asking, devices_rules, devices_store
from praxisd.services.exchange.devices_folder import ARCHIVE, ERROR, Inbox
from praxisd.services.exchange.devices_rules import Judged
from praxisd.services.exchange.formats import xdt_charset, xdt_people
from praxisd.services.exchange.formats.xdt_format import CODE, FORMAT, Reading, believed
from praxisd.services.exchange.formats.xdt_lines import lines
from praxisd.services.exchange.formats.xdt_records import Record, records
from praxisd.services.exchange.formats.xdt_words import Line, Notice

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STUCK = "exchange.device_files_stuck"
RESULT, MASTER, ASKS = "6310", "6301", "6300"
FOR_US = (RESULT, MASTER, ASKS)
_WARNINGS = 200


@dataclass(slots=True)
class Counts:
    """What came of a look: records that are a patient's, doubts, known ones, files set aside, files that could not be taken."""

    taken: int = 0
    doubts: int = 0
    known: int = 0
    aside: int = 0
    stuck: int = 0
    waiting: int = 0


@dataclass(slots=True)
class Sent:
    """One record of a file, read."""

    record: Record
    doc: ResultDoc
    people: list[TakenPatient] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


def look(
    house: "House",
    actor: Actor,
    device: Device,
    ask: Callable[[], None] = lambda: None,
    *,
    still: bool = True,
) -> Counts:
    """Take in all that stands still in the device's folder. How it went is noted; a folder that is away is no exception.

    `ask` is called between files and may raise to stop.
    """
    counts, code = Counts(), None
    if not device.folder_in:
        return counts
    looks = house.shared.setdefault("exchange_devices", {}).setdefault(f"{device.id}/{device.version}", {})
    folder = Inbox(device.folder_in, looks, devices_asking.stem(device))
    try:
        for file in folder.files(still=still):
            ask()
            try:
                good = file.whole and take(house, actor, device, file, counts)
                file_away(file, ARCHIVE if good else ERROR)
                counts.aside += not good
            except (OSError, ValueError, LookupError, Problem) as error:
                house.log.error("device_file_stuck", where=device.id, error=error)
                counts.stuck += 1
    except Problem as problem:
        code = problem.code
    waits = folder.waiting
    counts.waiting = waits.files
    if code is None and counts.stuck:
        code = STUCK
    new = counts.taken + counts.doubts

    def work(tx: Tx) -> None:
        devices_store.looked(tx, device.id, code=code, taken=new, waiting=waits.files, since=waits.since)

    house.store.run(actor, work)
    return counts


def take(house: "House", actor: Actor, device: Device, file: File, counts: Counts) -> bool:
    """Keep what one file says; False where there is something in it that is nothing for praxisd.

    The same file read again is known by name, time and content; the same values measured again come in another file.
    """
    sent, whole = read(device, os.fsencode(file.path.name).decode("utf-8", "replace"), file.data)
    digest = hashlib.sha256(
        os.fsencode(file.path.name) + f"\0{file.mark.changed // 1_000_000_000}\0".encode() + file.data
    ).hexdigest()
    done = house.store.run(actor, partial(_keep, device, digest, sent))
    for judged in done:
        if judged is None:
            counts.known += 1
        elif judged.why:
            counts.doubts += 1
        else:
            counts.taken += 1
    for number, (one, judged) in enumerate(zip(sent, done, strict=True), start=1):
        asks = judged is not None and one.record.kind == ASKS and device.folder_out
        patient = judged.patient if judged is not None and asks else None
        if patient and not _answer(house, actor, device, one, patient, (digest, number)):
            counts.taken -= 1
            counts.doubts += 1
    return whole


def _answer(
    house: "House", actor: Actor, device: Device, sent: Sent, patient: str, which: tuple[str, int]
) -> bool:
    """Answer a question. False where the answer cannot be written: it waits for a person (an Issue says what to do) and is not
    tried again by itself. Asked again and answered, it waits no more.
    """
    try:
        devices_asking.send(house, actor, device, patient, MASTER)
    except Problem as problem:
        if problem.code != devices_asking.CANNOT:
            raise
        doc = msgspec.structs.replace(sent.doc, differs=(str(problem.params.get("field", "")),))

        def wait(tx: Tx) -> None:
            id_ = new_id()
            if devices_store.keep(tx, id_, device.id, *which, patient, devices_rules.UNANSWERABLE, doc):
                events.note(
                    tx, "device_result.doubted", "DeviceResult", id_,
                    version=1, device=device.id, kind=sent.record.kind,
                )  # fmt: skip

        house.store.run(actor, wait)
        return False
    house.store.run(actor, lambda tx: _answered(tx, device.id, patient))
    return True


def _answered(tx: Tx, device: str, patient: str) -> None:
    """What this device could not be told before has been told now."""
    for row in devices_store.unanswered(tx, device, patient, devices_rules.UNANSWERABLE):
        if devices_store.decide(tx, row.id, row.version, patient, "taken"):
            events.note(
                tx, "device_result.decided", "DeviceResult", row.id, version=row.version + 1, state="taken"
            )


def read(device: Device, name: str, data: bytes) -> tuple[list[Sent], bool]:
    """The records of a file that are for praxisd, and whether that is all that stands in it."""
    if not FORMAT.sniff(data[:65_536]):
        return [], False
    told = None if device.charset == "auto" else device.charset
    belief = xdt_charset.find(io.BytesIO(data), told)
    notices: list[Notice] = list(believed(belief))
    reading = Reading(belief)
    sent: list[Sent] = []
    others = 0
    for one in records(lines(io.BytesIO(data))):
        if isinstance(one, Notice):
            notices.append(one)
        elif one.kind in FOR_US:
            sent.append(_sent(one, name, belief.charset, reading))
        else:
            others += 1
    for number, part in enumerate(sent):
        end = sent[number + 1].record.line if number + 1 < len(sent) else 1 << 60
        odd = [
            ResultWarning(line=notice.line, code=CODE + notice.code, params=notice.params)
            for notice in (*notices, *reading.notices)
            if notice.line == 0 or part.record.line <= notice.line < end
        ]
        part.doc = msgspec.structs.replace(part.doc, warnings=tuple(odd[:_WARNINGS]))
    return sent, bool(sent) and not others


def _sent(record: Record, name: str, charset: str, reading: Reading) -> Sent:
    texts = {id(one): reading.text(one) for one in record.lines}
    kept = tuple(ResultLine(line=one.no, field=one.field, text=texts[id(one)]) for one in record.lines)
    found = Sent(record, ResultDoc(file=name, kind=record.kind, charset=charset, lines=kept))
    for said in xdt_people.people(record, lambda one: texts[id(one)], unnamed=True):
        if isinstance(said, Notice):
            reading.notices.append(said)
        elif isinstance(said.claim, TakenPatient):
            found.people.append(said.claim)
    told = (texts[id(one)].strip() for one in xdt_people.of_patient(record.lines) if one.field == "3000")
    found.numbers = [one for one in told if one]
    return found


def _keep(device: Device, digest: str, sent: list[Sent], tx: Tx) -> list[Judged | None]:
    done: list[Judged | None] = []
    for number, one in enumerate(sent, start=1):
        judged = judge(tx, one)
        if one.record.kind == ASKS and judged.patient:  # a question is answered each time, and no result
            done.append(judged)
            continue
        doc = one.doc
        if judged.differs:
            doc = msgspec.structs.replace(doc, differs=judged.differs)
        id_ = new_id()
        if not devices_store.keep(tx, id_, device.id, digest, number, judged.patient, judged.why, doc):
            done.append(None)
            continue
        events.note(
            tx, "device_result.doubted" if judged.why else "device_result.received", "DeviceResult", id_,
            version=1, device=device.id, kind=one.record.kind,
        )  # fmt: skip
        done.append(judged)
    return done


def judge(tx: Tx, sent: Sent) -> Judged:
    """Whose record it is."""
    known = _known(tx, sent)
    judged = devices_rules.judge(sent.people, sent.numbers, known, directory.words)
    if judged.patient and known is not None and sent.record.kind == MASTER and sent.people:
        differs = devices_rules.master_differs(sent.people[0], known, directory.words)
        if differs:
            return Judged(judged.patient, devices_rules.MASTER, differs)
    return judged


def _known(tx: Tx, sent: Sent) -> Patient | None:
    """Whom the number leads to: one we told a device, an id, or an identifier of somebody with this name and birthday."""
    if len(set(sent.numbers)) != 1:
        return None
    number = sent.numbers[0]
    owner = devices_store.owner(tx, number)
    if owner is not None:
        return directory.patient(tx, owner)
    try:
        return directory.known(tx, number)
    except Problem:
        pass  # no id of ours
    found = [
        one for one in candidates(tx, sent.people) if any(has.value == number for has in one.identifiers)
    ]
    return found[0] if len(found) == 1 else None


def people(doc: ResultDoc) -> list[TakenPatient]:
    """Whom a kept record says it is about."""
    kept = [Line(one.line, one.field, one.text.encode()) for one in doc.lines]
    record = Record(0, doc.kind, kept, {})
    said = xdt_people.people(record, lambda one: one.content.decode(), unnamed=True)
    return [one.claim for one in said if not isinstance(one, Notice) and isinstance(one.claim, TakenPatient)]


def candidates(tx: Tx, told: list[TakenPatient]) -> list[Patient]:
    """People of the practice with this family name and day of birth: to look at, never to choose among by itself."""
    if len(told) != 1 or not (told[0].family and told[0].birth_date):
        return []
    ids = directory.find(tx, f"{told[0].family} {told[0].birth_date}", 20)
    found = [directory.patient(tx, one) for one in ids]
    return [one for one in found if not devices_rules.contradicts(told[0], one, directory.words)]
