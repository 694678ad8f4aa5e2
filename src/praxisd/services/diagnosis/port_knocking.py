"""A seat helps: it asks the server what to try, tries it from where it stands, and tells what it found."""

import json
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis import seat_calling
from praxisd.services.diagnosis.port_rules import Attempt
from praxisd.services.diagnosis.port_trying import try_all

TOTAL_S = 60.0
PATIENCE_S = 20.0
_PATH = "/api/v1/ports/inward"
_MOST_BYTES = 1_000_000
Json = dict[str, Any]


def knock(url: str, key: str, seat: str) -> list[Json]:
    """Try what the server at `url` lists and tell it under the name `seat`; what was found, as it was told.

    Problems: `diagnosis.knock_address` (400), `diagnosis.knock_unreachable` (503), `diagnosis.knock_refused` (502).
    """
    host = _host(url)
    asked = _said("GET", url, key)
    try:
        tries = [Attempt(str(one["row"]), host, int(one["port"]), str(one["how"])) for one in asked["knocks"]]
    except (KeyError, TypeError, ValueError):
        raise Problem("diagnosis.knock_refused", 502, answered=200) from None
    found = [
        {"row": one.row, "port": one.port, "state": state, "why": why}
        for one, (state, why) in zip(tries, try_all(tries, TOTAL_S), strict=True)
    ]
    _said("POST", url, key, {"seat": seat, "results": found})
    return found


def _host(url: str) -> str:
    try:
        return seat_calling.host_of(url)
    except seat_calling.NotAnswered:
        raise Problem("diagnosis.knock_address", 400) from None


def _said(method: str, url: str, key: str, body: Json | None = None) -> Json:
    sent = json.dumps(body).encode() if body else None
    try:
        status, data = seat_calling.call(
            method, url, _PATH, key, sent, patience_s=PATIENCE_S, most=_MOST_BYTES
        )
    except seat_calling.NotAnswered as failed:
        if failed.reason == "address":
            raise Problem("diagnosis.knock_address", 400) from None
        raise Problem("diagnosis.knock_unreachable", 503, retry=True) from None
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if status != 200 or not isinstance(told, dict):
        raise Problem("diagnosis.knock_refused", 502, answered=status)
    return told
