"""While no server of a practice runs: hold its link to the hub, and answer its guests 503 until the server is back.

    python -m praxisd_relay.standin DIR/run/standin.json [--code maintenance|guard.down]

The guard starts it and is its standard input: when that ends, so does this. It says `ready <hub>` once the link is up. The
hub gives a practice's guests to the link that came last, so nobody has to be told to let go: the server that comes back
links, the hub says "replaced", and the stand-in ends. SIGTERM means that the server is back: it waits for that word, so
that there is a link at every moment, at most PATIENCE_S.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import ssl
import sys
import time
from pathlib import Path

from praxisd_relay import standin_note
from praxisd_relay.agent_link import Link, Wanted, establish
from praxisd_relay.dial import Failed
from praxisd_relay.frames import Rst
from praxisd_relay.hello import Hello
from praxisd_relay.standin_guest import Guest
from praxisd_relay.standin_note import Note, NoteError
from praxisd_relay.stream import Far, Stream

LOG = logging.getLogger("praxisd_relay.standin")
PATIENCE_S = 60.0
"""After SIGTERM the server has so long to link itself."""
DRAIN_S = 3.0
"""Guests that are being answered may finish. Seconds."""
RETRY_S = 2
"""What guests are told to wait."""
_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between tries to link."""
_FINAL = frozenset({"revoked", "unknown"})
"""The hub does not know us (any more): nothing to stand in for."""


class StandIn:
    """One life of a stand-in, on one loop."""

    def __init__(self, file: Path, note: Note, code: str) -> None:
        self._file, self._note, self._code = file, note, code
        self._tls: ssl.SSLContext = note.context()
        self._over = asyncio.Event()
        self._stir = asyncio.Event()
        self._until = float("inf")
        self._tries = 0

    def end(self) -> None:
        """Now: the guard is gone."""
        self._over.set()
        self._stir.set()

    def release(self) -> None:
        """The server is back: wait for its link, not for ever."""
        self._until = min(self._until, time.monotonic() + PATIENCE_S)
        self._stir.set()

    @property
    def _is_over(self) -> bool:
        return self._over.is_set() or time.monotonic() >= self._until or not self._file.exists()

    async def run(self) -> None:
        """Until it is over: asked to end, replaced, not known to the hub, or the file is gone."""
        while not self._is_over:
            address, proxy = self._note.hubs[self._tries % len(self._note.hubs)]
            wanted = Wanted(
                address,
                self._note.key,
                self._take,
                lambda _link: self._stir.set(),
                lambda _phase: None,
                proxy,
                version=self._note.version,
            )
            try:
                link = await self._unless_over(wanted)
            except Failed as failed:
                LOG.info("no link to %s: %s", address.text, failed.code)
                if failed.refused and failed.code in _FINAL:
                    return
                await self._rest(_AGAIN_S[min(self._tries, len(_AGAIN_S) - 1)])
                self._tries += 1
                continue
            if link is None:
                return
            self._tries = 0
            print("ready", address.text, flush=True)  # noqa: T201  (the guard waits for this line)
            try:
                await self._hold(link)
            finally:
                await self._leave(link)
            if link.goaway is not None and link.goaway.reason in ("replaced", "revoked"):
                LOG.info("the hub said %s", link.goaway.reason)
                return
            await self._rest(_AGAIN_S[0])

    async def _unless_over(self, wanted: Wanted) -> Link | None:
        """The link; None when it was over before."""
        trying = asyncio.ensure_future(establish(wanted))
        over = asyncio.ensure_future(self._over.wait())
        await asyncio.wait({trying, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not trying.done():
            trying.cancel()
            with contextlib.suppress(asyncio.CancelledError, Failed):
                (await trying).drop("stopped")
            return None
        return trying.result()

    async def _hold(self, link: Link) -> None:
        while not self._is_over and link.lost is None and not link.leaving and not link.silent:
            await self._rest(1.0)

    async def _leave(self, link: Link) -> None:
        if link.lost is None and not link.leaving:
            link.carrier.goaway("drain")
        end = time.monotonic() + (0.0 if self._over.is_set() else DRAIN_S)
        while link.lost is None and link.carrier.streams and time.monotonic() < end:
            await asyncio.sleep(0.02)
        link.drop("stopped")

    async def _rest(self, seconds: float) -> None:
        """So long, or until something happens."""
        self._stir.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stir.wait(), seconds)

    def _take(self, stream: Stream) -> Far | Rst:
        return Guest(stream, self._context, self._code, RETRY_S)

    def _context(self, hello: Hello) -> ssl.SSLContext | None:
        return self._tls if hello.name in self._note.names else None


async def _stand_in(file: Path, note: Note, code: str) -> None:
    loop = asyncio.get_running_loop()
    one = StandIn(file, note, code)
    loop.add_signal_handler(signal.SIGTERM, one.release)
    loop.add_signal_handler(signal.SIGINT, one.end)
    with contextlib.suppress(PermissionError, OSError):  # no pipe: somebody tries it by hand
        await loop.connect_read_pipe(lambda: _Lifeline(one), sys.stdin)
    await one.run()


class _Lifeline(asyncio.Protocol):
    """Standard input: nothing is read, its end counts."""

    def __init__(self, one: StandIn) -> None:
        self._one = one

    def connection_lost(self, _exc: Exception | None) -> None:
        """The guard is gone."""
        self._one.end()


def main() -> int:
    """Exit status 0, 2 if the file cannot be used."""
    parser = argparse.ArgumentParser(prog="praxisd_relay.standin", description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("file", type=Path)
    parser.add_argument("--code", choices=("maintenance", "guard.down"), default="maintenance")
    said = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    try:
        note = standin_note.read(said.file)
        asyncio.run(_stand_in(said.file, note, said.code))
    except (NoteError, ssl.SSLError) as error:
        LOG.error("%s cannot be used: %s", said.file, error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
