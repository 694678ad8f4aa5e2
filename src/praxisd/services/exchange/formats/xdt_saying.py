"""What praxisd says of a person, in fields of xDT (BDT 6100, GDT 63xx). Counted in `left`: what xDT has no field for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from praxisd.model.exchange import TakenPatient
from praxisd.model.people import Address
from praxisd.services.exchange.formats import xdt_dates
from praxisd.services.exchange.formats.xdt_people import COUNTRIES, INSURED, KVID, LANGUAGES

Style = Literal["gdt", "bdt"]
Add = Callable[[str, str | None], None]
_LANDS = {iso: land for land, iso in COUNTRIES.items()}


def patient(who: TakenPatient, style: Style, left: dict[str, int]) -> list[tuple[str, str]]:
    """The fields of a person, number and name first."""
    said: list[tuple[str, str]] = []

    def add(field: str, value: str | None) -> None:
        if value:
            said.append((field, value))

    add("3000", who.source_id)
    add("3101", who.family)
    add("3102", who.given)
    add("3103", xdt_dates.write(who.birth_date) if who.birth_date else None)
    add("3104", who.prefix)
    _identifiers(who, add, left)
    _address(who, style, add, left)
    _gender(who, style, add)
    for one in who.telecom:
        if one.system == "email":
            add("3619", one.value)
            _count(left, one.use is not None, "patient.telecom.use")
        elif one.system == "phone":
            add("3618" if one.use == "mobile" else "3626", one.value)
            _count(left, one.use not in (None, "mobile"), "patient.telecom.use")
        else:
            _count(left, True, "patient.telecom")
    if who.language in LANGUAGES:
        add("3628", LANGUAGES[who.language])
    else:
        _count(left, bool(who.language), "patient.language")
    dead = who.deceased is not None or who.deceased_undated
    lost: Mapping[str, bool] = {
        "note": bool(who.note), "deceased": dead, "active": not who.active, "extra": isinstance(who.extra, str),
    }  # fmt: skip
    for name, there in lost.items():
        _count(left, there, f"patient.{name}")
    return said


def _count(left: dict[str, int], there: bool, what: str) -> None:
    if there:
        left[what] = left.get(what, 0) + 1


def _gender(who: TakenPatient, style: Style, add: Add) -> None:
    words = {"male": "M", "female": "W", "other": "D", "unknown": "U"}
    if style == "gdt":
        words |= {"male": "1", "female": "2"}
    add("3110", words.get(who.gender or ""))


def _identifiers(who: TakenPatient, add: Add, left: dict[str, int]) -> None:
    kvid = [one for one in who.identifiers if one.system == KVID]
    old = [one for one in who.identifiers if one.system == INSURED]
    for field, found in (("3119", kvid), ("3105", old)):
        if found:
            add(field, found[0].value)
    kept = [*kvid[:1], *old[:1]]
    for one in who.identifiers:
        bare = one.type is None and one.use is None
        _count(left, one not in kept or not bare, "patient.identifiers")


def _address(who: TakenPatient, style: Style, add: Add, left: dict[str, int]) -> None:
    for number, one in enumerate(who.address):
        if number:
            _count(left, True, "patient.address")
            continue
        _one_address(one, style, add, left)


def _one_address(one: Address, style: Style, add: Add, left: dict[str, int]) -> None:
    street = " ".join(one.line)
    plain = one.postal_code is None or (one.postal_code.isdigit() and 4 <= len(one.postal_code) <= 5)
    say: list[tuple[str, str | None]] = []
    if style == "gdt":
        town = " ".join(part for part in (one.postal_code if plain else None, one.city) if part)
        say += [("3106", town)]
        _count(left, not plain, "patient.address.postalCode")
    else:
        say += [("3112", one.postal_code), ("3113", one.city)]
    say += [("3107", street), ("3114", _LANDS.get(one.country or "", one.country) if one.country else None)]
    for field, value in say:
        add(field, value)
    _count(left, len(one.line) > 1, "patient.address.line")
    for name in ("use", "district", "state"):
        _count(left, getattr(one, name) is not None, f"patient.address.{name}")


def names(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields by number: of several the first."""
    found: dict[str, str] = {}
    for field, value in fields:
        found.setdefault(field, value)
    return found
