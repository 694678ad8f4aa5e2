"""Devices and results as people see them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.errors import not_found
from praxisd.kernel.store import Tx
from praxisd.model.device import Device
from praxisd.services.directory import api as directory
from praxisd.services.exchange import devices_store, devices_taking
from praxisd.services.exchange.devices_shapes import (
    Candidate,
    DeviceOut,
    DeviceProblem,
    DeviceState,
    LineOut,
    ResultBrief,
    ResultOut,
    Results,
    ResultSearch,
    WarningOut,
)
from praxisd.services.exchange.formats.xdt_words import LABELS, RECORDS
from praxisd.services.exchange.formats.xdt_words import NAMES as FIELDS

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def device(house: "House", tx: Tx, one: Device, lang: str) -> DeviceOut:
    """A device with how reading goes."""
    row = devices_store.states(tx).get(one.id)
    here = zone(directory.organization(tx).zone)
    problem = None
    if row is not None and row.code:
        words = {part: house.texts.get(f"{row.code}.{part}", lang) for part in ("title", "cause", "solution")}
        problem = DeviceProblem(code=row.code, **words)
    state = DeviceState(
        looked_at=None if row is None else format_rfc3339(row.looked_at, here),
        good_at=None if row is None or row.good_at is None else format_rfc3339(row.good_at, here),
        taken=0 if row is None else row.taken,
        waiting=0 if row is None else row.waiting,
        problem=problem,
    )
    told = {name: getattr(one, name) for name in DeviceOut.__struct_fields__ if name != "state"}
    return DeviceOut(**told, state=state)


def results(house: "House", tx: Tx, asked: ResultSearch, lang: str) -> Results:
    """A page of results."""
    rows, after = devices_store.page(
        tx,
        patient=asked.patient,
        state=asked.state,
        device=asked.device,
        before=asked.cursor,
        limit=asked.limit,
    )
    names = directory.name(tx, [row.patient for row in rows if row.patient])
    known = {one.id: one.name for one in devices_store.devices(tx)}
    return Results(
        results=[ResultBrief(**_brief(house, tx, row, names, known, lang)) for row in rows], next=after
    )


def result(house: "House", tx: Tx, id_: str, lang: str) -> ResultOut:
    """A result whole; texts, the file's name and candidates only for who may see patients. 404."""
    row = devices_store.result(tx, id_)
    if row is None:
        raise not_found("DeviceResult")
    doc = devices_store.doc(row)
    names = directory.name(tx, [row.patient] if row.patient else [])
    known = {one.id: one.name for one in devices_store.devices(tx)}
    hidden = tx.actor.masked
    people = (
        [] if hidden or row.state != "doubt" else devices_taking.candidates(tx, devices_taking.people(doc))
    )
    return ResultOut(
        **_brief(house, tx, row, names, known, lang),
        file=None if hidden else doc.file,
        charset=doc.charset,
        lines=[
            LineOut(
                line=one.line, field=one.field, label=LABELS.get(one.field) or FIELDS.get(one.field, ""),
                text=None if hidden else one.text,
            )
            for one in doc.lines
        ],
        warnings=[
            WarningOut(
                line=one.line, code=one.code, text=house.texts.get(f"{one.code}.title", lang).format(**one.params)
            )
            for one in doc.warnings
        ],
        differs=doc.differs,
        candidates=[Candidate(id=one.id, name=one.display, birth_date=one.birth_date) for one in people],
    )  # fmt: skip


def _brief(
    house: "House", tx: Tx, row: Any, names: dict[str, str | None], known: dict[str, str], lang: str
) -> dict[str, Any]:
    doc = devices_store.doc(row)
    return {
        "id": row.id,
        "version": row.version,
        "device": row.device,
        "device_name": known.get(row.device),
        "kind": RECORDS.get(doc.kind, doc.kind),
        "received_at": format_rfc3339(row.received_at, zone(directory.organization(tx).zone)),
        "state": row.state,
        "why": row.why,
        "reason": house.texts.get(f"{row.why}.title", lang, field=_fields(doc.differs)) if row.why else None,
        "patient": row.patient,
        "patient_name": names.get(row.patient or ""),
    }


def _fields(codes: Sequence[str]) -> str:
    """Fields of xDT as they stand in an answer that could not be written."""
    return ", ".join(f"{one} {LABELS.get(one) or FIELDS.get(one, '')}".strip() for one in codes)
