"""How single FHIR elements become fields and back. Pure; each pair reads what it writes.

Readers never guess: what they do not understand they leave out, and `fhir_shapes` keeps the element as it came.
"""

from datetime import date
from typing import Any, get_args

from praxisd.model.people import Address, Contact, Gender, Identifier
from praxisd.model.scheduling import Code

Dict = dict[str, Any]
Values = dict[str, Any]

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_KINDS = {
    "room": {"system": _PHYSICAL, "code": "ro", "display": "Room"},
    "site": {"system": _PHYSICAL, "code": "si", "display": "Site"},
    # HL7 has no code for a treatment chair.
    "chair": {"system": "https://praxisd.org/fhir/CodeSystem/location-kind", "code": "chair"},
}
_ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
_LANGUAGES = "urn:ietf:bcp:47"


def _entry(names: list[Dict]) -> int | None:
    """Which of several names is the one to call the person by: official, usual, else the first with a family name."""
    for wanted in ("official", "usual", None):
        for n, one in enumerate(names):
            if one.get("use") == wanted and one.get("family"):
                return n
    return next((n for n, one in enumerate(names) if one.get("family")), 0 if names else None)


def _joined(parts: list[str | None]) -> str:
    return " ".join(part for part in parts if part)


def _split(text: str) -> list[str]:
    """Names divided by single spaces; a text with other white space stays whole, so that it comes back unchanged."""
    parts = text.split(" ")
    return parts if all(part and part == part.strip() for part in parts) else [text]


def read_name(part: Dict) -> Values:
    """Family, given names and titles of the main name; one that is only written out (`text`) counts as family name."""
    names = part.get("name", [])
    n = _entry(names)
    one = {} if n is None else names[n]
    prefix = _joined(one.get("prefix", []))
    return {
        "family": one.get("family") or one.get("text") or "",
        "given": _joined(one.get("given", [])),
        "prefix": prefix or None,
    }


def write_name(values: Values, kept: Dict | None) -> Dict:
    """`name` with the official name; further names of `kept` (maiden, old) stay."""
    made: Dict = {"use": "official"}
    if values["family"]:
        made["family"] = values["family"]
    if values["given"]:
        made["given"] = _split(values["given"])
    if values["prefix"]:
        made["prefix"] = _split(values["prefix"])
    if kept is None:
        return {"name": [made]} if len(made) > 1 else {}
    names = list(kept["name"])
    n = _entry(names)
    if n is None:
        return {"name": [made]}
    # Period and suffix stay; the written-out form and what belongs to single words of the old name do not.
    rest = {k: v for k, v in names[n].items() if k in ("use", "period", "suffix", "_suffix")}
    names[n] = {**made, **rest}
    return {"name": names}


def read_telecom(part: Dict) -> Values:
    """All contacts that say what they are and how they read."""
    systems = get_args(Contact.__annotations__["system"])
    found = [
        Contact(system=one["system"], value=one["value"], use=one.get("use"))
        for one in part.get("telecom", [])
        if one.get("value") and one.get("system") in systems
    ]
    return {"telecom": tuple(found)}


def write_telecom(values: Values, _kept: Dict | None) -> Dict:
    """`telecom`, in the order of the record."""
    made = [_present(system=c.system, value=c.value, use=c.use) for c in values["telecom"]]
    return {"telecom": made} if made else {}


def read_identifiers(part: Dict) -> Values:
    """All identifiers with a value."""
    found = []
    for one in part.get("identifier", []):
        if one.get("value"):
            coded = [c for c in one.get("type", {}).get("coding", []) if c.get("code")]
            found.append(
                Identifier(
                    value=one["value"],
                    system=one.get("system"),
                    use=one.get("use"),
                    type=_code(coded[0]) if coded else None,
                )
            )
    return {"identifiers": tuple(found)}


def write_identifiers(values: Values, _kept: Dict | None) -> Dict:
    """`identifier`, in the order of the record."""
    made = []
    for one in values["identifiers"]:
        kind = None if one.type is None else {"coding": [_coding(one.type)]}
        made.append(_present(use=one.use, type=kind, system=one.system, value=one.value))
    return {"identifier": made} if made else {}


def read_active(part: Dict) -> Values:
    """Active unless it says otherwise."""
    return {"active": part.get("active", True)}


def write_active(values: Values, _kept: Dict | None) -> Dict:
    """`active`, always said."""
    return {"active": values["active"]}


def read_gender(part: Dict) -> Values:
    """Administrative gender; absent and `unknown` both mean that nobody told, but only the second was said."""
    found = part.get("gender")
    return {"gender": found if found in get_args(Gender) else None}


def write_gender(values: Values, _kept: Dict | None) -> Dict:
    """`gender`; ISiKPatient asks for one, so nothing told is `unknown`."""
    return {"gender": values["gender"] or "unknown"}


def read_birth_date(part: Dict) -> Values:
    """Date of birth as text, perhaps partial."""
    return {"birth_date": part.get("birthDate")}


