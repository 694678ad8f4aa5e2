"""Records out of the practice, in any format: read in pages, written as they come, noted with counts only."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.exchange import (
    Kind,
    Taken,
    TakenAppointment,
    TakenMedication,
    TakenRisk,
    TakenTreatment,
)
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import formats
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.format import WriteOptions, Written
from praxisd.services.medication import api as medication

if TYPE_CHECKING:
    from praxisd.kernel.app import House

PAGE = 200
KINDS: dict[str, tuple[Kind, ...]] = {
    "patients": ("patient", "treatment"),
    "appointments": ("patient", "appointment"),
    "medication": ("patient", "medication", "risk"),
}
TABLE: dict[str, Kind] = {"patients": "patient", "appointments": "appointment", "medication": "medication"}
"""What a table holds, which has one kind of rows."""


def export(
    house: "House",
    actor: Actor,
    what: str,
    format_: str,
    stream: BinaryIO,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Written:
    """Write all of `what` into the stream; the event tells how many. Problems `exchange.format_unknown`,
    `exchange.format_lacks`, `exchange.cannot_say`, `exchange.settings_invalid` (422)."""
    if actor.masked:
        raise Problem("access.forbidden", 403, permission="exchange.export.use")
    one = formats.get(format_)
    kinds = (TABLE[what],) if one.name == "csv" else KINDS[what]
    kinds = tuple(kind for kind in kinds if kind in one.kinds_out)
    if not kinds or TABLE[what] not in kinds:
        raise Problem("exchange.format_lacks", 422, format=one.name)
    if encoding is not None:
        try:
            "".encode(encoding)
        except (LookupError, UnicodeError, ValueError):  # „undefined“ is a codec that refuses all
            raise Problem("exchange.settings_invalid", 422, field="encoding") from None
    with house.store.read(actor) as tx:
        practice = directory.organization(tx)
        options = WriteOptions(
            encoding=encoding, delimiter=delimiter, variant=format_ if format_ in ("bdt", "gdt") else None,
            zone=practice.zone, today=local_date(tx.now, zone(practice.zone)),
        )  # fmt: skip
        done = one.write(records(house, tx, kinds), stream, options)
    house.store.run(actor, lambda tx: _noted(tx, what, one.name, done))
    return done


def _noted(tx: Tx, what: str, format_: str, done: Written) -> None:
    events.note(
        tx,
        "data.exported",
        "Export",
        what,
        format=format_,
        records=done.records,
        left=sum(done.left.values()),
    )


def filed(house: "House", actor: Actor, what: str, format_: str, **how: Any) -> tuple[BinaryIO, Written]:
    """The same in an open file that nobody else sees, and that is gone when it is closed."""
    place = house.folder / "exchange"
    place.mkdir(mode=0o700, exist_ok=True)
    out: BinaryIO = tempfile.TemporaryFile(dir=place)  # type: ignore[assignment]  # noqa: SIM115
    try:
        done = export(house, actor, what, format_, out, **how)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out, done


def records(house: "House", tx: Tx, kinds: tuple[Kind, ...]) -> Iterator[Taken]:
    """All records of these kinds: each page of people, then what is about them; who was merged away is left out."""
    people = True
    after: str | None = None
    while people:
        found, after = directory.all_patients(tx, after, PAGE)
        if "patient" in kinds:
            yield from (rules.told(one) for one in found)
        ids = [one.id for one in found]
        if ids and {"medication", "risk"} & set(kinds):
            yield from _medication(tx, ids, kinds)
        if ids and "appointment" in kinds:
            yield from _appointments(house, tx, ids)
        people = after is not None
    if "treatment" in kinds:
        yield from _treatments(tx)


def _treatments(tx: Tx) -> Iterator[Taken]:
    names = {one.id: one.licence_number or one.name for one in directory.mandators(tx)}
    after: str | None = None
    while True:
        found, after = directory.all_treatments(tx, after, PAGE)
        for one in found:
            yield TakenTreatment(
                source_id=one.id, patient=one.patient, mandator=names.get(one.mandator), opened=one.opened,
                closed=one.closed, note=one.note,
            )  # fmt: skip
        if after is None:
            return


def _medication(tx: Tx, ids: list[str], kinds: tuple[Kind, ...]) -> Iterator[Taken]:
    if "medication" in kinds:
        for one in medication.statements(tx, ids):
            if one.status != "entered-in-error":
                yield TakenMedication(
                    source_id=one.id, patient=one.patient, text=one.text, pzn=one.pzn, atc=one.atc, dosage=one.dosage,
                    since=one.since, until=one.until, status=one.status, note=one.note,
                )  # fmt: skip
    if "risk" in kinds:
        for risk in medication.risks(tx, ids):
            if risk.active:
                yield TakenRisk(
                    source_id=risk.id, patient=risk.patient, text=risk.text, since=risk.since, note=risk.note
                )


def _appointments(house: "House", tx: Tx, ids: list[str]) -> Iterator[Taken]:
    columns = {one.id: one.name for one in calendar.columns(tx)}
    types = {one.id: one.name for one in calendar.types(tx)}
    here = zone(directory.organization(tx).zone)
    for one in calendar.appointments_of(tx, ids):
        start = datetime.fromtimestamp(one.start, here)
        yield TakenAppointment(
            source_id=one.id, patient=one.patient or "", start=start.strftime("%Y-%m-%dT%H:%M"),
            minutes=(one.end - one.start) // 60, schedule=", ".join(columns.get(s, "") for s in one.schedules) or None,
            service=types.get(one.service or ""), note=one.note, status=one.status,
        )  # fmt: skip
