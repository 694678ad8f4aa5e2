"""Three hundred invented patients. Names are drawn from lists of frequent ones; nobody real is meant.

Telephone numbers are from the ranges that the Bundesnetzagentur keeps for film and television and gives to
nobody (030 23125-xxx, 0171 39200xx, 0176 04069xx), mail addresses from the domains RFC 2606 keeps for examples.
"""

from calendar import isleap
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from msgspec.structs import replace

from praxisd.model.people import Address, Contact, Gender, Patient

COUNT = 300
WITHOUT_CONTACT = 24
DOUBTFUL = ("0171 3920012 / 0172 3920012", "0171 39200", "Frau Meier 030 23125")
"""Numbers as they stand in real practices: nobody is written to on a guess, the desk is asked."""
BIRTHDAYS = 5
"""So many, of those who can be reached, have their birthday today."""
FAMILIES = 40
"""So many of the patients are children who share name, address and number with a parent."""


def _words(text: str) -> list[str]:
    return text.split()


_FAMILY = _words(
    "Ackermann Adam Albrecht Arnold Bauer Baumann Beck Becker Berger Böhm Brandt Braun Busch Demir Dietrich Engel "
    "Ernst Fiedler Fischer Franke Friedrich Fuchs Graf Groß Günther Haas Hahn Hartmann Heinrich Herrmann Hofmann "
    "Horn Huber Jäger Jansen Jung Kaiser Kaya Keller Klein Koch Köhler König Kowalski Kramer Krämer Kraus Krause "
    "Krüger Kühn Kuhn Lange Lehmann Lorenz Ludwig Maier Martin Mayer Meier Meyer Möller Müller Neumann Nguyen "
    "Nowak Öztürk Otto Peters Pfeiffer Pohl Richter Roth Sauer Schäfer Schmid Schmidt Schmitt Schneider Scholz "
    "Schreiber Schröder Schubert Schulte Schulz Schumacher Schuster Schwarz Seidel Simon Stein Thomas Vogel Vogt "
    "Voigt Wagner Walter Weber Weiß Werner Winkler Wolf Yılmaz Ziegler Zimmermann"
)
_WOMEN = _words(
    "Alina Amelie Andrea Anja Anna Annika Antje Ayşe Barbara Birgit Brigitte Carla Charlotte Claudia Doris Elena "
    "Elif Ella Emilia Emma Erika Eva Franziska Frieda Gabriele Greta Hanna Heike Helga Ida Ines Ingrid Johanna "
    "Julia Karin Katharina Kerstin Klara Lea Lena Leni Lina Lisa Luise Maria Marie Martina Mathilda Melanie Mia "
    "Monika Nadine Nele Nicole Petra Renate Sabine Sarah Silke Sofia Sophie Stefanie Susanne Tanja Ursula Ute"
)
_MEN = _words(
    "Achim Alexander Andreas Anton Ben Bernd Björn Carl Christian Daniel David Dieter Dirk Elias Emil Emre Erik "
    "Felix Finn Florian Frank Franz Georg Günter Hans Heinz Henri Holger Jakob Jan Jens Jonas Jörg Josef Julian "
    "Jürgen Karl Klaus Lars Leon Lukas Manfred Marco Markus Martin Matthias Maximilian Mehmet Michael Moritz Noah "
    "Oskar Paul Peter Philipp Rainer Ralf Robert Sebastian Stefan Sven Theo Thomas Tim Tobias Uwe Werner Wolfgang"
)
_STREETS = _words(
    "Ahornweg Am-Musterpark Beispielstraße Birkenallee Blumenweg Gartenstraße Kastanienallee Lindenweg "
    "Musterstraße Probeweg Rosenstraße Wiesenweg"
)
_ASCII = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ı": "i", "ş": "s", "Ä": "ae", "Ö": "oe", "Ü": "ue"}
)


