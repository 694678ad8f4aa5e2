"""Media as doors, command line and paper show them. Names of persons are not for a masked caller."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import MediumKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import drives, labels, looking, media, planning
from praxisd.services.backups.plans.media_shapes import MediumAnswer, MediumOut, StayOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def shown(house: "House", tx: Tx, lang: str) -> tuple[MediumOut, ...]:
    """All media, as far as the last look at the drives knows."""
    view = _View(house, tx, lang)
    return tuple(view.one(kept) for kept in media.media(tx))


def whole(house: "House", tx: Tx, id_: str, lang: str) -> MediumAnswer:
    """A medium with its history. Problem `http.not_found`."""
    kept = media.need(tx, id_)
    zone, masked = planning.zone(house, tx), tx.actor.masked
    history = tuple(
        StayOut(
            place=one.stay.place,
            person="" if masked else one.stay.person,
            at=format_rfc3339(one.stay.at, zone),
        )
        for one in media.stays(tx, id_)
    )
    return MediumAnswer(medium=_View(house, tx, lang).one(kept), stays=history)


class _View:
    def __init__(self, house: "House", tx: Tx, lang: str) -> None:
        self._house, self._tx, self._lang = house, tx, lang
        self._zone: ZoneInfo = planning.zone(house, tx)
        self._drives = {one.id: one for one in drives.drives(tx)}
        due = media.image_due(house, tx, planning.plan(tx), tx.now)
        self._locked = due.locked if due is not None else {}

    def one(self, kept: MediumKept) -> MediumOut:
        medium, drive = kept.medium, self._drives.get(kept.drive)
        place = media.whereabouts(kept, self._drives)
        stay = medium.stay if medium.stay is not None and medium.stay.place == place else None
        seen = looking.last(self._house, kept.drive) if kept.drive else None
        locked = self._locked.get(medium.slot)
        return MediumOut(
            id=medium.id,
            label=medium.label,
            slot=medium.slot,
            slot_label=labels.label(self._house, medium.slot, self._lang),
            kind=medium.kind,
            place=place,
            person=stay.person if stay is not None and not self._tx.actor.masked else "",
            since=self._at(stay.at if stay is not None else None),
            written=self._at(medium.written),
            created=format_rfc3339(kept.created, self._zone),
            held=medium.held,
            retired=medium.retired,
            drive=drive.id if drive else None,
            drive_label=drive.label if drive else None,
            free=seen.free if seen is not None and seen.present else None,
            states=sum(one.gone is None for one in store.SNAPSHOT.by(self._tx, "medium", medium.id)),
            passwords=_passwords(self._tx, medium.id),
            locked_until=locked.isoformat() if locked is not None else None,
        )

    def _at(self, at: int | None) -> str | None:
        return None if at is None else format_rfc3339(at, self._zone)


def _passwords(tx: Tx, medium: str) -> tuple[int, ...]:
    from praxisd.services.backups.keys import keyring

    return tuple(keyring.opened_by(tx, medium))
