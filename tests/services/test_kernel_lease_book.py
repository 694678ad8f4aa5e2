"""A Book keeps leases in memory from one transaction to the next: what it answers and leaves behind is what the database itself
would; where anybody else wrote, or a transaction failed, nothing is believed. On PostgreSQL it stands aside.
"""

import random
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from praxisd.kernel import leases
from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.kernel.house import SERVICE
from praxisd.kernel.leases import Book, Lease
from praxisd.kernel.store import Tx
from praxisd.testing.houses import Houses

ACTOR, PLAIN = system("test", "praxis"), system("test", "other")
KEYS, HOLDERS = ("record:Patient/1", "record:Patient/2"), ("seat:a", "seat:b")


@pytest.fixture
def kernel(make_house: Callable[..., House]) -> House:
    return make_house((SERVICE,))


def within(
    house: House, book: Book | None, work: Callable[[Tx], Any], actor: Actor = ACTOR
) -> tuple[bool, Any]:
    """One transaction; with a book: whether it still believed what it knew."""
    with house.store.write(actor) as tx:
        good = book.open(tx) if book is not None else False
        found = work(tx)
        if book is not None:
            book.close(tx)
    return good, found


def in_the_database(house: House, key: str = KEYS[0], actor: Actor = ACTOR) -> Lease | None:
    with house.store.read(actor) as tx:
        return leases.last(tx, key)


def test_what_it_knows_holds_while_nobody_else_writes(kernel: House) -> None:
    book = Book()
    good, first = within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:a", 30))
    assert not good
    assert in_the_database(kernel) == first
    good, freed = within(kernel, book, lambda tx: leases.release(tx, first))
    assert (good, freed) == (kernel.store.alone, True)
    then = in_the_database(kernel)
    assert then is not None
    assert (then.fence, then.expires_at) == (first.fence, 0)
    good, second = within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:b", 30))
    assert (good, second.fence) == (kernel.store.alone, first.fence + 1)
    assert in_the_database(kernel) == second


def test_taken_and_given_back_in_one_transaction_the_fence_has_grown(kernel: House) -> None:
    def both(tx: Tx) -> None:
        for holder in HOLDERS:
            assert leases.release(tx, leases.take(tx, KEYS[0], holder, 30))

    within(kernel, Book(), both)
    found = in_the_database(kernel)
    assert found is not None
    assert (found.fence, found.holder, found.expires_at) == (2, "seat:b", 0)


def test_where_somebody_else_wrote_nothing_is_believed(kernel: House) -> None:
    book = Book()
    _, mine = within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:a", 30))
    taken = kernel.store.run(ACTOR, lambda tx: leases.take(tx, KEYS[0], "seat:b", 30))
    good, freed = within(kernel, book, lambda tx: leases.release(tx, mine))
    assert (good, freed) == (False, False)
    assert in_the_database(kernel) == taken


def test_another_connection_is_noticed_too(sqlite_houses: Houses) -> None:
    kernel = sqlite_houses.open((SERVICE,))
    book = Book()
    within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:a", 30))
    with sqlite3.connect(kernel.folder / "praxisd.db") as other:  # nobody should; care and repairs might
        other.execute("UPDATE kernel_lease SET fence = 90")
    other.close()
    good, found = within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:b", 30))
    assert (good, found.fence) == (False, 91)


def test_what_was_not_committed_is_forgotten(kernel: House) -> None:
    book = Book()
    _, before = within(kernel, book, lambda tx: leases.take(tx, KEYS[0], "seat:a", 30))

    def fails(tx: Tx) -> None:
        leases.take(tx, KEYS[0], "seat:b", 30)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within(kernel, book, fails)
    good, found = within(kernel, book, lambda tx: leases.last(tx, KEYS[0]))
    assert (good, found) == (False, before)


def test_it_remembers_no_more_than_it_may(kernel: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "MOST", 2)
    book = Book()
    for n in range(5):
        key = f"record:Patient/{n}"
        within(kernel, book, partial(leases.take, key=key, holder="seat:a", seconds=30))
        assert len(book._rows) <= 3
    assert in_the_database(kernel, "record:Patient/0") is not None


STEPS: dict[str, Callable[[Tx, random.Random], Any]] = {
    "acquire": lambda tx, d: leases.acquire(tx, d.choice(KEYS), d.choice(HOLDERS), d.choice((0, 30))),
    "take": lambda tx, d: leases.take(tx, d.choice(KEYS), d.choice(HOLDERS), d.choice((0, 30)), '{"seat":"ä\\"x"}'),
    "release": lambda tx, d: leases.release(tx, _some(d)),
    "renew": lambda tx, d: leases.renew(tx, _some(d), 60),
    "resume": lambda tx, d: leases.resume(tx, d.choice(KEYS), d.choice(HOLDERS), d.randrange(6), 45),
    "expire": lambda tx, d: leases.expire(tx, leases.last(tx, d.choice(KEYS)) or _some(d), '{"why":"expired"}'),
    "renew_all": lambda tx, d: leases.renew_all(tx, "record:", d.choice(HOLDERS), 50),
    "cap": lambda tx, d: leases.cap(tx, "record:", 20),
    "spare": lambda tx, d: leases.spare(tx, "record:", 0, 70),
    "last": lambda tx, d: leases.last(tx, d.choice(KEYS), lock=True),
    "current": lambda tx, d: leases.current(tx, d.choice(KEYS)),
    "lapsed": lambda tx, d: leases.lapsed(tx, "record:"),
    "unfreed": lambda tx, d: leases.unfreed(tx, "record:"),
    "of": lambda tx, d: leases.unfreed(tx, "record:", d.choice(HOLDERS)),
}  # fmt: skip


def _done(turn: list[tuple[str, float]], tx: Tx) -> list[Any]:
    return [STEPS[name](tx, random.Random(how)) for name, how in turn]


def _some(dice: random.Random) -> Lease:
    return Lease(dice.choice(KEYS), dice.choice(HOLDERS), dice.randrange(6), 0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_ends_as_it_would_without_it(kernel: House, seed: int) -> None:
    plan = random.Random(seed)
    turns = [
        [(plan.choice(list(STEPS)), plan.random()) for _ in range(plan.randrange(1, 7))] for _ in range(12)
    ]

    def life(book: Book | None, actor: Actor) -> list[Any]:
        said = []
        for turn in turns:
            _, found = within(kernel, book, partial(_done, turn), actor)
            said.append((found, [in_the_database(kernel, one, actor) for one in KEYS]))
        return said

    assert life(Book(), ACTOR) == life(None, PLAIN)
