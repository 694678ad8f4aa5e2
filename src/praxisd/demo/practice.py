"""What the sample practice consists of: people who treat, places, accounting units, columns, appointment types."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from praxisd.model.people import Address, Contact, Mandator, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.model.scheduling import Code, OpeningRule

ZONE = "Europe/Berlin"
REGION = "DE-BE"


def organization(language: str) -> Organization:
    """The practice itself."""
    return Organization(
        name="Zahnarztpraxis am Beispielplatz",
        zone=ZONE,
        region=REGION,
        language=language,
        telecom=(Contact(system="phone", value="030 23125000", use="work"),),
        address=(Address(line=("Beispielplatz 1",), postal_code="10115", city="Berlin", country="DE"),),
    )


CREDITS = (500, 20)
"""What the two accounting units have to pay for messages, in the order of `mandators`; booked through `messaging`."""


def mandators(today: date) -> tuple[Mandator, Mandator]:
    """Two accounting units. The licence of the second ran out a month ago, so that a Meldung can be seen."""
    return (
        Mandator(
            name="Praxis Dr. Sommer und Dr. Winter",
            licence_number="BEISPIEL-100001",
            licence_from=today - timedelta(days=400),
            licence_to=today + timedelta(days=330),
            default=True,
        ),
        Mandator(
            name="Prophylaxe am Beispielplatz",
            licence_number="BEISPIEL-100002",
            licence_from=today - timedelta(days=760),
            licence_to=today - timedelta(days=30),
        ),
    )


PRACTITIONERS = {
    "sommer": Practitioner(family="Sommer", given="Miriam", prefix="Dr.", released=True),
    "winter": Practitioner(family="Winter", given="Jonas", prefix="Dr.", released=True),
    "herbst": Practitioner(family="Herbst", given="Petra", released=True),
}
PLACES = {
    "site": Location(name="Praxis", kind="site", released=True),
    "room1": Location(name="Zimmer 1", kind="chair", released=True),
    "room2": Location(name="Zimmer 2", kind="chair", released=True),
    "room3": Location(name="Zimmer 3", kind="chair", released=True),
    "room4": Location(name="Zimmer 4", kind="chair"),
}
"""Keys of this file, not ids; all but `site` lie in it."""

MORNING, AFTERNOON = ("08:00", "12:00"), ("13:00", "17:00")
_LONG, _FRIDAY = (1, 2, 3, 4), (5,)


class Column(NamedTuple):
    """A bookable column: whose it is, where it stands, when it is open ((weekdays, from, to) in wall time)."""

    name: str
    practitioner: str | None
    place: str
    open: tuple[tuple[tuple[int, ...], str, str], ...]
    released: bool
    color: str

    def rules(self) -> tuple[OpeningRule, ...]:
        """The opening hours as the calendar keeps them."""
        return tuple(OpeningRule(days=days, start=start, end=end) for days, start, end in self.open)


_HOURS = ((_LONG, *MORNING), (_LONG, *AFTERNOON), (_FRIDAY, "08:00", "13:00"))
COLUMNS = {
    "sommer": Column("Dr. Sommer", "sommer", "room1", _HOURS, True, "#2a6f97"),
    "winter": Column("Dr. Winter", "winter", "room2", _HOURS, True, "#468c5a"),
    "prophylaxis": Column("Prophylaxe (Zimmer 3)", "herbst", "room3", _HOURS, True, "#b5651d"),
    "urgent": Column(
        "Notfallspalte",
        None,
        "room4",
        ((_LONG, "11:00", "12:00"), (_LONG, "16:00", "17:00"), (_FRIDAY, "11:00", "13:00")),
        False,
        "#a4243b",
    ),
}


class Kind(NamedTuple):
    """An appointment type: name, fields of HealthcareService, and its groups as keys of COLUMNS."""

    name: str
    fields: dict[str, Any]
    groups: tuple[tuple[str, ...], ...]

    def codes(self) -> tuple[Code, ...]:
        """A code of the practice's own list, by which FHIR clients can ask for the type."""
        return (Code(system=CODES, code=self.name.replace(" ", "-"), display=self.name),)


CODES = "https://example.org/praxis-am-beispielplatz/terminarten"
_DOCTORS = ("sommer", "winter")
KINDS = {
    "check": Kind(
        "Kontrolle", {"color": "#2f7fc1", "duration": 30, "released": True, "min_notice": 60}, (_DOCTORS,)
    ),
    "cleaning": Kind(
        "Prophylaxe",
        {
            "color": "#2c8f63",
            "duration": 60,
            "buffer_before": 5,
            "buffer_after": 10,
            "released": True,
            "min_notice": 120,
        },
        (("prophylaxis",),),
    ),
    "implant": Kind(
        "Implantat-Beratung",
        {"color": "#8f55b5", "duration": 45, "released": True, "min_notice": 24 * 60, "max_ahead": 180},
        (_DOCTORS, ("prophylaxis",)),
    ),
    "first": Kind(
        "Erstgespräch",
        {"color": "#b9770e", "duration": 30, "released": True, "confirm": True, "min_notice": 60},
        (_DOCTORS,),
    ),
    "treatment": Kind("Behandlung", {"color": "#5a63c8", "duration": 60}, (_DOCTORS,)),
    "pain": Kind("Schmerztermin", {"color": "#c9433b", "duration": 15}, (("urgent",),)),
}
"""Colours are of a middle lightness: white and black backgrounds carry them alike.

Two groups: implant. Buffers: cleaning. To be confirmed: first. Not released: treatment, pain."""

LETTERS = {
    "de": (
        "Guten Tag, kann ich am Tag des Termins vorher ganz normal frühstücken? Vielen Dank und freundliche Grüße",
        "Guten Tag, ich bringe die Röntgenbilder meiner früheren Praxis zum Termin mit.",
    ),
    "en": (
        "Good morning, may I have breakfast as usual before my appointment? Many thanks and kind regards",
        "Hello, I shall bring the X-rays from my former practice with me.",
    ),
}
"""What two guests of the portal write to the practice, by its language; the first is still to be read."""

PORTAL = "Beispielportal"
USERS = (("owner", "Dr. Miriam Sommer"), ("desk", "Empfang"), ("partner", "Servicepartner"))
"""(login, name); the login is also the role."""
