"""People from the file of another program: who is it, what changes, and the way back.

As for a booking portal nobody is guessed (SPEC 1.12): certain, new, or a question for a person. On top of that stands
the number by which the old program knew the person: it leads to its record only where name and day of birth do not
speak against it. A look at a whole file before anything is written sees its own people too (`Sight`).
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.resource import changed_fields
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient
from praxisd.services.directory import claims, imports, merge_store, person_store, rules, store, taking_fields
from praxisd.services.directory.matching import NAME_SIMILAR, SOURCE_DIFFERS, Candidate, Likeness, match
from praxisd.services.directory.taking_fields import Action

Keys = frozenset[tuple[str, str]]
Refs = tuple[tuple[str, str], ...]
_OWN = frozenset({"directory_contact", "directory_match"})
_decoder = msgspec.json.Decoder(Patient)


class Verdict(NamedTuple):
    """What becomes of a person told of. `patient` is whom it is (None: a new one), `after` the record as it would be.

    `doubts` are (patient, reason) that a person will have to decide. `strange`: the number led to somebody else and was not
    believed.
    """

    action: Action
    patient: str | None
    after: Patient
    filled: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    strange: bool = False


class Took(NamedTuple):
    """A written verdict: the patient, its version now, and its document before (None: it is new)."""

    patient: str
    version: int
    before: str | None


class Sight:
    """The people of a file that is only looked at, found as the store would find them. Ids are `#<number>`."""

    def __init__(self) -> None:
        self._docs: dict[str, bytes] = {}
        self._likeness: dict[str, Likeness] = {}
        self._names: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._births: dict[str, list[str]] = defaultdict(list)
        self._contacts: dict[tuple[str, str], list[str]] = defaultdict(list)

    def get(self, id_: str) -> Patient | None:
        """The person as the file told so far, over what is stored."""
        doc = self._docs.get(id_)
        return None if doc is None else _decoder.decode(doc)

    def put(self, id_: str, person: Patient, keys: Keys) -> None:
        """Note a person, new or changed."""
        self._docs[id_] = msgspec.json.encode(person)
        if id_ in self._likeness:
            return
        told = _likeness(person, keys)
        self._likeness[id_] = told
        self._names[told.family, told.given].append(id_)
        if told.birth_date is not None:
            self._births[told.birth_date].append(id_)
        for key in told.contacts:
            self._contacts[key].append(id_)

    def like(self, told: Likeness) -> list[Candidate]:
        """Those who share the whole name, the day of birth, or a contact."""
        found = {
            *self._names.get((told.family, told.given), ()),
            *self._births.get(told.birth_date or "", ()),
        }
        for key in told.contacts:
            found.update(self._contacts.get(key, ()))
        people = [
            (one, self._likeness[one], _decoder.decode(self._docs[one]).bookable) for one in sorted(found)
        ]
        return [Candidate(*one) for one in people]


class Taker:
    """Judges and writes people in one open transaction. `leads`: fields in which the file leads."""

    def __init__(self, tx: Tx, leads: frozenset[str] = frozenset(), sight: Sight | None = None) -> None:
        practice = claims.organization(tx)
        self._tx, self._leads, self._sight = tx, leads, sight
        self._country, self._today = practice.country, local_date(tx.now, zone(practice.zone))

    def keys(self, person: Patient) -> Keys:
        """Comparable numbers and addresses of a person."""
        return rules.contact_keys(person.telecom, self._country)

    def judge(self, person: Patient, known: str | None, numbered: Callable[[str], bool]) -> Verdict:
        """Who it is. `known`: whom the old program's number leads to. `numbered(patient)`: whether that one goes by another
        number of the same program already: two numbers are two people until somebody says otherwise.

        Raises `directory.patient_incomplete`, `birth_date_invalid`, `text_invalid`, `code_invalid` (all 422).
        """
        rules.check_patient(person, self._today, whole=False)
        keys = self.keys(person)
        strange = False
        asked: tuple[tuple[str, str], ...] = ()
        if known is not None:
            one = self._now(known)
            if taking_fields.same_one(one, person):
                return self._changed(one, person)
            strange = True
            if taking_fields.same_family(one, person):  # called by another name, or a twin
                asked = ((one.id, NAME_SIMILAR),)
        told = _likeness(person, keys)
        if self._sight is None:
            person_store.hold_birthday(self._tx, person.birth_date)
        candidates = claims.candidates(self._tx, told)
        if self._sight is not None:
            candidates = [*candidates, *self._sight.like(told)]
        found = match(told, candidates)
        doubts = found.possible
        if found.certain is not None:
            if not strange and not numbered(found.certain):
                return self._changed(self._now(found.certain), person)
            doubts = ((found.certain, SOURCE_DIFFERS),)
        doubts += tuple(one for one in asked if one[0] not in dict(doubts))
        after = msgspec.structs.replace(person, unconfirmed=bool(doubts))
        return Verdict("doubt" if doubts else "new", None, after, doubts=doubts, strange=strange)

    def _now(self, id_: str) -> Patient:
        seen = None if self._sight is None else self._sight.get(id_)
        return seen or claims.follow(self._tx, id_)

    def _changed(self, known: Patient, person: Patient) -> Verdict:
        done = taking_fields.change(known, person, self._leads, self._country)
        action: Action = "doubt" if done.differs else "merged" if done.filled else "same"
        return Verdict(action, known.id, done.after, done.filled, done.differs)

    def write(self, verdict: Verdict) -> Took:
        """Write a verdict of this very transaction. Raises `seats.locked` (423) where a seat edits that record."""
        tx = self._tx
        if verdict.patient is None:
            made, _ = imports.with_id(tx, verdict.after)
            id_ = claims.add(tx, made, self.keys(made), verdict.doubts)
            return Took(id_, 1, None)
        before = store.patients.need(tx, verdict.patient)
        if not verdict.filled:
            return Took(before.id, before.version, None)
        rules.check_patient(verdict.after, self._today, whole=False)
        saved = store.patients.save(tx, verdict.after, before.version)
        if "telecom" in verdict.filled:
            person_store.put_contacts(tx, saved.id, saved.id, self.keys(saved))
        events.note(tx, "patient.changed", "Patient", saved.id, version=saved.version, fields=verdict.filled)
        return Took(saved.id, saved.version, msgspec.json.encode(_Kept(before, saved)).decode())


class _Kept(msgspec.Struct, frozen=True):
    """A record before and after the take-over changed it."""

    before: Patient
    after: Patient


Back = Literal["back", "changed", "used", "gone"]


def take_back(
    tx: Tx,
    refs: Refs,
    id_: str,
    version: int,
    before: str | None,
    own: frozenset[str],
    *,
    anyway: bool = False,
) -> tuple[Back, int]:
    """Undo what a take-over wrote about a person, and the version it has now (0: no row any more).

    A person it brought is taken out, a changed one gets its fields of before under a next version (an ETag never comes
    back). `changed`: somebody has changed the record since; `used`: other records name it (appointments, messages). With
    `anyway` both are done all the same as far as nothing is lost: fields that still hold what the file said go back; a
    person others name is made inactive and stays readable. `own` are tables whose rows about it go with the take-over.
    """
    now = store.patients.get(tx, id_)
    if now is None:
        return "gone", 0
    if now.merged_into is not None:
        return "changed", now.version
    if before is not None:
        return _back_to(tx, now, version, msgspec.json.decode(before, type=_Kept), anyway)
    if now.version != version and not anyway:
        return "changed", now.version
    if _used(tx, refs, id_, own):
        if not anyway:
            return "used", now.version
        off = store.patients.save(tx, msgspec.structs.replace(now, active=False))
        events.note(tx, "patient.changed", "Patient", id_, version=off.version, fields=("active",))
        return "back", off.version
    person_store.put_contacts(tx, id_, id_, ())
    merge_store.drop_matches(tx, id_)
    store.patients.delete(tx, id_, now.version)
    events.note(tx, "patient.removed", "Patient", id_, version=now.version)
    return "back", 0


def _back_to(tx: Tx, now: Patient, version: int, kept: _Kept, anyway: bool) -> tuple[Back, int]:
    touched = now.version != version
    if touched and not anyway:
        return "changed", now.version
    names = [
        one
        for one in changed_fields(kept.before, kept.after)
        if getattr(now, one) == getattr(kept.after, one)
    ]
    if touched and not names:
        return "back", now.version
    saved = store.patients.save(
        tx, msgspec.structs.replace(now, **{one: getattr(kept.before, one) for one in names})
    )
    keys = rules.contact_keys(saved.telecom, claims.organization(tx).country)
    person_store.put_contacts(tx, saved.id, saved.id, keys)
    events.note(tx, "patient.changed", "Patient", saved.id, version=saved.version, fields=names)
    return "back", saved.version


def _used(tx: Tx, refs: Refs, id_: str, own: frozenset[str]) -> bool:
    """True if anybody's row names the patient, but those that go with it. A question somebody new raised about it counts, and
    a record that was merged into it."""
    if merge_store.is_candidate(tx, id_) or merge_store.goes_on_for(tx, id_):
        return True
    others = [(table, column) for table, column in refs if table not in _OWN and table not in own]
    return any(merge_store.names(tx, table, column, id_) for table, column in others)


def _likeness(person: Patient, keys: Keys) -> Likeness:
    return Likeness(rules.name_key(person.family), rules.given_key(person.given), person.birth_date, keys)
