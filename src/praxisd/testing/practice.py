"""A small practice for tests and tortures: two practitioners, two chairs, three appointment types."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.ids import new_id
from praxisd.model.people import PatientClaim
from praxisd.model.places import Organization
from praxisd.model.scheduling import OpeningRule
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

HOURS = (OpeningRule(days=(1, 2, 3, 4, 5), start="08:00", end="18:00"),)


@dataclass(frozen=True)
class Practice:
    """Ids of what was made. `check` needs one doctor; `surgery` a doctor *and* a chair, with buffers; `talk` one doctor."""

    organization: str
    doctors: tuple[str, ...]
    chairs: tuple[str, ...]
    check: str
    surgery: str
    talk: str
    patient: str

    def desk(self) -> Actor:
        """The practice itself, with every right."""
        return system("desk", self.organization)

    def portal(self, house: "House", name: str = "portal-a") -> Actor:
        """Access data of a booking portal."""
        return Actor(Kind.KEY, f"key-{name}", self.organization, house.registry.role("portal"), portal=name)


def small_practice(house: "House", *, zone: str = "Europe/Berlin", region: str = "DE-BE") -> Practice:
    """Set up the practice in an empty house; all columns and types but `talk` are released."""
    organization = new_id()
    with house.store.write(system("test", organization)) as tx:
        directory.create_organization(
            tx, Organization(id="", name="Praxis am Test", zone=zone, region=region)
        )
        doctors = tuple(
            calendar.add_schedule(house, tx, name=f"Dr. {n}", hours=HOURS, released=True, order=n).id
            for n in (1, 2)
        )
        chairs = tuple(
            calendar.add_schedule(house, tx, name=f"Stuhl {n}", hours=HOURS, released=True, order=10 + n).id
            for n in (1, 2)
        )
        check = calendar.add_service(
            house, tx, name="Kontrolle", duration=30, groups=(doctors,), released=True
        ).id
        surgery = calendar.add_service(
            house,
            tx,
            name="Eingriff",
            duration=60,
            buffer_before=10,
            buffer_after=15,
            groups=(doctors, chairs),
            released=True,
        ).id
        talk = calendar.add_service(house, tx, name="Gespräch", duration=20, groups=(doctors[:1],)).id
        told = PatientClaim(family="Muster", given="Erika", birth_date="1970-01-02", phone="+4930231250")
        patient = directory.claim(tx, told).patient
    return Practice(organization, doctors, chairs, check, surgery, talk, patient)


def key_for(house: "House", practice: Practice, role: str, name: str) -> str:
    """The secret of a new key of this role."""
    actor = system("test", practice.organization)
    return house.store.run(actor, lambda tx: accounts.create_key(tx, house.registry, role=role, name=name))[1]
