"""Booking sources that stand in for a practice's own: messages, files that stand still, one read."""

import os
import time
from pathlib import Path
from typing import Any

from tests.services.desk_cast import Desk

from praxisd.model.portals import BookingSource
from praxisd.services.portals import (
    sources,
    sources_reading,
)

CERTAIN = (
    "Nachname: Muster\nVorname: Vera\nGeburtsdatum: 01.02.1985\nHandy: 0171 3920012\n"
    "Termin: {when}\nTerminart: Kontrolle\nKalender: Dr. 1\n"
)
FREE = "Guten Tag, ich hätte gern bald einen Termin. Vera Muster"


def certain(when: str = "24.11.2026 10:00 Uhr", number: str = "") -> str:
    return CERTAIN.format(when=when) + (f"Buchungsnummer: {number}\n" if number else "")


def mail(text: str, message: str = "1") -> bytes:
    head = f"Message-ID: <{message}@portal.example>\r\nFrom: portal@example.org\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    return f"{head}Subject: Neue Buchung\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()


def source_of(desk: Desk, **given: Any) -> BookingSource:
    """A source that is switched on."""
    whole: dict[str, Any] = {
        "name": "Anfragen", "active": True, "portal": None, "schedule": None, "service": None, "fields": {}, "secrets": {},
    }  # fmt: skip
    made: tuple[BookingSource, Any] = desk.do(
        lambda tx: sources.create(desk.house, tx, sources.Given(**{**whole, **given}))
    )
    return made[0]


def put(folder: Path, name: str, data: str | bytes, age: float = 60) -> Path:
    """A file that stands still for so many seconds."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def read(desk: Desk, source: BookingSource) -> dict[str, int]:
    return sources_reading.read(desk.house, desk.actor, source, lambda: None)


def names(folder: Path) -> list[str]:
    """Files in and below a folder, without those of the house that lives there too."""
    found = (str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    return sorted(one for one in found if not one.startswith("house"))
