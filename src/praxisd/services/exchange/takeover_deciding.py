"""What becomes of one record of a file: decided by the same rules when a file is looked at and when it is taken over.

`Memory` is what a file's first reading remembers of it: which numbers are damaged, and how many records there are. While
a file is only looked at, `Seen` adds its own people to those who are stored.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.exchange import (
    Kind,
    Taken,
    TakenAppointment,
    TakenMedication,
    TakenPatient,
    TakenRisk,
    TakenTreatment,
    patient_of,
)
from praxisd.model.people import Patient, Treatment
from praxisd.model.statement import StatementStatus
from praxisd.services.directory import api as directory
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.format import Found
from praxisd.services.medication import api as medication

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class Memory:
    """Numbers of a whole file, learned record by record in a first reading."""

    def __init__(self, flaws: dict[str, str] | None = None, doubtful: frozenset[str] = frozenset()) -> None:
        self.flaws: dict[str, str] = dict(flaws or {})
        self.doubtful = doubtful
        """Numbers that earlier files of the same program gave to several people, or damaged."""
        self.people = self.rest = 0
        self._first: dict[str, tuple[str, str, str | None]] = {}
        self._bare: dict[str, str] = {}

    def learn(self, told: Taken) -> None:
        """Take note of a record."""
        if not isinstance(told, TakenPatient):
            self.rest += 1
            return
        self.people += 1
        number = told.source_id
        if number is None:
            return
        how = rules.flaw(number)
        if how:
            self.flaws[number] = how
        who = (told.family, told.given, told.birth_date)
        first = self._first.setdefault(number, who)
        if first != who and not directory.same_one(_person(*first), _person(*who)):
            self.flaws[number] = rules.COLLISION
        other = self._bare.setdefault(rules.bare(number), number)
        if other != number:
            self.flaws.setdefault(number, rules.ZEROS)
            self.flaws.setdefault(other, rules.ZEROS)

    def bare_known(self, number: str) -> bool:
        """True if the file has the number with other zeros before it."""
        return self._bare.get(rules.bare(number), number) != number


def _person(family: str, given: str, birth_date: str | None) -> Patient:
    return Patient(family=family, given=given, birth_date=birth_date)


class Seen:
    """The people of a file that is only looked at."""

    def __init__(self) -> None:
        self.sight = directory.Sight()
        self.ids: dict[str, str] = {}
        self.numbers: dict[str, set[str]] = {}


class Outcome(NamedTuple):
    """What became of a record, as it stands in `exchange_item`. `verdict` is what `write` needs for a person."""

    action: str
    code: str = ""
    flaw: str = ""
    fields: tuple[str, ...] = ()
    target: str | None = None
    patient: str | None = None
    version: int = 0
    before: str | None = None
    verdict: directory.Verdict | None = None


class Decider:
    """Decides about records, and writes what it decided, in one transaction."""

    def __init__(
        self, house: "House", tx: Tx, row: Any, settings: rules.Settings, memory: Memory, seen: Seen | None
    ) -> None:
        self._house, self._tx, self._id = house, tx, row.id
        self._keep_ids = row.format.startswith("fhir")
        self._origin = settings.origin
        self._memory, self._seen = memory, seen
        self._taker = directory.Taker(tx, frozenset(settings.leads), None if seen is None else seen.sight)

    def deal(self, found: Found) -> Outcome:
        """Decide about a record, and write it unless the file is only looked at."""
        try:
            rules.check_number(patient_of(found.claim))
            if isinstance(found.claim, TakenPatient):
                return self._person(found, found.claim)
            return self._about(found)
        except Problem as problem:
            if problem.status >= 500:
                raise
            return Outcome("refused", problem.code, self._flaw(found))

    def _flaw(self, found: Found) -> str:
        return self._memory.flaws.get(found.source_id or "", "") if found.kind == "patient" else ""

    # --- people --------------------------------------------------------------------------------------------------

    def _person(self, found: Found, told: TakenPatient) -> Outcome:
        person = rules.person(told, self._origin, keep_id=self._keep_ids)
        number, flaw = told.source_id, self._flaw(found)
        sound = number if number and not flaw else None
        verdict = self._taker.judge(
            person, None if sound is None else self._linked(sound), lambda one: self._numbered(one, sound)
        )
        if verdict.strange:
            flaw, sound = rules.STRANGE, None
            self._memory.flaws[number or ""] = flaw  # what is about it is not the one's whom it leads to
        code = rules.DOUBT_PERSON if verdict.doubts else rules.DOUBT_VALUES if verdict.differs else ""
        fields = verdict.filled if verdict.patient is not None else ()
        out = Outcome(verdict.action, code, flaw, (*fields, *(f"!{one}" for one in verdict.differs)))
        if self._seen is not None:
            return self._look(found, verdict, sound, out)
        took = self._taker.write(verdict)
        if sound is not None:
            store.link(
                self._tx,
                origin=self._origin,
                source_id=sound,
                patient=took.patient,
                takeover=self._id,
                no=found.no,
            )
        wrote = took.before is not None or verdict.patient is None
        return out._replace(
            target=took.patient,
            patient=took.patient,
            version=took.version if wrote else 0,
            before=took.before,
        )

    def _look(self, found: Found, verdict: directory.Verdict, number: str | None, out: Outcome) -> Outcome:
        seen = self._seen
        if seen is None:
            raise RuntimeError("nothing is looked at")
        id_ = verdict.patient or f"#{found.no}"
        after = msgspec.structs.replace(verdict.after, id=id_)
        if verdict.patient is None or verdict.filled:
            seen.sight.put(id_, after, self._taker.keys(after))
        if number is not None:
            seen.ids.setdefault(number, id_)
            seen.numbers.setdefault(id_, set()).add(number)
        known = None if id_.startswith("#") else id_
        return out._replace(target=known, patient=known)

    def _linked(self, number: str) -> str | None:
        seen = None if self._seen is None else self._seen.ids.get(number)
        return seen or store.linked(self._tx, self._origin, number)

    def _numbered(self, patient: str, number: str | None) -> bool:
        """True if the patient goes by another number of this program."""
        if number is None:
            return False
        numbers = store.numbers_of(self._tx, self._origin, patient)
        if self._seen is not None:
            numbers |= self._seen.numbers.get(patient, set())
        return bool(numbers - {number})

    # --- what is about them --------------------------------------------------------------------------------------

    def _about(self, found: Found) -> Outcome:
        told = found.claim
        if isinstance(told, TakenPatient):
            raise TypeError("a person is about nobody")
        number = told.patient
        if number in self._memory.flaws or number in self._memory.doubtful or rules.flaw(number):
            return Outcome("refused", rules.PATIENT_AMBIGUOUS)
        patient = self._linked(number)
        if patient is None:
            return Outcome(
                "refused", rules.PATIENT_ZEROS if self._memory.bare_known(number) else rules.PATIENT_UNKNOWN
            )
        if isinstance(told, TakenAppointment):
            return Outcome("refused", rules.NO_PLACE)
        if self._seen is not None:
            return self._look_about(told, patient)
        done = _write(self._house, self._tx, told, patient)
        if done is None:
            return Outcome("same", patient=patient)
        return Outcome("new", target=done[0], patient=patient, version=done[1])

    def _look_about(self, told: Taken, patient: str) -> Outcome:
        if isinstance(told, TakenTreatment):
            if not directory.mandator_fits(self._tx, told.mandator):
                return Outcome("refused", "directory.mandator_unknown")
            if told.closed is not None and told.closed < told.opened:
                return Outcome("refused", "directory.treatment_reversed")
        known = None if patient.startswith("#") else patient
        if known is not None and _there(self._tx, told, known):
            return Outcome("same", patient=known)
        return Outcome("new", patient=known)


def _write(house: "House", tx: Tx, told: Taken, patient: str) -> tuple[str, int] | None:
    """(id, version) of what was stored, None where the very same is there."""
    if isinstance(told, TakenTreatment):
        one = Treatment(patient=patient, mandator="", opened=told.opened, closed=told.closed, note=told.note)
        made, fresh = directory.take_treatment(tx, one, told.mandator)
        return (made.id, made.version) if fresh else None
    if isinstance(told, TakenMedication):
        return medication.take_statement(
            house, tx, patient=patient, text=told.text, pzn=told.pzn, atc=told.atc, dosage=told.dosage,
            since=told.since, until=told.until, status=_status(told.status), note=told.note,
        )  # fmt: skip
    if isinstance(told, TakenRisk):
        return medication.take_risk(
            house, tx, patient=patient, text=told.text, since=told.since, note=told.note
        )
    raise TypeError(type(told).__name__)


def _status(text: str) -> Any:
    return text if text in STATUSES else "unknown"


STATUSES = frozenset(get_args(StatementStatus))


def _there(tx: Tx, told: Taken, patient: str) -> bool:
    """True if the same treatment, medicine or risk is known already; a look that says `new` of it would mislead."""
    if isinstance(told, TakenTreatment):
        return directory.has_treatment(tx, patient, told.mandator, told.opened)
    if isinstance(told, TakenMedication):
        return medication.has_statement(
            tx, patient=patient, text=told.text, pzn=told.pzn, dosage=told.dosage, since=told.since, until=told.until
        )  # fmt: skip
    if isinstance(told, TakenRisk):
        return medication.has_risk(tx, patient=patient, text=told.text)
    return False


def take_back(house: "House", tx: Tx, one: Any, *, anyway: bool) -> tuple[str, int]:
    """Undo an item: (`back`, `changed`, `used`, `gone` or `off`, version its record has now). `off`: others name the person, who
    stays readable and is inactive."""
    kind: Kind = one.kind
    if kind == "patient":
        if one.before is None and one.version == 0:
            return "back", 0
        refs = tuple(house.registry.patient_refs)
        how, version = directory.take_back(
            tx, refs, one.target, one.version, one.before, store.OWN, anyway=anyway
        )
        return ("off" if how == "back" and version and one.before is None else how), version
    if kind == "treatment":
        gone = directory.take_back_treatment(tx, one.target, one.version)
    else:
        gone = medication.take_back(
            tx, "MedicationStatement" if kind == "medication" else "Risk", one.target, one.version
        )
    if not gone and anyway:
        return "kept", 0
    return ("back" if gone else "changed"), 0
