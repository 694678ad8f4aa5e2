"""Fingerprints of registries, and two registries that become one whatever is lost on the way. No bus, no file."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd_relay.cluster_digest import BUCKETS, FORGOTTEN_S, PAGE_BYTES, Digest, bucket_of, name_of
from praxisd_relay.cluster_replica import Replica
from praxisd_relay.directory import BusAway, Heard
from praxisd_relay.identity import id_of
from praxisd_relay.records import Code, Practice, Record, key_of, merged


def practice(number: int, **fields: object) -> Practice:
    key = number.to_bytes(32, "big")
    return Practice(id=id_of(key), key=key, **fields)  # type: ignore[arg-type]


records = st.one_of(
    st.builds(
        lambda number, turn, stamp, label: practice(number, turn=turn, stamp=stamp, label=label),
        st.integers(0, 8), st.integers(0, 3), st.integers(0, 5), st.sampled_from(["", "a", "b"]),
    ),
    st.builds(
        lambda number, used, at, stamp: Code(hash=f"{number:064}", used_by=used, used_at=at, stamp=stamp, until=9_999_999_999),
        st.integers(0, 4), st.sampled_from(["", id_of(bytes(32))]), st.integers(0, 3), st.integers(0, 5),
    ),
)  # fmt: skip


@given(st.lists(records, max_size=30), st.randoms())
def test_order_does_not_matter_only_what_is_there_last(found: list[Record], chance: object) -> None:
    last = {name_of(record): record for record in found}
    one, two = Digest(), Digest()
    for record in found:
        one.put(record)
    shuffled = list(last.values())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for record in shuffled:
        two.put(record)
    assert one.sums() == two.sums()
    assert one.differing(two.sums()) == []
    assert len(one) == len(last)
    assert {name_of(r): r for at in range(BUCKETS) for r in one.page(at).records} == last


@given(st.lists(records, max_size=30), records)
def test_a_difference_shows_in_its_bucket_and_nowhere_else(found: list[Record], other: Record) -> None:
    one, two = Digest(), Digest()
    for record in found:
        one.put(record)
        two.put(record)
    two.put(other)
    same = {name_of(record): record for record in found}.get(name_of(other)) == other
    assert one.differing(two.sums()) == ([] if same else [bucket_of(name_of(other))])


def test_pages_are_bounded_and_complete() -> None:
    digest = Digest()
    names = tuple(f"{'n' * 60}{number}.example.de" for number in range(16))
    put = []
    number = 0
    while len(put) < 250:
        record = practice(number, names=names)
        number += 1
        if bucket_of(name_of(record)) == 7:
            digest.put(record)
            put.append(name_of(record))
    seen: list[str] = []
    pages = 0
    page = digest.page(7)
    while True:
        pages += 1
        seen += map(name_of, page.records)
        if not page.more:
            break
        page = digest.page(7, seen[-1])
    assert seen == sorted(put)
    assert 2 <= pages <= 1 + 2 * 250 * 1500 // PAGE_BYTES


def test_codes_that_ended_long_ago_are_left_out() -> None:
    digest, empty = Digest(), Digest()
    digest.put(Code(hash="a" * 64, until=1000))
    digest.forget(1000 + FORGOTTEN_S)
    assert len(digest) == 1
    digest.put(Code(hash="a" * 64, until=1000, used_by=id_of(bytes(32)), used_at=2000))
    digest.forget(1001 + FORGOTTEN_S)
    assert len(digest) == 1, "it was used later"
    digest.forget(2001 + FORGOTTEN_S)
    assert digest.sums() == empty.sums()


@pytest.mark.parametrize("length", [0, 1, BUCKETS * 8 - 1, BUCKETS * 8 + 8])
def test_what_are_no_fingerprints(length: int) -> None:
    with pytest.raises(ValueError, match="fingerprints"):
        Digest().differing(bytes(length))


class Book:
    """A registry without a file: `Shared`."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Record] = {}
        self.watchers: list[Callable[[Record, bool], None]] = []

    def records(self) -> list[Record]:
        return list(self.known.values())

    def changed(self, watcher: Callable[[Record, bool], None]) -> None:
        self.watchers.append(watcher)

    def write(self, record: Record, foreign: bool = False) -> bool:
        before = self.known.get(key_of(record))
        result = record if before is None else merged(before, record)
        if result == before:
            return False
        self.known[key_of(record)] = result
        for watcher in self.watchers:
            watcher(result, foreign)
        return True

    def apply(self, record: Record, *more: Record) -> bool:
        return sum(self.write(one, foreign=True) for one in (record, *more)) > 0


