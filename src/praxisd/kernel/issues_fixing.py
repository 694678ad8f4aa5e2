"""One click that heals an issue: the service's function, then its checks again, so that the answer tells whether it helped."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, sharing
from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.issues_running import run_checks
from praxisd.kernel.issues_store import SAFE, Issue, list_open

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

GONE = "issues.gone"
NO_FIX = "issues.no_fix"
FIX_FAILED = "issues.fix_failed"


class Healed(msgspec.Struct, frozen=True):
    """What a fix came to: `healed` once its checks find it no more; `note` is the key of a text for the person, filled with
    `params`; `restart`: it takes hold when the server is started again.
    """

    issue: Issue
    healed: bool
    note: str | None = None
    params: dict[str, Any] = {}
    restart: bool = False

    def told(self, house: "House", lang: str) -> str | None:
        """The note in words."""
        return None if self.note is None else house.texts.get(self.note, lang, **self.params)


def standing(tx: "Tx", code: str, subject: str, organization: str | None = None) -> Issue:
    """The open issue of the transaction's practice, else of the installation, or only of `organization`.

    Problem `issues.gone` (404).
    """
    own = tx.organization
    wanted = (own, INSTALLATION) if organization is None else (organization,)
    try:
        for organization in dict.fromkeys(wanted):
            tx.organization = organization
            for one in list_open(tx):
                if (one.code, one.subject) == (code, subject):
                    return one
    finally:
        tx.organization = own
    raise Problem(GONE, 404, issue=code)


def fix(
    house: "House", actor: Actor, code: str, subject: str = "", *, of_installation: bool = False
) -> Healed:
    """Heal one open issue as `actor`, who needs the fix's permission; outside of any transaction.

    `of_installation`: not the practice's own, if both have it.

    Problems: `issues.no_fix` (404), `issues.gone` (404), 403, whatever the fix itself says, `issues.fix_failed` (500) where it
    crashed.
    """
    declared = house.registry.fixes.get(code)
    if declared is None:
        raise Problem(NO_FIX, 404, issue=code) if house.texts.has(f"{code}.title") else not_found("Issue")
    actor.require(declared.permission)
    with house.store.read(actor) as tx:
        issue = standing(tx, code, subject, INSTALLATION if of_installation else None)
        if issue.organization == INSTALLATION:
            sharing.need(house, tx)
    try:
        answer = declared.call(house, actor, subject, issue.params) or {}
    except Problem:
        raise
    except Exception as error:
        house.log.error("fix_failed", code=code, error=error)
        raise Problem(FIX_FAILED, 500, issue=code) from error
    house.store.run(actor, lambda tx: _note(tx, code, subject))
    run_checks(house, [one.name for one in house.registry.checks if code in one.codes])
    with house.store.read(actor) as tx:
        healed = not _stands(tx, issue)
    note = answer.get("note")
    known = isinstance(note, str) and house.texts.has(note)
    return Healed(issue, healed, note if known else None, answer, bool(answer.get("restart")))


def _stands(tx: "Tx", issue: Issue) -> bool:
    try:
        standing(tx, issue.code, issue.subject, issue.organization)
    except Problem:
        return False
    return True


def _note(tx: "Tx", code: str, subject: str) -> None:
    codes: dict[str, Any] = {"subject": subject} if SAFE.fullmatch(subject) else {}
    events.note(tx, "issue.fixed", "Issue", code, **codes)
