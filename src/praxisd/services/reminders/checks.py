"""Is something missing without which reminders that are switched on reach nobody, or not everybody?"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from praxisd.kernel import jobs
from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.kernel.store import Tx
from praxisd.model.communication import Kind
from praxisd.services.directory import api as directory
from praxisd.services.reminders.conditions import JOB, SWITCH, Conditions, conditions

if TYPE_CHECKING:
    from praxisd.kernel.app import House

TEMPLATES = "reminders.templates_missing"
CHANNELS = "reminders.channels_missing"
JOB_OFF = "reminders.job_off"
SEND_OFF = "reminders.send_off"
MISSING = "reminders.default_missing"
UNKNOWN = "reminders.default_unknown"
UNLICENSED = "reminders.default_unlicensed"
CODES = (TEMPLATES, CHANNELS, JOB_OFF, SEND_OFF, MISSING, UNKNOWN, UNLICENSED)
_NAME = "reminders.ready"
_SEND = "messaging.send"


def ready(house: "House") -> Iterator[Finding]:
    """What each practice lacks for the kinds of messages it has switched on. Names of mandators are no patient data."""
    with house.store.read(system(_NAME)) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system(_NAME, practice)) as tx:
            on = [kind for kind, switch in SWITCH.items() if house.settings.get(tx, switch)]
            for kind in on:
                yield from _of_kind(house, tx, kind)
            if on:
                found = conditions(house, tx, on[0])
                yield from _of_all(found, practice)
                yield from _of_sending(house, tx, on, found.practice.language)


def _of_kind(house: "House", tx: Tx, kind: Kind) -> Iterator[Finding]:
    found = conditions(house, tx, kind)
    lang = found.practice.language
    what = house.texts.get(f"reminders.what.{kind}", lang)
    for channel in sorted(found.prices):
        if (channel, lang) not in found.templates:
            via = house.texts.get(f"reminders.via.{channel}", lang)
            params = {"what": what, "channel": via, "language": lang}
            yield Finding(TEMPLATES, f"Template/{kind}-{channel}", Severity.ERROR, params, tx.organization)
    off = jobs.stopped_by(house, tx, JOB[kind])
    if off is not None:
        params = {"what": what, "job": _title(house, off, lang)}
        yield Finding(JOB_OFF, f"Job/{JOB[kind]}", Severity.WARNING, params, tx.organization)


def _of_sending(house: "House", tx: Tx, on: Sequence[Kind], lang: str) -> Iterator[Finding]:
    """Messages are prepared, and never go out: the job that sends them, or one that it waits for, is off."""
    prepared = [kind for kind in on if jobs.stopped_by(house, tx, JOB[kind]) is None]
    off = jobs.stopped_by(house, tx, _SEND)
    if prepared and off is not None:
        what = ", ".join(house.texts.get(f"reminders.what.{kind}", lang) for kind in prepared)
        params = {"what": what, "job": _title(house, off, lang)}
        yield Finding(SEND_OFF, f"Job/{_SEND}", Severity.ERROR, params, tx.organization)


def _title(house: "House", job: str, lang: str) -> str:
    title = f"job.{job}.title"
    return house.texts.get(title, lang) if house.texts.has(title) else job


def _of_all(found: Conditions, practice: str) -> Iterator[Finding]:
    if not found.prices:
        yield Finding(CHANNELS, "", Severity.ERROR, organization=practice)
    default = found.terms.default_mandator
    if default is None:
        yield Finding(MISSING, "", Severity.WARNING, organization=practice)
        return
    mandator = found.mandators.get(default)
    if mandator is None or not mandator.active:
        yield Finding(UNKNOWN, "", Severity.ERROR, organization=practice)
    elif default not in found.terms.paying:
        name = {"mandator": mandator.name}
        yield Finding(UNLICENSED, f"Mandator/{default}", Severity.ERROR, name, practice)


CHECKS = (
    Check(
        _NAME,
        CODES,
        ready,
        grave={
            TEMPLATES: Severity.ERROR,
            CHANNELS: Severity.ERROR,
            JOB_OFF: Severity.WARNING,
            SEND_OFF: Severity.ERROR,
            MISSING: Severity.WARNING,
            UNKNOWN: Severity.ERROR,
            UNLICENSED: Severity.ERROR,
        },
    ),
)
