"""Treatments on the FHIR door: EpisodeOfCare (FHIR R4). `docs/*/fhir.md` says what stands for what.

A mandator is no FHIR Organization of its own: `managingOrganization` names it by identifier (a logical reference, FHIR
R4 references.html § logical), for the accounting unit is a part of the practice that only the practice knows.
"""

from datetime import date, tzinfo
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import valid_id
from praxisd.kernel.service import Call, FhirAnswer, FhirPage, FhirResource, SearchParam
from praxisd.kernel.store import Tx
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_matching import matches
from praxisd.model.fhir_search import SearchQuery
from praxisd.model.fhir_search_values import Ref, Token, parse_reference
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_times import is_date, is_instant, parse_instant
from praxisd.model.people import MASK, Treatment, treatment_status
from praxisd.services.directory import claims, finding, store, treatment_store, treatments
from praxisd.services.directory.fhir_shapes import IMPORTED_ID
from praxisd.services.directory.treatment_store import Mark

MANDATOR = "https://praxisd.org/fhir/sid/mandator"
"""Naming system of our ids of mandators."""
PAGE, LARGEST_PAGE = 50, 200
_READ, _WRITE = "directory.treatment.read", "directory.treatment.write"
_OPEN = frozenset({"_id", "status", "date"})
"""What a masked actor may search by."""
_OURS = frozenset({"resourceType", "id", "meta"})
_PAUSED = frozenset({"onhold", "waitlist"})
"""States of FHIR that the dates do not tell: kept as they came, until the treatment is over."""
Dict = dict[str, Any]


class Told(NamedTuple):
    """What an EpisodeOfCare says, in our fields."""

    patient: str
    mandator: str
    opened: date
    closed: date | None
    extra: str | UnsetType


def read(tx: Tx, resource: Dict, base: str = "") -> Told:
    """The fields of a checked resource; `base` is the address of our FHIR door.

    Raises (422) `directory.treatment_status` for an episode that never was, `directory.treatment_incomplete` where a
    whole date is missing, `directory.patient_unknown`, `directory.mandator_unknown` and `directory.mandator_missing`.
    """
    status = resource["status"]
    if status in ("cancelled", "entered-in-error"):
        raise Problem("directory.treatment_status", 422, state=status)
    here = zone(claims.organization(tx).zone)
    opened, closed = _days(resource.get("period", {}), here)
    if opened is None or (closed is None and status == "finished"):
        element = "EpisodeOfCare.period." + ("start" if opened is None else "end")
        raise Problem("directory.treatment_incomplete", 422, element=element)
    patient = _patient(resource.get("patient"), base)
    if patient is None:
        raise Problem("directory.patient_unknown", 422)
    mandator = mandator_of(tx, resource.get("managingOrganization"), base)
    extra = {k: v for k, v in resource.items() if k not in _OURS}
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    if meta:
        extra["meta"] = meta
    if status not in _PAUSED:
        extra.pop("status")
    plain = {"patient": _reference(patient), "period": _period(opened, closed)}
    for name, value in plain.items():
        if extra.get(name) == value:
            del extra[name]
    named = resource.get("managingOrganization", {}).get("identifier", {})
    if named.get("system") == MANDATOR:
        extra.pop("managingOrganization", None)
    return Told(patient, mandator, opened, closed, dump_json(extra).decode() if extra else UNSET)


def mandator_of(tx: Tx, element: Dict | None, base: str = "") -> str:
    """The mandator that a `managingOrganization` names: by our id, by its licence number, or (the practice itself, or
    nothing) the default one. Licence numbers of an Organization that is known here count too. Never guessed: 422."""
    if element is None:
        return treatments.default_mandator(tx)
    numbers = [element["identifier"]] if "identifier" in element else []
    ref = parse_reference(str(element.get("reference", "")), base, ("Organization",))
    if ref is not None and ref.type == "Organization" and ref.id is not None:
        if ref.id == tx.organization and not numbers:
            return treatments.default_mandator(tx)
        known = store.organizations.get(tx, ref.id)
        numbers += (
            [] if known is None else [{"system": i.system, "value": i.value} for i in known.identifiers]
        )
    values = {one.get("value") for one in numbers if one.get("system") != MANDATOR}
    ours = {one.get("value") for one in numbers if one.get("system") == MANDATOR}
    mandators = store.mandators.all(tx)
    found = [one.id for one in mandators if one.id in ours] or [
        one.id for one in mandators if one.licence_number and one.licence_number in values
    ]
    if len(found) != 1:
        raise Problem("directory.mandator_unknown", 422)
    return found[0]


