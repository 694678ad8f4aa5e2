"""A seat helps: it asks the server what to try, tries it from where it stands, and tells what it found."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from praxisd.kernel.errors import Problem
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
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise Problem("diagnosis.knock_address", 400)
    return host


def _line(url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not opened yet, and the path in front of ours. Problem `diagnosis.knock_address` (400)."""
    try:
        parts = urlsplit(url)
        host, port, path = parts.hostname or "", parts.port, parts.path.rstrip("/")
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=PATIENCE_S, context=context), path
        return http.client.HTTPConnection(host, port, timeout=PATIENCE_S), path
    except (ValueError, http.client.InvalidURL):
        raise Problem("diagnosis.knock_address", 400) from None


def _said(method: str, url: str, key: str, body: Json | None = None) -> Json:
    line, path = _line(url)
    headers: Mapping[str, str] = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        line.request(method, path + _PATH, json.dumps(body) if body else None, headers)
        answer = line.getresponse()
        data = answer.read(_MOST_BYTES)
    except (OSError, ValueError, http.client.HTTPException):
        raise Problem("diagnosis.knock_unreachable", 503, retry=True) from None
    finally:
        line.close()
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if answer.status != 200 or not isinstance(told, dict):
        raise Problem("diagnosis.knock_refused", 502, answered=answer.status)
    return told
