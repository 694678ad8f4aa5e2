"""What patients want: whether they may be written to, for what, and on which channel; and who said so when.

Only added to: what somebody said stays, the last word counts. All functions work in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.communication import ChannelName, Purpose
from praxisd.services.directory import api as directory
from praxisd.services.messaging import consent_rules, consent_store, outbox
from praxisd.services.messaging.consent_rules import CHANNELS, PURPOSES, Preferred, Said, State, Wishes

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Source = Literal["desk", "api", "reply", "import"]
"""Who told us: the practice's people, its own programs, the patient in reply to a message, or a take-over of data."""
Word = tuple[Purpose, ChannelName, State]
STOPPED = "messaging.consent_stopped"
NOTE_MOST = 500
"""Characters of a note beside a word."""


def needs_key(purpose: Purpose) -> str:
    """The setting that says whether this purpose needs a yes."""
    return f"messaging.{purpose}_needs_consent"


def needs(house: "House", tx: Tx) -> dict[Purpose, bool]:
    """For which purposes silence is a no."""
    return {one: bool(house.settings.get(tx, needs_key(one))) for one in PURPOSES}


def wishes(tx: Tx, patients: Iterable[str]) -> dict[str, Wishes]:
    """Wishes by patient; who said nothing is left out (`consent_rules.NOTHING_SAID`). Any number of patients."""
    asked = list(patients)
    words: dict[str, dict[tuple[str, str], Said]] = {}
    for patient, purpose, channel, state, id_ in consent_store.said(tx, asked):
        words.setdefault(patient, {})[purpose, channel] = Said(state, id_)  # type: ignore[arg-type]
    chosen: dict[str, str] = dict(consent_store.preferred(tx, asked))
    return {
        one: Wishes(chosen.get(one, "none"), words.get(one, {}))  # type: ignore[arg-type]
        for one in {**words, **chosen}
    }


def of(tx: Tx, patient: str) -> Wishes:
    """The wishes of one patient."""
    return wishes(tx, [patient]).get(patient, consent_rules.NOTHING_SAID)


def known(tx: Tx, patient: str, *, change: bool = False) -> directory.ContactFacts:
    """The patient; 404 for nobody's id, `directory.patient_merged` (409) for a change of a record that is closed."""
    found = directory.contacts(tx, [patient]).get(patient)
    if found is None:
        raise not_found("Patient")
    if change and found.merged_into is not None:
        raise Problem("directory.patient_merged", 409)
    return found


def say(
    house: "House", tx: Tx, patient: str, words: Sequence[Word], source: Source, note: str = ""
) -> list[Word]:
    """Note what a patient said; returns what was new. Whatever waits to be sent against it is taken back at once.

    A word that changes nothing is not noted; a repeated yes is, where a no on another channel has closed this one. Of
    words said at once the yeses count last: who says no to SMS and yes to e-mail in one breath means both.
    """
    needed = needs(house, tx)
    new: list[Word] = []
    now = of(tx, patient)
    for purpose, channel, state in sorted(words, key=lambda word: word[2] == "given"):
        before = now.said.get((purpose, channel))
        closed = consent_rules.allowed(now, purpose, channel, needed) is not None
        if (before.state if before else "open") == state and not (state == "given" and closed):
            continue
        id_ = new_id()
        consent_store.add_consent(
            tx, id=id_, patient=patient, purpose=purpose, channel=channel, state=state, source=source,
            note=note[:NOTE_MOST],
        )  # fmt: skip
        now = Wishes(now.preferred, {**now.said, (purpose, channel): Said(state, id_)})
        events.note(
            tx, "consent.changed", "Patient", patient,
            purpose=purpose, channel=channel, state=state, source=source,
        )  # fmt: skip
        new.append((purpose, channel, state))
    stopped = [
        purpose
        for purpose in dict.fromkeys(one[0] for one in new if one[2] != "given")
        if any(consent_rules.allowed(now, purpose, channel, needed) for channel in CHANNELS)
    ]
    if stopped:
        outbox.withdraw_all(house, tx, patient, stopped, STOPPED)
    return new


def withdraw_all(house: "House", tx: Tx, patient: str, source: Source, note: str = "") -> bool:
    """The patient wants no message at all any more (a reply STOP). False if that was known."""
    every: list[Word] = [(purpose, channel, "withdrawn") for purpose in PURPOSES for channel in CHANNELS]
    return bool(say(house, tx, patient, every, source, note))


def prefer(house: "House", tx: Tx, patient: str, channel: Preferred) -> bool:
    """Note the channel a patient prefers; False if that was known. Who wants letters gets nothing that still waits."""
    if of(tx, patient).preferred == channel:
        return False
    consent_store.add_preference(tx, new_id(), patient, channel)
    events.note(tx, "preference.changed", "Patient", patient, channel=channel)
    if channel == "letter":
        outbox.withdraw_all(house, tx, patient, PURPOSES, STOPPED)
    return True
