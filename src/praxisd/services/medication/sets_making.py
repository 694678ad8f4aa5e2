"""From a source to a file, and a look at such a file: what `praxisd medication build|show` does, beside any server."""

import hashlib
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import say
from praxisd.services.medication import sets_building, sets_looking, sets_sample
from praxisd.services.medication import sets_schema as schema
from praxisd.services.medication.importers import bfarm, csv_mapping
from praxisd.services.medication.sets_building import About
from praxisd.services.medication.sets_looking import SetFault

_PACKAGE = "praxisd.services.medication"
SHOWN = 20
"""So many warnings are printed; all are counted."""


def make(
    out: Path, *, from_bfarm: Path | None, table: Path | None, mapping: Path | None, sample: int | None, element: Any,
    released: str | None, valid_days: int, grace_days: int,
) -> dict[str, Any]:  # fmt: skip
    """Build from exactly one source; counts, warnings and SHA-256 of the file.

    Problems: `medication.build_source` (400) where not one source is named, those of the importers and of `sets_building`.
    """
    if (from_bfarm, table, sample).count(None) != 2 or (table is None) != (mapping is None):
        raise Problem("medication.build_source", 400)
    try:
        if sample is not None:
            counts = sets_sample.build(sample, date.fromisoformat(_day(released)), element, out)
            found = None
        else:
            found, about = _read(from_bfarm, table, mapping, released, valid_days, grace_days)
            counts = sets_building.build(about, found.rows, out)
    except Problem as problem:
        if problem.code == "medication.build_refused":
            what, detail = str(problem.params["what"]), problem.params["value"]
            problem.params["reason"] = say(_PACKAGE, f"medication.build.{what}", detail=detail)
        raise
    return {
        "file": str(out),
        "counts": counts,
        "warned": {} if found is None else found.told.counts,
        "warnings": [] if found is None else [asdict(one) for one in found.told.first[:SHOWN]],
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
    }


def _day(text: str | None) -> str:
    if text is None or not sets_looking.is_day(text):
        raise sets_building.refused("meta", "released", "no_day", text or "–")
    return text


def _read(
    from_bfarm: Path | None, table: Path | None, mapping: Path | None, released: str | None, valid: int, grace: int
) -> tuple[bfarm.Read, About]:  # fmt: skip
    if from_bfarm is not None:
        found = bfarm.read(from_bfarm)
        said = {"source": bfarm.SOURCE, "source_url": bfarm.SOURCE_URL, "licence": bfarm.LICENCE}
    else:
        assert table is not None and mapping is not None  # noqa: S101 - looked at by the caller
        given = csv_mapping.mapping(mapping)
        found = csv_mapping.read(table, given)
        said = {key: str(value) for key, value in given.get("set", {}).items()}
    day = _day(released or said.get("released") or found.day)
    until = date.fromisoformat(day) + timedelta(days=valid)
    about = About(
        element=schema.MEDICATION,
        title_de=said.get("title_de") or "Medikamentendaten",
        title_en=said.get("title_en") or "Medication data",
        source=said.get("source", ""), source_url=said.get("source_url", ""), licence=said.get("licence", ""),
        released=day, valid_until=until.isoformat(), grace_until=(until + timedelta(days=grace)).isoformat(),
    )  # fmt: skip
    return found, about


def show(file: Path) -> dict[str, Any]:
    """`meta` and rows per table of a file. Problems: those of `sets_looking` (422)."""
    try:
        connection, meta = sets_looking.opened(file, None)
        try:
            sets_looking.whole(connection, meta)
            counts: dict[str, int] = {}
            for table, _ in sets_looking.rows(connection, meta["element"]):
                counts[table] = counts.get(table, 0) + 1
        finally:
            connection.close()
    except SetFault as fault:
        raise fault.problem() from None
    return {"meta": meta, "counts": counts}
