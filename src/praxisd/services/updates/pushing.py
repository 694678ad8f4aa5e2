"""A package that a permitted program brings (SPEC 6.3): a small signed repository in a ZIP file, `metadata/` and `targets/`.

It is verified as if it were fetched from the source, by the same trust and the same rules, and waits like a download. What
is not signed, or not announced, leaves no trace.
"""

import shutil
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.updates import downloading, places, store, trusting
from praxisd.services.updates.pushed_file import Pushed, malformed, reading
from praxisd_guard.faults import TrustFault
from praxisd_guard.sources import FolderSource, is_repository

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd_guard.trust import Trust
    from praxisd_guard.trust_offers import Offer

_one_at_a_time = threading.Lock()


def take(house: "House", actor: Actor, file: Path) -> list[str]:
    """Verify what is in a pushed file; ids of the packages that wait now. Problems: `updates.push_malformed`,
    `updates.push_empty`, `updates.no_root`, and those of the trust layer.
    """
    with _one_at_a_time:
        for left in places.folder(house, "incoming").iterdir():  # by a server that was killed
            shutil.rmtree(left, ignore_errors=True)
        room = places.folder(house, "incoming", new_id())
        try:
            with reading():
                archive = zipfile.ZipFile(file)
            with archive, trusting.faults():
                pushed = Pushed(archive, room)
                pushed.unpack_first()
                if not is_repository(room):
                    raise malformed()
                return _verified(house, actor, pushed)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _verified(house: "House", actor: Actor, pushed: Pushed) -> list[str]:
    """All that was brought is verified inside the archive before the first package is unpacked."""
    with trusting.looking(house, FolderSource(pushed.room)) as trust:
        trust.refresh()
        found = _inside(trust, pushed)
        if not found:
            raise Problem("updates.push_empty", 422)
        for offer in found:
            pushed.verify(offer)
        return [_one(house, actor, trust, offer, pushed) for offer in found]


def _inside(trust: "Trust", pushed: Pushed) -> list["Offer"]:
    """The announced versions whose files were brought along."""
    found = []
    for element in trust.elements():
        try:
            offers = trust.offers(element.name)
        except TrustFault as fault:
            if fault.code != "not_found":
                raise
            continue  # an element whose list was not brought along
        found += [one for one in offers if pushed.brought(one)]
    return found


def _one(house: "House", actor: Actor, trust: "Trust", offer: "Offer", pushed: Pushed) -> str:
    elements = [one for one in trust.elements() if one.name == offer.element]

    def note(tx: object) -> str:
        trusting.note_elements(tx, elements)  # type: ignore[arg-type]
        before = store.package_of(tx, offer.element, offer.version)  # type: ignore[arg-type]
        return trusting.note_offer(tx, offer, before, "push")  # type: ignore[arg-type]

    id_ = house.store.run(actor, note)
    with house.store.read(actor) as tx:
        row = store.package(tx, id_)
    if row is not None and row.state not in ("waiting", "ordered", "installed", "rolled_back"):
        with pushed.unpacked(offer):
            downloading.fetch(house, actor, trust, offer, id_, event="update.pushed")
    return id_
