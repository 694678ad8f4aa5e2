"""Finding patients: for the practice among its records, for a portal among what it said itself."""

from typing import Any

from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient, mask_patient
from praxisd.services.directory import person_store, rules, store

Spellings = tuple[str, ...]


def read(tx: Tx, id_: str) -> Patient:
    """The patient as this actor may see it: masked, or a portal's own statement under its alias. 404 otherwise."""
    if tx.actor.portal is not None:
        said = person_store.statement(tx, tx.actor.portal, id_)
        if said is None:
            raise not_found("Patient")
        return said[0]
    found = store.patients.need(tx, id_)
    return mask_patient(found) if tx.actor.masked else found


def frame(tx: Tx) -> tuple[Any, list[Any]]:
    """The table this actor searches, and the conditions that keep it to what it may see."""
    if tx.actor.portal is not None:
        return store.STATEMENT, [person_store.of_portal(tx.actor.portal)]
    return store.PATIENT, []


def refuse_masked(tx: Tx, asks: bool) -> None:
    """Refuse (`directory.search_masked`, 403) a search by what the actor may not see: hits would tell what the mask hides."""
    if tx.actor.masked and asks:
        raise Problem("directory.search_masked", 403)


def spellings(text: str) -> list[Spellings]:
    """For each word of a name the ways it may stand in the index."""
    spelt, bare = rules.name_tokens(text), rules.name_tokens(text, bare=True)
    return [tuple(dict.fromkeys(pair)) for pair in zip(spelt, bare, strict=True)]


def search(
    tx: Tx,
    *,
    family: str | None,
    given: str | None,
    text: str | None,
    birth_date: str | None,
    phone: str | None,
    email: str | None,
    after: str | None,
    limit: int,
) -> tuple[list[Patient], str | None]:
    """Patients whose names begin like this, in id order, and the cursor of the next page.

    `text` looks in all names, `birth_date` may be partial, phone and e-mail must be equal in comparable form (one that
    is no number or address finds nothing).
    """
    refuse_masked(tx, any((family, given, text, birth_date, phone, email)))
    table, conditions = frame(tx)
    words = [one for name in (family, given, text) if name for one in spellings(name)]
    conditions += person_store.narrow(table, words=words, birth_date=birth_date)
    if phone or email:
        conditions.append(person_store.among(table, _having(tx, phone, email)))

    def fits(patient: Patient) -> bool:
        names = f"{patient.family} {patient.given} {patient.prefix or ''}"
        own = _begins(patient.family, family) and _begins(patient.given, given)
        return own and _symbols_fit(names, text)

    found, cursor = person_store.scan(tx, table, conditions, fits, after, limit)
    return [mask_patient(one) if tx.actor.masked else one for one in found], cursor


def conditions(tx: Tx, text: str) -> list[Any]:
    """Conditions on the practice's patients for what was typed into one field (`rules.understand`): all of it must fit.

    Problem `directory.search_masked` (403) for masked actors.
    """
    refuse_masked(tx, True)
    asked = rules.understand(text)
    words = spellings(asked.words)
    if asked.words.strip() and not words:  # symbols alone are in nobody's index
        return [person_store.nobody()]
    found = person_store.narrow(store.PATIENT, words=words, birth_date=asked.birth_date)
    if asked.phone or asked.email:
        found.append(person_store.among(store.PATIENT, _having(tx, asked.phone, asked.email)))
    return found


def find(tx: Tx, text: str, limit: int) -> list[str]:
    """Ids of patients for what was typed; none for an empty text. Refusals of `conditions`."""
    narrowed = conditions(tx, text)
    return person_store.ids(tx, narrowed, limit) if narrowed else []


def _having(tx: Tx, phone: str | None, email: str | None) -> list[str]:
    """Ids with this number and address: of patients who have it, whoever told it; for a portal, of what was told."""
    practice = store.organizations.get(tx, tx.organization)
    country = "DE" if practice is None else practice.country
    wanted = [("phone", rules.phone_key(phone, country))] if phone else []
    wanted += [("email", rules.email_key(email))] if email else []
    holders = person_store.who_has if tx.actor.portal is None else person_store.who_said
    sets = [set() if key is None else set(holders(tx, kind, key)) for kind, key in wanted]
    return sorted(set.intersection(*sets))


def _begins(name: str, asked: str | None) -> bool:
    """True if each word asked for begins a word of the name, in one of its spellings."""
    if not asked:
        return True
    there = {*rules.name_tokens(name), *rules.name_tokens(name, bare=True)}
    wanted = spellings(asked)
    if not wanted:  # only symbols
        return rules.name_key(name).startswith(rules.name_key(asked))
    return all(any(word.startswith(form) for word in there for form in forms) for forms in wanted)


def _symbols_fit(names: str, text: str | None) -> bool:
    """The database has compared the words of `text` already; one without any word must stand in a name as it is."""
    return not text or bool(spellings(text)) or rules.name_key(text) in rules.name_key(names) or text in names
