"""Once a day, an hour before the plan's time, a mail says what is to be done: the medium by its name (BackupAssist does so)."""

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.mail_address import address
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import JobType, Scope, Setting
from praxisd.kernel.store import Tx
from praxisd.model.backup import Word
from praxisd.model.backup_kept import PlanKept
from praxisd.services.backups import store, whereabouts_rules
from praxisd.services.backups.plans import desk, labels, planning
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MAIL_TO = "backups.mail_to"
UNSENT = "backups.reminder_unsent"
JOB = "backups.remind"
_MOST = 3
_QUIET = {whereabouts_rules.BRING}
"""No reason for a mail by itself: it stands in one that goes out anyway."""


def remind(run: RunContext) -> None:
    """Send today's mail if it is time for it and something is to be done. Counts `sent`, `failed`."""
    house = run.house
    found = due(house)
    if found is None:
        return
    day, to, said = found
    # Noted before it is sent: a mail that nobody knows of is better than one every ten minutes.
    if not house.store.run(planning.SYSTEM, lambda tx: _claimed(tx, day)):
        return
    faults = [code for one in to if (code := send(house, one, said))]
    house.store.run(planning.SYSTEM, lambda tx: _noted(tx, faults[0] if faults else ""))
    run.checkpoint(sent=len(to) - len(faults), failed=len(faults))


def due(house: "House") -> tuple[date, tuple[str, ...], list[Word]] | None:
    """The day, to whom, and what is to be done; None while no mail is wanted, or today's has been sent."""
    with house.store.read(planning.SYSTEM) as tx:
        to = addresses(str(house.settings.get(tx, MAIL_TO)))
    if not to:
        return None
    around = desk.outside(house)
    with house.store.read(planning.SYSTEM) as tx:
        stand = desk.standing(house, tx, tx.now, around)
        if stand is None or not desk.near(stand) or stand.kept.reminded == desk.day_of(stand):
            return None
        if stand.run is None or stand.run.run.day != stand.today.day:
            return None
        said = desk.words(house, tx, tx.now, around, stand)
    return (stand.today.day, to, said) if any(one.code not in _QUIET for one in said) else None


def send(house: "House", to: str, said: list[Word]) -> str:
    """Hand one mail in by the account of the first practice that has one; "" or the code of what went wrong."""
    with house.store.read(planning.SYSTEM) as tx:
        every = planning.practices(tx)
    practice = next((one for one in every if messaging.can_mail(house, one)), None)
    if practice is None:
        return "messaging.account_missing"
    with house.store.read(planning.SYSTEM) as tx, planning.within(tx, practice):
        found = directory.organization(tx)
    lang, texts = found.language, house.texts
    hints = "\n".join(f"- {labels.word(house, one, lang)['hint']}" for one in said)
    subject = texts.get("backups.reminder.subject", lang, title=labels.word(house, said[0], lang)["title"])
    text = texts.get("backups.reminder.text", lang, practice=found.name, todo=hints)
    try:
        done = messaging.send_mail(house, practice, to, subject, text, language=lang)
    except Problem as problem:
        return problem.code
    return "" if isinstance(done, messaging.Accepted) else getattr(done, "code", "messaging.answer_lost")


def unsent(tx: Tx) -> list[Finding]:
    """The last reminder that could not be sent: whoever relies on it must know."""
    kept = planning.plan(tx)
    if kept is None or not kept.reminder_fault:
        return []
    return [Finding(UNSENT, "", Severity.WARNING, {"reason": kept.reminder_fault})]


def addresses(text: str) -> tuple[str, ...]:
    """The addresses in the setting, parted by commas."""
    return tuple(one.strip() for one in text.replace(";", ",").split(",") if one.strip())


def _claimed(tx: Tx, day: date) -> bool:
    kept = planning.plan(tx)
    if kept is None or kept.reminded == day.isoformat():
        return False
    _put(tx, msgspec.structs.replace(kept, reminded=day.isoformat()))
    return True


def _noted(tx: Tx, fault: str) -> None:
    kept = planning.plan(tx)
    if kept is not None and kept.reminder_fault != fault:
        _put(tx, msgspec.structs.replace(kept, reminder_fault=fault))


def _put(tx: Tx, kept: PlanKept) -> None:
    store.PLAN.put(tx, planning.ID, kept, at=kept.at)


def _check(value: str) -> None:
    """Empty, or at most three addresses that mail can be sent to."""
    found = addresses(value)
    try:
        for one in found:
            address(one)
    except ValueError:
        found = ("",) * (_MOST + 1)
    if len(found) > _MOST:
        raise Problem("settings.invalid", 422, key=MAIL_TO, reason="address", low=0, high=300)


SETTINGS = (Setting(MAIL_TO, str, "", Scope.INSTALLATION, 0, 300, check=_check),)
JOBS = (
    JobType(
        JOB, remind, Daily(Repeat(10, "00:00", "23:50")), enabled=True, missed="none", per=Scope.INSTALLATION
    ),
)
