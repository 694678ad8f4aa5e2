"""„Name: Muster, Erika“: lines with a label and a value, German and English, as forms and portals mail them. Pure.

A label that stands there twice with different values says nothing. Names are divided only where the message divides them:
„Erika Muster“ may be a family name first, so it stays whole and a person looks at it.
"""

import re
import unicodedata
from collections.abc import Mapping
from html import unescape

TEXT_MOST = 60_000
"""Letters of a text that are looked at."""
LINES_MOST = 2_000
_VALUE_MOST = 500
_LABELS = {
    "family": "nachname familienname zuname surname lastname familyname",
    "given": "vorname vornamen rufname firstname givenname forename",
    "name": "name patient patientin patientname namedespatienten vorundnachname vornamenachname fullname",
    "names": "namevorname nachnamevorname",
    "birth": "geburtsdatum geburtstag geborenam geboren geb gebdatum gebdat dateofbirth birthdate birthday dob",
    "phone": "telefon telefonnummer tel festnetz phone phonenumber telephone",
    "mobile": "handy handynummer mobil mobilnummer mobiltelefon mobile mobilenumber mobilephone cellphone cell",
    "email": "email emailadresse mail mailadresse emailaddress",
    "date": "datum termindatum tag date appointmentdate day",
    "time": "uhrzeit zeit terminzeit time appointmenttime start beginn",
    "moment": "termin wunschtermin terminwunsch zeitpunkt terminbeginn appointment datetime datumunduhrzeit datumuhrzeit "
    "dateandtime",
    "end": "ende terminende end endtime",
    "minutes": "dauer länge terminlänge duration length",
    "service": "terminart behandlung behandlungsart leistung besuchsgrund anliegen service appointmenttype treatment reason "
    "reasonforvisit",
    "calendar": "kalender behandler behandlerin arzt ärztin zahnarzt praktiker calendar practitioner doctor provider",
    "note": "bemerkung bemerkungen anmerkung nachricht kommentar mitteilung notiz message comment note notes remark",
    "number": "buchungsnummer buchungsnr buchungsid buchungscode reservierungsnummer terminnummer bookingnumber bookingid "
    "bookingreference referenz reference",
    "status": "status buchungsstatus",
    "head": "von from an to betreff subject gesendet sent cc antwortan replyto",
}  # fmt: skip
_FIELD = {label: name for name, labels in _LABELS.items() for label in labels.split()}
_LINE = re.compile(r"[\s*•·–-]{0,8}([^\W\d_][\w ,./()&-]{0,40}?)\s{0,4}(?:[:=]|\t)\s{0,8}(\S.*)?")
_BREAKS = re.compile(
    r"</?(?:p|div|br|tr|li|ul|ol|h[1-6]|table|dl|dt|section|article|header|footer)\b[^<>]{0,500}>", re.I
)
_CELLS = re.compile(r"</(?:td|th|dt)\s{0,9}>\s{0,99}<(?:td|th|dd)\b[^<>]{0,500}>", re.I)
_HIDDEN = re.compile(r"<(script|style|head|title)\b.*?(?:</\1\s{0,9}>|\Z)", re.I | re.S)
_TAG = re.compile(r"<[a-z/!?][^<>]{0,2000}>", re.I)
_NAME = re.compile(r"['’]?[^\W\d_][\w .'’()-]{0,99}")
_BORN = re.compile(
    r"\b(?:geboren\s+am|geb\.\s?(?:am)?|born\s+(?:on)?)\s{0,3}"
    r"(\d{1,2}\.\s?\d{1,2}\.\s?\d{4}|\d{4}-\d{2}-\d{2}|\d{1,2}\.?\s[a-zä]{3,9}\s\d{4})",
    re.I,
)


def clean(text: str, most: int = TEXT_MOST) -> str:
    """The text without what no database and no page should hold: control characters, half surrogates; cut off."""
    whole = text[:most].encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if one in "\n\t" or unicodedata.category(one) not in _BAD else " " for one in whole)


_BAD = ("Cc", "Cs", "Cf", "Co", "Cn")


def line(text: str, most: int = _VALUE_MOST) -> str:
    """One tidy line."""
    return " ".join(clean(text, most * 4).split())[:most]


def of_html(markup: str) -> str:
    """The words of a page, a line per paragraph or row of a table; the cells of a row divided by tabs."""
    shown = _HIDDEN.sub(" ", _without_comments(markup[: TEXT_MOST * 4]))
    flat = re.sub(r"[ \t\r\n]+", " ", shown)
    flat = _TAG.sub("", _BREAKS.sub("\n", _CELLS.sub("\t", flat)))
    return clean(unescape(flat).replace("\xa0", " "))


def _without_comments(markup: str) -> str:
    first, *rest = markup.split("<!--")
    return first + "".join(one.partition("-->")[2] for one in rest)


def labelled(text: str) -> dict[str, str]:
    """Value by field, for labels that say one thing only. See `_LABELS` for the fields."""
    found: dict[str, dict[str, str]] = {}
    lines = clean(text).split("\n")[:LINES_MOST]
    read = [_labelled(one) for one in lines]
    for number, one in enumerate(read):
        if one is None:
            continue
        field, value = one
        if not value:  # the value may stand on the line below
            below = lines[number + 1] if number + 1 < len(lines) else ""
            value = "" if _LINE.fullmatch(below.strip()) else line(below)
        if field in ("date", "time") and _in_head(read, number):
            continue  # the head of a forwarded mail, not a wish
        if value and field != "head":
            found.setdefault(field, {})[value.casefold()] = value
    return {field: next(iter(values.values())) for field, values in found.items() if len(values) == 1}


def _labelled(text: str) -> tuple[str, str] | None:
    match = _LINE.fullmatch(text[: _VALUE_MOST * 2].rstrip())
    if match is None:
        return None
    field = _FIELD.get(re.sub(r"[\W_]", "", match[1].casefold()))
    return None if field is None else (field, line(match[2] or ""))


def _in_head(read: list[tuple[str, str] | None], number: int) -> bool:
    near = read[max(0, number - 4) : number + 5]
    return any(one is not None and one[0] == "head" for one in near)


def names(said: Mapping[str, str]) -> tuple[str, str]:
    """(family, given) as far as the message divides them; a name nobody divided stands whole in the first."""
    family, given = said.get("family", ""), said.get("given", "")
    whole = said.get("name", "")
    if "names" in said and not family and not given:
        first, second = said["names"].split(",", 1) if "," in said["names"] else ("", "")
        family, given = first, second
    elif whole and not family:
        if given and "," not in whole:
            family = _without(whole, given)
        elif whole.count(",") == 1:
            family, behind = whole.split(",")
            given = given or behind
        else:
            family = whole
    family, given = line(family, 100), line(given, 100)
    return (family if _NAME.fullmatch(family) else "", given if _NAME.fullmatch(given) else "")


def _without(whole: str, given: str) -> str:
    """`Erika Muster` without `Erika`, whichever comes first."""
    low, part = whole.casefold(), given.casefold()
    if low.startswith(part + " "):
        return whole[len(given) :]
    return whole[: -len(given)] if low.endswith(" " + part) else whole


def born(text: str) -> str:
    """The one date that the text itself calls a day of birth („geb. am 12.03.1980“), as it is written; else empty."""
    found = {match[1] for match in _BORN.finditer(text[:TEXT_MOST])}
    return found.pop() if len(found) == 1 else ""
