"""The practice that is tortured: small, so that everybody wants the same; nasty, so that every rule takes part.

Four doctors and three chairs; types that need one group and two, with and without buffers, one the practice must
confirm, one without a duration; a long imported slot after hours; two portals and the desk.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.config import Config
from praxisd.kernel.ids import new_id
from praxisd.model.places import Organization
from praxisd.model.scheduling import Closing, Code, HealthcareService, ImportedSlot, OpeningRule, Schedule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import store as calendar_store
from praxisd.services.directory import api as directory

ZONE = ZoneInfo("Europe/Berlin")
HOURS = (OpeningRule(days=(1, 2, 3, 4, 5, 6, 7), start="08:00", end="18:00"),)
TYPES = "https://example.org/torture/types"
SETTINGS = {
    # The highest that may be set: a torture is no misuse.
    "accounts.rate_per_minute": 100_000,
    "accounts.rate_burst": 100_000,
    "calendar.holds_per_key": 1_000,
    "calendar.hold_seconds": 30,
}


class Credential(msgspec.Struct, frozen=True):
    """A key. `portal` is the id its bookings carry, None for the desk."""

    name: str
    role: str
    portal: str | None
    secret: str


@dataclass(frozen=True)
class Scene:
    """Ids and times of what was made. `opens`: epoch seconds of 08:00 on the day everybody wants."""

    organization: str
    opens: int
    schedules: dict[str, Schedule]
    services: dict[str, HealthcareService]
    doctors: tuple[str, ...]
    chairs: tuple[str, ...]
    long_slot: ImportedSlot
    credentials: tuple[Credential, ...]

    @property
    def by_no(self) -> dict[int, str]:
        """Schedule ids by their number, as computed slots name them."""
        return {s.no: s.id for s in self.schedules.values()}


def day_of_wishes(now: int) -> int:
    """Epoch seconds of 08:00 in Berlin, a week ahead: far enough for every lead time, and on no clock change."""
    day = datetime.fromtimestamp(now, UTC).astimezone(ZONE).date() + timedelta(days=7)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, 8, tzinfo=ZONE).timestamp())


def prepare(folder: Path, database_url: str | None = None) -> Scene:
    """Set the practice up in an empty database of `folder`, or of `database_url`; nothing is left open."""
    house = main.open_practice(folder, Config(database_url=database_url, log_level="error"))
    organization = new_id()
    try:
        with house.store.write(system("torture", organization)) as tx:
            directory.create_organization(
                tx, Organization(id="", name="Praxis am Pranger", zone=ZONE.key, region="DE-BE")
            )

            def column(name: str, order: int) -> Schedule:
                return calendar.add_schedule(house, tx, name=name, hours=HOURS, released=True, order=order)

            def kind(name: str, duration: int | None, *groups: tuple[str, ...], **more: object) -> None:
                code = Code(code=name, system=TYPES, display=name)
                services[name] = calendar.add_service(
                    house,
                    tx,
                    name=name,
                    duration=duration,
                    groups=groups,
                    released=True,
                    service_type=(code,),
                    **more,
                )

            services: dict[str, HealthcareService] = {}
            doctors = [column(f"Dr. {n}", n) for n in (1, 2, 3, 4)]
            chairs = [column(f"Stuhl {n}", 10 + n) for n in (1, 2, 3)]
            who, where = tuple(d.id for d in doctors), tuple(c.id for c in chairs)
            kind("check", 30, who)
            kind("surgery", 60, who, where, buffer_before=10, buffer_after=15)
            kind("cleaning", 45, where, buffer_after=5, confirm=True)
            kind("long", None, who[3:])
            opens = day_of_wishes(tx.now)
            day = datetime.fromtimestamp(opens, ZONE).date()
            calendar.put_closing(house, tx, Closing(date=day, closed=False, name="holidays are worked"))
            slot = ImportedSlot(id=new_id(), schedule=who[3], start=opens + 10 * 3600, end=opens + 13 * 3600)
            calendar_store.IMPORTED_SLOTS.insert(tx, slot)
        credentials = []
        for role, name in (("portal", "portal-a"), ("portal", "portal-b"), ("desk", "desk")):

            def make(tx: object, role: str = role, name: str = name) -> tuple[object, str]:
                return accounts.create_key(tx, house.registry, role=role, name=name)  # type: ignore[arg-type, return-value]

            key, secret = house.store.run(system("torture", organization), make)
            credentials.append(Credential(name, role, getattr(key, "portal", None), secret))
    finally:
        house.stop()
    return Scene(
        organization,
        opens,
        {s.id: s for s in (*doctors, *chairs)},
        services,
        who,
        where,
        slot,
        tuple(credentials),
    )


def write_config(folder: Path, database_url: str | None) -> None:
    """`praxisd.toml` of one node."""
    lines = ['log_level = "error"']
    if database_url is not None:
        lines.append(f'database_url = "{database_url}"')
    lines += ["[settings]", *(f'"{name}" = {value}' for name, value in SETTINGS.items())]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "praxisd.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
