"""Checks of devices: a folder that is away, files that are not taken, files set aside, results nobody has decided.

The folder is looked at by the check itself, so an issue goes as soon as what was wrong is put right.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.model.device import Device
from praxisd.services.directory import api as directory
from praxisd.services.exchange import devices_asking, devices_rules, devices_store
from praxisd.services.exchange.devices_folder import Inbox

if TYPE_CHECKING:
    from praxisd.kernel.app import House

AWAY, STUCK, ASIDE, DOUBTS, UNANSWERED = (
    "exchange.device_unreachable",
    "exchange.device_stuck",
    "exchange.device_files_aside",
    "exchange.device_doubts",
    "exchange.device_unanswered",
)
WAIT_S = 600
"""A file that has not been taken for so long will not be by itself."""
_WHO = "exchange.devices_checks"


def look(house: "House") -> Iterator[Finding]:
    """What is wrong with the devices of each practice."""
    with house.store.read(system(_WHO)) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system(_WHO, practice)) as tx:
            found = devices_store.devices(tx, active=True)
            waiting = devices_store.doubts(tx, devices_rules.UNANSWERABLE)
            unanswered = devices_store.waiting_for(tx, devices_rules.UNANSWERABLE)
            names = {one.id: one.name for one in devices_store.devices(tx)}
        for device in found:
            yield from _device(device, practice)
        for id_, count in sorted(unanswered.items()):
            params = {"name": names.get(id_, "–"), "count": count}
            yield Finding(UNANSWERED, f"Device/{id_}", Severity.WARNING, params, practice)
        if waiting:
            yield Finding(DOUBTS, "", Severity.INFO, {"count": waiting}, practice)


def _device(device: Device, practice: str) -> Iterator[Finding]:
    subject, name = f"Device/{device.id}", {"name": device.name}
    if device.folder_out and not Path(device.folder_out).is_dir():
        yield Finding(AWAY, subject, Severity.WARNING, {**name, "folder": device.folder_out}, practice)
        return
    if not device.folder_in:
        return
    try:
        folder = Inbox(device.folder_in, {}, devices_asking.stem(device))
        lying = folder.lying(WAIT_S)
        aside = folder.kept_aside()
    except Problem:
        yield Finding(AWAY, subject, Severity.WARNING, {**name, "folder": device.folder_in}, practice)
        return
    if lying:
        yield Finding(STUCK, subject, Severity.WARNING, {**name, "count": lying}, practice)
    if aside:
        yield Finding(ASIDE, subject, Severity.INFO, {**name, "count": aside}, practice)


CHECKS = (
    Check(
        "exchange.devices",
        (AWAY, STUCK, ASIDE, DOUBTS, UNANSWERED),
        look,
        grave={
            AWAY: Severity.WARNING,
            STUCK: Severity.WARNING,
            ASIDE: Severity.INFO,
            DOUBTS: Severity.INFO,
            UNANSWERED: Severity.WARNING,
        },
    ),
)
