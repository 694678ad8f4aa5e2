"""What an agent does next, and why: which hub, when again, what is shown. Pure; times are seconds of a steady clock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from praxisd_relay.dial import Address
from praxisd_relay.frames import Goaway
from praxisd_relay.pace import Pace

Phase = Literal["idle", "resolving", "dialling", "proving", "up", "silent", "waiting", "refused"]
"""`idle`: no hub is left to dial; `proving`: connected, TLS and proof are under way; `up`: admitted and answering;
`silent`: the hub does not answer any more; `waiting`: tried again at `retry_at`; `refused`: so too, but slowly."""

MOST_LINKS = 2
"""Links to different hubs at the same time (two links when two hubs exist)."""
MOST_HUBS = 8
"""Addresses that are tried at most; what a hub names beyond is not heeded."""
NODE_S = 900.0
"""So long it is believed at most that an address leads to the hub it led to last."""
NODE_FIRST_S = 4.0
"""So long at first: behind one name there may be many hubs, and the next look-up leads to another."""
REPLACED_S = 30.0
"""Another machine uses our key: the two must not chase each other."""


class LinkState(NamedTuple):
    """One place for a link. `since` and `retry_at` are seconds of `time.monotonic`, `rtt_ms` milliseconds."""

    hub: str
    phase: Phase
    since: float
    code: str | None = None
    rtt_ms: int | None = None
    streams: int = 0
    retry_at: float | None = None


class State(NamedTuple):
    """What the agent knows. `host`, `port`, `homes`: as the last WELCOME said; empty before the first."""

    links: tuple[LinkState, ...] = ()
    host: str = ""
    port: int = 443
    homes: tuple[str, ...] = ()

    @property
    def connected(self) -> bool:
        """True while a link is up and answers."""
        return any(one.phase == "up" for one in self.links)

    def plain(self) -> tuple[object, ...]:
        """All but figures that change all the time: what makes a change worth telling."""
        return self.host, self.port, self.homes, tuple((one.hub, one.phase, one.code) for one in self.links)


@dataclass(frozen=True, slots=True)
class Wait:
    """Until the next try: seconds, what is shown meanwhile and why."""

    seconds: float
    phase: Phase
    code: str | None


def after_failure(pace: Pace, code: str, *, refused: bool, retry_s: float | None) -> Wait:
    """A try came to nothing. A hub that is only busy is asked again like one that was not reached."""
    if code == "same":
        return Wait(0.0, "waiting", None)
    if not refused:
        return Wait(pace.failed(), "waiting", code)
    if code == "busy":
        return Wait(pace.failed() if retry_s is None else pace.refused(retry_s, 1.0), "waiting", code)
    return Wait(pace.refused(retry_s), "refused", code)


def after_loss(pace: Pace, lived_s: float, spread_s: float) -> Wait:
    """A link that was up has ended without a word."""
    return Wait(pace.lost(lived_s, spread_s), "waiting", "lost")


def after_goaway(pace: Pace, said: Goaway, *, ours: bool) -> Wait:
    """The hub has asked us to leave. `ours`: a link that we made ourselves may have replaced this one."""
    if said.reason == "revoked":
        return Wait(pace.refused(None), "refused", "revoked")
    if said.reason == "replaced":
        if ours:
            return Wait(pace.uniform(0.0, 1.0), "waiting", None)
        return Wait(pace.refused(None, REPLACED_S), "waiting", "replaced")
    if said.reason == "limit":
        return Wait(pace.refused(None, REPLACED_S), "waiting", "limit")
    return Wait(pace.drained(said.delay_s, said.spread_s), "waiting", "drain")


def candidates(hubs: Sequence[Address], homes: Sequence[str]) -> tuple[Address, ...]:
    """Where links may be made, best first: the homes that the hub named, then the hubs we were given."""
    found: dict[tuple[str, int], Address] = {}
    for text in homes[:MOST_HUBS]:
        try:
            home = Address.parse(text, hubs[0] if hubs else None)
        except ValueError:
            continue
        found.setdefault((home.host, home.port), home)
    for hub in hubs:
        found.setdefault((hub.host, hub.port), hub)
    return tuple(found.values())[:MOST_HUBS]


def places(found: Sequence[Address]) -> int:
    """How many links there shall be."""
    return min(MOST_LINKS, len(found))


def choose(
    found: Sequence[Address],
    *,
    taken: Collection[Address],
    other_nodes: Collection[str],
    nodes: Mapping[Address, tuple[str, float]],
    failures: Mapping[Address, int],
    now: float,
) -> Address | None:
    """The address to dial next: not one that another link has, the one that failed least in a row, None if none is left.

    `nodes` remembers which hub an address led to and until when that is believed; one that leads to a hub in
    `other_nodes` is left out.
    """

    def elsewhere(one: Address) -> bool:
        node, until = nodes.get(one, ("", float("-inf")))
        return not (now < until and node in other_nodes)

    free = [one for one in found if one not in taken and elsewhere(one)]
    return min(free, key=lambda one: failures.get(one, 0), default=None)


def believed(before: float) -> float:
    """For how many seconds an address is left out that led to a hub we have a link with, after `before` the last time."""
    return min(NODE_S, max(NODE_FIRST_S, 2 * before))
