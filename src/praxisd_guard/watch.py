"""Looking at the server from outside: is it live, and is it healthy all through (SPEC 6.3, 7.2).

Nothing here trusts what the server's process says of itself on other ways than a guest has: its doors over HTTP, and its
control port for what only the program knows (version, schema, plug-ins).
"""

import asyncio
import http.client
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from praxisd_guard.durable import read_json
from praxisd_guard.keeper_files import scarce
from praxisd_guard.keeper_host import Failure
from praxisd_guard.keeper_limits import Limits
from praxisd_guard.keeper_threads import beside

_BODY_LIMIT = 4 * 1024 * 1024
_REDIRECTS = 3
_HEALTH_S = 15.0
"""`guard.health` looks through the database (quick_check), so it may take longer than a look at the door."""
_BUSY_S = 5.0
"""A look at the runs alone: the database is not looked through."""
_AGAIN_S = 0.25
_SCRIPT = re.compile(r"<script[^>]*?\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What one request brought."""

    status: int
    kind: str
    """Content-Type."""
    body: bytes
    location: str = ""


def here(host: str) -> str:
    """Where a listening address is reached from this computer."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def fetch(
    host: str,
    port: int,
    path: str,
    limit_s: float,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own. Raises OSError or http.client.HTTPException."""
    connection = http.client.HTTPConnection(host, port, timeout=limit_s)
    try:
        connection.request(method, path, body, {"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        data = response.read(_BODY_LIMIT)
        return Answer(
            response.status,
            response.headers.get("Content-Type", ""),
            data,
            response.headers.get("Location", ""),
        )
    finally:
        connection.close()


async def live(host: str, port: int, limit_s: float) -> bool:
    """Does GET /health/live get an answer within the limit? Any: whoever says 503 is overloaded, and not hung.

    True as well where this computer has no room for the question: that says nothing of the server.
    """
    return await _answers(here(host), port, "/health/live", limit_s)


async def _answers(host: str, port: int, path: str, limit_s: float) -> bool:
    try:
        await asyncio.wait_for(beside(fetch, host, port, path, limit_s), limit_s + 0.2)
    except TimeoutError:
        return False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return scarce(error)
    except RuntimeError:  # no room for a thread
        return True
    return True


async def overloaded(data: Path, pid: int | None, limit_s: float) -> bool:
    """Does the program still answer on its control port, though its doors do not?"""
    control = read_json(data / "run" / "control.json")
    port = None if control is None else control.get("port")
    if (
        control is None
        or not isinstance(port, int)
        or (pid is not None and control.get("pid") not in (None, pid))
    ):
        return False
    return await _answers("127.0.0.1", port, "/", limit_s)


def health(
    data: Path, pid: int | None, limit_s: float = _HEALTH_S, *, thorough: bool = True
) -> dict[str, Any] | None:
    """What the server of the data folder says to `guard.health`; None where it does not (or is not process `pid`).

    `thorough`: it looks through its database too.
    """
    control = read_json(data / "run" / "control.json")
    if control is None or (pid is not None and control.get("pid") not in (None, pid)):
        return None
    try:
        headers = {"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"}
        found = fetch(
            "127.0.0.1",
            int(control["port"]),
            "/guard.health",
            limit_s,
            method="POST",
            body=json.dumps({"thorough": thorough}).encode(),
            headers=headers,
        )
        content = json.loads(found.body)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    return content if found.status == 200 and isinstance(content, dict) else None


def busy(data: Path, pid: int | None) -> list[str] | None:
    """Names of runs that must not be cut; None where nothing answers: then nobody knows."""
    told = health(data, pid, _BUSY_S, thorough=False)
    if told is None:
        return None
    found = told.get("busy")
    return [str(name) for name in found] if isinstance(found, list) else []


def fault(host: str, port: int, data: Path, pid: int, version: str, limits: Limits) -> Failure | None:
    """Look once through all: doors, program, console. None when all is well."""
    host = here(host)
    try:
        found = fetch(host, port, "/health/live", limits.live_limit_s)
        if found.status != 200:
            return Failure("guard.unhealthy", f"/health/live {found.status}")
        told = health(data, pid)
        if told is None:
            return Failure("guard.no_control")
        if told.get("version") != version:
            return Failure("guard.wrong_version", f"{told.get('version')} != {version}")
        if told.get("ok") is not True:
            return Failure("guard.unhealthy", ", ".join(map(str, told.get("why") or [])))
        return _console_fault(host, port, limits.live_limit_s)
    except (OSError, http.client.HTTPException) as error:
        return Failure("guard.unhealthy", type(error).__name__)


def _console_fault(host: str, port: int, limit_s: float) -> Failure | None:
    """Is the console's first page there, and the program it loads?"""
    path = "/"
    found = fetch(host, port, path, limit_s, headers={"Accept": "text/html"})
    for _ in range(_REDIRECTS):
        if found.status not in (301, 302, 303, 307, 308):
            break
        path = _path(urljoin(path, found.location))
        found = fetch(host, port, path, limit_s, headers={"Accept": "text/html"})
    if found.status != 200 or not found.kind.startswith("text/html"):
        return Failure("guard.no_console", f"{path} {found.status} {found.kind}")
    script = _SCRIPT.search(found.body.decode("utf-8", "replace"))
    if script is None:
        return Failure("guard.no_console", f"{path}: script")
    path = _path(urljoin(path, script.group(1)))
    found = fetch(host, port, path, limit_s)
    return None if found.status == 200 else Failure("guard.no_console", f"{path} {found.status}")


def _path(address: str) -> str:
    parts = urlsplit(address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def healthy(host: str, port: int, data: Path, pid: int, version: str, limits: Limits) -> Failure | None:
    """Look until all is well or the limit is over; then what the last look found. A wrong version is told at once."""
    clock = asyncio.get_running_loop().time
    until = clock() + limits.healthy_s
    while True:
        found = await beside(fault, host, port, data, pid, version, limits)
        if found is None or found.code == "guard.wrong_version" or clock() + _AGAIN_S >= until:
            return found
        await asyncio.sleep(_AGAIN_S)


async def until_hung(
    host: str,
    port: int,
    limits: Limits,
    busy: Callable[[], Awaitable[bool]],
    told: Callable[[], None] = lambda: None,
) -> None:
    """Return when so many looks in a row have got no answer that the server must be taken for hung.

    `busy()` is asked then: True for a program that still answers elsewhere, so its doors are overloaded. `told()` hears of
    it, once; it has until `live_misses_busy`.
    """
    missed = 0
    while missed < limits.live_misses_busy:
        await asyncio.sleep(limits.live_every_s)
        missed = 0 if await live(host, port, limits.live_limit_s) else missed + 1
        if missed >= limits.live_misses and not await busy():
            return
        if missed == limits.live_misses:
            told()
