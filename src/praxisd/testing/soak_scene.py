"""The demo practice of a soak: a real `praxisd demo` in a folder of its own, its keys, and what its actors need to know."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psutil  # type: ignore[import-untyped]

from praxisd.demo import practice
from praxisd.demo import running as demo
from praxisd.kernel.control import owning, write_private
from praxisd.testing.programs import Running, command, no_quiet_hours, running
from praxisd.testing.soak_actor import Asker, Refused, Tally

JOBS = ("reminders.prepare", "messaging.send", "messaging.status", "portals.sync")
SETTINGS = {
    "accounts.rate_per_minute": 100_000,
    "accounts.rate_burst": 100_000,
    "seats.interval": 10,
}
"""Rates do not stand in the way; the control interval of seats is the shortest that a practice may set."""
READY_S = 60.0
START_S = 300.0
"""A soak may begin on a machine that is busy with other things: a start that takes a second may take minutes there."""
PEOPLE = 20
"""Patients that book from outside, one after the other: known to the practice soon, and then no more come."""


@dataclass
class Scene:
    """A practice at work. `access` is its access.json; `owner` the key of another program with an owner's rights."""

    tally: Tally
    folder: Path
    work: Path
    server: Running
    access: dict[str, Any]
    owner_key: str
    database_url: str | None = None
    patients: tuple[str, ...] = ()
    """For seats and desk to change."""
    names: tuple[str, ...] = ()
    services: dict[str, str] = field(default_factory=dict)

    def asker(self, who: str = "desk") -> Asker:
        """`desk`, `portal` or `owner`."""
        keys = {"desk": self.access["desk_key"], "portal": self.access["api_key"], "owner": self.owner_key}
        return Asker(self.tally, self.server.url, keys[who])

    def sandbox(self, name: str) -> Asker:
        """`portal`, `sms` or `mail`: what is played there is played without a key."""
        return Asker(self.tally, self.access["sandbox"][name], None, "")

    @property
    def process(self) -> psutil.Process:
        """The server; the sandboxes are its children."""
        return psutil.Process(self.server.process.pid)

    def program(self, name: str) -> psutil.Process:
        """One sandbox program; RuntimeError if it is not there."""
        for one in self.process.children():
            line = one.cmdline()
            if "sandbox" in line and name in line:
                return one
        raise RuntimeError(f"no sandbox {name}")

    def free(self, asker: Asker, service: str, after_days: int) -> list[dict[str, Any]]:
        """Slots of a service in the week that begins so many days ahead."""
        day = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=after_days)
        query = {
            "service": self.services[service],
            "from": day.isoformat(),
            "to": (day + timedelta(days=7)).isoformat(),
            "limit": "100",
        }
        found: list[dict[str, Any]] = asker.ask("GET", f"/slots?{urlencode(query)}").body["slots"]
        return found


@contextmanager
def opened(work: Path, tally: Tally, *, postgres: bool, filled: Path | None = None) -> Iterator[Scene]:
    """Start it; `filled` is a folder that `praxisd demo` has filled before, to be copied."""
    import shutil

    folder, parts = work / "data", work / "tmp"
    parts.mkdir(parents=True)
    with ExitStack() as stack:
        url = None
        if postgres:
            from praxisd.testing.postgres import PostgresServer

            url = stack.enter_context(PostgresServer()).new_database()
        if filled is not None and url is None:
            shutil.copytree(filled, folder)
        folder.mkdir(mode=0o700, exist_ok=True)
        _configure(folder, url)
        if filled is None or url is not None:
            _fill(folder)
        env = {"TMPDIR": str(parts)}
        server = stack.enter_context(running(folder, verb="demo", cold=True, env=env, ready_s=START_S))
        access = loads((folder / "access.json").read_text(encoding="utf-8"))
        no_quiet_hours(folder)
        made = command("keys", "create", "--role", "owner", "--name", "Soak", "--json", folder=folder)
        if made.code:
            raise RuntimeError(made.err)
        scene = Scene(tally, folder, work, server, access, made.json["secret"], url)
        _furnish(scene)
        yield scene


def _configure(folder: Path, url: str | None) -> None:
    lines = ['log_level = "warning"']
    if url is not None:
        lines.append(f'database_url = "{url}"')
    lines += ["[settings]", *(f'"{name}" = {value}' for name, value in SETTINGS.items())]
    (folder / "praxisd.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.chmod(folder / "praxisd.toml", 0o600)


def _fill(folder: Path) -> None:
    """As `praxisd demo` does at its first start: here, so that what filling needed is not in the server's memory."""
    with owning(folder):
        today = datetime.now(ZoneInfo(practice.ZONE)).date()
        known = demo.prepare(folder, None, today, "de")
        write_private(folder / demo.UNSERVED, dumps(known))


def _enabled(owner: Asker, job: str) -> bool:
    try:
        owner.ask("PUT", f"/jobs/{job}", {"enabled": True}, refusals=frozenset({404}))
    except Refused:
        return False
    return True


def _furnish(scene: Scene) -> None:
    owner, desk = scene.asker("owner"), scene.asker("desk")
    for job in JOBS:
        end = time.monotonic() + READY_S
        while not _enabled(owner, job):  # the worker plans the practice's jobs a moment after the start
            if time.monotonic() > end:
                raise RuntimeError(f"no job {job}")
            time.sleep(0.5)
    for one in owner.ask("GET", "/medication/sets").body["sets"]:
        if one["standing"]["version"] and not one["confirmedBy"]:
            word = {"version": one["standing"]["version"], "understood": True}
            owner.ask("POST", f"/medication/sets/{one['standing']['element']}/confirm", word)
    found = desk.ask("POST", "/patients/search", {"limit": 100}).body["patients"]
    known = [one for one in found if one.get("family") and not one.get("deceased")]
    scene.patients = tuple(one["id"] for one in known)[:40]
    scene.names = tuple(sorted({one["family"] for one in known}))
    scene.services = {
        one["name"]: one["id"] for one in owner.ask("GET", "/healthcare-services").body["healthcareServices"]
    }
