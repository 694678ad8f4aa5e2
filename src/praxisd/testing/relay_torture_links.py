"""What happens to links: a hub that dies, lines that are cut, drop what is idle or break anywhere, sleep, a wrong clock."""

import asyncio
import contextlib
import os
import signal
import ssl
import time
from statistics import median

from praxisd.testing.relay_guest import Guest, abort
from praxisd.testing.relay_hub import LINK_NAME, host
from praxisd.testing.relay_yard import Yard, settled
from praxisd_relay import frames, identity
from praxisd_relay.pace import LONGEST_S

_TROUBLE = (OSError, EOFError, ValueError, TimeoutError)
HANG_S = 10.0
"""A guest whose practice or hub died is told within this time."""


async def kills(yard: Yard, count: int, lived_s: float) -> None:
    """kill -9 of the hub under load, then a new start: all links come back by themselves. `lived_s`: how long they stood."""
    took = []
    for _ in range(count):
        await asyncio.sleep(lived_s)
        hanging = [asyncio.create_task(yard.guest.get(20_000_000)) for _ in range(3)]
        await asyncio.sleep(0.1)
        yard.hub.kill()
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_S):
                await asyncio.gather(*hanging, return_exceptions=True)
        yard.check(
            all(one.done() for one in hanging),
            f"a guest was still waiting {HANG_S:.0f} s after the hub's death",
        )
        for one in hanging:
            one.cancel()
        await asyncio.sleep(max(0.0, 0.5 - (time.monotonic() - began)))
        yard.hub.start()
        # Who lived a minute comes back within the spread; who did not, within the back-off at most.
        promised = yard.spread_s + 5 if lived_s > 60 else LONGEST_S + 5
        took.append(await yard.linked(promised))
    yard.notes.append(
        f"{count} x kill -9 of the hub, links had stood {lived_s:.0f} s: all back after {median(took):.1f} s (median), "
        f"{max(took):.1f} s (longest)"
    )


async def drained(yard: Yard) -> None:
    """SIGTERM: what runs ends well, nobody new comes in; then a new start."""
    running = asyncio.create_task(_drip(yard.guest, 6))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(yard.hub.kill, signal.SIGTERM)
    try:
        await running
    except _TROUBLE as error:
        yard.faults.append(f"a running connection did not outlive the drain: {type(error).__name__} {error}")
    yard.hub.start()
    await yard.linked(LONGEST_S + 5)


async def _drip(guest: Guest, count: int) -> None:
    reader, writer = await guest.connect()
    writer.write(b"drip %d\n" % count)
    async with asyncio.timeout(30):
        await reader.readexactly(count)
    writer.close()


async def cut(yard: Yard, seconds: float) -> None:
    """The line is cut without FIN: noticed in time (the observer judges), and back by itself once the line is."""
    async with yard.undisturbed(f"line cut without FIN for {seconds:.0f} s"):
        with yard.line.muted():
            await asyncio.sleep(seconds)
        took = await yard.linked(30, yard.struck)
    yard.notes.append(f"line cut without FIN for {seconds:.0f} s: back {took:.1f} s after it was whole")


async def idle(yard: Yard, seconds: float) -> None:
    """A middle box that drops what is idle longer than a ping: the link stands. One that drops sooner: it comes back, again and
    again, and stands once the box is gone."""
    line = yard.line
    before, line.idle_s = line.dropped, yard.ping_s * 1.2 + 1.0
    await asyncio.sleep(seconds)
    yard.check(
        line.dropped == before,
        f"a box that drops after {line.idle_s:.1f} s dropped {line.dropped - before} links",
    )
    for silent in (False, True):
        line.silent_drop, line.idle_s = silent, yard.ping_s * 0.4
        before, until = line.dropped, time.monotonic() + LONGEST_S
        await asyncio.sleep(seconds)
        while line.dropped == before and time.monotonic() < until:
            await asyncio.sleep(0.2)  # nobody has a link at the moment: their back-off grows
        yard.check(line.dropped > before, "the impatient box dropped nothing: this proved nothing")
    line.idle_s, line.silent_drop = 0.0, False
    took = await yard.linked(LONGEST_S + 10, yard.struck)
    yard.notes.append(
        f"a box that drops idle connections: {line.dropped - before} drops at last; back {took:.1f} s after it was gone"
    )


