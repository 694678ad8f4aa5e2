"""What may be wrong with the data sets: not there, not readable, old, not confirmed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.directory import api as directory
from praxisd.services.medication import sets_reading
from praxisd.services.medication.sets_schema import ELEMENTS, MEDICATION

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MISSING, UNREADABLE = "medication.set_missing", "medication.set_unreadable"
GRACE, EXPIRED, UNCONFIRMED = "medication.set_grace", "medication.set_expired", "medication.set_unconfirmed"


def files(house: "House") -> Iterator[Finding]:
    """Whether each set can be read, every row of it."""
    for element in ELEMENTS:
        now = sets_reading.shown(house, element)
        subject = f"Dataset/{element}"
        if now.wanted is None:
            if element == MEDICATION:
                yield Finding(MISSING, subject, Severity.INFO, {"element": element})
            continue
        wrong = now.fault
        if now.opened is not None and wrong is None:
            wrong = now.opened.look()
        if wrong is not None:
            used = now.opened.version if now.opened is not None else "–"
            yield Finding(
                UNREADABLE, subject, Severity.ERROR,
                {"element": element, "version": now.wanted, "used": used, "reason": wrong.code},
            )  # fmt: skip


def ages(house: "House") -> Iterator[Finding]:
    """In each practice: past its last day, past its grace, not confirmed."""
    with house.store.read(system("medication.sets")) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system("medication.sets", practice)) as tx:
            for element in ELEMENTS:
                now = sets_reading.standing(house, tx, element)
                subject = f"Dataset/{element}"
                params = {
                    "element": element,
                    "version": now.version or "–",
                    "until": now.valid_until or "–",
                    "grace": now.grace_until or "–",
                }
                if now.state == "expired":
                    yield Finding(EXPIRED, subject, Severity.WARNING, params, practice)
                elif (
                    now.valid_until is not None
                    and sets_reading.today(house, tx).isoformat() > now.valid_until
                ):
                    yield Finding(GRACE, subject, Severity.WARNING, params, practice)
                if element == MEDICATION and now.state != "missing" and not now.confirmed:
                    yield Finding(UNCONFIRMED, subject, Severity.INFO, params, practice)


CHECKS = (
    Check(
        "medication.files",
        (MISSING, UNREADABLE),
        files,
        grave={MISSING: Severity.INFO, UNREADABLE: Severity.ERROR},
    ),
    Check(
        "medication.ages",
        (GRACE, EXPIRED, UNCONFIRMED),
        ages,
        grave={GRACE: Severity.WARNING, EXPIRED: Severity.WARNING, UNCONFIRMED: Severity.INFO},
    ),
)
