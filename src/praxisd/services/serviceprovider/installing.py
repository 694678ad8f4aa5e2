"""praxisd as the ServiceProvider of a practice software: its own pair of INI files (seed 003, Service-Provider installieren).

A new installation writes the file in the data folder first, then its own; an update never touches the one in the data
folder. Another provider's is never written over without a person saying so.
"""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.serviceprovider import mending_rules, places, reaching, room, store, writing
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider.flight import errands
from praxisd.services.serviceprovider.repairing import here
from praxisd.services.serviceprovider.seen import File
from praxisd.services.serviceprovider.shapes import InstalledOut, WrittenOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

NO_FOLDER, OTHER = "serviceprovider.no_data_folder", "serviceprovider.other_installation"
NOT_SERVING, ONLY_HERE = "serviceprovider.not_serving", "serviceprovider.only_here"
CODES = (NO_FOLDER, OTHER, NOT_SERVING, ONLY_HERE, *writing.CODES, *mending_rules.CODES)


def install(
    house: "House", actor: Actor, software: str, data_folder: str, replaces: bool = False
) -> InstalledOut:
    """Make or renew the pair. Outside of any transaction.

    Problems: 404 for an unknown software (or one without a ServiceProvider), `serviceprovider.no_data_folder` (409) where
    the folder is none of this computer's, `serviceprovider.other_installation` (409), `serviceprovider.not_serving` (409)
    while no door is open, `serviceprovider.only_here` (409) while none is for others, and those of `writing.write`.
    """
    chosen = next((one for one in room.provided(house) if one.software.id == software), None)
    if chosen is None:
        raise not_found("Software")
    if chosen.away:
        raise Problem(mending_rules.NOT_SEEN, 409, file=chosen.software.host)
    port = urlsplit(str(house.shared.get("url") or "")).port
    if port is None:
        raise Problem(NOT_SERVING, 409)
    facts = room.room_of(house).facts(house, None)
    if chosen.pair is None:
        _for_others(house, chosen, facts, port)
    try:
        top, pvs = errands(house).run(
            house, f"install {software}", lambda _given_up: _data(chosen, data_folder, facts)
        )
    except TimeoutError:
        raise Problem(writing.NOT_ANSWERING, 409, retry=True, file=data_folder) from None
    known = chosen.pair
    named = pvs.value(s.IDENTIFIER)
    updated = known is not None and named.casefold() == known.guid.casefold()
    if named and not updated and not replaces:
        raise Problem(OTHER, 409, host=pvs.value(s.HOSTNAME) or "–", identifier=named, file=pvs.path)
    guid = known.guid if known is not None else str(uuid.uuid4()).upper()
    machine = (None if facts is None else facts.computer_name.value) or diagnosis.own_host()
    written = []
    if not updated:
        before = pvs.ini.data if pvs.ini is not None else None
        kept = before if before is not None and not named else b""
        data = mending_rules.filled(kept, machine, guid, port)
        written.append(_write(house, Path(pvs.path), data, before))
    written.append(_own_file(house, chosen, guid, port, top))
    pair = store.Pair(software=software, guid=guid, pvs_file=pvs.path)

    def keep(tx: "Tx") -> None:
        store.put(tx, pair)
        events.note(tx, "serviceprovider.installed", "Software", software, identifier=guid, updated=updated)

    house.store.run(here(actor), keep)
    return InstalledOut(software=software, identifier=guid, port=port, files=written, updated=updated)


def _for_others(
    house: "House", chosen: room.Provided, facts: diagnosis.MachineFacts | None, port: int
) -> None:
    """Every workstation will be sent to our door: it must not be one of this computer alone."""
    known = () if facts is None else facts.addresses.value or ()
    ask, alone = room.room_of(house).ask, chosen.software.devices == 1
    asked = reaching.ask_here(ask, diagnosis.own_host(), port, reaching.outer(known), alone)
    if asked.why == reaching.ONLY_HERE:
        raise Problem(ONLY_HERE, 409)


def _data(chosen: room.Provided, data_folder: str, facts: diagnosis.MachineFacts | None) -> tuple[str, File]:
    """The data folder as PVSDDataPath names it, and the file in it."""
    given = replace(chosen, software=room.placed(chosen.software, data_folder))
    top = places.local(places.top_folder(data_folder, chosen.places.data_path))
    below = None if top is None else places.inside(top, chosen.places.data_path)
    if below is None or not below.is_absolute() or not below.is_dir():
        raise Problem(NO_FOLDER, 409, folder=data_folder)
    disk = None if facts is None else facts.disk_of(str(below))
    if str(below).startswith("\\\\") or (disk is not None and disk.mapped.value is True):
        raise Problem(NO_FOLDER, 409, folder=data_folder)
    pvs = room.pvs_file(given)
    if not Path(pvs.path).parent.is_dir():
        raise Problem(NO_FOLDER, 409, folder=str(Path(pvs.path).parent))
    if pvs.state == "unreadable" and pvs.ini is None:
        raise Problem(writing.NOT_WRITTEN, 409, file=pvs.path, reason=pvs.why)
    return str(below), pvs


def _own_file(house: "House", chosen: room.Provided, guid: str, port: int, data_path: str) -> WrittenOut:
    folder = house.folder / f"{places.PREFIX}{guid}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / places.NAME
        before = places.content(path) if path.exists() else None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Problem(writing.NOT_WRITTEN, 409, file=str(folder), reason=reason) from None
    data = mending_rules.installation(guid, port, chosen.places.pvs_names[0], data_path, chosen.customer)
    return _write(house, path, data, before)


def _write(house: "House", path: Path, data: bytes, before: bytes | None) -> WrittenOut:
    if data == before:
        return WrittenOut(str(path), None, [])
    copy = writing.write(house, path, data, before)
    return WrittenOut(str(path), None if copy is None else str(copy), [])
