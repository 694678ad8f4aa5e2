"""A practice with seats for journeys, torture and bench: patients to lock, approved seats with their keys, API keys."""

from dataclasses import dataclass
from pathlib import Path

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.config import Config
from praxisd.kernel.ids import new_id
from praxisd.model.people import PatientClaim
from praxisd.model.places import Organization
from praxisd.services.accounts import api as accounts
from praxisd.services.directory import api as directory
from praxisd.services.seats import proof, register
from praxisd_client.key import SeatKey

RATES = {"accounts.rate_per_minute": 100_000, "accounts.rate_burst": 100_000}


@dataclass(frozen=True)
class SeatScene:
    """`records` are patients as `Patient/id`; `keys` full seats, `viewers` seats that only read; `secrets` by role."""

    organization: str
    records: tuple[str, ...]
    keys: tuple[SeatKey, ...]
    viewers: tuple[SeatKey, ...]
    takers: tuple[SeatKey, ...]
    secrets: dict[str, str]


def write_config(folder: Path, database_url: str | None = None, interval: int | None = None) -> None:
    """`praxisd.toml` of one node; rates as high as may be, since a torture is no misuse."""
    lines = ['log_level = "error"']
    if database_url is not None:
        lines.append(f'database_url = "{database_url}"')
    settings = RATES | ({} if interval is None else {"seats.interval": interval})
    lines += ["[settings]", *(f'"{name}" = {value}' for name, value in settings.items())]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "praxisd.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def prepare(
    folder: Path,
    database_url: str | None = None,
    *,
    seats: int = 4,
    viewers: int = 0,
    takers: int = 0,
    patients: int = 8,
) -> SeatScene:
    """Set the practice up in an empty database; nothing is left open. `takers` are seats that may take locks over."""
    house = main.open_practice(folder, Config(database_url=database_url, log_level="error"))
    organization = new_id()
    actor = system("seats", organization)
    try:
        with house.store.write(actor) as tx:
            directory.create_organization(
                tx, Organization(id="", name="Praxis am Platz", zone="Europe/Berlin", region="DE-BE")
            )
        records, found = list[str](), dict[str, list[SeatKey]]()
        with house.store.write(actor) as tx:
            for n in range(patients):
                told = PatientClaim(
                    family=f"Beispiel{n:04d}", given="Erika", birth_date=f"19{40 + n % 60}-01-02"
                )
                records.append(f"Patient/{directory.claim(tx, told).patient}")
            installation = proof.installation(house)
            for kind, count in (("full", seats), ("viewer", viewers), ("taker", takers)):
                found[kind] = []
                for n in range(count):
                    key = SeatKey.make()
                    made = register.register(
                        tx,
                        name=f"{kind.title()} {n + 1}",
                        public_key=key.public,
                        program="test",
                        viewer=kind == "viewer",
                    )
                    register.approve(tx, made.id, made.code)
                    if kind == "taker":
                        register.change(tx, made.id, may_take=True)
                    found[kind].append(key.registered(made.id, installation))
        secrets = {
            role: house.store.run(
                actor,
                lambda tx, role=role: accounts.create_key(tx, house.registry, role=role, name=role),  # type: ignore[misc]
            )[1]
            for role in ("owner", "desk")
        }
    finally:
        house.stop()
    return SeatScene(
        organization,
        tuple(records),
        tuple(found["full"]),
        tuple(found["viewer"]),
        tuple(found["taker"]),
        secrets,
    )
