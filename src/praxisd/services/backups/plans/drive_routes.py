"""REST operations of the drives of the backups: where media show up, and the targets that are always there."""

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.model.backup import Kind
from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import media_rules
from praxisd.services.backups.plans import drives, looking, media, planning, sources
from praxisd.services.backups.plans.rights import MANAGE, PLAIN, READ, need

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_TAGS = ("backups",)
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
_Path = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]*$")]
_Raid = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\x00-\x1f]*$")]
_Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
PLAIN_KIND = "folder"
"""The target whose copies are not encrypted."""
Shows = Literal["nothing", "ours", "unlisted", "foreign", "unreadable", "new", "other", "address"]
"""What lies in a drive: a medium of this practice; ours, but not in the list; another practice's; an empty one; other files."""


class DriveIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a person says of a drive.

    `path`: a folder of this computer (`E:\\`, `/media/rdx`, `\\\\nas\\backup`); for „remote“ also an address such as
    `sftp:practice@example.com:/backup`. `eject`: praxisd may take the medium out after a run. `raid` and `fire_compartment`
    of a network drive, `country` (ISO 3166) of a data centre: for the protocol.
    """

    label: _Word
    kind: Kind
    path: _Path
    eject: bool = False
    raid: _Raid | None = None
    fire_compartment: Literal["own", "other"] | None = None
    country: _Country | None = None


class DriveOut(DriveIn, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A drive and what it shows now. `medium`: the id of our medium in it; `free` in bytes; `same_disk`: it lies on the disk of
    praxisd's own data and would be lost with it; `here`: this computer can look at it.
    """

    id: str
    slot: str
    here: bool
    shows: Shows
    medium: str | None
    medium_label: str | None
    writable: bool
    free: int | None
    same_disk: bool


class DrivesOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All drives, the first entered first."""

    drives: tuple[DriveOut, ...]


def shown(house: "House", drive: Drive, known: dict[str, MediumKept]) -> DriveOut:
    """A drive as it is now; looks at it, outside of any write transaction."""
    here = drives.is_here(house, drive)
    seen = looking.glance(house, drive) if here else looking.ABSENT
    inside = media.of_drive(house, drive, seen, known)
    said = {one: getattr(drive, one) for one in DriveIn.__struct_fields__}
    return DriveOut(
        **said,
        id=drive.id,
        slot=drive.slot,
        here=here,
        shows=_shows(house, drive, seen.present, seen.identity, inside, seen.empty),
        medium=inside.medium.id if inside else None,
        medium_label=inside.medium.label if inside else None,
        writable=seen.present and seen.writable,
        free=seen.free,
        same_disk=here and seen.present and looking.same_disk(house, drive),
    )


def _shows(
    house: "House",
    drive: Drive,
    present: bool,
    identity: bytes | None,
    inside: MediumKept | None,
    empty: bool,
) -> Shows:
    if drives.is_address(drive.path):
        return "address"
    if not present:
        return "nothing"
    if inside is not None:
        return "ours"
    if identity is None:
        return "new" if empty else "other"
    said = media_rules.parse(identity)
    if said is None:
        return "unreadable"
    return "unlisted" if said.practice == planning.digest(house) else "foreign"


def known(tx: Tx) -> dict[str, MediumKept]:
    """Our media by id."""
    return {one.medium.id: one for one in media.media(tx)}


def list_drives(call: Call) -> DrivesOut:
    """Drives and targets of the backups, and what lies in each now"""
    with call.read() as tx:
        found, ours = drives.drives(tx), known(tx)
    return DrivesOut(drives=tuple(shown(call.house, one, ours) for one in found))


def add_drive(call: Call) -> Answer:
    """Enter a drive or target

    A removable drive, a network drive, a data centre, or a folder that another backup software reads. Nothing is written there.
    The copy in such a folder is not encrypted: the owner alone may name it.
    """
    if call.body.kind == PLAIN_KIND:
        need(call.actor, PLAIN)
    said = msgspec.structs.asdict(call.body)
    _placed(call.house, call.body.path)
    made = call.house.store.run(call.actor, lambda tx: drives.add(call.house, tx, said))
    return Answer(_shown(call, made), 201)


def _placed(house: "House", path: str) -> None:
    drives.placed(house, path)
    sources.clear_of(house, path)


def change_drive(call: Call) -> DriveOut:
    """Change what is said of a drive

    Where a copy without encryption goes (kind „folder“) the owner alone may say.
    """
    said = msgspec.structs.asdict(call.body)
    _placed(call.house, call.body.path)

    def change(tx: Tx) -> Drive:
        before = drives.need(tx, call.path["id"])
        after = drives.change(call.house, tx, before.id, said)
        if after.kind == PLAIN_KIND and (before.kind, before.path) != (after.kind, after.path):
            need(call.actor, PLAIN)
        return after

    return _shown(call, call.house.store.run(call.actor, change))


def _shown(call: Call, drive: Drive) -> DriveOut:
    with call.read() as tx:
        ours = known(tx)
    return shown(call.house, drive, ours)


def remove_drive(call: Call) -> Answer:
    """Take a drive off the list

    Nothing on any medium is touched.
    """
    drives.remove(call.writing, call.path["id"])
    return Answer(status=204)


_BAD = tuple((422, code) for code in drives.CODES if code != drives.USED)
_THERE = ((404, "http.not_found"),)
ROUTES = (
    Route("GET", "/backups/drives", "backupDrives.list", list_drives, READ, DrivesOut, safe=True, tags=_TAGS),
    Route(
        "POST", "/backups/drives", "backupDrives.create", add_drive, MANAGE, DriveOut, body=DriveIn, status=201,
        problems=_BAD, transaction=False, tags=_TAGS,
    ),
    Route(
        "PUT", "/backups/drives/{id}", "backupDrives.update", change_drive, MANAGE, DriveOut, body=DriveIn,
        problems=(*_THERE, *_BAD), transaction=False, tags=_TAGS,
    ),
    Route(
        "DELETE", "/backups/drives/{id}", "backupDrives.delete", remove_drive, MANAGE, status=204,
        problems=(*_THERE, (409, drives.USED)), tags=_TAGS,
    ),
)  # fmt: skip
