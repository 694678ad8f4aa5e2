"""The practice of the torture of messages: patients with mobile phones, texts, credits, and the simulated gateway."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.config import Config
from praxisd.kernel.ids import new_id
from praxisd.model.people import Mandator, PatientClaim
from praxisd.model.places import Organization
from praxisd.model.scheduling import OpeningRule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.testing.torture_scene import SETTINGS

ZONE = ZoneInfo("Europe/Berlin")
COST, FUNDS = 2, 100_000
GATEWAY, SETTLES = "hasty", "settles_s = 3"
"""The simulated gateway under a description of the practice's own: it lists what it took sooner than the shipped one says."""
PATIENCE_S = 5
LEASE_S = 5
DAYS = 30
COLUMNS = 3
STEP_MINUTES = 30
HOURS = (OpeningRule(days=(1, 2, 3, 4, 5, 6, 7), start="08:00", end="18:00"),)
READY_S = 30.0
_FATES = {3: "0001", 7: "0002", 11: "0009"}
"""Ends of the numbers of some patients: the gateway reports that it failed, that it expired, or refuses it at once."""


@dataclass(frozen=True)
class Wish:
    """An appointment to be booked while the torture runs: whose and when."""

    patient: str
    start: str


@dataclass(frozen=True)
class Scene:
    """What was prepared: the practice, a key of its owner, the appointment type, and the appointments to book."""

    organization: str
    mandator: str
    key: str
    service: str
    wishes: tuple[Wish, ...]


def config(folder: Path, database_url: str | None, public_url: str) -> None:
    """`praxisd.toml` of a node: everything may be sent now, in small waits, to all days that are booked."""
    now = datetime.now(ZONE)
    quiet = [f"{now + timedelta(hours=12, minutes=m):%H:%M}" for m in (0, 1)]
    settings: dict[str, Any] = {
        **SETTINGS,
        "messaging.patient_day_cap": 20,
        "messaging.public_url": public_url,
        "messaging.quiet_from": quiet[0],
        "messaging.quiet_to": quiet[1],
        "messaging.run_cap": 5_000,
        "reminders.after_booking_hours": 0,
        "reminders.days": DAYS,
        "reminders.first_day": 1,
        "reminders.send_reminders": True,
    }
    lines = ['log_level = "error"', f"job_lease_s = {LEASE_S}", "development = true"]
    lines += [f"trial = {{'messaging.gateway_patience' = {PATIENCE_S}}}"]
    if database_url is not None:
        lines.append(f'database_url = "{database_url}"')
    lines += ["[settings]", *(f'"{name}" = {json.dumps(value)}' for name, value in settings.items())]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "praxisd.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shipped = files("praxisd.services.messaging").joinpath("gateways", "sandbox.toml").read_text("utf-8")
    own = folder / "gateways"
    own.mkdir(exist_ok=True)
    (own / f"{GATEWAY}.toml").write_text(
        "\n".join(SETTLES if line.startswith("settles_s") else line for line in shipped.split("\n")),
        encoding="utf-8",
    )


def prepare(folder: Path, database_url: str | None, gateway: str, count: int) -> Scene:
    """Set the practice up with `count` patients, none of whom has an appointment yet; nothing is left open."""
    house = main.open_practice(folder, Config(database_url=database_url, log_level="error"))
    actor = system("torture", new_id())

    def practice(tx: Any) -> tuple[str, str, str]:
        directory.create_organization(
            tx, Organization(id="", name="Praxis am Pranger", zone=ZONE.key, region="DE-BE")
        )
        mandator = directory.create_mandator(
            tx, Mandator(name="Praxis", licence_number="TORTURE-1", default=True)
        ).id
        messaging.book_credits(tx, mandator, FUNDS, "")
        messaging.propose(tx, ["de"])
        messaging.put_account(
            house,
            tx,
            "sms",
            messaging.AccountGiven(
                gateway=GATEWAY, sender="Praxis", active=True, cost=COST, fields={"address": gateway},
                secrets={"key": "sandbox"}, hook_secret="sandbox-secret",
            ),
        )  # fmt: skip
        columns = tuple(
            calendar.add_schedule(
                house, tx, name=f"Dr. {n}", hours=HOURS, order=n, observes_holidays=False
            ).id
            for n in range(COLUMNS)
        )
        service = calendar.add_service(
            house, tx, name="Kontrolle", duration=STEP_MINUTES, groups=(columns,)
        ).id
        key = accounts.create_key(tx, house.registry, role="owner", name="torture")[1]
        return mandator, service, key

    try:
        mandator, service, key = house.store.run(actor, practice)
        patients: list[str] = []
        for begin in range(0, count, 50):
            numbers = range(begin, min(begin + 50, count))
            patients += house.store.run(actor, partial(_patients, numbers))
    finally:
        house.stop()
    wishes = tuple(Wish(one, _start(n)) for n, one in enumerate(patients))
    return Scene(actor.organization, mandator, key, service, wishes)


def _patients(numbers: range, tx: Any) -> list[str]:
    return [_patient(tx, number) for number in numbers]


def _patient(tx: Any, number: int) -> str:
    end = _FATES.get(number % 20, f"{1000 + number % 8000:04d}")
    born = f"{1930 + number % 80}-{1 + number % 12:02d}-{1 + number % 28:02d}"
    told = PatientClaim(
        family=f"Opfer{number}", given="Otto", birth_date=born, phone=f"+49171{390 + number // 20:03d}{end}"
    )  # fmt: skip
    return directory.claim(tx, told).patient


def _start(number: int) -> str:
    """The times of the coming days in turn, so that each column is used up evenly."""
    slot = number // COLUMNS
    day, step = slot % DAYS, slot // DAYS
    today = datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0)
    start = (today + timedelta(days=1 + day)).replace(hour=8) + timedelta(minutes=STEP_MINUTES * step)
    return format_rfc3339(int(start.timestamp()), ZONE)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Gateway:
    """`praxisd sandbox sms` as a process, and what it tells without a key."""

    def __init__(self, folder: Path, log: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = [sys.executable, "-m", "praxisd", "sandbox", "--with-parent", "sms", "--data", str(folder)]
        command += ["--port", "0", "--deliver", "0.3", "--credits", "1000000"]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True
            )
        assert self._process.stdout is not None
        word, self.url = self._process.stdout.readline().split()
        if word != "ready":
            raise RuntimeError("the gateway did not start")

    def faults(self, rate: float, seed: int, kinds: tuple[str, ...], delay_s: float) -> None:
        """From now on so many of all requests go wrong."""
        self._call("/faults", {"rate": rate, "seed": seed, "kinds": list(kinds), "delay": delay_s})

    def messages(self) -> list[dict[str, Any]]:
        """All that arrived, in order, duplicates too."""
        found: list[dict[str, Any]] = self._call("/messages", None)
        return found

    def _call(self, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"})
        end = time.monotonic() + READY_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.loads(answer.read() or b"null")
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
