"""What the doors of the media take and answer. Instants are RFC 3339."""

from typing import Annotated

import msgspec

from praxisd.model.backup import Kind, Place

_Label = Annotated[str, msgspec.Meta(max_length=60, pattern=r"^[^\x00-\x1f]*$")]
_Person = Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[^\x00-\x1f]*$")]
_At = Annotated[str, msgspec.Meta(max_length=40)]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all answers share: camelCase names."""


class _In(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all bodies share: camelCase names, nothing unknown."""


class MediumIn(_In, frozen=True, kw_only=True):
    """Set up the medium in this drive: for which slot (empty: a spare one), and what it is called (empty: as its slot)."""

    drive: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    slot: Annotated[str, msgspec.Meta(max_length=20)] = ""
    label: _Label = ""


class MediumChangeIn(_In, frozen=True, kw_only=True):
    """Which slot it fills from now on (empty: none, a spare one), and what it is called (empty: as before)."""

    slot: Annotated[str, msgspec.Meta(max_length=20)]
    label: _Label = ""


class MovedIn(_In, frozen=True, kw_only=True):
    """Who says where the medium is: `person` by name (empty: who is signed in), since `at` (null: now)."""

    place: Place
    person: _Person = ""
    at: _At | None = None


class ImagedIn(_In, frozen=True, kw_only=True):
    """When the image backup was made (null: now)."""

    at: _At | None = None


class MediumOut(_Out, frozen=True, kw_only=True):
    """A medium of the practice.

    `place` with `person` and `since`: who said so and when; null where nobody has said since it left the drive. `drive`: the
    id of the drive it is in. `free` in bytes, null while it is away. `states`: so many backups are on it; `passwords`: the
    numbers that open it; `locked_until`: the last day on which an image must not be overwritten.
    """

    id: str
    label: str
    slot: str
    slot_label: str
    kind: Kind
    place: Place | None
    person: str
    since: str | None
    written: str | None
    created: str
    held: bool
    retired: bool
    drive: str | None
    drive_label: str | None
    free: int | None
    states: int
    passwords: tuple[int, ...]
    locked_until: str | None


class StayOut(_Out, frozen=True, kw_only=True):
    """One line of a medium's history: where it was, who said so (empty: the drive itself), since when."""

    place: Place
    person: str
    at: str


class MediaOut(_Out, frozen=True, kw_only=True):
    """All media, the first set up first; retired ones too."""

    media: tuple[MediumOut, ...]


class MediumAnswer(_Out, frozen=True, kw_only=True):
    """A medium with its history, the newest first."""

    medium: MediumOut
    stays: tuple[StayOut, ...]


class EjectedOut(_Out, frozen=True, kw_only=True):
    """Did the medium come out? If not, a person takes it out by the system's own means."""

    ejected: bool
