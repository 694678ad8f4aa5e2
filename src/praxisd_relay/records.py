"""What a hub knows of practices and codes, as records that several hubs can share, and how two of them become one.

Pure. Each record has a stamp (milliseconds since 1970, at least one more than any stamp its hub knew): the last writer
wins. Two things are not left to clocks: a revocation is undone only by somebody who knew of it (`turn` counts
revocations and restorations; the higher wins), and a code is used by whoever used it first. A key that came after one
which was shut out elsewhere at that time is shut out too (`outdated`).
"""

from collections.abc import Iterable

import msgspec

from praxisd_relay.identity import ID_LENGTH, KEY_LENGTH, id_of, is_host, is_id

NAMES = 16
LABEL = 200


class Practice(msgspec.Struct, frozen=True, kw_only=True, tag="practice", omit_defaults=True, gc=False):
    """One key and its id. A practice that changed its key has several: `alias_of` leads on to the present one."""

    id: str
    key: bytes
    """Raw Ed25519 public key; nothing with which anything could be opened."""
    label: str = ""
    """What the operator calls it."""
    turn: int = 0
    """How often it was revoked and restored; odd: it is revoked."""
    shut: int = 0
    """The last `turn` by which the whole practice was revoked, and not this former key alone."""
    came_from: str = ""
    """The id of the key before this one; "": this one was admitted by a code."""
    came_at: int = 0
    """The `turn` of the key before, as known to the hub where this one took its place."""
    since: int = 0
    """Enrolled at, seconds since 1970."""
    alias_of: str = ""
    closed: bool = False
    """Its key opens no links any more: the key that came after it has been used."""
    names: tuple[str, ...] = ()
    """Own host names of the practice, beside `<id>.<domain>`."""
    stamp: int = 0

    @property
    def revoked(self) -> bool:
        """Is it shut out?"""
        return self.turn % 2 == 1


class Code(msgspec.Struct, frozen=True, kw_only=True, tag="code", omit_defaults=True, gc=False):
    """A one-time code, known by its hash only."""

    hash: str
    label: str = ""
    since: int = 0
    until: int = 0
    """Good before, seconds since 1970."""
    tries: int = 0
    """How often it was refused: used up, too late, or without a proof of the key."""
    used_by: str = ""
    used_at: int = 0
    stamp: int = 0


Record = Practice | Code


def sound(record: Record) -> bool:
    """Does a record from elsewhere hold together? An id that is not its key's would let a name be stolen."""
    if isinstance(record, Code):
        return (
            len(record.hash) == 64
            and len(record.label) <= LABEL
            and (not record.used_by or is_id(record.used_by))
        )
    return (
        len(record.key) == KEY_LENGTH
        and len(record.id) == ID_LENGTH
        and id_of(record.key) == record.id
        and all(
            not other or (is_id(other) and other != record.id)
            for other in (record.alias_of, record.came_from)
        )
        and len(record.names) <= NAMES
        and all(map(is_host, record.names))
        and len(record.label) <= LABEL
    )


def merged_practice(one: Practice, two: Practice) -> Practice:
    """The record that both hubs end up with: associative, commutative, idempotent.

    `turn` and `shut` only grow; the rest is that of the later stamp (the greater content where stamps are equal).
    """
    newer = max(
        (one, two),
        key=lambda each: (each.stamp, msgspec.json.encode(msgspec.structs.replace(each, turn=0, shut=0))),
    )
    return msgspec.structs.replace(newer, turn=max(one.turn, two.turn), shut=max(one.shut, two.shut))


def outdated(before: Practice, after: Practice) -> bool:
    """Was the practice revoked under the key `before`, and `after` took its place where that was not known yet?

    Once somebody revoked or restored `after` itself, that counts.
    """
    return before.revoked and before.shut > after.came_at and after.turn == 0


def merged_code(one: Code, two: Code) -> Code:
    """Used beats unused; of two uses the earlier. `tries` only grows."""
    first, *_ = sorted(
        (one, two),
        key=lambda each: (not each.used_by, each.used_at, each.used_by, -each.stamp, each.label, each.until),
    )
    return msgspec.structs.replace(
        first,
        tries=max(one.tries, two.tries),
        stamp=max(one.stamp, two.stamp),
        label=max(one.label, two.label),
        until=min(one.until, two.until),
        since=min(one.since, two.since),
    )


def merged(one: Record, two: Record) -> Record:
    """The one that two records of the same id or hash become."""
    if isinstance(one, Practice) and isinstance(two, Practice):
        return merged_practice(one, two)
    if isinstance(one, Code) and isinstance(two, Code):
        return merged_code(one, two)
    raise TypeError("a practice and a code")


def key_of(record: Record) -> tuple[str, str]:
    """What a record is about: ("practice", id) or ("code", hash)."""
    return ("practice", record.id) if isinstance(record, Practice) else ("code", record.hash)


def newest(records: Iterable[Record]) -> int:
    """The highest stamp; 0 for none."""
    return max((record.stamp for record in records), default=0)
