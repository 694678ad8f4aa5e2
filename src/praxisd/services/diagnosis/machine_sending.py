"""A computer of the practice sends its facts to the server. Nothing goes anywhere else."""

import json
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.model.machine import MachineFacts
from praxisd.services.diagnosis import seat_calling

PATIENCE_S = 30.0
_PATH = "/api/v1/machines"
_MOST_BYTES = 100_000


def key_of(file: Path) -> str:
    """The key in a file: its only line. Problem `diagnosis.seat_bad_key` (400)."""
    try:
        words = file.read_text(encoding="utf-8-sig").split()
    except (OSError, ValueError):
        words = []
    if len(words) != 1 or not words[0].isascii():
        raise Problem("diagnosis.seat_bad_key", 400, file=str(file))
    return words[0]


def facts_in(file: Path) -> MachineFacts:
    """Facts that `praxisd machine measure --out` wrote. Problem `diagnosis.facts_unreadable` (400)."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=MachineFacts)
    except (OSError, msgspec.MsgspecError):
        raise Problem("diagnosis.facts_unreadable", 400, file=str(file)) from None


def send(url: str, key: str, facts: MachineFacts, role: str | None, trust: Path | None = None) -> None:
    """Send facts to the server at `url`. `trust`: the certificate (PEM) by which it is known, where the system knows none.

    Problems: `diagnosis.seat_unreachable` (503), `diagnosis.seat_untrusted` (502), `diagnosis.seat_refused` (502).
    """
    body = json.dumps({"facts": msgspec.to_builtins(facts), "role": role}).encode()
    try:
        status, data = seat_calling.call(
            "POST", url, _PATH, key, body, patience_s=PATIENCE_S, most=_MOST_BYTES, trust=trust
        )
    except seat_calling.NotAnswered as failed:
        if failed.reason == "untrusted":
            raise Problem("diagnosis.seat_untrusted", 502, url=url) from None
        raise Problem(
            "diagnosis.seat_unreachable", 503, retry=failed.reason == "unreachable", url=url
        ) from None
    if status != 204:
        raise Problem("diagnosis.seat_refused", 502, answered=status, answer=_told(data))


def _told(data: bytes) -> str:
    """What the server gives as its reason; nothing where it is no praxisd."""
    try:
        told: Any = json.loads(data)
        return f"{told.get('title', '')} ({told.get('code', '')})"
    except (ValueError, AttributeError):
        return "–"
