"""What the patients of the sample practice take: forty lists, two of them with interactions that the sample set has entries
about, one line of free text, one allergy that a product meets.

Most lists are what patients of a dentist often take. Nothing here is advice; all of it is invented.
"""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from praxisd.kernel.store import Tx
from praxisd.model.people import Patient
from praxisd.model.statement import Risk, Statement
from praxisd.services.medication import api as medication
from praxisd.services.medication import sets_reading

if TYPE_CHECKING:
    from praxisd.kernel.app import House

COUNT = 40
GROWN_UP = 25
"""Years from which a patient of the sample practice may have a list."""
Line = tuple[str, str]
"""Beginning of a product's name and how it is taken."""
INTERACTING: tuple[tuple[Line, ...], ...] = (
    (("Lithium Muster", "0-0-1"), ("Ibuprofen Muster 600", "1-0-1")),
    (("Warfarin Muster", "nach Plan"), ("Metronidazol Muster 400", "1-1-1")),
)
"""Each of them is a cited entry of the sample set."""
ALLERGIC: tuple[Line, ...] = (("Amoxicillin Muster 1000", "1-1-1"),)
ALLERGY = "penicillin-allergy"
FREE = (("Tabletten für das Herz (Name nicht bekannt)", "morgens eine"),)
USUAL: tuple[tuple[Line, ...], ...] = (
    (("Ramipril Muster", "1-0-0"),),
    (("Ramipril Probe", "1-0-0"), ("Simvastatin Muster 20", "0-0-1")),
    (("Metformin Muster", "1-0-1"),),
    (("L-Thyroxin Muster", "1-0-0"),),
    (("Bisoprolol Muster", "1-0-0"), ("Ramipril Beispiel", "1-0-0")),
    (("Pantoprazol Muster", "1-0-0"),),
    (("ASS Muster 100", "1-0-0"), ("Atorvastatin Muster", "0-0-1")),
    (("Metoprolol Muster", "1-0-0"), ("Amlodipin Muster", "1-0-0")),
    (("Alendronsäure Muster", "einmal in der Woche"),),
    (("Citalopram Muster", "1-0-0"),),
    (("Rivaroxaban Muster", "1-0-0"),),
    (("Amlodipin Beispiel", "1-0-0"), ("L-Thyroxin Probe", "1-0-0")),
)
CHUNK = 10


def chosen(patients: Sequence[str], known: Sequence[Patient], today: date, rng: Random) -> list[str]:
    """Ids of the grown-ups who have a list, in the order in which lists are given out."""
    last = str(today.year - GROWN_UP)
    old = [
        id_ for id_, one in zip(patients, known, strict=True) if one.birth_date and one.birth_date[:4] <= last
    ]
    return rng.sample(old, min(COUNT, len(old)))


def lists(count: int) -> list[tuple[tuple[Line, ...], str | None]]:
    """(lines, condition that speaks against one of them) for so many patients; free text has no product's name."""
    special: list[tuple[tuple[Line, ...], str | None]] = [(one, None) for one in INTERACTING]
    special += [(ALLERGIC, ALLERGY), (FREE, None)]
    usual = [(USUAL[n % len(USUAL)], None) for n in range(max(0, count - len(special)))]
    return [*special, *usual][:count]


def enter(
    house: "House", tx: Tx, some: Sequence[tuple[str, tuple[tuple[Line, ...], str | None]]], today: date
) -> None:
    """Enter the lists of these patients; without a data set in use nobody could say what they mean: nothing is entered."""
    opened = sets_reading.find(house, sets_reading.MEDICATION)
    if opened is None:
        return
    for number, (patient, (lines, condition)) in enumerate(some):
        since = f"{today.year - 1 - number % 4}-{1 + number % 12:02}"
        for name, dosage in lines:
            found = opened.first(
                "SELECT min(p.id) FROM product p WHERE p.name LIKE ? || '%' AND p.status = 'active'", (name,)
            )
            product = None if lines is FREE or found is None else found[0]
            line = Statement(
                patient=patient, text="" if product else name, product=product, dosage=dosage, since=since,
                source="patient" if product is None else "practice",
            )  # fmt: skip
            medication.enter_statement(house, tx, line)
        if condition is not None:
            medication.enter_risk(house, tx, Risk(patient=patient, text="", condition=condition))