def patients(rng: Random, today: date) -> list[Patient]:
    """The patients, without ids: one of them dead, 24 without any contact, children beside a parent."""
    landline = iter(rng.sample(range(1000), 1000))
    mobile = iter(
        rng.sample([f"0171 39200{n:02}" for n in range(100)] + [f"0176 04069{n:02}" for n in range(100)], 200)
    )
    seen: set[tuple[str, str]] = set()
    made: list[Patient] = []
    for _ in range(COUNT - FAMILIES):
        while True:
            gender, given = _given(rng)
            family = rng.choice(_FAMILY)
            if (family, given) not in seen:
                break
        seen.add((family, given))
        contacts = _contacts(rng, family, given, landline, mobile)
        made.append(
            Patient(
                family=family,
                given=given,
                prefix="Dr." if rng.random() < 0.03 else None,
                gender=gender,
                birth_date=_born(rng, today, 18, 92),
                telecom=contacts,
                address=(_address(rng),),
                language="de",
            )
        )
    parents = [p for p in made if p.birth_date is not None and 20 <= today.year - int(p.birth_date[:4]) <= 55]
    for parent in rng.sample(parents, FAMILIES):
        made.append(_child(rng, today, parent, seen))
    rng.shuffle(made)
    return _specials(rng, today, made)


def _specials(rng: Random, today: date, made: list[Patient]) -> list[Patient]:
    """Take every contact from some, and let the oldest one have died last month."""
    for index in rng.sample(range(len(made)), WITHOUT_CONTACT):
        made[index] = replace(made[index], telecom=())
    reachable = [i for i, one in enumerate(made) if one.telecom and one.birth_date]
    for index in rng.sample(reachable, BIRTHDAYS):
        made[index] = replace(
            made[index], birth_date=_same_day(int((made[index].birth_date or "")[:4]), today)
        )
    for index, told in zip(rng.sample(reachable, len(DOUBTFUL)), DOUBTFUL, strict=True):
        mobile = Contact(system="phone", use="mobile", value=told)
        made[index] = replace(made[index], telecom=(mobile, *made[index].telecom[1:]))
    oldest = min(range(len(made)), key=lambda i: made[i].birth_date or "")
    made[oldest] = replace(made[oldest], deceased=today - timedelta(days=30))
    return made


def _same_day(born: int, today: date) -> str:
    """Today's day in that year; on 29 February of a year without one 28 February."""
    day = 28 if (today.month, today.day) == (2, 29) and not isleap(born) else today.day
    return f"{born}-{today.month:02}-{day:02}"


def _given(rng: Random) -> tuple[Gender, str]:
    return ("female", rng.choice(_WOMEN)) if rng.random() < 0.53 else ("male", rng.choice(_MEN))


def _child(rng: Random, today: date, parent: Patient, seen: set[tuple[str, str]]) -> Patient:
    while True:
        gender, given = _given(rng)
        if (parent.family, given) not in seen:
            break
    seen.add((parent.family, given))
    born = _born(rng, today, 4, 14)
    return Patient(
        family=parent.family,
        given=given,
        gender=gender,
        birth_date=born,
        telecom=tuple(c for c in parent.telecom if c.system == "phone"),
        address=parent.address,
        language="de",
    )


def _born(rng: Random, today: date, youngest: int, oldest: int) -> str:
    days = rng.randrange(youngest * 366, oldest * 365)
    return (today - timedelta(days=days)).isoformat()


def _contacts(
    rng: Random, family: str, given: str, landline: Iterator[int], mobile: Iterator[str]
) -> tuple[Contact, ...]:
    found = []
    number = next(mobile, None) if rng.random() < 0.65 else None
    if number is not None:
        found.append(Contact(system="phone", use="mobile", value=number))
    else:
        found.append(Contact(system="phone", use="home", value=f"030 23125{next(landline):03}"))
    if rng.random() < 0.6:
        domain = rng.choice(("example.org", "example.com", "example.net"))
        name = f"{given}.{family}".translate(_ASCII).lower()
        found.append(Contact(system="email", use="home", value=f"{name}@{domain}"))
    return tuple(found)


def _address(rng: Random) -> Address:
    line = f"{rng.choice(_STREETS).replace('-', ' ')} {rng.randrange(1, 120)}"
    return Address(line=(line,), postal_code=f"10{rng.randrange(115, 999)}", city="Berlin", country="DE")