class Air:
    """All hubs' bus in one process; while it is `quiet` everything said is lost."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Heard]] = {}
        self.quiet = False
        self.asked: list[str] = []
        """Subjects."""


class Radio:
    """One hub's end of it: `Bus`."""

    def __init__(self, air: Air) -> None:
        self.air, self.up = air, True

    def listen(self, subject: str, heard: Heard) -> None:
        self.air.heard.setdefault(subject, []).append(heard)

    def unlisten(self, subject: str) -> None:
        del self.air.heard[subject]

    def say(self, subject: str, data: bytes) -> None:
        if not self.air.quiet:
            for heard in self.air.heard.get(subject, []):
                asyncio.get_running_loop().call_soon(heard, data)

    async def ask(self, subject: str, data: bytes, seconds: float = 1) -> bytes | None:
        if self.air.quiet:
            raise BusAway
        self.air.asked.append(subject)
        return self.air.heard[subject][0](data) if subject in self.air.heard else None

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""


changes = st.lists(st.tuples(st.integers(0, 2), records, st.booleans()), max_size=25)


@given(changes)
def test_three_hubs_end_up_the_same_whatever_was_lost(steps: list[tuple[int, Record, bool]]) -> None:
    async def story() -> None:
        air, books = Air(), [Book() for _ in range(3)]
        replicas = [Replica(Radio(air), "relay", f"hub{at}", book, 3600) for at, book in enumerate(books)]
        for replica in replicas:
            replica.start()
        for at, record, quiet in steps:
            air.quiet = quiet
            books[at].write(record)
            await asyncio.sleep(0)
        air.quiet = False
        for _ in range(3):
            for replica in replicas:
                replica.hearing()
            async with asyncio.timeout(30):
                for _ in range(5):
                    await asyncio.sleep(0)
                while any(replica._pulls for replica in replicas):
                    await asyncio.sleep(0)
        try:
            assert books[0].known == books[1].known == books[2].known
            asked = list(air.asked)
            for replica in replicas:
                replica.hearing()
            for _ in range(10):
                await asyncio.sleep(0)
            assert air.asked == asked, "who knows the same asks nothing"
            revoked = {
                key_of(record) for _, record, _ in steps if isinstance(record, Practice) and record.turn == 3
            }
            assert all(books[0].known[key].revoked for key in revoked)  # type: ignore[union-attr]
        finally:
            for replica in replicas:
                await replica.stop()

    asyncio.run(story())


def test_a_hub_that_never_learns_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version writes a record differently: the fingerprints never agree, and nothing can be gained.

    Each asks the other once: the one that is deaf, and the one that hears its fingerprints in answer to its own.
    """
    monkeypatch.setattr("praxisd_relay.cluster_replica.SOON_S", 0.0)

    class Deaf(Book):
        def apply(self, record: Record, *more: Record) -> bool:
            return False

    async def story() -> list[str]:
        air, one, two = Air(), Deaf(), Book()
        two.write(practice(1))
        replicas = [
            Replica(Radio(air), "relay", f"hub{at}", book, 3600) for at, book in enumerate((one, two))
        ]
        for replica in replicas:
            replica.start()
        for _ in range(5):
            replicas[1].hearing()
            for _ in range(10):
                await asyncio.sleep(0)
        for replica in replicas:
            await replica.stop()
        return air.asked

    assert sorted(asyncio.run(story())) == ["relay.bucket.hub0", "relay.bucket.hub1"]