async def broken(yard: Yard, sizes: tuple[int, ...]) -> None:
    """The line breaks with RST after so many bytes of a link: every state of its making is hit; then it must come about."""
    async with yard.undisturbed(f"links that break after {len(sizes)} different lengths"):
        for size in sizes:
            yard.line.cut_after = size
            yard.line.reset()
            seen = yard.line.taken
            until = time.monotonic() + 20
            while yard.line.taken < seen + 2 and time.monotonic() < until:
                await yard.struck.ask("now")
                await asyncio.sleep(0.1)
            yard.check(yard.line.taken > seen, f"nobody tried again after a break at {size} bytes")
        yard.line.cut_after = None
        yard.line.reset()
        await yard.struck.ask("now")
        await yard.linked(LONGEST_S + 10, yard.struck)


async def asleep(yard: Yard, seconds: float) -> None:
    """The practice's computer sleeps (SIGSTOP): its guests are not served, others are; awake, it is back at once."""
    async with yard.undisturbed(f"agents asleep for {seconds:.0f} s"):
        yard.struck.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            yard.struck.signal(signal.SIGCONT)
        took = await yard.linked(20, yard.struck)
    yard.notes.append(f"asleep for {seconds:.0f} s (SIGSTOP): linked and answering {took:.1f} s after waking")


async def clock(yard: Yard) -> None:
    """The time of day goes a day ahead, two back: no link minds."""
    before = yard.line.taken
    for by in (86_400, -86_400, 0):
        await yard.struck.ask(f"jump {by}")
        await asyncio.sleep(2 * yard.ping_s + 0.2 if by else 0)
        try:
            await yard.guest.get(1_000)
        except _TROUBLE as error:
            yard.faults.append(f"clock {by} s wrong: {type(error).__name__} {error}")
    yard.check(
        yard.line.taken == before, f"{yard.line.taken - before} links were made anew because a clock jumped"
    )


async def by_hand(yard: Yard, rounds: int) -> None:
    """Somebody plays an agent and ends by RST in every state of a link: hello, TLS, half a proof, proved, with a guest."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([frames.PROTOCOL])
    before = yard.hub.process.fds()
    async with yard.undisturbed(f"links that end by RST in 8 states, {rounds} times"):
        for number in range(rounds):
            who = yard.strangers[number % len(yard.strangers)]
            await asyncio.gather(
                *(_played(yard, context, who, state) for state in range(8)), return_exceptions=True
            )
    left = await settled(yard.hub.process.fds, before + 2, 20)
    yard.check(left <= before + 2, f"links by hand: {left} descriptors of the hub, {before} before")


async def _played(yard: Yard, context: ssl.SSLContext, who: identity.Identity, state: int) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", yard.hub.port, ssl=context, server_hostname=LINK_NAME
    )
    try:
        if state == 0:
            return
        head = await reader.readexactly(frames.HEADER_SIZE)
        hello = frames.decode(frames.Hello, await reader.readexactly(int.from_bytes(head[2:4], "big")))
        if state == 1:
            writer.write(b"\x01\x00")
            return
        sig = who.sign(identity.auth_message(hello.nonce, hello.node, who.id, ()))
        if state == 2:
            sig = bytes(64)
        auth = frames.control(frames.Type.AUTH, frames.Auth(who.public, who.id, sig))
        writer.write(auth[: len(auth) // 2] if state == 3 else auth)
        await writer.drain()
        if state == 3:
            return
        await reader.readexactly(frames.HEADER_SIZE)
        if state == 4:
            writer.write(os.urandom(5000))
        elif state == 5:
            writer.write(frames.encode(frames.Type.DATA, 7, b"x" * 100)[:50])
        elif state >= 6:
            guest = Guest(yard.hub.port, host(who))
            _, caller = await guest.connect()
            await asyncio.sleep(0.02)
            if state == 7:
                writer.write(frames.encode(frames.Type.DATA, 1, b"x" * 30_000))
                await asyncio.sleep(0.01)
            caller.close()
    finally:
        abort(writer)
