"""The client machine of `bench.seats`: so many clients in one process, each takes a lock of its own and gives it back.

    python -m bench.seats_worker ours|redis|postgres TARGET CLIENTS SECONDS [KEYFILES…]

prints {"pairs", "seconds", "p50Ms", "p99Ms", "cpuS"}. Nobody meets anybody: what is measured is the way, the judgement and
the disk. All three are asyncio over TCP; Redis is spoken to by the few bytes its protocol needs, without a library.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

WARM_S = 0.5
Pair = Callable[[], Awaitable[None]]


async def ours(url: str, client: int, key: str) -> Pair:
    """A seat of our own protocol, by the connection that the SDK uses."""
    from praxisd_client.key import SeatKey
    from praxisd_client.link import Link
    from praxisd_client.words import PROTOCOL

    link = await Link.open(url, lambda _message: None)
    seat, session = SeatKey.load(key), secrets.token_hex(16)
    signed = seat.sign(PROTOCOL, seat.installation, link.hello["challenge"], seat.seat, session)
    await link.ask({"type": "here", "session": session, "seat": seat.seat, "signature": signed})
    record = f"Patient/bench-{client}"

    async def pair() -> None:
        told = await link.ask({"type": "lock", "record": record})
        await link.ask({"type": "release", "record": record, "fence": told["lock"]["fence"]})

    return pair


async def redis(target: str, client: int, _key: str) -> Pair:
    """`SET key value NX PX 30000`, then `DEL key`."""
    host, port = target.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    def command(*words: str) -> bytes:
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)

    take = command("SET", f"lock:{client}", f"holder-{client}", "NX", "PX", "30000")
    free = command("DEL", f"lock:{client}")

    async def pair() -> None:
        writer.write(take)
        if await reader.readline() != b"+OK\r\n":
            raise RuntimeError("the lock was not given")
        writer.write(free)
        if await reader.readline() != b":1\r\n":
            raise RuntimeError("the lock was not there")

    return pair


async def postgres(url: str, client: int, _key: str) -> Pair:
    """`pg_try_advisory_lock`, then `pg_advisory_unlock`."""
    import psycopg

    connection = await psycopg.AsyncConnection.connect(
        url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True, prepare_threshold=1
    )
    cursor = connection.cursor()

    async def pair() -> None:
        await cursor.execute("SELECT pg_try_advisory_lock(%s)", (client,))
        if await cursor.fetchone() != (True,):
            raise RuntimeError("the lock was not given")
        await cursor.execute("SELECT pg_advisory_unlock(%s)", (client,))
        if await cursor.fetchone() != (True,):
            raise RuntimeError("the lock was not there")

    return pair


SYSTEMS: dict[str, Callable[[str, int, str], Awaitable[Pair]]] = {
    "ours": ours,
    "redis": redis,
    "postgres": postgres,
}


async def load(pairs: list[Pair], seconds: float) -> dict[str, Any]:
    """All at once for so long; what was done after a short while of warming up."""
    begin = time.perf_counter() + WARM_S
    end = begin + seconds
    took: list[float] = []

    async def one(pair: Pair) -> None:
        while (start := time.perf_counter()) < end:
            await pair()
            now = time.perf_counter()
            if start >= begin and now <= end:
                took.append(now - start)

    cpu = time.process_time()
    await asyncio.gather(*(one(pair) for pair in pairs))
    took.sort()
    return {
        "pairs": len(took),
        "seconds": seconds,
        "p50Ms": took[len(took) // 2] * 1000,
        "p99Ms": took[len(took) * 99 // 100] * 1000,
        "cpuS": time.process_time() - cpu,
    }


async def run(system: str, target: str, clients: int, seconds: float, keys: list[str]) -> dict[str, Any]:
    """Connect all, then load."""
    made = [await SYSTEMS[system](target, n, keys[n % len(keys)] if keys else "") for n in range(clients)]
    return await load(made, seconds)


def main() -> None:
    """Measure, print, leave: the connections end with the process."""
    system, target, clients, seconds, *keys = sys.argv[1:]
    if sys.platform != "win32":
        import uvloop

        runner = uvloop.run
    else:
        runner = asyncio.run
    found = runner(run(system, target, int(clients), float(seconds), keys))
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
