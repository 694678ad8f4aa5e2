"""Entries as a table for spreadsheets: semicolons, a byte order mark, nothing that would be calculated."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from praxisd.kernel.listings import harmless
from praxisd.kernel.service import Call
from praxisd.services.logbook.shapes import EntryOut

_COLUMNS = ("at", "source", "level", "kind", "code", "fields", "pseudonyms", "text")


def written(call: Call, entries: Sequence[EntryOut]) -> bytes:
    """The file."""
    say = call.house.texts.get
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerow([harmless(say(f"logbook.column.{one}", call.lang)) for one in _COLUMNS])
    for one in entries:
        cells = (
            one.at, one.source_name, one.level, one.kind, one.code, _told(one.fields), _told(one.pseudonyms), one.text,
        )  # fmt: skip
        rows.writerow([harmless(cell) for cell in cells])
    return ("\ufeff" + out.getvalue()).encode()


def _told(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