def write_birth_date(values: Values, _kept: Dict | None) -> Dict:
    """`birthDate`, or the extension that says it is not known."""
    if values["birth_date"] is None:
        return {"_birthDate": {"extension": [_ABSENT]}}
    return {"birthDate": values["birth_date"]}


def read_deceased(part: Dict) -> Values:
    """Day of death, or only that the person has died."""
    told = part.get("deceasedDateTime")
    if isinstance(told, str):
        whole = len(told) >= 10
        return {"deceased": date.fromisoformat(told[:10]) if whole else None, "deceased_undated": not whole}
    return {"deceased": None, "deceased_undated": part.get("deceasedBoolean") is True}


def write_deceased(values: Values, _kept: Dict | None) -> Dict:
    """`deceasedDateTime` or `deceasedBoolean`, or nothing for the living."""
    if values["deceased"] is not None:
        return {"deceasedDateTime": values["deceased"].isoformat()}
    return {"deceasedBoolean": True} if values["deceased_undated"] else {}


def read_address(part: Dict) -> Values:
    """Postal addresses; those of which we can say nothing are left out."""
    found = []
    for one in part.get("address", []):
        use = one.get("use")
        made = Address(
            use=use if use in ("home", "work", "temp", "old", "billing") else None,
            line=tuple(line for line in one.get("line", []) if line),
            city=one.get("city"),
            district=one.get("district"),
            state=one.get("state"),
            postal_code=one.get("postalCode"),
            country=one.get("country"),
        )
        if made != Address(use=made.use):
            found.append(made)
    return {"address": tuple(found)}


def write_address(values: Values, _kept: Dict | None) -> Dict:
    """`address`, in the order of the record."""
    made = [
        _present(
            use=one.use,
            line=[line for line in one.line if line] or None,
            city=one.city,
            district=one.district,
            state=one.state,
            postalCode=one.postal_code,
            country=one.country,
        )
        for one in values["address"]
    ]
    return {"address": [one for one in made if one]} if any(made) else {}


def read_language(part: Dict) -> Values:
    """The language the patient prefers, else the first named."""
    told = sorted(part.get("communication", []), key=lambda one: one.get("preferred") is not True)
    for one in told:
        for coding in one.get("language", {}).get("coding", []):
            if coding.get("system") == _LANGUAGES and coding.get("code"):
                return {"language": coding["code"]}
    return {"language": None}


def write_language(values: Values, _kept: Dict | None) -> Dict:
    """`communication` with the preferred language."""
    if values["language"] is None:
        return {}
    coding = {"system": _LANGUAGES, "code": values["language"]}
    return {"communication": [{"language": {"coding": [coding]}, "preferred": True}]}


def read_specialties(part: Dict) -> Values:
    """Codes of the qualifications."""
    found = [
        _code(coding)
        for one in part.get("qualification", [])
        for coding in one.get("code", {}).get("coding", [])
        if coding.get("code")
    ]
    return {"specialties": tuple(found)}


def write_specialties(values: Values, _kept: Dict | None) -> Dict:
    """`qualification`, one for each specialty."""
    made = [{"code": {"coding": [_coding(one)]}} for one in values["specialties"]]
    return {"qualification": made} if made else {}


def read_status(part: Dict) -> Values:
    """Suspended and inactive places are not active."""
    return {"active": part.get("status", "active") == "active"}


def write_status(values: Values, _kept: Dict | None) -> Dict:
    """`status`, always said."""
    return {"status": "active" if values["active"] else "inactive"}


def read_title(part: Dict) -> Values:
    """The name of a place or practice."""
    return {"name": part.get("name") or ""}


def write_title(values: Values, _kept: Dict | None) -> Dict:
    """`name`, if there is one."""
    return {"name": values["name"]} if values["name"] else {}


def read_kind(part: Dict) -> Values:
    """Chair, room or site, if it is one of them."""
    for coding in part.get("physicalType", {}).get("coding", []):
        for kind, ours in _KINDS.items():
            if (coding.get("system"), coding.get("code")) == (ours["system"], ours["code"]):
                return {"kind": kind}
    return {"kind": None}


def write_kind(values: Values, _kept: Dict | None) -> Dict:
    """`physicalType` with the code of HL7 where there is one."""
    return {} if values["kind"] is None else {"physicalType": {"coding": [_KINDS[values["kind"]]]}}


def read_part_of(part: Dict) -> Values:
    """The id in a reference to a Location of this server (`Location/x`)."""
    reference = part.get("partOf", {}).get("reference", "")
    return {"part_of": reference.removeprefix("Location/") if reference.startswith("Location/") else None}


def write_part_of(values: Values, _kept: Dict | None) -> Dict:
    """`partOf` as a reference."""
    return {} if values["part_of"] is None else {"partOf": {"reference": f"Location/{values['part_of']}"}}


def _code(coding: Dict) -> Code:
    return Code(code=coding["code"], system=coding.get("system"), display=coding.get("display"))


def _coding(code: Code) -> Dict:
    return _present(system=code.system, code=code.code, display=code.display)


def _present(**elements: Any) -> Dict:
    """Only what is there: FHIR knows neither null nor empty text."""
    return {name: value for name, value in elements.items() if value is not None and value != ""}
