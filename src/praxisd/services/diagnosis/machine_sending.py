"""A computer of the practice sends its facts to the server. Nothing goes anywhere else."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.model.machine import MachineFacts

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
    line, path = _line(url, trust)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        line.request("POST", path + _PATH, body, headers)
        answer = line.getresponse()
        data = answer.read(_MOST_BYTES)
    except ssl.SSLCertVerificationError:
        raise Problem("diagnosis.seat_untrusted", 502, url=url) from None
    except (OSError, ValueError, http.client.HTTPException):
        raise Problem("diagnosis.seat_unreachable", 503, retry=True, url=url) from None
    finally:
        line.close()
    if answer.status != 204:
        raise Problem("diagnosis.seat_refused", 502, answered=answer.status, answer=_told(data))


def _line(url: str, trust: Path | None) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Problem("diagnosis.seat_unreachable", 503, url=url) from None
    if parts.scheme not in ("http", "https") or not host:
        raise Problem("diagnosis.seat_unreachable", 503, url=url)
    path = parts.path.rstrip("/")
    try:
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=PATIENCE_S), path
        context = ssl.create_default_context(cafile=None if trust is None else str(trust))
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE_S, context=context), path
    except http.client.InvalidURL:
        raise Problem("diagnosis.seat_unreachable", 503, url=url) from None
    except (OSError, ValueError):
        raise Problem("diagnosis.seat_untrusted", 502, url=url) from None


def _told(data: bytes) -> str:
    """What the server gives as its reason; nothing where it is no praxisd."""
    try:
        told: Any = json.loads(data)
        return f"{told.get('title', '')} ({told.get('code', '')})"
    except (ValueError, AttributeError):
        return "–"
