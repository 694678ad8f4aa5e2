"""Fingerprints of a registry, so that two hubs find out in 2 KB whether they know the same, and what differs. Pure.

Records fall into 256 buckets by what they are about; a bucket's fingerprint is the XOR of its records' hashes, so a
change costs two operations and not a walk through the registry. Codes that ended four weeks ago are left out: each hub
forgets them at a time of its own.
"""

import heapq
from hashlib import blake2b

import msgspec

from praxisd_relay.records import Code, Record, key_of

BUCKETS = 256
SIZE = 8
PAGE_BYTES = 256 * 1024
"""Of records in one answer; NATS carries at most 1 MB in a message."""
FORGOTTEN_S = 28 * 86_400

_encode = msgspec.json.encode


class Page(msgspec.Struct, frozen=True):
    """Some records of a bucket, in order of their keys. `more`: ask again, after the last one's key."""

    records: list[Record]
    more: bool = False


def name_of(record: Record) -> str:
    """What a record is about, as one word."""
    return "/".join(key_of(record))


def bucket_of(name: str) -> int:
    """0 to 255."""
    return blake2b(name.encode(), digest_size=1).digest()[0]


def ended(record: Record, now: float) -> bool:
    """Is it a code that hubs are about to forget?"""
    return isinstance(record, Code) and max(record.until, record.used_at) + FORGOTTEN_S < now


class Digest:
    """The fingerprints of all records put in. Holds the records themselves only by reference."""

    def __init__(self) -> None:
        self._buckets: list[dict[str, tuple[int, Record]]] = [{} for _ in range(BUCKETS)]
        self._sums = [0] * BUCKETS
        self._ends: list[tuple[int, str]] = []

    def put(self, record: Record) -> None:
        """A record as it is now."""
        name = name_of(record)
        bucket = bucket_of(name)
        there = self._buckets[bucket]
        before = there.get(name)
        mark = int.from_bytes(blake2b(_encode(record), digest_size=SIZE).digest(), "big")
        self._sums[bucket] ^= mark ^ (before[0] if before else 0)
        there[name] = (mark, record)
        if isinstance(record, Code):
            heapq.heappush(self._ends, (max(record.until, record.used_at), name))

    def forget(self, now: float) -> None:
        """Leave out codes that ended long ago."""
        while self._ends and self._ends[0][0] + FORGOTTEN_S < now:
            name = heapq.heappop(self._ends)[1]
            bucket = bucket_of(name)
            found = self._buckets[bucket].get(name)
            if found is not None and ended(found[1], now):
                self._sums[bucket] ^= self._buckets[bucket].pop(name)[0]

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def sums(self) -> bytes:
        """All fingerprints: 2,048 bytes."""
        return b"".join(one.to_bytes(SIZE, "big") for one in self._sums)

    def sum_of(self, bucket: int) -> bytes:
        """One bucket's fingerprint."""
        return self._sums[bucket].to_bytes(SIZE, "big")

    def differing(self, sums: bytes) -> list[int]:
        """Buckets in which another registry knows something else. ValueError if these are no fingerprints."""
        if len(sums) != BUCKETS * SIZE:
            raise ValueError(f"{len(sums)} bytes are no fingerprints")
        mine = self.sums()
        return [
            at
            for at in range(BUCKETS)
            if mine[at * SIZE : at * SIZE + SIZE] != sums[at * SIZE : at * SIZE + SIZE]
        ]

    def page(self, bucket: int, after: str = "") -> Page:
        """Records of a bucket behind the name `after`, at most PAGE_BYTES of them (one at least)."""
        there = self._buckets[bucket % BUCKETS]
        found: list[Record] = []
        size = 0
        for name in sorted(name for name in there if name > after):
            size += len(_encode(there[name][1]))
            if found and size > PAGE_BYTES:
                return Page(found, more=True)
            found.append(there[name][1])
        return Page(found)
