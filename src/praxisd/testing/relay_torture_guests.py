"""What guests do to the relay: slow, stalled, RST in every state, hellos in every form, noise. Others must not notice."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

from praxisd.testing.relay_fuzz import Spoiler
from praxisd.testing.relay_guest import Guest, abort, address, client_hello, compare, in_records
from praxisd.testing.relay_yard import Yard, settled

STALLED_KB = 400.0
"""What one stalled download may cost the hub at most (notes § 8)."""
_TROUBLE = (OSError, EOFError, ValueError, TimeoutError)


async def slow(yard: Yard, count: int, seconds: float) -> None:
    """A third never finishes its hello, a third says nothing at all, a third hardly reads; from as many addresses."""
    dice = random.Random(yard.seed)
    memory = yard.hub.process.rss_kb()
    open_: list[asyncio.StreamWriter] = []
    cut = 0

    async def one(number: int) -> None:
        nonlocal cut
        guest = Guest(yard.hub.port, yard.guests[number % len(yard.guests)].name, address(dice))
        kind = number % 3
        hello = client_hello(guest.name)
        with contextlib.suppress(*_TROUBLE):
            if kind == 2:
                _, writer = await guest.connect(buffer=4096)
                open_.append(writer)
                writer.write(b"send 3000000\n")
                return
            reader, writer = await guest.connect(hello[: 20 + number % 50] if kind == 0 else b"")
            open_.append(writer)
            until = time.monotonic() + seconds
            try:
                while time.monotonic() < until:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.5):
                            await reader.read(1)  # an alert, or the end
                            cut += 1
                            return
                    if kind == 0:
                        writer.write(b"\0")
            except ConnectionError:  # it was cut off while it spoke
                cut += 1

    async with yard.undisturbed(f"{count} slow guests"):
        await asyncio.gather(*(one(number) for number in range(count)))
        await asyncio.sleep(1.0)
    grown = yard.hub.process.rss_kb() - memory
    readers = count // 3
    yard.notes.append(
        f"{count} slow guests: {grown / max(1, count):.0f} KB of the hub each, {cut} cut off before their hello was whole"
    )
    yard.check(grown <= STALLED_KB * readers + 8_000, f"slow guests: the hub grew by {grown} KB")
    if seconds > yard.hello_s + 1:
        yard.check(
            cut >= (count - readers) * 0.95,
            f"only {cut} of {count - readers} guests without a hello were cut off",
        )
    for writer in open_:
        abort(writer)


async def stalled(yard: Yard, count: int, megabytes: int) -> None:
    """`count` downloads stop reading; all others on the same link go on at their speed; then the stalled ones come whole."""
    size = megabytes * 1_000_000
    alone = await _together(yard, 20)
    memory = yard.hub.process.rss_kb()
    held = []
    for _ in range(count):
        reader, writer = await yard.guest.connect(buffer=8192)
        writer.write(b"send %d\n" % size)
        held.append((reader, writer))
    await asyncio.sleep(0.5)
    beside = min([await _together(yard, 20) for _ in range(3)])
    grown = (yard.hub.process.rss_kb() - memory) / count
    yard.notes.append(
        f"{count} stalled downloads among 20: the 20 took {beside:.2f} s ({alone:.2f} s alone), {grown:.0f} KB of the hub each"
    )
    yard.check(beside <= alone * 2 + 0.5, f"stalled: others took {beside:.2f} s instead of {alone:.2f} s")
    yard.check(grown <= STALLED_KB + 8_000 / count, f"stalled: {grown:.0f} KB for each stalled download")
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(compare(reader, size) for reader, _ in held))
    except _TROUBLE as error:
        yard.faults.append(
            f"a stalled download did not come whole afterwards: {type(error).__name__} {error}"
        )
    for _, writer in held:
        writer.close()


async def _together(yard: Yard, count: int) -> float:
    """Seconds for so many downloads of 300 KB at once over one link."""
    began = time.monotonic()
    try:
        await asyncio.gather(*(yard.guest.get(300_000) for _ in range(count)))
    except _TROUBLE as error:
        yard.faults.append(f"a download beside stalled ones failed: {type(error).__name__} {error}")
    return time.monotonic() - began


async def resets(yard: Yard, rounds: int) -> None:
    """RST by guest or origin in every state a connection has; afterwards nothing is left of it."""
    hello = client_hello(yard.guest.name)

    async def at(said: bytes, wish: bytes = b"", read: int = 0, finish: bool = False) -> None:
        reader, writer = await yard.guest.connect(said)
        if wish:
            writer.write(wish)
        if finish:
            writer.write_eof()
        if read:
            await compare(reader, read)
        await asyncio.sleep(0.005)
        abort(writer)

    async def by_origin() -> None:
        reader, writer = await yard.guest.connect()
        writer.write(b"cut 100000\n")
        while await reader.read(65536):
            continue
        writer.close()

    states: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: at(b""),
        lambda: at(hello[:3]),
        lambda: at(hello[:200]),
        lambda: at(hello),
        lambda: at(hello, b"send 5"),
        lambda: at(hello, b"send 5000000\n"),
        lambda: at(hello, b"send 5000000\n", 100_000),
        lambda: at(hello, b"send 5000000\n", 100_000, finish=True),
        lambda: at(hello, b"take 5000000\n" + bytes(300_000)),
        lambda: at(hello, b"wait\n", finish=True),
        lambda: at(hello, b"drip 50\n", 2),
        lambda: at(hello + b"wait\n"),
        by_origin,
    )
    before = yard.hub.process.fds()
    async with yard.undisturbed(f"RST in {len(states)} states, {rounds} times"):
        for _ in range(rounds):
            results = await asyncio.gather(*(one() for one in states), return_exceptions=True)
            wrong = [
                one for one in results if isinstance(one, BaseException) and not isinstance(one, _TROUBLE)
            ]
            yard.check(not wrong, f"RST: {wrong[:2]}")
    left = await settled(yard.hub.process.fds, before + 2, 15)
    yard.check(left <= before + 2, f"RST: {left} descriptors of the hub, {before} before")


async def hellos(yard: Yard, step: int) -> None:
    """The hello split at every `step`th byte, and spread over TLS records of many sizes: every one is served."""
    hello = client_hello(yard.guest.name)
    forms = [(hello, at) for at in range(1, len(hello), step)]
    forms += [(in_records(hello, size), 0) for size in (1, 2, 3, 5, 16, 50, 100, 255, 500)]
    forms += [(in_records(hello, size), cut) for size in (1, 50, 200) for cut in (1, 4, 5, 6, 57, 300)]
    gate = asyncio.Semaphore(16)

    async def one(said: bytes, split: int) -> None:
        async with gate:
            try:
                await yard.guest.get(500, hello=said, split=split)
            except _TROUBLE as error:
                yard.faults.append(
                    f"a hello of {len(said)} bytes split at {split} was not served: {type(error).__name__} {error}"
                )

    await asyncio.gather(*(one(*form) for form in forms))
    yard.notes.append(
        f"{len(forms)} forms of one ClientHello (split at every {step}. byte, over TLS records): all asked"
    )


async def noise(yard: Yard, count: int) -> None:
    """Spoilt hellos and noise from many addresses at the hub's port; none may hang longer than the hello's time limit."""
    spoiler = Spoiler(yard.seed)
    spoiler.hellos += [client_hello(yard.guest.name), client_hello("link.relay.test")]
    gate = asyncio.Semaphore(50)

    async def one() -> None:
        data = (
            spoiler.spoil(spoiler.dice.choice(spoiler.hellos))
            if spoiler.dice.random() < 0.8
            else spoiler.noise(500)
        )
        guest = Guest(yard.hub.port, "x", address(spoiler.dice))
        ending = spoiler.dice.randrange(3)
        async with gate:
            with contextlib.suppress(*_TROUBLE):
                reader, writer = await guest.connect(data)
                if ending == 1:
                    writer.write_eof()
                if ending:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.3):
                            await reader.read(100)
                abort(writer) if ending < 2 else writer.close()

    before = yard.hub.process.fds()
    async with yard.undisturbed(f"{count} spoilt hellos"):
        await asyncio.gather(*(one() for _ in range(count)))
    left = await settled(yard.hub.process.fds, before + 2, yard.hello_s + 10)
    yard.check(left <= before + 2, f"noise: {left} descriptors of the hub, {before} before")