def _patient(element: Dict | None, base: str) -> str | None:
    ref = parse_reference(str((element or {}).get("reference", "")), base, ("Patient",))
    return ref.id if ref is not None and ref.type == "Patient" else None


def _reference(patient: str) -> Dict:
    return {"reference": f"Patient/{patient}"}


def _period(opened: date, closed: date | None) -> Dict:
    return {"start": opened.isoformat()} | ({} if closed is None else {"end": closed.isoformat()})


def _days(period: Dict, here: tzinfo) -> tuple[date | None, date | None]:
    """Whole days in the practice's zone; a year or a month alone is none."""
    start, end = (_day(period.get(name), here) for name in ("start", "end"))
    return start, end


def _day(text: str | None, here: tzinfo) -> date | None:
    if text is None:
        return None
    if is_instant(text):
        return local_date(parse_instant(text), here)
    return date.fromisoformat(text) if is_date(text) and len(text) == len("2026-11-27") else None


class Sight:
    """Shows treatments in one transaction: what is the same for all of them is read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._today = treatments.today(tx)
        self._names = {one.id: one.name for one in store.mandators.all(tx)}
        self.zone = zone(claims.organization(tx).zone)

    def shown(self, one: Treatment) -> Dict:
        """The treatment as resource; for a masked actor without patient and without what else came along."""
        extra: Dict = load_json(one.extra) if one.extra is not UNSET and not self._tx.actor.masked else {}
        kept = {
            name: extra.pop(name, None) for name in ("status", "patient", "managingOrganization", "period")
        }
        status: str = treatment_status(one, self._today)
        if status != "finished" and kept["status"] in _PAUSED:
            status = kept["status"]
        period = kept["period"]
        if period is None or _days(period, self.zone) != (one.opened, one.closed):
            period = _period(one.opened, one.closed)
        if self._tx.actor.masked:
            patient: Dict = {"display": MASK}
        elif _patient(kept["patient"], "") == one.patient:
            patient = kept["patient"]
        else:
            patient = _reference(one.patient)
        return {
            "resourceType": "EpisodeOfCare",
            "id": one.id,
            "meta": {"versionId": str(one.version), **extra.pop("meta", {})},
            **extra,
            "status": status,
            "patient": patient,
            "managingOrganization": self._unit(one, kept["managingOrganization"]),
            "period": period,
        }

    def _unit(self, one: Treatment, kept: Dict | None) -> Dict:
        if kept is not None:
            try:
                if mandator_of(self._tx, kept) == one.mandator:
                    return kept
            except Problem:
                pass  # what it was called then is unknown now; our own id never is
        name = self._names.get(one.mandator)
        made = {"type": "Organization", "identifier": {"system": MANDATOR, "value": one.mandator}}
        return {**made, "display": name} if name else made


def read_episode(call: Call, id_: str) -> Dict:
    """One treatment."""
    with call.read() as tx:
        return Sight(tx).shown(store.treatments.need(tx, id_))


def search_episodes(call: Call, query: SearchQuery) -> FhirPage:
    """Treatments that meet all conditions, the one opened last first; the total where the database can count."""
    size = min(PAGE if query.count is None else query.count, LARGEST_PAGE)
    with call.read() as tx:
        finding.refuse_masked(tx, any(p.name not in _OPEN for p in query.params))
        if any(p.chain is not None for p in query.params):
            raise FhirError("fhir.search_value", "patient", "chains are not supported here")
        sight = Sight(tx)
        conditions, whole = _narrow(query)
        total = store.treatments.count(tx, *conditions) if whole else None
        if not size:
            return FhirPage([], total, None)
        found, following = treatment_store.scan(
            tx,
            conditions,
            lambda one: whole or matches(sight.shown(one), query, sight.zone, base=call.base_url),
            Mark.read(query.cursor),
            size,
        )
        return FhirPage([sight.shown(one) for one in found], total, following)


def _narrow(query: SearchQuery) -> tuple[list[Any], bool]:
    """(conditions for the database that leave at least all hits, whether they leave nothing else)."""
    conditions: list[Any] = []
    for param in query.params:
        plain = param.missing is None and param.modifier is None
        if plain and param.name == "patient":
            refs = [v for v in param.values if isinstance(v, Ref) and v.type in (None, "Patient") and v.id]
            conditions.append(treatment_store.of_patients([str(ref.id) for ref in refs]))
        elif plain and param.name == "_id":
            ids = [v.code for v in param.values if isinstance(v, Token) and v.code and not v.system]
            conditions.append(treatment_store.among(ids))
    return conditions, len(conditions) == len(query.params)


def create_episode(call: Call, resource: Dict) -> FhirAnswer:
    """A new treatment: 201."""
    tx = call.writing
    made = treatments.enter(tx, Treatment(**read(tx, resource, call.base_url)._asdict()))
    return FhirAnswer(201, Sight(tx).shown(made), made.version)


def update_episode(call: Call, id_: str, resource: Dict) -> FhirAnswer:
    """What its author says of a treatment now; only one that there is."""
    tx = call.writing
    store.treatments.need(tx, id_)
    if tx.actor.masked:  # what a masked caller read is not the record
        raise Problem("access.forbidden", 403, permission=_WRITE)
    fields = read(tx, resource, call.base_url)._asdict()
    saved = treatments.change(tx, id_, fields, call.if_match, call.fence)
    return FhirAnswer(200, Sight(tx).shown(saved), saved.version)


class Brought(NamedTuple):
    """What became of an imported treatment: its id here, created, updated or unchanged, whether its own id was taken."""

    id: str
    outcome: str
    replaced: bool = False


def import_treatment(tx: Tx, resource: Dict) -> Brought:
    """Store an EpisodeOfCare resource (already validated, references turned). The same again changes nothing; what it
    says differently now is changed here too. Refusals: see `read`, and `treatments.check`."""
    told = read(tx, resource)
    id_ = resource.get("id", "")
    fits = valid_id(id_) and id_ != "search" and not store.treatments.id_taken(tx, id_)
    here = None if fits else id_ if store.treatments.get(tx, id_) is not None else _earlier(tx, id_)
    if here != id_ and not fits:
        told = told._replace(extra=_noting(told.extra, id_))
    if here is None:
        made = treatments.enter(tx, Treatment(id=id_ if fits else "", **told._asdict()))
        return Brought(made.id, "created", made.id != id_)
    before = store.treatments.need(tx, here)
    after = treatments.change(tx, here, told._asdict())
    return Brought(here, "unchanged" if after == before else "updated")


def _earlier(tx: Tx, id_: str) -> str | None:
    """The treatment that came with this id before and could not keep it."""
    return treatment_store.earlier(tx, IMPORTED_ID, id_)


def _noting(extra: str | UnsetType, id_: str) -> str:
    kept = {} if isinstance(extra, UnsetType) else load_json(extra)
    kept["identifier"] = [*kept.get("identifier", []), {"system": IMPORTED_ID, "value": id_}]
    return dump_json(kept).decode()


_PLACE = "http://hl7.org/fhir/SearchParameter"
EPISODE = FhirResource(
    type="EpisodeOfCare",
    read=read_episode,
    search=search_episodes,
    read_permission=_READ,
    params=(
        SearchParam("_id", "token", f"{_PLACE}/Resource-id"),
        SearchParam("patient", "reference", f"{_PLACE}/clinical-patient", ("Patient",)),
        SearchParam("status", "token", f"{_PLACE}/EpisodeOfCare-status"),
        SearchParam("date", "date", f"{_PLACE}/clinical-date"),
        SearchParam("identifier", "token", f"{_PLACE}/clinical-identifier"),
    ),
    includes=("EpisodeOfCare:patient",),
    create=create_episode,
    create_permission=_WRITE,
    update=update_episode,
    update_permission=_WRITE,
)
