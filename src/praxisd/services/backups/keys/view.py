"""Which passwords there are and which medium each opens, for the door and the command line. Never a password itself."""

from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel import sentences
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.store import Tx
from praxisd.model.backup import Medium
from praxisd.model.backup_kept import Secret
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.plans import media, planning

if TYPE_CHECKING:
    from praxisd.kernel.app import House


class _Out(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What all answers share: camelCase names."""


class PasswordOut(_Out, frozen=True, kw_only=True):
    """A password by its number. `media`: ids of those it opens now."""

    no: int
    since: str
    until: str | None
    origin: Literal["made", "chosen"]
    media: tuple[str, ...]


class RecoveryOut(_Out, frozen=True, kw_only=True):
    """The recovery key of the newest sheet. `printed`: when its sheet was made last; `complete`: the sheet is not of before a
    change that it should show.
    """

    no: int
    since: str
    printed: str | None
    printed_by: str
    complete: bool


class MediumKeysOut(_Out, frozen=True, kw_only=True):
    """What opens a medium: numbers of passwords, and of the sheets. `behind`: the newest is still to come; a retired one gets
    none any more.
    """

    id: str
    label: str
    passwords: tuple[int, ...]
    recovery: tuple[int, ...]
    behind: bool


class KeysOut(_Out, frozen=True, kw_only=True):
    """Passwords, the newest first; `current` is what media get now, null while no medium has been set up."""

    current: int | None
    passwords: tuple[PasswordOut, ...]
    recovery: RecoveryOut | None
    media: tuple[MediumKeysOut, ...]


def shown(house: "House", tx: Tx, lang: str) -> KeysOut:
    """All of it as it is noted; no medium is looked at."""
    zone = planning.zone(house, tx)
    newest, recovery = keeping.newest(tx), keeping.newest_recovery(tx)
    listed = tuple(_medium(tx, kept.medium, newest, recovery) for kept in media.media(tx) if kept.repository)

    def at(instant: int | None) -> str | None:
        return None if instant is None else format_rfc3339(instant, zone)

    passwords = tuple(
        PasswordOut(
            no=one.no,
            since=format_rfc3339(one.since, zone),
            until=at(one.until),
            origin="chosen" if one.chosen else "made",
            media=tuple(medium.id for medium in listed if one.no in medium.passwords),
        )
        for one in keeping.passwords(tx)
    )
    sheet = None
    if recovery is not None:
        sheet = RecoveryOut(
            no=recovery.no,
            since=format_rfc3339(recovery.since, zone),
            printed=at(recovery.printed),
            printed_by=_who(house, tx, recovery, lang),
            complete=keeping.sheet_holds(house, recovery),
        )
    return KeysOut(
        current=newest.no if newest is not None else None, passwords=passwords, recovery=sheet, media=listed
    )


def _medium(tx: Tx, medium: Medium, newest: Secret | None, recovery: Secret | None) -> MediumKeysOut:
    noted = keeping.wraps(tx, medium.id)
    passwords = tuple(one.no for one in noted if one.kind == "password")
    sheets = tuple(one.no for one in noted if one.kind == "recovery")
    behind = (
        newest is not None and recovery is not None and (passwords, sheets) != ((newest.no,), (recovery.no,))
    )
    return MediumKeysOut(
        id=medium.id,
        label=medium.label,
        passwords=passwords,
        recovery=sheets,
        behind=behind and not medium.retired,
    )


def _who(house: "House", tx: Tx, recovery: Secret, lang: str) -> str:
    if not recovery.printed_by or tx.actor.masked:
        return ""
    return sentences.actor_names(house, tx, [recovery.printed_by], lang)[recovery.printed_by]
