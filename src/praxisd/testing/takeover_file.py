"""A file of another program as practices have them, made from dice: people with slips, numbers a spreadsheet has damaged."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

FAMILIES = tuple(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder "  # noqa: SIM905
    "Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Maier Özdemir Nowak Vogel "
    "Groß Weiß Jäger Böhm Winter Kühn".split()
)
GIVEN = tuple(
    "Anna Bernd Claudia Dieter Eva Frank Greta Hans Ilse Jürgen Karin Ludwig Marta Norbert Olga Peter Renate Stefan "  # noqa: SIM905
    "Tanja Uwe Vera Walter Çağla Mehmet Zoë Jörg".split()
)
HEADER = (
    "Patientennummer",
    "Nachname",
    "Vorname",
    "Geburtsdatum",
    "Geschlecht",
    "Telefon",
    "E-Mail",
    "Straße",
    "PLZ",
    "Ort",
)


class Person(NamedTuple):
    """One row."""

    number: str
    family: str
    given: str
    born: date
    gender: str
    phone: str
    mail: str
    street: str
    zip: str
    city: str

    def cells(self) -> tuple[str, ...]:
        """As they stand in the file."""
        return (*self[:3], self.born.strftime("%d.%m.%Y"), *self[4:])


def people(count: int, seed: int) -> Iterator[Person]:
    """So many people; the same for the same seed. Family names get a second part often enough to be told apart."""
    dice = random.Random(seed)
    for n in range(count):
        family = dice.choice(FAMILIES)
        if dice.random() < 0.6:
            family += "-" + dice.choice(FAMILIES)
        given = dice.choice(GIVEN) + (" " + dice.choice(GIVEN) if dice.random() < 0.3 else "")
        born = date(1930, 1, 1) + timedelta(days=dice.randrange(33_000))
        phone = (
            f"0{dice.choice((30, 40, 89, 221))} {dice.randrange(1_000_000, 9_999_999)}"
            if dice.random() < 0.8
            else ""
        )
        mail = f"p{n}.{seed}@example.org" if dice.random() < 0.4 else ""
        yield Person(
            f"{n + 1:06}", family, given, born, dice.choice("mwd"), phone, mail,
            f"Weg {dice.randrange(1, 200)}", f"{dice.randrange(1067, 99998):05}", "Musterstadt",
        )  # fmt: skip


def rows(count: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Rows of the file: of a thousand some tell a number twice, in scientific notation, or no name at all."""
    dice = random.Random(seed + 1)
    before: tuple[str, ...] | None = None
    for one in people(count, seed):
        cells = one.cells()
        luck = dice.random()
        if luck < 0.004 and before is not None:
            cells = (before[0], *cells[1:])
        elif luck < 0.008:
            cells = ("1,23E+07", *cells[1:])
        elif luck < 0.010:
            cells = (cells[0], "", *cells[2:])
        elif luck < 0.014 and before is not None:
            cells = (cells[0], *before[1:])
        before = cells
        yield cells


def text(count: int, seed: int) -> bytes:
    """The whole file, as a German spreadsheet writes it: cp1252 where it can be said, semicolons, CRLF."""
    lines = [";".join(HEADER), *(";".join(row) for row in rows(count, seed))]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")
