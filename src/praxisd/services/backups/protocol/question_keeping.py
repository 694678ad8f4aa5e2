"""The answers to the form's questions as they are kept, and which questions are of use now."""

from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Answer
from praxisd.services.backups import store
from praxisd.services.backups.plans import planning
from praxisd.services.backups.plans.rights import MANAGE
from praxisd.services.backups.protocol import log_keeping, question_rules
from praxisd.services.backups.protocol.question_rules import BY_ID, When

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SUBJECT = "BackupAnswer"
CHANGED = "backup_answer.changed"


def answers(tx: Tx) -> dict[str, Answer]:
    """What was answered, by question."""
    return {one.question: one for one in store.ANSWER.all(tx) if one.question in BY_ID}


def now(tx: Tx) -> frozenset[When]:
    """What is true now of what questions depend on."""
    kept = planning.plan(tx)
    found: set[When] = set()
    if kept is not None and kept.plan.variant == "external":
        found.add("external")
    if not _any_good(tx, "backup"):
        found.add("no_good_run")
    if not _any_good(tx, "prove"):
        found.add("not_proven")
    return frozenset(found)


def _any_good(tx: Tx, kind: str) -> bool:
    return any(one.state == "good" for one in store.RUN.by(tx, "kind", kind))


def answer(house: "House", tx: Tx, question: str, value: str, lang: str, person: str = "") -> Answer | None:
    """Keep an answer, or take it back with an empty one (None). Problems `http.not_found`, `backups.answer_invalid`."""
    asked = BY_ID.get(question)
    if asked is None:
        raise not_found(SUBJECT)
    if asked.people and tx.actor.masked:  # who does not see it does not write over it
        raise Problem("access.forbidden", 403, permission=MANAGE)
    text = question_rules.read(asked, value)
    before = store.ANSWER.get(tx, question)
    if text == ("" if before is None else before.value):
        return before
    events.note(tx, CHANGED, SUBJECT, question)
    if not text:
        store.ANSWER.remove(tx, question)
        return None
    made = Answer(question, text, log_keeping.name(house, tx, person, lang), tx.now)
    store.ANSWER.put(tx, question, made, at=tx.now)
    return made
