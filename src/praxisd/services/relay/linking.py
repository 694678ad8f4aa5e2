"""What the room asks of whoever keeps the link to the hub (`runner`), and what it is told.

A Runner never raises out of its thread, starts nothing while `relay.enabled` is off or nobody is enrolled, and looks
anew at settings, identity and certificate when told to (`look`), at the latest after a few seconds.
"""

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd_relay.identity import Identity

Phase = Literal["off", "resolving", "dialling", "proving", "up", "silent", "waiting", "refused"]
"""Of one link. `up`: the hub has admitted us and answers; `silent`: it does not answer any more; `waiting`: till `retryAt`."""
LEASE = "relay.link"
"""The lease (of the installation) of the one node that dials, where several share a database."""


class Link(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One link. `hub` is `host:port`; times are epoch seconds, `rtt_ms` milliseconds, `code` why it is not up."""

    hub: str
    phase: Phase
    since: int
    rtt_ms: int | None = None
    streams: int = 0
    retry_at: int | None = None
    code: str | None = None


class Probe(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A call to ourselves through the public name: when (epoch seconds), None as `code` if it was us who answered."""

    at: int
    code: str | None = None
    ms: int = 0


class Snapshot(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What this node knows now. `holds`: it is the one that dials.

    `probe` is the last one made since the present link came up, None before the first.
    """

    holds: bool = False
    links: tuple[Link, ...] = ()
    host: str = ""
    port: int = 443
    probe: Probe | None = None

    @property
    def connected(self) -> bool:
        """True while at least one link is up and answers."""
        return any(one.phase == "up" for one in self.links)

    @property
    def reachable(self) -> bool | None:
        """True if the last probe found us, False if it did not or no link is up, None while nobody has looked yet."""
        if not self.connected:
            return False
        return None if self.probe is None else self.probe.code is None


class Runner(Protocol):
    """Keeps the link of this node. `runner.make(house)` gives one; the room starts and closes it."""

    def start(self) -> None:
        """Begin; returns at once."""
        ...

    def look(self) -> None:
        """Settings, identity or certificate may have changed: act on it soon. From any thread; returns at once."""
        ...

    def snapshot(self) -> Snapshot:
        """What is known now. From any thread, without waiting."""
        ...

    def probe(self, within_s: float) -> Snapshot:
        """Call ourselves through the public name now and wait for the outcome at most `within_s`.

        Several callers share one probe; one that ended less than 5 s ago is not made again.
        """
        ...

    def read(self) -> None:
        """Somebody looks at the state: have a probe made if the last one is older than 8 s. Returns at once."""
        ...

    def rotate(self, fresh: "Identity", within_s: float) -> str:
        """Ask the hub over the running link to admit `fresh` for us too; the id it answered.

        Problems: `relay.not_linked` (409) if no link is up, `relay.hub_silent` (504), `relay.code_refused` (422).
        """
        ...

    def close(self, drain_s: float) -> None:
        """Take leave of the hub (GOAWAY), let running streams finish at most `drain_s`, end the thread."""
        ...


class Make(Protocol):
    """How the room gets its Runner."""

    def __call__(self, house: "House") -> Runner:
        """A Runner that has not started."""
        ...
